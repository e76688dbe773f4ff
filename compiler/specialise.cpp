#include "compiler/specialise.h"

#include "base/error.h"
#include "ir/simplify.h"
#include "ir/visit.h"

namespace nestjit::compiler {

ir::Kernel specialise(const ir::Kernel& kernel, const std::map<std::string, int64_t>& bindings) {
  std::unordered_map<std::string, ir::Expr> values;
  ir::Kernel out = kernel;
  out.symbols.clear();
  for (const ir::SymbolDecl& symbol : kernel.symbols) {
    const auto bound = bindings.find(symbol.name);
    if (bound == bindings.end()) {
      out.symbols.push_back(symbol);
      continue;
    }
    if (bound->second < symbol.min || bound->second > symbol.max)
      base::invalid("specialise: {} of kernel {} must lie in [{}, {}], got {}", symbol.name,
                    kernel.name, symbol.min, symbol.max, bound->second);
    values[symbol.name] = ir::Expr(bound->second);
  }
  std::unordered_map<const ir::Buffer*, ir::BufferRef> buffers;
  for (ir::BufferRef& param : out.params) {
    std::vector<ir::Expr> shape;
    for (const ir::Expr& extent : param->shape)
      shape.push_back(ir::simplify(ir::substitute_symbols(extent, values)));
    const ir::BufferRef known = ir::Buffer::make(param->name, param->scalar, std::move(shape),
                                                 param->role, param->alignment);
    buffers[param.get()] = known;
    param = known;
  }
  out.body = ir::substitute_buffers(ir::substitute_symbols(kernel.body, values), buffers);
  // No guard is decided by ranges here: schedules read them.
  return ir::simplify(out, {.use_ranges = false});
}

}  // namespace nestjit::compiler
