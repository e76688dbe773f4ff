#include "ir/interpret.h"

#include <cstddef>

#include "base/error.h"
#include "ir/interpret_runner.h"

namespace nestjit::ir {
namespace interpreter {
namespace {

void check_symbols(const Kernel& kernel, const Arguments& arguments) {
  for (const SymbolDecl& s : kernel.symbols) {
    const auto found = arguments.symbols.find(s.name);
    if (found == arguments.symbols.end())
      base::invalid("interpret: kernel '{}': symbol '{}' has no value", kernel.name, s.name);
    if (found->second < s.min || found->second > s.max)
      base::invalid("interpret: kernel '{}': symbol '{}' is {}, it must lie in [{}, {}]",
                    kernel.name, s.name, found->second, s.min, s.max);
  }
}

void check_argument(const Kernel& kernel, const Buffer& param, const Argument& argument,
                    int64_t needed) {
  if (argument.scalar != param.scalar)
    base::invalid("interpret: kernel '{}': buffer '{}' is of {}, the argument of {}", kernel.name,
                  param.name, name_of(param.scalar), name_of(argument.scalar));
  if (!is_read_only(param.role) && !argument.writable)
    base::invalid("interpret: kernel '{}': buffer '{}' is written, the argument is constant",
                  kernel.name, param.name);
  if (argument.elements < needed)
    base::invalid("interpret: kernel '{}': buffer '{}' has {} elements, the argument {}",
                  kernel.name, param.name, needed, argument.elements);
}

void check_overlap(const Kernel& kernel, const Runner& runner) {
  const auto end_of = [](const Memory& m) {
    return static_cast<const std::byte*>(m.data) + m.elements * byte_size(m.scalar);
  };
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    for (size_t j = 0; j < kernel.params.size(); ++j) {
      const Memory &a = runner.memory[i], &b = runner.memory[j];
      if (i == j || is_read_only(kernel.params[i]->role) || a.elements * b.elements == 0) continue;
      if (a.data < end_of(b) && b.data < end_of(a))
        base::invalid("interpret: kernel '{}': memory of '{}' and '{}' overlaps", kernel.name,
                      kernel.params[i]->name, kernel.params[j]->name);
    }
  }
}

void bind(const Kernel& kernel, const Arguments& arguments, Runner& runner) {
  if (arguments.buffers.size() != kernel.params.size())
    base::invalid("interpret: kernel '{}' has {} buffers, received {}", kernel.name,
                  kernel.params.size(), arguments.buffers.size());
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    const auto buffer = static_cast<int32_t>(i);
    runner.set_shape(buffer);
    check_argument(kernel, *kernel.params[i], arguments.buffers[i], runner.memory[i].elements);
    // Read-only roles are never stored to: the factory of Store refuses it.
    runner.memory[i].data = const_cast<void*>(arguments.buffers[i].data);
  }
  check_overlap(kernel, runner);
}

}  // namespace
}  // namespace interpreter

void interpret(const Kernel& kernel, const Arguments& arguments, const InterpretOptions& options) {
  interpreter::check_symbols(kernel, arguments);
  const interpreter::Program program = interpreter::compile(kernel, arguments.symbols);
  interpreter::Runner runner(kernel, program, options);
  interpreter::bind(kernel, arguments, runner);
  runner.run_kernel();
}

}  // namespace nestjit::ir
