#include "ir/evaluate.h"

#include <algorithm>
#include <optional>

#include "base/checked.h"
#include "base/error.h"
#include "ir/print.h"

namespace nestjit::ir {
namespace {

std::optional<int64_t> result_of(BinaryOp op, int64_t a, int64_t b) {
  switch (op) {
    case BinaryOp::add: return base::checked_add(a, b);
    case BinaryOp::sub: return base::checked_sub(a, b);
    case BinaryOp::mul: return base::checked_mul(a, b);
    case BinaryOp::min: return std::min(a, b);
    case BinaryOp::max: return std::max(a, b);
    case BinaryOp::floordiv: return b > 0 ? std::optional(base::floor_div(a, b)) : std::nullopt;
    case BinaryOp::floormod: return b > 0 ? std::optional(base::floor_mod(a, b)) : std::nullopt;
    default: return std::nullopt;
  }
}

}  // namespace

int64_t evaluate(const Expr& e, std::span<const SymbolDecl> symbols,
                 std::span<const int64_t> values) {
  if (const auto* imm = e.as<IntImm>()) return imm->value;
  if (const auto* symbol = e.as<Symbol>())
    for (size_t i = 0; i < symbols.size() && i < values.size(); ++i)
      if (symbols[i].name == symbol->name) return values[i];
  if (const auto* binary = e.as<Binary>()) {
    const int64_t a = evaluate(binary->a, symbols, values);
    const int64_t b = evaluate(binary->b, symbols, values);
    if (const auto value = result_of(binary->op, a, b)) return *value;
  }
  base::internal("ir: {} has no value of 64 bits over the given symbols", to_string(e));
}

}  // namespace nestjit::ir
