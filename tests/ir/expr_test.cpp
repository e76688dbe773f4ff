#include "ir/expr.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ir/buffer.h"
#include "tests/expect_error.h"

namespace nestjit::ir {
namespace {

const Type index_type{Scalar::index, 1};
const Type f32x16{Scalar::f32, 16};

Expr f32(double value) { return FloatImm::make(value, Scalar::f32); }

void refused(const std::string& part, const std::function<void()>& make) {
  expect_error(ErrorKind::internal, part, make);
}

TEST(Type, NamesReadBack) {
  for (const Scalar s :
       {Scalar::boolean, Scalar::index, Scalar::f16, Scalar::bf16, Scalar::f32, Scalar::f64})
    EXPECT_EQ(scalar_named(name_of(s)), s);
  EXPECT_EQ(scalar_named("f8"), std::nullopt);
  EXPECT_EQ(to_string(f32x16), "f32x16");
  EXPECT_EQ(to_string(Type{Scalar::boolean, 1}), "bool");
}

TEST(Expr, ConstantsHaveTheirTypes) {
  EXPECT_EQ(Expr(3).type(), index_type);
  EXPECT_EQ(constant_of(Expr(-3)), -3);
  EXPECT_EQ(constant_of(f32(3)), std::nullopt);
  EXPECT_TRUE(is_constant(Expr(0), 0));
  EXPECT_FALSE(is_constant(Var::make("i"), 0));
  EXPECT_EQ(f32(0.5).type(), (Type{Scalar::f32, 1}));
  EXPECT_TRUE(BoolImm::make(true).type().is_bool());
}

TEST(Expr, AFloatConstantIsRepresentable) {
  refused("FloatImm: the value must be representable", [] { f32(0.1); });
  refused("FloatImm: the type must be", [] { FloatImm::make(1, Scalar::index); });
  EXPECT_NO_THROW(f32(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_NO_THROW(FloatImm::make(0.1, Scalar::f64));
}

TEST(Expr, EveryVariableIsItsOwn) {
  const Expr a = Var::make("i"), b = Var::make("i");
  EXPECT_NE(id_of(a), id_of(b));
  EXPECT_NE(id_of(a), VarId::none);
  refused("id_of: the expression must be a variable", [] { id_of(Expr(1)); });
}

TEST(Expr, OperandsMustFit) {
  const Expr i = Var::make("i"), yes = BoolImm::make(true);
  refused("operands of '+' differ: index and f32", [&] { i + f32(1); });
  refused("operands of '+' differ: f32x4 and f32x8",
          [&] { Broadcast::make(f32(1), 4) + Broadcast::make(f32(1), 8); });
  refused("'+' does not take bool", [&] { yes + yes; });
  refused("'/' does not take index", [&] { Binary::make(BinaryOp::div, i, i); });
  refused("'floordiv' does not take f32", [&] { floordiv(f32(1), f32(1)); });
  refused("'and' does not take index", [&] { Binary::make(BinaryOp::logical_and, i, i); });
  refused("Binary: both operands must be present", [&] { i + Expr(); });
  refused("Compare: truth values", [&] { equal_to(yes, yes); });
  refused("Not: the operand must be bool", [&] { Not::make(i); });
  refused("Select: the condition must be bool", [&] { Select::make(i, i, i); });
  refused("Select: condition and values differ in lanes",
          [&] { Select::make(yes, Ramp::make(i, 1, 4), Ramp::make(i, 1, 4)); });
  refused("Cast: both types must be floating point", [&] { Cast::make(Scalar::f32, i); });
  refused("Fma: operands must be floating point", [&] { Fma::make(i, i, i); });
  refused("Call: the operand must be floating point", [&] { Call::make(Intrinsic::abs, i); });
  refused("Call: this function takes f32 or f64",
          [&] { Call::make(Intrinsic::tanh, FloatImm::make(1, Scalar::bf16)); });
  refused("'copysign' does not take index", [&] { Binary::make(BinaryOp::copysign, i, i); });
}

TEST(Expr, FunctionsHaveNames) {
  for (const Intrinsic fn : {Intrinsic::sqrt, Intrinsic::pow2, Intrinsic::sin_squared})
    EXPECT_EQ(intrinsic_named(name_of(fn)), fn);
  EXPECT_EQ(intrinsic_named("cosine"), std::nullopt);
  EXPECT_FALSE(is_elementary(Intrinsic::pow2));
  EXPECT_TRUE(is_elementary(Intrinsic::exp));
}

TEST(Expr, ResultTypes) {
  const Expr i = Var::make("i");
  EXPECT_EQ((i + 1).type(), index_type);
  EXPECT_EQ((Ramp::make(i, 2, 8) < Ramp::make(i, 1, 8)).type(), (Type{Scalar::boolean, 8}));
  EXPECT_EQ(Cast::make(Scalar::f64, Broadcast::make(f32(1), 4)).type(), (Type{Scalar::f64, 4}));
  EXPECT_EQ(Call::make(Intrinsic::sqrt, f32(2)).type(), (Type{Scalar::f32, 1}));
}

TEST(Expr, VectorsHaveTwoLanesOrMore) {
  refused("Broadcast: a vector has at least 2 lanes", [] { Broadcast::make(f32(1), 1); });
  refused("Ramp: a vector has at least 2 lanes", [] { Ramp::make(0, 1, 1); });
  refused("Ramp: the base must be a scalar index", [] { Ramp::make(f32(1), 1, 4); });
}

TEST(Expr, ALoadTakesItsLanesFromIndicesAndMask) {
  const BufferRef x = Buffer::make("x", Scalar::f32, {8, 64}, BufferRole::input);
  EXPECT_EQ(Load::make(x, {0, 1}).type(), (Type{Scalar::f32, 1}));
  EXPECT_EQ(Load::make(x, {0, Ramp::make(0, 1, 16)}).type(), f32x16);
  const Expr mask = Ramp::make(0, 1, 16) < Broadcast::make(3, 16);
  EXPECT_EQ(Load::make(x, {0, Ramp::make(0, 1, 16)}, mask).type(), f32x16);
  refused("Load: one index a dimension", [&] { Load::make(x, {0}); });
  refused("Load: an index must be of type index", [&] { Load::make(x, {0, f32(0)}); });
  refused("Load", [&] { Load::make(x, {Ramp::make(0, 1, 4), Ramp::make(0, 1, 8)}); });
}

TEST(Buffer, FactoryRules) {
  const auto make = [](std::vector<Expr> shape, Scalar scalar, int alignment) {
    return Buffer::make("b", scalar, std::move(shape), BufferRole::scratch, alignment);
  };
  EXPECT_EQ(make({4}, Scalar::f64, 0)->alignment, 8);
  refused("elements must be floating point", [&] { make({4}, Scalar::index, 0); });
  refused("an extent must be a scalar index", [&] { make({f32(4)}, Scalar::f32, 0); });
  refused("alignment 12 is not a power of two", [&] { make({4}, Scalar::f32, 12); });
  refused("alignment 2 is not a power of two of at least 4", [&] { make({4}, Scalar::f32, 2); });
}

TEST(Buffer, StridesAreProductsOfTheInnerExtents) {
  const std::vector<Expr> strides = row_major_strides({5, 3, 4});
  ASSERT_EQ(strides.size(), 3u);
  EXPECT_TRUE(is_constant(strides[2], 1));
  EXPECT_TRUE(is_constant(strides[1], 4));
  EXPECT_EQ(strides[0].kind(), ExprKind::Binary);
}

}  // namespace
}  // namespace nestjit::ir
