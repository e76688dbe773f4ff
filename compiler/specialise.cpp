#include "compiler/specialise.h"

#include "base/error.h"
#include "ir/bounds.h"
#include "ir/print.h"
#include "ir/simplify.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

/// A value must be known to lie in the symbol's range, whatever the symbols in it are.
void judge(const ir::Kernel& kernel, const ir::Kernel& open, const ir::SymbolDecl& symbol,
           const ir::Expr& value) {
  ir::walk_exprs(value, [&](const ir::Expr& e) {
    const auto* used = e.as<ir::Symbol>();
    if (used && !open.find_symbol(used->name))
      base::invalid("specialise: {} of kernel {} must be a value over unbound symbols, got {}",
                    symbol.name, kernel.name, ir::to_string(value));
  });
  const ir::Interval range = ir::bounds_of(open).range(value);
  if (range.min < symbol.min || range.max > symbol.max)
    base::invalid("specialise: {} of kernel {} must lie in [{}, {}], got {}", symbol.name,
                  kernel.name, symbol.min, symbol.max, ir::to_string(value));
}

}  // namespace

ir::Kernel specialise(const ir::Kernel& kernel, const Bindings& bindings) {
  std::unordered_map<std::string, ir::Expr> values;
  ir::Kernel out = kernel;
  std::erase_if(out.symbols, [&](const ir::SymbolDecl& s) { return bindings.contains(s.name); });
  for (const ir::SymbolDecl& symbol : kernel.symbols) {
    const auto bound = bindings.find(symbol.name);
    if (bound == bindings.end()) continue;
    judge(kernel, out, symbol, bound->second);
    values[symbol.name] = bound->second;
  }
  std::unordered_map<const ir::Buffer*, ir::BufferRef> buffers;
  for (ir::BufferRef& param : out.params) {
    const auto specialised = [&](std::vector<ir::Expr> numbers) {
      for (ir::Expr& number : numbers)
        number = ir::simplify(ir::substitute_symbols(number, values));
      return numbers;
    };
    const ir::BufferRef known =
        ir::Buffer::make(param->name, param->scalar, specialised(param->shape), param->role,
                         param->alignment, specialised(param->strides));
    buffers[param.get()] = known;
    param = known;
  }
  out.body = ir::substitute_buffers(ir::substitute_symbols(kernel.body, values), buffers);
  // No guard is decided by ranges here: schedules read them.
  return ir::simplify(out, {.use_ranges = false});
}

}  // namespace nestjit::compiler
