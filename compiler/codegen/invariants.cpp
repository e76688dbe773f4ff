#include "compiler/codegen/invariants.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/visit.h"

namespace nestjit::compiler::codegen {
namespace {

bool is_division(const ir::Binary& binary) {
  return binary.op == ir::BinaryOp::floordiv || binary.op == ir::BinaryOp::floormod;
}

// Constant and symbolic divisors are positive everywhere; others perhaps only under a guard.
bool is_safe_divisor(const ir::Expr& e) {
  if (const auto* splat = e.as<ir::Broadcast>()) return is_safe_divisor(splat->a);
  return e.kind() == ir::ExprKind::IntImm || e.kind() == ir::ExprKind::Symbol;
}

bool movable(const ir::Expr& e) {
  return !ir::contains(e, [](const ir::Expr& part) {
    const auto* binary = part.as<ir::Binary>();
    return part.kind() == ir::ExprKind::Load ||
           (binary && is_division(*binary) && !is_safe_divisor(binary->b));
  });
}

}  // namespace

size_t Invariants::level_of(const ir::Expr& e) const {
  if (!movable(e)) return in_place;
  size_t level = 0;
  ir::walk_exprs(e, [&](const ir::Expr& part) {
    const auto* var = part.as<ir::Var>();
    const auto bound = var ? env_.vars.find(var->id) : env_.vars.end();
    if (bound != env_.vars.end()) level = std::max(level, bound->second.scope);
  });
  return level;
}

std::string Invariants::text_of(const ir::Expr& e) {
  if (const auto* var = e.as<ir::Var>()) return fmt::format("v{}", static_cast<uint64_t>(var->id));
  if (const auto* symbol = e.as<ir::Symbol>()) return "s" + symbol->name;
  const auto found = std::find_if(compound_.begin(), compound_.end(),
                                  [&](const ir::Expr& known) { return ir::equal(known, e); });
  const auto number = found - compound_.begin();
  if (found == compound_.end()) compound_.push_back(e);
  return fmt::format("e{}", number);
}

llvm::Value* Invariants::value(const ir::Expr& e, llvm::function_ref<llvm::Value*()> compute) {
  const size_t level = level_of(e);
  if (level == in_place) return compute();
  const std::string key = "=" + text_of(e);
  auto& memo = env_.scopes[level].memo;
  if (const auto known = memo.find(key); known != memo.end()) return known->second;
  const llvm::IRBuilderBase::InsertPointGuard restore(env_.ir);
  env_.ir.SetInsertPoint(env_.scopes[level].setup_end);
  llvm::Value* made = compute();
  memo[key] = made;
  return made;
}

}  // namespace nestjit::compiler::codegen
