#include "ir/verify.h"

#include <gtest/gtest.h>

#include "ir/ir.h"
#include "ir/parse.h"
#include "tests/expect_error.h"

namespace nestjit::ir {
namespace {

const BufferRef y = Buffer::make("y", Scalar::f32, {8}, BufferRole::output);
const Expr one = FloatImm::make(1, Scalar::f32);

Kernel kernel_of(Stmt body, std::vector<BufferRef> params = {y}) {
  return {"k", std::move(params), {{"n"}}, true, std::move(body)};
}

/// Parameters x and y of eight f32, symbols n and s >= 1.
Kernel text_kernel(const std::string& body) {
  return parse_kernel_unverified(
      "kernel k(x: f32[8] input, y: f32[8] output) symbols(n, s >= 1) {" + body + "}");
}

/// The kernel breaks exactly this rule, once, and the text holds `part`.
void breaks(Rule rule, const std::string& part, const Kernel& k, Form form = Form::nest) {
  const auto found = violations(k, form);
  std::string all;
  for (const Violation& v : found) all += to_string(v) + "\n";
  ASSERT_EQ(found.size(), 1u) << all;
  EXPECT_EQ(found[0].rule, rule) << all;
  EXPECT_NE(all.find(part), std::string::npos) << all << "does not hold " << part;
}

void breaks(Rule rule, const std::string& part, const std::string& body, Form form = Form::nest) {
  breaks(rule, part, text_kernel(body), form);
}

void sound(const std::string& body, Form form = Form::nest) {
  for (const Violation& v : violations(text_kernel(body), form)) ADD_FAILURE() << to_string(v);
}

/// A node past the factories, which would refuse it.
template <class Node, class... Args>
Stmt raw(Args&&... args) {
  return Stmt(std::make_shared<const Node>(std::forward<Args>(args)...));
}

TEST(Verify, SoundKernels) {
  sound("");
  sound(
      "for i in [0, n) parallel workgroup { let a: index = i*2 for j in [a, a + 4) parallel "
      "workgroup { for q in [0, 4) parallel vector { y[q] = x[floormod(i, s*2)] } } }");
  sound("for i in [0, 8) reduction unrolled { for j in [0, n) parallel hinted { y[j] = x[i] } }");
  sound(
      "for i in [0, n) parallel workgroup { allocate t: f32[4] tile { t[0] = x[i] "
      "t[ramp(0, 1, 4)] = broadcast(0f32, 4) y[i] = t[0] } }",
      Form::lowered);
}

TEST(Verify, TheErrorNamesPassRuleAndNode) {
  const Kernel k = text_kernel("for i in [0, n) parallel unrolled { y[i] = x[i] }");
  expect_error(ErrorKind::internal,
               "verify after split: rule 13 (extents): for i in [0, n) parallel unrolled: "
               "the extent n is not constant",
               [&] { verify(k, "split"); });
  EXPECT_NO_THROW(verify(text_kernel(""), "split"));
}

TEST(Verify, Complete) { breaks(Rule::complete, "kernel k: the body is absent", kernel_of({})); }

TEST(Verify, Names) {
  const auto named = [](const char* name) {
    return Buffer::make(name, Scalar::f32, {8}, BufferRole::output);
  };
  const Stmt body = Block::make({});
  breaks(Rule::names, "y: declared twice", kernel_of(body, {y, named("y")}));
  breaks(Rule::names, "n: declared twice", kernel_of(body, {named("n")}));
  breaks(Rule::names, "not a name of the text form", kernel_of(body, {named("a b")}));
  breaks(Rule::names, "not a name of the text form", kernel_of(body, {named("min")}));
}

TEST(Verify, Symbols) {
  breaks(Rule::symbols, "y[m] = 1.0f32: symbol 'm' is not declared",
         kernel_of(Store::make(y, {Symbol::make("m")}, one)));
  const BufferRef open = Buffer::make("x", Scalar::f32, {Symbol::make("m")}, BufferRole::input);
  breaks(Rule::symbols, "x: symbol 'm' is not declared", kernel_of(Block::make({}), {open}));
  Kernel empty = kernel_of(Block::make({}));
  empty.symbols[0] = {"n", 2, 1};
  breaks(Rule::symbols, "n: no value from 2 to 1", empty);
}

TEST(Verify, Scope) {
  const Expr i = Var::make("i"), a = Var::make("a");
  const Stmt loop = Loop::make(i, 0, 8, LoopKind::parallel, Mapping::serial, Block::make({}));
  breaks(Rule::scope, "variable 'i' is used outside",
         kernel_of(Block::make({loop, Store::make(y, {i}, one)})));
  breaks(Rule::scope, "let a: index = a + 1: variable 'a'",
         kernel_of(Let::make(a, a + 1, Block::make({}))));
}

TEST(Verify, Binding) {
  const Expr i = Var::make("i");
  const Stmt loop = Loop::make(i, 0, 8, LoopKind::parallel, Mapping::serial, Block::make({}));
  breaks(Rule::binding, "variable 'i' is bound twice", kernel_of(Block::make({loop, loop})));
  const BufferRef t = Buffer::make("t", Scalar::f32, {4}, BufferRole::scratch);
  const Stmt allocation = Allocate::make(t, Block::make({}));
  breaks(Rule::binding, "buffer 't' exists already",
         kernel_of(Block::make({allocation, allocation})));
}

TEST(Verify, AParameterStandsOnlyOnce) {
  const auto found = violations(kernel_of(Block::make({}), {y, y}));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].rule, Rule::names);
  EXPECT_EQ(found[1].rule, Rule::binding);
}

TEST(Verify, Access) {
  const BufferRef t = Buffer::make("t", Scalar::f32, {4}, BufferRole::scratch);
  const Stmt use = Store::make(y, {0}, Load::make(t, {0}));
  breaks(Rule::access, "buffer 't' is no parameter",
         kernel_of(Block::make({Allocate::make(t, Block::make({})), use})));
  const BufferRef same_name = Buffer::make("y", Scalar::f32, {8}, BufferRole::output);
  breaks(Rule::access, "buffer 'y' is no parameter", kernel_of(Store::make(same_name, {0}, one)));
}

TEST(Verify, PrefetchesAreOfParameters) {
  sound("for i in [0, n) parallel { prefetch x + i*8 + 1000 prefetch y + -1 }");
  sound("prefetch x + 3", Form::lowered);
  const BufferRef other = Buffer::make("y", Scalar::f32, {8}, BufferRole::output);
  breaks(Rule::access, "buffer 'y' is not a parameter", kernel_of(Prefetch::make(other, 0)));
  breaks(Rule::scope, "i", kernel_of(Prefetch::make(y, Var::make("i"))));
  breaks(Rule::symbols, "m", kernel_of(Prefetch::make(y, Symbol::make("m"))));
}

TEST(Verify, Roles) {
  const BufferRef x = Buffer::make("x", Scalar::f32, {8}, BufferRole::constant);
  const BufferRef t = Buffer::make("t", Scalar::f32, {4}, BufferRole::scratch);
  breaks(Rule::roles, "a store to the constant 'x'",
         kernel_of(raw<Store>(x, std::vector<Expr>{0}, one, Expr()), {x}));
  breaks(Rule::roles, "t: a parameter of role scratch", kernel_of(Block::make({}), {t}));
  breaks(Rule::roles, "an allocation of role constant",
         kernel_of(raw<Allocate>(x, Block::make({}))));
}

TEST(Verify, Rank) {
  breaks(Rule::rank, "2 indices for the 1 dimensions of 'y'",
         kernel_of(raw<Store>(y, std::vector<Expr>{0, 1}, one, Expr())));
  const Expr load(
      std::make_shared<const Load>(y, std::vector<Expr>{}, Expr(), Type{Scalar::f32, 1}));
  breaks(Rule::rank, "0 indices", kernel_of(Store::make(y, {0}, load)));
}

TEST(Verify, Shapes) {
  const BufferRef x = Buffer::make("x", Scalar::f32, {Var::make("i")}, BufferRole::input);
  breaks(Rule::shapes, "x: the shape uses i", kernel_of(Block::make({}), {x}));
  const BufferRef t = Buffer::make("t", Scalar::f32, {Symbol::make("n")}, BufferRole::tile);
  breaks(Rule::shapes, "the extent n of 't'", kernel_of(raw<Allocate>(t, Block::make({}))));
}

TEST(Verify, Conditions) {
  breaks(Rule::conditions, "a guard of type index", kernel_of(raw<If>(Expr(1), Block::make({}))));
  const Expr wide = Ramp::make(0, 1, 4) < Broadcast::make(1, 4);
  breaks(Rule::conditions, "a mask of boolx4 for 1 lanes of 'y'",
         kernel_of(raw<Store>(y, std::vector<Expr>{0}, one, wide)));
  const Expr select(std::make_shared<const Select>(wide, one, one));
  breaks(Rule::conditions, "a selection by boolx4", kernel_of(Store::make(y, {0}, select)));
}

TEST(Verify, Divisors) {
  breaks(Rule::divisors, "floordiv by 0", "y[floordiv(n, 0)] = 1f32");
  breaks(Rule::divisors, "floormod by -2", "y[floormod(n, -2)] = 1f32");
  breaks(Rule::divisors, "floormod by n", "y[floormod(4, n)] = 1f32");
  breaks(Rule::divisors, "floordiv by s - 1", "y[floordiv(4, s - 1)] = 1f32");
  breaks(Rule::divisors, "floordiv by i + 1",
         "for i in [0, 4) parallel { y[floordiv(i, i + 1)] = 1f32 }");
  sound("y[floordiv(4, s + 1)] = 1f32");
  sound("y[floordiv(4, max(n, 1)*s)] = 1f32");
  sound("y[floordiv(ramp(0, 1, 4), broadcast(2, 4))] = broadcast(1f32, 4)");
}

TEST(Verify, Bounds) {
  const Expr i = Var::make("i");
  breaks(Rule::bounds, "the bounds use 'i' itself",
         kernel_of(Loop::make(i, 0, i + 1, LoopKind::parallel, Mapping::serial, Block::make({}))));
  breaks(
      Rule::bounds, "a bound of type f32",
      kernel_of(raw<Loop>(i, Expr(0), one, LoopKind::parallel, Mapping::serial, Block::make({}))));
}

TEST(Verify, Extents) {
  breaks(Rule::extents, "the extent n is not constant", "for i in [0, n) parallel vector {}");
  breaks(Rule::extents, "the extent n is not constant", "for i in [0, n) reduction unrolled {}");
}

TEST(Verify, Hinted) {
  breaks(Rule::hinted, "for i in [0, n) reduction hinted", "for i in [0, n) reduction hinted {}");
}

TEST(Verify, Workgroups) {
  const std::string inner = "for i in [0, n) parallel workgroup {}";
  breaks(Rule::workgroups, "a workgroup loop inside", "if true {" + inner + "}");
  breaks(Rule::workgroups, "a workgroup loop inside", "for j in [0, n) parallel {" + inner + "}");
  breaks(Rule::workgroups, "a workgroup loop inside", "allocate t: f32[4] tile {" + inner + "}");
  breaks(Rule::workgroups, "a workgroup loop inside",
         "for w in [0, n) parallel workgroup { if true {" + inner + "} }");
}

TEST(Verify, Vectors) {
  breaks(Rule::vectors, "for j in [0, 4) parallel vector",
         "for i in [0, 4) parallel vector { if true { for j in [0, 4) parallel vector {} } }");
  sound("for i in [0, 4) parallel vector {} for j in [0, 4) parallel vector {}");
}

TEST(Verify, Reductions) {
  breaks(Rule::reductions, "mapped vector", "for i in [0, 4) reduction vector {}");
  breaks(Rule::reductions, "mapped workgroup", "for i in [0, 4) reduction workgroup {}");
}

TEST(VerifyLowered, Mappings) {
  const std::string vector = "for i in [0, 4) parallel vector {}";
  const std::string unrolled = "for i in [0, 4) parallel unrolled {}";
  sound(vector + unrolled);
  breaks(Rule::lowered_mappings, "a loop mapped vector", vector, Form::lowered);
  breaks(Rule::lowered_mappings, "a loop mapped unrolled", unrolled, Form::lowered);
}

TEST(VerifyLowered, Flat) {
  breaks(Rule::flat, "buffer 't' has 2 dimensions", "allocate t: f32[4, 4] scratch {}",
         Form::lowered);
  const BufferRef x = Buffer::make("x", Scalar::f32, {2, 8}, BufferRole::input);
  breaks(Rule::flat, "x: buffer 'x' has 2 dimensions", kernel_of(Block::make({}), {x}),
         Form::lowered);
}

TEST(VerifyLowered, TileSubscripts) {
  const auto access = [](const std::string& index, const std::string& value) {
    return "allocate t: f32[8] tile { t[" + index + "] = " + value + " }";
  };
  const std::string four = "broadcast(0f32, 4)";
  sound(access("n", "0f32"));
  sound(access("7", "0f32"), Form::lowered);
  sound(access("ramp(4, 1, 4)", four), Form::lowered);
  breaks(Rule::tile_subscripts, "tile 't' at n", access("n", "0f32"), Form::lowered);
  breaks(Rule::tile_subscripts, "tile 't' at ramp(0, 2, 4)", access("ramp(0, 2, 4)", four),
         Form::lowered);
  breaks(Rule::tile_subscripts, "tile 't' at ramp(n, 1, 4)", access("ramp(n, 1, 4)", four),
         Form::lowered);
  breaks(Rule::tile_subscripts, "tile 't' at n", "allocate t: f32[8] tile { y[0] = t[n] }",
         Form::lowered);
  const auto load = [](const std::string& index) {
    return "allocate t: f32[8] tile { y[ramp(0, 1, 4)] = t[" + index + "] }";
  };
  sound(load("ramp(1, 2, 4)"), Form::lowered);
  sound(load("floormod(ramp(0, 1, 4), broadcast(2, 4))*broadcast(4, 4)"), Form::lowered);
  breaks(Rule::tile_subscripts, "tile 't' at ramp(n, 2, 4)", load("ramp(n, 2, 4)"), Form::lowered);
}

TEST(VerifyLowered, ScalarGuards) {
  const std::string guard = "if ramp(0, 1, 4) < broadcast(n, 4) {}";
  sound(guard);
  breaks(Rule::scalar_guards, "a guard of type boolx4", guard, Form::lowered);
}

TEST(VerifyLowered, PlainBounds) {
  const std::string loop = "for i in [0, select(x[0] < 1f32, 2, 3)) parallel {}";
  sound(loop);
  breaks(Rule::plain_bounds, "loads", loop, Form::lowered);
}

TEST(VerifyLowered, OneWorkgroup) {
  const std::string two =
      "for i in [0, n) parallel workgroup {} for j in [0, n) parallel workgroup {}";
  sound(two);
  breaks(Rule::one_workgroup, "for j in [0, n) parallel workgroup: this is workgroup loop number 2",
         two, Form::lowered);
}

TEST(VerifyLowered, Functions) {
  sound("y[0] = tanh(x[0])");
  sound("y[0] = pow2(sqrt(abs(x[0])))", Form::lowered);
  breaks(Rule::functions, "a call of tanh", "y[0] = 1f32 + tanh(x[0])", Form::lowered);
}

TEST(VerifyRules, HaveTheNamesOfTheHeader) {
  EXPECT_EQ(name_of(Rule::complete), "complete");
  EXPECT_EQ(name_of(Rule::reductions), "reductions");
  EXPECT_EQ(name_of(Rule::one_workgroup), "one workgroup");
  EXPECT_EQ(static_cast<int>(Rule::reductions), 17);
  EXPECT_EQ(name_of(Rule::functions), "functions");
  EXPECT_EQ(static_cast<int>(Rule::one_workgroup), 23);
}

}  // namespace
}  // namespace nestjit::ir
