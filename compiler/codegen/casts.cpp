// Conversions between floating-point types, one rounding to nearest even each.
//
// bf16 is converted with integer instructions: the hardware's own conversion flushes denormals.
#include "base/error.h"
#include "compiler/codegen/expressions.h"
#include "compiler/codegen/types.h"

namespace nestjit::compiler::codegen {
namespace {

using ir::Scalar;

struct Converter {
  Builder& ir;
  int lanes;

  llvm::Type* type(Scalar scalar) const { return type_of(ir.getContext(), {scalar, lanes}); }
  llvm::Type* shaped(llvm::Type* element) const {
    return lanes == 1 ? element : llvm::FixedVectorType::get(element, static_cast<unsigned>(lanes));
  }
  llvm::Constant* word(uint32_t value) const {
    return llvm::ConstantInt::get(shaped(ir.getInt32Ty()), value);
  }

  llvm::Value* bf16_to_f32(llvm::Value* a) const {
    llvm::Value* wide = ir.CreateZExt(a, shaped(ir.getInt32Ty()));
    return ir.CreateBitCast(ir.CreateShl(wide, word(16)), type(Scalar::f32));
  }

  // Adds just below half of the last kept place, and its last bit for ties; a NaN stays a quiet
  // NaN.
  llvm::Value* f32_to_bf16(llvm::Value* a) const {
    llvm::Value* bits = ir.CreateBitCast(a, shaped(ir.getInt32Ty()));
    llvm::Value* high = ir.CreateLShr(bits, word(16));
    llvm::Value* bias = ir.CreateAdd(ir.CreateAnd(high, word(1)), word(0x7fff));
    llvm::Value* rounded = ir.CreateLShr(ir.CreateAdd(bits, bias), word(16));
    llvm::Value* nan = ir.CreateOr(high, word(0x40));
    llvm::Value* kept = ir.CreateSelect(ir.CreateFCmpUNO(a, a), nan, rounded);
    return ir.CreateTrunc(kept, shaped(ir.getInt16Ty()));
  }

  llvm::Value* f16_to_f32(llvm::Value* a) const {
    llvm::Value* half = ir.CreateBitCast(a, shaped(ir.getHalfTy()));
    return ir.CreateFPExt(half, type(Scalar::f32));
  }

  llvm::Value* f32_to_f16(llvm::Value* a) const {
    llvm::Value* half = ir.CreateFPTrunc(a, shaped(ir.getHalfTy()));
    return ir.CreateBitCast(half, shaped(ir.getInt16Ty()));
  }
};

bool is_small(Scalar scalar) { return ir::byte_size(scalar) == 2; }

void require_supported(const Target& target, ir::Type from, ir::Type to) {
  if (from.scalar == Scalar::f64 && is_small(to.scalar))
    base::unsupported("codegen: converting {} to {} would round twice", ir::to_string(from),
                      ir::to_string(to));
  const bool uses_f16 = from.scalar == Scalar::f16 || to.scalar == Scalar::f16;
  if (uses_f16 && target.level < Level::x86_64_v3)
    base::unsupported("codegen: converting {} to {} needs x86-64-v3; the target is {}",
                      ir::to_string(from), ir::to_string(to), target.name());
}

}  // namespace

llvm::Value* emit_cast(Builder& ir, const Target& target, ir::Type from, ir::Type to,
                       llvm::Value* a) {
  if (from == to) return a;
  require_supported(target, from, to);
  const Converter convert{ir, from.lanes};
  if (from.scalar == Scalar::f64) return ir.CreateFPTrunc(a, convert.type(to.scalar));
  // f16 and bf16 widen to f32 exactly, so what follows is the only rounding.
  if (from.scalar == Scalar::bf16) a = convert.bf16_to_f32(a);
  if (from.scalar == Scalar::f16) a = convert.f16_to_f32(a);
  switch (to.scalar) {
    case Scalar::f16: return convert.f32_to_f16(a);
    case Scalar::bf16: return convert.f32_to_bf16(a);
    case Scalar::f64: return ir.CreateFPExt(a, convert.type(Scalar::f64));
    default: return a;
  }
}

}  // namespace nestjit::compiler::codegen
