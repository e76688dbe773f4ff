#include "runtime/disk/kernel_entry.h"

#include <algorithm>

#include "compiler/build_id.h"
#include "ir/parse.h"
#include "ir/print.h"

namespace nestjit::runtime::disk {
namespace {

ir::Expr workgroups_of(const Entry& entry) {
  if (entry.symbols.empty()) return entry.workgroups;
  return ir::parse_expr(entry.workgroup_count, [&](std::string_view name) {
    const auto known = [&](const ir::SymbolDecl& symbol) { return symbol.name == name; };
    return std::ranges::any_of(entry.symbols, known) ? ir::Symbol::make(std::string(name))
                                                     : ir::Expr();
  });
}

}  // namespace

Entry entry_of(const compiler::CompiledKernel& kernel, const compiler::Schedule& schedule,
               const compiler::Target& target) {
  Entry e;
  e.schedule = compiler::to_string(schedule);
  e.target = target.name();
  e.llvm = compiler::llvm_version();
  e.build = compiler::build_id();
  e.compile_ms = kernel.total_ms;
  e.workgroups = kernel.workgroups;
  if (!kernel.symbols.empty()) e.workgroup_count = ir::to_string(kernel.workgroup_count);
  e.symbols = kernel.symbols;
  e.uses = kernel.uses;
  const std::span<const std::byte> code = kernel.code.code();
  e.image.bytes.assign(code.begin(), code.end());
  for (const compiler::KernelFunction entry : kernel.code.entries)
    e.image.entries.push_back(static_cast<uint32_t>(reinterpret_cast<uintptr_t>(entry) -
                                                    reinterpret_cast<uintptr_t>(code.data())));
  for (const compiler::PackedOperand& operand : kernel.packed)
    e.packed.push_back({static_cast<uint32_t>(operand.source), operand.bytes, operand.workgroups});
  return e;
}

compiler::CompiledKernel restore(const Entry& entry) {
  compiler::CompiledKernel kernel;
  kernel.workgroups = entry.workgroups;
  kernel.workgroup_count = workgroups_of(entry);
  kernel.symbols = entry.symbols;
  kernel.uses = entry.uses;
  kernel.code = compiler::place_image(entry.image, entry.problem);
  kernel.entry = kernel.code.entries.front();
  for (size_t i = 0; i < entry.packed.size(); ++i) {
    const StoredPacking& packing = entry.packed[i];
    kernel.packed.push_back(
        {packing.source, packing.bytes, kernel.code.entries[i + 1], packing.workgroups});
  }
  return kernel;
}

}  // namespace nestjit::runtime::disk
