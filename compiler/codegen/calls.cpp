// Functions of one value.
#include <llvm/IR/IntrinsicsX86.h>

#include "base/error.h"
#include "compiler/codegen/expressions.h"

namespace nestjit::compiler::codegen {
namespace {

// What scales by powers of two in one instruction, for vectors that fill a register of some width.
llvm::Intrinsic::ID scale_of(llvm::FixedVectorType* type, bool is_float) {
  const unsigned bits = type->getNumElements() * (is_float ? 32 : 64);
  switch (bits) {
    case 128:
      return is_float ? llvm::Intrinsic::x86_avx512_mask_scalef_ps_128
                      : llvm::Intrinsic::x86_avx512_mask_scalef_pd_128;
    case 256:
      return is_float ? llvm::Intrinsic::x86_avx512_mask_scalef_ps_256
                      : llvm::Intrinsic::x86_avx512_mask_scalef_pd_256;
    case 512:
      return is_float ? llvm::Intrinsic::x86_avx512_mask_scalef_ps_512
                      : llvm::Intrinsic::x86_avx512_mask_scalef_pd_512;
    default: return llvm::Intrinsic::not_intrinsic;
  }
}

llvm::Value* emit_scale(Builder& ir, llvm::Intrinsic::ID scale, llvm::FixedVectorType* type,
                        llvm::Value* a) {
  llvm::Constant* one = llvm::ConstantFP::get(type, 1);
  const unsigned mask_bits = std::max(8u, type->getNumElements());
  std::vector<llvm::Value*> operands{one, a, llvm::PoisonValue::get(type),
                                     ir.getInt(llvm::APInt::getAllOnes(mask_bits))};
  constexpr uint32_t current_rounding = 4;
  if (type->getPrimitiveSizeInBits() == 512) operands.push_back(ir.getInt32(current_rounding));
  return ir.CreateIntrinsic(scale, {}, operands);
}

// a plus a number whose last place is 1 has a, with the bias of exponents, in its last digits:
// shifted to the top they are the exponent of the result.
llvm::Value* emit_exponent(Builder& ir, llvm::Type* type, bool is_float, llvm::Value* a) {
  const double shifter = is_float ? 0x1.8p23 + 127 : 0x1.8p52 + 1023;
  llvm::Type* bits = type->getWithNewBitWidth(is_float ? 32 : 64);
  llvm::Value* sum = ir.CreateFAdd(a, llvm::ConstantFP::get(type, shifter));
  llvm::Value* shifted =
      ir.CreateShl(ir.CreateBitCast(sum, bits), llvm::ConstantInt::get(bits, is_float ? 23 : 52));
  return ir.CreateBitCast(shifted, type);
}

llvm::Value* emit_pow2(Builder& ir, const Target& target, llvm::Value* a) {
  const bool is_float = a->getType()->getScalarType()->isFloatTy();
  auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(a->getType());
  if (vector != nullptr && target.level >= Level::x86_64_v4)
    if (const auto scale = scale_of(vector, is_float); scale != llvm::Intrinsic::not_intrinsic)
      return emit_scale(ir, scale, vector, a);
  return emit_exponent(ir, a->getType(), is_float, a);
}

}  // namespace

llvm::Value* emit_call(Builder& ir, const Target& target, const ir::Call& node, llvm::Value* a) {
  switch (node.fn) {
    case ir::Intrinsic::sqrt: return ir.CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, a);
    case ir::Intrinsic::abs: return ir.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, a);
    case ir::Intrinsic::pow2: return emit_pow2(ir, target, a);
    default: base::internal("codegen: a call of {}; lowering writes it out", name_of(node.fn));
  }
}

}  // namespace nestjit::compiler::codegen
