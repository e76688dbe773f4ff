// Binary operations and comparisons.
#include <bit>

#include "base/error.h"
#include "compiler/codegen/expressions.h"

namespace nestjit::compiler::codegen {
namespace {

std::optional<int64_t> splat_constant(const ir::Expr& e) {
  if (const auto* splat = e.as<ir::Broadcast>()) return ir::constant_of(splat->a);
  return ir::constant_of(e);
}

bool is_power_of_two(std::optional<int64_t> value) {
  return value && *value > 0 && std::has_single_bit(static_cast<uint64_t>(*value));
}

// All ones where a remainder is negative: what rounds the quotient down from there.
llvm::Value* sign_of(Builder& ir, llvm::Value* remainder) {
  return ir.CreateAShr(remainder, llvm::ConstantInt::get(remainder->getType(), 63));
}

llvm::Value* emit_floordiv(Builder& ir, std::optional<int64_t> divisor, llvm::Value* a,
                           llvm::Value* b) {
  if (is_power_of_two(divisor)) {
    const auto shift = std::countr_zero(static_cast<uint64_t>(*divisor));
    return ir.CreateAShr(a, llvm::ConstantInt::get(a->getType(), static_cast<uint64_t>(shift)));
  }
  llvm::Value* quotient = ir.CreateSDiv(a, b);
  llvm::Value* remainder = ir.CreateSub(a, ir.CreateMul(quotient, b));
  return ir.CreateAdd(quotient, sign_of(ir, remainder));
}

llvm::Value* emit_floormod(Builder& ir, std::optional<int64_t> divisor, llvm::Value* a,
                           llvm::Value* b) {
  if (is_power_of_two(divisor))
    return ir.CreateAnd(a,
                        llvm::ConstantInt::get(a->getType(), static_cast<uint64_t>(*divisor - 1)));
  llvm::Value* remainder = ir.CreateSRem(a, b);
  return ir.CreateAdd(remainder, ir.CreateAnd(b, sign_of(ir, remainder)));
}

llvm::Value* emit_index(Builder& ir, const ir::Binary& node, llvm::Value* a, llvm::Value* b) {
  switch (node.op) {
    case ir::BinaryOp::add: return ir.CreateNSWAdd(a, b);
    case ir::BinaryOp::sub: return ir.CreateNSWSub(a, b);
    case ir::BinaryOp::mul: return ir.CreateNSWMul(a, b);
    case ir::BinaryOp::floordiv: return emit_floordiv(ir, splat_constant(node.b), a, b);
    case ir::BinaryOp::floormod: return emit_floormod(ir, splat_constant(node.b), a, b);
    case ir::BinaryOp::min: return ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, a, b);
    case ir::BinaryOp::max: return ir.CreateBinaryIntrinsic(llvm::Intrinsic::smax, a, b);
    default: base::internal("codegen: '{}' is not an index operation", name_of(node.op));
  }
}

// min is a < b ? a : b and max is a > b ? a : b, so a NaN on either side gives b.
llvm::Value* emit_float(Builder& ir, const ir::Binary& node, llvm::Value* a, llvm::Value* b) {
  switch (node.op) {
    case ir::BinaryOp::add: return ir.CreateFAdd(a, b);
    case ir::BinaryOp::sub: return ir.CreateFSub(a, b);
    case ir::BinaryOp::mul: return ir.CreateFMul(a, b);
    case ir::BinaryOp::div: return ir.CreateFDiv(a, b);
    case ir::BinaryOp::min: return ir.CreateSelect(ir.CreateFCmpOLT(a, b), a, b);
    case ir::BinaryOp::max: return ir.CreateSelect(ir.CreateFCmpOGT(a, b), a, b);
    case ir::BinaryOp::copysign: return ir.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, a, b);
    default: base::internal("codegen: '{}' is not a floating-point operation", name_of(node.op));
  }
}

llvm::CmpInst::Predicate predicate_of(ir::CompareOp op, bool is_float) {
  using P = llvm::CmpInst::Predicate;
  switch (op) {
    case ir::CompareOp::eq: return is_float ? P::FCMP_OEQ : P::ICMP_EQ;
    case ir::CompareOp::ne: return is_float ? P::FCMP_UNE : P::ICMP_NE;
    case ir::CompareOp::lt: return is_float ? P::FCMP_OLT : P::ICMP_SLT;
    case ir::CompareOp::le: return is_float ? P::FCMP_OLE : P::ICMP_SLE;
    case ir::CompareOp::gt: return is_float ? P::FCMP_OGT : P::ICMP_SGT;
    case ir::CompareOp::ge: return is_float ? P::FCMP_OGE : P::ICMP_SGE;
  }
  base::internal("codegen: comparison {} has no predicate", static_cast<int>(op));
}

}  // namespace

llvm::Value* emit_binary(Builder& ir, const ir::Binary& node, llvm::Value* a, llvm::Value* b) {
  if (node.op == ir::BinaryOp::logical_and) return ir.CreateAnd(a, b);
  if (node.op == ir::BinaryOp::logical_or) return ir.CreateOr(a, b);
  return node.type.is_index() ? emit_index(ir, node, a, b) : emit_float(ir, node, a, b);
}

llvm::Value* emit_compare(Builder& ir, const ir::Compare& node, llvm::Value* a, llvm::Value* b) {
  return ir.CreateCmp(predicate_of(node.op, node.a.type().is_float()), a, b);
}

}  // namespace nestjit::compiler::codegen
