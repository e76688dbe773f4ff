#include "compiler/codegen/types.h"

#include <vector>

#include "base/error.h"

namespace nestjit::compiler::codegen {
namespace {

llvm::Type* element_type(llvm::LLVMContext& context, ir::Scalar scalar) {
  switch (scalar) {
    case ir::Scalar::boolean: return llvm::Type::getInt1Ty(context);
    case ir::Scalar::index: return llvm::Type::getInt64Ty(context);
    case ir::Scalar::pair: return llvm::Type::getInt32Ty(context);
    case ir::Scalar::f16:
    case ir::Scalar::bf16: return llvm::Type::getInt16Ty(context);
    case ir::Scalar::f32: return llvm::Type::getFloatTy(context);
    case ir::Scalar::f64: return llvm::Type::getDoubleTy(context);
  }
  base::internal("codegen: scalar type {} has no LLVM type", static_cast<int>(scalar));
}

}  // namespace

llvm::Type* type_of(llvm::LLVMContext& context, ir::Type type) {
  llvm::Type* element = element_type(context, type.scalar);
  return type.is_vector() ? llvm::FixedVectorType::get(element, type.lanes) : element;
}

llvm::Constant* float_constant(llvm::LLVMContext& context, double value, ir::Scalar scalar) {
  if (ir::byte_size(scalar) > 2) return llvm::ConstantFP::get(element_type(context, scalar), value);
  llvm::APFloat exact(value);
  bool loses_information = false;
  exact.convert(scalar == ir::Scalar::f16 ? llvm::APFloat::IEEEhalf() : llvm::APFloat::BFloat(),
                llvm::APFloat::rmNearestTiesToEven, &loses_information);
  return llvm::ConstantInt::get(context, exact.bitcastToAPInt());
}

llvm::Constant* steps(llvm::LLVMContext& context, int64_t stride, int lanes) {
  std::vector<uint64_t> values;
  for (int64_t lane = 0; lane < lanes; ++lane)
    values.push_back(static_cast<uint64_t>(lane * stride));
  return llvm::ConstantDataVector::get(context, values);
}

}  // namespace nestjit::compiler::codegen
