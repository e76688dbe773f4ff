// Binding strength of the text form's operators, weakest first; printer and parser share it.
#pragma once

#include "ir/expr.h"

namespace nestjit::ir {

enum class Precedence : uint8_t { lor, land, lnot, compare, sum, product, primary };

constexpr Precedence tighter(Precedence p) {
  return static_cast<Precedence>(static_cast<uint8_t>(p) + 1);
}

/// Operators written as calls, such as min(a, b), are primary.
constexpr Precedence precedence_of(BinaryOp op) {
  switch (op) {
    case BinaryOp::logical_or: return Precedence::lor;
    case BinaryOp::logical_and: return Precedence::land;
    case BinaryOp::add:
    case BinaryOp::sub: return Precedence::sum;
    case BinaryOp::mul:
    case BinaryOp::div: return Precedence::product;
    case BinaryOp::floordiv:
    case BinaryOp::floormod:
    case BinaryOp::min:
    case BinaryOp::max:
    case BinaryOp::copysign: return Precedence::primary;
  }
  __builtin_unreachable();
}

inline Precedence precedence_of(const Expr& e) {
  if (const auto* binary = e.as<Binary>()) return precedence_of(binary->op);
  if (e.as<Compare>()) return Precedence::compare;
  if (e.as<Not>()) return Precedence::lnot;
  return Precedence::primary;
}

}  // namespace nestjit::ir
