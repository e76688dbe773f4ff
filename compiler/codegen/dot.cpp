// Dot products of pairs: one instruction for vectors of 4, 8 and 16 sums, others in pieces of
// these.
#include <llvm/IR/IntrinsicsX86.h>

#include <algorithm>
#include <numeric>

#include "compiler/codegen/expressions.h"

namespace nestjit::compiler::codegen {
namespace {

unsigned lanes_of(const llvm::Value* vector) {
  return llvm::cast<llvm::FixedVectorType>(vector->getType())->getNumElements();
}

/// Lanes [first, first + count) of a vector; those beyond its end hold anything.
llvm::Value* part_of(Builder& ir, llvm::Value* vector, unsigned first, unsigned count) {
  const unsigned lanes = lanes_of(vector);
  if (first == 0 && count == lanes) return vector;
  std::vector<int> from(count);
  std::iota(from.begin(), from.end(), static_cast<int>(first));
  std::replace_if(from.begin(), from.end(), [&](int lane) { return lane >= int(lanes); }, -1);
  return ir.CreateShuffleVector(vector, from);
}

/// A full vector of some width.
llvm::Value* emit_full(Builder& ir, llvm::Value* a, llvm::Value* b, llvm::Value* c) {
  const unsigned lanes = lanes_of(c);
  const auto instruction = lanes == 16  ? llvm::Intrinsic::x86_avx512bf16_dpbf16ps_512
                           : lanes == 8 ? llvm::Intrinsic::x86_avx512bf16_dpbf16ps_256
                                        : llvm::Intrinsic::x86_avx512bf16_dpbf16ps_128;
  auto* values = llvm::FixedVectorType::get(ir.getBFloatTy(), 2 * lanes);
  return ir.CreateIntrinsic(instruction, {},
                            {c, ir.CreateBitCast(a, values), ir.CreateBitCast(b, values)});
}

llvm::Value* joined(Builder& ir, llvm::Value* a, llvm::Value* b) {
  const unsigned of_a = lanes_of(a), of_b = lanes_of(b), width = std::max(of_a, of_b);
  std::vector<int> all(of_a + of_b);
  std::iota(all.begin(), all.begin() + of_a, 0);
  std::iota(all.begin() + of_a, all.end(), static_cast<int>(width));
  // A shuffle takes vectors of one length.
  return ir.CreateShuffleVector(part_of(ir, a, 0, width), part_of(ir, b, 0, width), all);
}

llvm::Value* emit_vector(Builder& ir, llvm::Value* a, llvm::Value* b, llvm::Value* c) {
  const unsigned lanes = lanes_of(c);
  const unsigned width = lanes <= 4 ? 4 : lanes <= 8 ? 8 : 16;
  const auto piece = [&](llvm::Value* v) { return part_of(ir, v, 0, width); };
  llvm::Value* sums = emit_full(ir, piece(a), piece(b), piece(c));
  if (lanes <= width) return part_of(ir, sums, 0, lanes);
  const auto rest = [&](llvm::Value* v) { return part_of(ir, v, width, lanes - width); };
  return joined(ir, sums, emit_vector(ir, rest(a), rest(b), rest(c)));
}

}  // namespace

llvm::Value* emit_dot(Builder& ir, llvm::Value* a, llvm::Value* b, llvm::Value* c) {
  if (c->getType()->isVectorTy()) return emit_vector(ir, a, b, c);
  const auto lane = [&](llvm::Value* v) {
    auto* type = llvm::FixedVectorType::get(v->getType(), 4);
    return ir.CreateInsertElement(llvm::PoisonValue::get(type), v, uint64_t{0});
  };
  return ir.CreateExtractElement(emit_full(ir, lane(a), lane(b), lane(c)), uint64_t{0});
}

llvm::Value* emit_pair(Builder& ir, llvm::Value* first, llvm::Value* second) {
  llvm::Type* type = first->getType()->getWithNewBitWidth(32);
  llvm::Value* high = ir.CreateShl(ir.CreateZExt(second, type), 16);
  return ir.CreateOr(ir.CreateZExt(first, type), high);
}

}  // namespace nestjit::compiler::codegen
