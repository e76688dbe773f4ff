// Conversions between floating-point types, one rounding to nearest even each.
//
// f16 is converted by the hardware where it can (F16C, part of x86-64-v3), else with integer and
// f32 instructions. bf16 is always converted that way: the hardware's own conversion flushes
// denormals. No conversion calls a library.
#include "compiler/codegen/expressions.h"
#include "compiler/codegen/types.h"

namespace nestjit::compiler::codegen {
namespace {

using ir::Scalar;

// Bit patterns of f32.
constexpr uint32_t infinity = 255U << 23;
constexpr uint32_t quiet = 1U << 22;

bool is_small(Scalar scalar) { return ir::byte_size(scalar) == 2; }

class Converter {
 public:
  Converter(Builder& ir, const Target& target, int lanes)
      : ir_(ir),
        has_f16c_(target.has_f16c),
        lanes_(lanes) {}

  llvm::Value* to_f32(Scalar from, llvm::Value* a) const {
    if (from == Scalar::bf16) return as_float(ir_.CreateShl(wide(a), word(16)));
    if (from == Scalar::f16) return has_f16c_ ? f16_to_f32(a) : f16_bits_to_f32(wide(a));
    return from == Scalar::f64 ? ir_.CreateFPTrunc(a, type(Scalar::f32)) : a;
  }

  llvm::Value* from_f32(Scalar to, llvm::Value* a) const {
    if (to == Scalar::bf16) return narrow(bf16_bits(bits_of(a), ir_.CreateFCmpUNO(a, a)));
    if (to == Scalar::f16) return has_f16c_ ? f32_to_f16(a) : narrow(f16_bits(a));
    return to == Scalar::f64 ? ir_.CreateFPExt(a, type(Scalar::f64)) : a;
  }

  // To odd: the nearest f32 where that is exact, else the neighbour with an odd last bit. A later
  // rounding to at most 22 digits is then the only one.
  llvm::Value* f64_to_f32_odd(llvm::Value* a) const {
    llvm::Value* near = ir_.CreateFPTrunc(a, type(Scalar::f32));
    llvm::Value* back = ir_.CreateFPExt(near, type(Scalar::f64));
    llvm::Value* too_large =
        ir_.CreateFCmpOGT(ir_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, back),
                          ir_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, a));
    llvm::Value* bits = bits_of(near);
    llvm::Value* below = ir_.CreateSub(bits, ir_.CreateZExt(too_large, bits->getType()));
    llvm::Value* odd = ir_.CreateOr(below, word(1));
    return as_float(ir_.CreateSelect(ir_.CreateFCmpONE(back, a), odd, bits));
  }

 private:
  llvm::Type* type(Scalar scalar) const { return type_of(ir_.getContext(), {scalar, lanes_}); }
  llvm::Type* shaped(llvm::Type* element) const {
    return lanes_ == 1 ? element
                       : llvm::FixedVectorType::get(element, static_cast<unsigned>(lanes_));
  }
  llvm::Constant* word(uint32_t value) const {
    return llvm::ConstantInt::get(shaped(ir_.getInt32Ty()), value);
  }
  llvm::Value* as_float(llvm::Value* bits) const {
    return ir_.CreateBitCast(bits, type(Scalar::f32));
  }
  llvm::Value* bits_of(llvm::Value* a) const {
    return ir_.CreateBitCast(a, shaped(ir_.getInt32Ty()));
  }
  llvm::Value* wide(llvm::Value* a) const { return ir_.CreateZExt(a, shaped(ir_.getInt32Ty())); }
  llvm::Value* narrow(llvm::Value* a) const { return ir_.CreateTrunc(a, shaped(ir_.getInt16Ty())); }

  llvm::Value* f16_to_f32(llvm::Value* a) const {
    llvm::Value* half = ir_.CreateBitCast(a, shaped(ir_.getHalfTy()));
    return ir_.CreateFPExt(half, type(Scalar::f32));
  }
  llvm::Value* f32_to_f16(llvm::Value* a) const {
    llvm::Value* half = ir_.CreateFPTrunc(a, shaped(ir_.getHalfTy()));
    return ir_.CreateBitCast(half, shaped(ir_.getInt16Ty()));
  }

  // Adds just below half of the last kept place, and its last bit for ties. The dropped places hold
  // what is left.
  llvm::Value* rounded(llvm::Value* bits, unsigned dropped) const {
    llvm::Value* last = ir_.CreateAnd(ir_.CreateLShr(bits, word(dropped)), word(1));
    llvm::Value* bias = ir_.CreateAdd(last, word((1U << (dropped - 1)) - 1));
    return ir_.CreateAdd(bits, bias);
  }

  // A NaN stays a quiet NaN.
  llvm::Value* bf16_bits(llvm::Value* bits, llvm::Value* is_nan) const {
    llvm::Value* nan = ir_.CreateOr(bits, word(quiet));
    return ir_.CreateLShr(ir_.CreateSelect(is_nan, nan, rounded(bits, 16)), word(16));
  }

  // The exponent is moved from a bias of 15 to one of 127, twice as far for infinities and NaN.
  // Denormals get the exponent of the smallest normal number, which is subtracted again.
  llvm::Value* f16_bits_to_f32(llvm::Value* half) const {
    llvm::Value* magnitude = ir_.CreateShl(ir_.CreateAnd(half, word(0x7fff)), word(13));
    llvm::Value* exponent = ir_.CreateAnd(magnitude, word(31U << 23));
    llvm::Value* normal = ir_.CreateAdd(magnitude, word(112U << 23));
    llvm::Value* special = ir_.CreateAdd(magnitude, word(224U << 23));
    llvm::Value* with_exponent = as_float(ir_.CreateAdd(magnitude, word(113U << 23)));
    llvm::Value* denormal = bits_of(
        ir_.CreateFSub(with_exponent, ir_.CreateBitCast(word(113U << 23), type(Scalar::f32))));
    llvm::Value* finite = ir_.CreateSelect(ir_.CreateICmpEQ(exponent, word(0)), denormal, normal);
    llvm::Value* value =
        ir_.CreateSelect(ir_.CreateICmpEQ(exponent, word(31U << 23)), special, finite);
    return as_float(ir_.CreateOr(value, sign_of(half, 15, 31)));
  }

  llvm::Value* f16_bits(llvm::Value* a) const {
    llvm::Value* bits = bits_of(a);
    llvm::Value* magnitude = ir_.CreateAnd(bits, word(0x7fffffff));
    // Below 2^-14 the last place is 2^-24 for all: that of a sum with 1/2.
    llvm::Value* half = ir_.CreateBitCast(word(126U << 23), type(Scalar::f32));
    llvm::Value* sum = bits_of(ir_.CreateFAdd(as_float(magnitude), half));
    llvm::Value* denormal = ir_.CreateSub(sum, word(126U << 23));
    llvm::Value* normal =
        ir_.CreateSub(ir_.CreateLShr(rounded(magnitude, 13), word(13)), word(112U << 10));
    llvm::Value* finite =
        ir_.CreateSelect(ir_.CreateICmpULT(magnitude, word(113U << 23)), denormal, normal);
    llvm::Value* is_nan = ir_.CreateICmpUGT(magnitude, word(infinity));
    llvm::Value* special = ir_.CreateSelect(is_nan, word(0x7e00), word(0x7c00));
    llvm::Value* is_large = ir_.CreateICmpUGE(magnitude, word(143U << 23));  // 2^16
    llvm::Value* value = ir_.CreateSelect(is_large, special, finite);
    return ir_.CreateOr(value, sign_of(bits, 31, 15));
  }

  // The bit at one place, alone, at another one.
  llvm::Value* sign_of(llvm::Value* bits, unsigned from, unsigned to) const {
    llvm::Value* sign = ir_.CreateAnd(bits, word(1U << from));
    return to > from ? ir_.CreateShl(sign, word(to - from)) : ir_.CreateLShr(sign, word(from - to));
  }

  Builder& ir_;
  bool has_f16c_;
  int lanes_;
};

}  // namespace

llvm::Value* emit_cast(Builder& ir, const Target& target, ir::Type from, ir::Type to,
                       llvm::Value* a) {
  if (from == to) return a;
  const Converter convert(ir, target, from.lanes);
  // f16 and bf16 widen to f32 exactly, so that what follows is the only rounding.
  a = from.scalar == Scalar::f64 && is_small(to.scalar) ? convert.f64_to_f32_odd(a)
                                                        : convert.to_f32(from.scalar, a);
  return convert.from_f32(to.scalar, a);
}

}  // namespace nestjit::compiler::codegen
