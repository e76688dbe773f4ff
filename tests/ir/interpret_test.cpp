#include "ir/interpret.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "ir/ir.h"
#include "ir/parse.h"
#include "nestjit/error.h"
#include "tests/expect_error.h"

namespace nestjit::ir {
namespace {

BufferRef make_buffer(const char* name, std::vector<Expr> shape, BufferRole role,
                      Scalar scalar = Scalar::f32) {
  return Buffer::make(name, scalar, std::move(shape), role);
}

Expr loop_var(const char* name) { return Var::make(name); }

Stmt serial(const Expr& v, Expr min, Expr extent, Stmt body, LoopKind kind = LoopKind::parallel) {
  return Loop::make(v, std::move(min), std::move(extent), kind, Mapping::serial, std::move(body));
}

Kernel kernel_of(std::vector<BufferRef> params, Stmt body, std::vector<SymbolDecl> symbols = {}) {
  return {"k", std::move(params), std::move(symbols), true, std::move(body)};
}

/// Runs and returns the error's text; the test fails when the kind is another or nothing is thrown.
std::string error_of(const Kernel& k, const Arguments& args, ErrorKind kind,
                     const InterpretOptions& options = {}) {
  try {
    interpret(k, args, options);
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), kind) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in:\n" << text;
}

/// y[f(i)] = i for i in [-8, 8), as exact small integers; y starts at -1.
std::vector<float> scattered(const std::function<Expr(Expr)>& place) {
  std::vector<float> y(32, -1.0f);
  const BufferRef out = make_buffer("y", {32}, BufferRole::output);
  const Expr i = loop_var("i");
  // The loop writes 1 at every place that is reached.
  interpret(kernel_of({out}, serial(i, -8, 16,
                                    Store::make(out, {place(i)}, FloatImm::make(1, Scalar::f32)))),
            {{y}, {}});
  return y;
}

std::vector<int> reached(const std::vector<float>& y) {
  std::vector<int> places;
  for (size_t i = 0; i < y.size(); ++i)
    if (y[i] == 1.0f) places.push_back(static_cast<int>(i));
  return places;
}

TEST(Interpret, FloorDivisionRoundsTowardMinusInfinity) {
  // floordiv(i, 3) over [-8, 8) is -3 ... 2.
  const auto y = scattered([](Expr i) { return floordiv(i, 3) + 10; });
  EXPECT_EQ(reached(y), (std::vector<int>{7, 8, 9, 10, 11, 12}));
}

TEST(Interpret, FloorModuloIsNeverNegative) {
  const auto y = scattered([](Expr i) { return floormod(i, 3); });
  EXPECT_EQ(reached(y), (std::vector<int>{0, 1, 2}));
}

TEST(Interpret, FloorDivisionAndModuloAgree) {
  const auto y = scattered([](Expr i) { return floordiv(i, 3) * 3 + floormod(i, 3) + 8; });
  std::vector<int> all(16);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(reached(y), all);
}

TEST(Interpret, MinMaxAndSelectOfIndices) {
  const auto y =
      scattered([](Expr i) { return Select::make(i < 0, maximum(i, -2) + 2, minimum(i, 3) + 10); });
  EXPECT_EQ(reached(y), (std::vector<int>{0, 1, 10, 11, 12, 13}));
}

TEST(Interpret, SymbolsShapesAndSizes) {
  const Expr n = Symbol::make("n");
  const BufferRef x = make_buffer("x", {n}, BufferRole::input);
  const BufferRef y = make_buffer("y", {n}, BufferRole::output);
  const Expr i = loop_var("i");
  const Kernel k = kernel_of(
      {x, y}, serial(i, 0, n, Store::make(y, {i}, Load::make(x, {n - 1 - i}))), {{"n", 1, 100}});
  const std::vector<float> in{1, 2, 3};
  std::vector<float> out(4, 9.0f);
  interpret(k, {{in, out}, {{"n", 3}}});
  EXPECT_EQ(out, (std::vector<float>{3, 2, 1, 9}));
  expect_contains(error_of(k, {{in, out}, {{"n", 4}}}, ErrorKind::invalid_argument),
                  "buffer 'x' has 4 elements, the argument 3");
  expect_contains(error_of(k, {{in, out}, {}}, ErrorKind::invalid_argument),
                  "symbol 'n' has no value");
  expect_contains(error_of(k, {{in, out}, {{"n", 0}}}, ErrorKind::invalid_argument),
                  "symbol 'n' is 0, it must lie in [1, 100]");
}

TEST(Interpret, ArgumentsMustFit) {
  const BufferRef x = make_buffer("x", {2}, BufferRole::input);
  const BufferRef y = make_buffer("y", {2}, BufferRole::output);
  const Kernel k = kernel_of({x, y}, Block::make({}));
  std::vector<float> a(4);
  std::vector<double> d(2);
  const std::vector<float> constant(2);
  const auto bad = ErrorKind::invalid_argument;
  expect_contains(error_of(k, {{a}, {}}, bad), "has 2 buffers, received 1");
  expect_contains(error_of(k, {{d, a}, {}}, bad), "buffer 'x' is of f32, the argument of f64");
  expect_contains(error_of(k, {{a, constant}, {}}, bad),
                  "'y' is written, the argument is constant");
  expect_contains(error_of(k, {{std::span(a).subspan(1), a}, {}}, bad),
                  "memory of 'y' and 'x' overlaps");
}

TEST(Interpret, OverflowOfIndexArithmeticIsAnError) {
  const BufferRef y = make_buffer("y", {2}, BufferRole::output);
  const Expr n = Symbol::make("n");
  std::vector<float> out(2);
  for (const Expr& e : {n + 1, n * 2, Expr(-2) - n}) {
    const Kernel k = kernel_of({y}, Store::make(y, {e}, FloatImm::make(0, Scalar::f32)), {{"n"}});
    const std::string text = error_of(k, {{out}, {{"n", INT64_MAX}}}, ErrorKind::internal);
    expect_contains(text, "interpreter: kernel 'k': index arithmetic leaves 64 bits");
    expect_contains(text, "9223372036854775807");
  }
  const Expr divided = floordiv(Expr(1), n);
  const Kernel k =
      kernel_of({y}, Store::make(y, {divided}, FloatImm::make(0, Scalar::f32)), {{"n"}});
  expect_contains(error_of(k, {{out}, {{"n", 0}}}, ErrorKind::internal),
                  "must be positive, it is 0");
}

TEST(Interpret, OutOfBoundsNamesEverything) {
  const BufferRef x = make_buffer("x", {4, 3}, BufferRole::input);
  const BufferRef y = make_buffer("y", {4}, BufferRole::output);
  const Expr q = loop_var("q"), t = loop_var("t");
  const Stmt body = Store::make(y, {q}, Load::make(x, {q, q + t}));
  const Kernel k = kernel_of({x, y}, serial(q, 0, 4, serial(t, 0, 2, body)));
  std::vector<float> in(12), out(4);
  const std::string text = error_of(k, {{in, out}, {}}, ErrorKind::internal);
  expect_contains(text, "interpreter: kernel 'k': access to x[2, 3] is outside its shape [4, 3]");
  expect_contains(text, "where: q = 2, t = 1");
  expect_contains(text, "y[q] = x[q, q + t]");
}

TEST(Interpret, MaskedLanesTouchNothing) {
  const BufferRef x = make_buffer("x", {3}, BufferRole::input);
  const BufferRef y = make_buffer("y", {6}, BufferRole::output);
  const Expr lanes = Ramp::make(0, 1, 4);
  const Expr mask = lanes < Broadcast::make(3, 4);
  const std::vector<float> in{5, 6, 7};
  std::vector<float> out(6, 1.0f);
  // The masked-off lane of the load is +0; the store writes all lanes.
  interpret(kernel_of({x, y}, Store::make(y, {lanes}, Load::make(x, {lanes}, mask))),
            {{in, out}, {}});
  EXPECT_EQ(out, (std::vector<float>{5, 6, 7, 0, 1, 1}));
  EXPECT_FALSE(std::signbit(out[3]));
  // A mask of the store does not cover a load of its value.
  const Kernel bad = kernel_of({x, y}, Store::make(y, {lanes}, Load::make(x, {lanes}), mask));
  expect_contains(error_of(bad, {{in, out}, {}}, ErrorKind::internal), "in lane 3");
  // A vector condition covers everything below it.
  out.assign(6, 1.0f);
  const Stmt guarded = If::make(mask, Store::make(y, {lanes}, Load::make(x, {lanes})));
  interpret(kernel_of({x, y}, guarded), {{in, out}, {}});
  EXPECT_EQ(out, (std::vector<float>{5, 6, 7, 1, 1, 1}));
}

TEST(Interpret, AllLanesReadBeforeAnyLaneWrites) {
  const BufferRef y = make_buffer("y", {5}, BufferRole::output);
  std::vector<float> out{1, 2, 3, 4, 5};
  const Expr load = Load::make(y, {Ramp::make(0, 1, 4)});
  interpret(kernel_of({y}, Store::make(y, {Ramp::make(1, 1, 4)}, load)), {{out}, {}});
  EXPECT_EQ(out, (std::vector<float>{1, 1, 2, 3, 4}));
}

TEST(Interpret, VectorLetsAndBroadcasts) {
  const BufferRef y = make_buffer("y", {8}, BufferRole::output);
  std::vector<float> out{1, 2, 3, 4, 0, 0, 0, 0};
  const Expr v = Var::make("v", {Scalar::f32, 4});
  const Expr doubled = v + Broadcast::make(Load::make(y, {3}), 4);
  interpret(kernel_of({y}, Let::make(v, Load::make(y, {Ramp::make(3, -1, 4)}),
                                     Store::make(y, {Ramp::make(4, 1, 4)}, doubled))),
            {{out}, {}});
  EXPECT_EQ(out, (std::vector<float>{1, 2, 3, 4, 8, 7, 6, 5}));
}

TEST(Interpret, FmaRoundsOnceOnlyWhereFused) {
  const BufferRef x = make_buffer("x", {3}, BufferRole::input);
  const BufferRef y = make_buffer("y", {1}, BufferRole::output);
  const float e = std::ldexp(1.0f, -13);
  const std::vector<float> in{1 + e, 1 - e, -1};
  const Expr fma = Fma::make(Load::make(x, {0}), Load::make(x, {1}), Load::make(x, {2}));
  Kernel k = kernel_of({x, y}, Store::make(y, {0}, fma));
  std::vector<float> out(1);
  interpret(k, {{in, out}, {}});
  EXPECT_EQ(out[0], -e * e);
  k.fused = false;
  interpret(k, {{in, out}, {}});
  EXPECT_EQ(out[0], 0.0f);
}

TEST(Interpret, OperationsRoundInTheirType) {
  const BufferRef x = make_buffer("x", {2}, BufferRole::input);
  const BufferRef y = make_buffer("y", {6}, BufferRole::output);
  const std::vector<float> in{16777216.0f, 3.0f};
  const Expr a = Load::make(x, {0}), b = Load::make(x, {1});
  const std::vector<Expr> values{a + b,
                                 a * b,
                                 Binary::make(BinaryOp::div, b, a + a),
                                 minimum(a, b),
                                 Call::make(Intrinsic::sqrt, b),
                                 Call::make(Intrinsic::abs, b - a)};
  std::vector<Stmt> stores;
  for (size_t i = 0; i < values.size(); ++i) stores.push_back(Store::make(y, {i}, values[i]));
  std::vector<float> out(6);
  interpret(kernel_of({x, y}, Block::make(stores)), {{in, out}, {}});
  EXPECT_EQ(out, (std::vector<float>{16777220.0f, 50331648.0f, 3.0f / 33554432.0f, 3.0f,
                                     std::sqrt(3.0f), 16777213.0f}));
}

TEST(Interpret, PowersOfTwoAndSigns) {
  const std::string text = R"(kernel k(x: f32[3] input, y: f32[3] output) fused {
    for i in [0, 3) parallel {
      y[i] = copysign(pow2(x[i]), 0.0f32 - x[i])
    }
  })";
  std::vector<float> in{-126.0f, 127.0f, 0.0f}, out(3);
  interpret(parse_kernel(text), {{in, out}, {}});
  EXPECT_EQ(out, (std::vector<float>{0x1p-126f, -0x1p127f, 1.0f}));
  for (const float bad : {-127.0f, 128.0f, 0.5f}) {
    in[1] = bad;
    expect_error(ErrorKind::internal, "the exponent of pow2(x[i]) must be that of a normal number",
                 [&] { interpret(parse_kernel(text), {{in, out}, {}}); });
  }
  in[1] = NAN;
  interpret(parse_kernel(text), {{in, out}, {}});
  EXPECT_TRUE(std::isnan(out[1]));
}

TEST(Interpret, DoublesAndCasts) {
  const BufferRef x = make_buffer("x", {1}, BufferRole::input, Scalar::f64);
  const BufferRef y = make_buffer("y", {1}, BufferRole::output);
  const std::vector<double> in{0.1};
  std::vector<float> out(1);
  interpret(kernel_of({x, y}, Store::make(y, {0}, Cast::make(Scalar::f32, Load::make(x, {0})))),
            {{in, out}, {}});
  EXPECT_EQ(out[0], 0.1f);
}

TEST(Interpret, HalfTypesConvertAndRound) {
  for (const auto& [scalar, expected] :
       {std::pair{Scalar::f16, uint16_t{0x3555}}, std::pair{Scalar::bf16, uint16_t{0x3eab}}}) {
    const BufferRef x = make_buffer("x", {1}, BufferRole::input);
    const BufferRef y = make_buffer("y", {1}, BufferRole::output, scalar);
    const std::vector<float> third{1.0f / 3.0f};
    std::vector<uint16_t> out(1);
    interpret(kernel_of({x, y}, Store::make(y, {0}, Cast::make(scalar, Load::make(x, {0})))),
              {{third, Argument(scalar, out)}, {}});
    EXPECT_EQ(out[0], expected) << name_of(scalar);
  }
}

TEST(Interpret, ReductionKeepsItsOrder) {
  const BufferRef x = make_buffer("x", {4}, BufferRole::input);
  const BufferRef y = make_buffer("y", {1}, BufferRole::output);
  // In any other order the small terms do not vanish or the large ones do not cancel.
  const std::vector<float> in{1.0f, 1e8f, -1e8f, 3.0f};
  const Expr i = loop_var("i");
  const Stmt sum = Store::make(y, {0}, Load::make(y, {0}) + Load::make(x, {i}));
  const Kernel k = kernel_of({x, y}, serial(i, 0, 4, sum, LoopKind::reduction));
  for (const uint64_t seed : {0, 1, 2, 3}) {
    std::vector<float> out{0.0f};
    interpret(k, {{in, out}, {}}, {.shuffle_seed = seed});
    EXPECT_EQ(out[0], 3.0f) << seed;
  }
}

TEST(Interpret, ShuffledOrderExposesAFalseClaimOfIndependence) {
  const BufferRef y = make_buffer("y", {33}, BufferRole::output);
  const Expr i = loop_var("i");
  const Stmt shift = Store::make(y, {i + 1}, Load::make(y, {i}));
  const Kernel k = kernel_of({y}, serial(i, 0, 32, shift));
  std::vector<float> start(33), in_order, shuffled;
  std::iota(start.begin(), start.end(), 1.0f);
  in_order = shuffled = start;
  interpret(k, {{in_order}, {}});
  EXPECT_EQ(in_order, std::vector<float>(33, 1.0f));
  interpret(k, {{shuffled}, {}}, {.shuffle_seed = 7});
  EXPECT_NE(shuffled, in_order);
}

TEST(Interpret, ShuffledOrderRunsEveryIterationOnce) {
  const BufferRef y = make_buffer("y", {100}, BufferRole::output);
  const Expr i = loop_var("i");
  const Expr one = FloatImm::make(1, Scalar::f32);
  const Kernel k = kernel_of({y}, serial(i, 0, 100, Store::make(y, {i}, Load::make(y, {i}) + one)));
  std::vector<float> out(100);
  interpret(k, {{out}, {}}, {.shuffle_seed = 3});
  EXPECT_EQ(out, std::vector<float>(100, 1.0f));
}

TEST(Interpret, UnwrittenMemoryIsPoison) {
  const BufferRef y = make_buffer("y", {3}, BufferRole::output);
  const BufferRef tile = make_buffer("acc", {2}, BufferRole::tile);
  const Expr one = FloatImm::make(1, Scalar::f32);
  const Stmt body =
      Block::make({Store::make(tile, {0}, one), Store::make(y, {0}, Load::make(tile, {0})),
                   Store::make(y, {1}, Load::make(tile, {1})),
                   Store::make(y, {2}, Load::make(tile, {1}) + one)});
  const Expr twice = loop_var("twice");
  std::vector<float> out(3);
  // The second round must not see what the first one left.
  interpret(kernel_of({y}, serial(twice, 0, 2, Allocate::make(tile, body))), {{out}, {}});
  EXPECT_EQ(out[0], 1.0f);
  EXPECT_TRUE(is_poison(out[1]));
  EXPECT_TRUE(is_poison(out[2]));
  EXPECT_FALSE(is_poison(std::numeric_limits<float>::quiet_NaN()));
}

TEST(Interpret, PrefetchesTouchNothing) {
  const BufferRef y = make_buffer("y", {3}, BufferRole::output);
  const Expr i = loop_var("i");
  const Stmt body =
      Block::make({Prefetch::make(y, i * 1000 - 500),
                   Store::make(y, {i}, FloatImm::make(1, Scalar::f32)), Prefetch::make(y, i)});
  std::vector<float> out(3, 7.0f);
  interpret(kernel_of({y}, serial(i, 0, 2, body)), {{out}, {}});
  EXPECT_EQ(out, (std::vector<float>{1, 1, 7}));
}

TEST(Interpret, StepsAreLimited) {
  const BufferRef y = make_buffer("y", {1}, BufferRole::output);
  const Expr i = loop_var("i");
  const Kernel k = kernel_of(
      {y}, serial(i, 0, int64_t{1} << 60, Store::make(y, {0}, FloatImm::make(1, Scalar::f32))));
  std::vector<float> out(1);
  expect_contains(error_of(k, {{out}, {}}, ErrorKind::resource, {.max_steps = 1000}),
                  "kernel 'k' ran longer than max_steps = 1000");
}

TEST(Interpret, RunsARangeOfWorkgroups) {
  const BufferRef y = make_buffer("y", {6}, BufferRole::output);
  const Expr w = loop_var("wg"), v = loop_var("v");
  const Stmt one = Store::make(y, {w}, FloatImm::make(1, Scalar::f32));
  const Stmt loop = Loop::make(w, 0, 6, LoopKind::parallel, Mapping::workgroup, one);
  std::vector<float> out(6);
  interpret(kernel_of({y}, loop), {{out}, {}}, {.workgroups = WorkgroupRange{2, 4}});
  EXPECT_EQ(out, (std::vector<float>{0, 0, 1, 1, 0, 0}));
  interpret(kernel_of({y}, loop), {{out}, {}});
  EXPECT_EQ(out, std::vector<float>(6, 1.0f));
  const Stmt nested = Loop::make(v, 0, 2, LoopKind::parallel, Mapping::workgroup, loop);
  expect_contains(error_of(kernel_of({y}, nested), {{out}, {}}, ErrorKind::invalid_argument,
                           {.workgroups = WorkgroupRange{0, 1}}),
                  "needs one workgroup loop");
}

TEST(Interpret, AKernelWithoutWorkgroupLoopIsWorkgroupZero) {
  const BufferRef y = make_buffer("y", {1}, BufferRole::output);
  const Expr one = FloatImm::make(1, Scalar::f32);
  const Kernel k = kernel_of({y}, Store::make(y, {0}, Load::make(y, {0}) + one));
  std::vector<float> out(1);
  interpret(k, {{out}, {}}, {.workgroups = WorkgroupRange{0, 1}});
  interpret(k, {{out}, {}}, {.workgroups = WorkgroupRange{1, 5}});
  EXPECT_EQ(out[0], 1.0f);
}

}  // namespace
}  // namespace nestjit::ir
