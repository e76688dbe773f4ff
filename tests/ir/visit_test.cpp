#include "ir/visit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "ir/parse.h"
#include "ir/print.h"

namespace nestjit::ir {
namespace {

Kernel sample() {
  return parse_kernel(R"(
kernel k(x: f32[n, 8] input, y: f32[n, 8] output) symbols(n >= 1) {
  for i in [0, n) parallel {
    allocate t: f32[8] scratch {
      for j in [0, 8) parallel { t[j] = x[i, j] }
      let last: index = 8 - 1
      if i < last { y[i, 0] = fma(t[last], 2.0f32, t[0]) }
    }
  }
})");
}

const Loop& outer_loop(const Kernel& k) { return *k.body.as<Loop>(); }

class Nothing final : public Rewriter {};

/// Adds one to every integer constant.
class Increment final : public Rewriter {
 public:
  using Rewriter::rewrite;
  Expr rewrite(const Expr& e) override {
    if (const auto c = constant_of(e)) return *c + 1;
    return rewrite_children(e);
  }
};

TEST(Rewriter, UnchangedChildrenGiveTheSameNode) {
  const Kernel k = sample();
  EXPECT_TRUE(Nothing().rewrite(k.body).same_as(k.body));
}

TEST(Rewriter, ChangesOnlyThePathToAChange) {
  const Expr i = Var::make("i"), n = Symbol::make("n");
  const Expr kept = i * n, e = kept + 1;
  const Expr out = Increment().rewrite(e);
  EXPECT_EQ(to_string(out), "i*n + 2");
  EXPECT_TRUE(out.as<Binary>()->a.same_as(kept));
  EXPECT_EQ(to_string(e), "i*n + 1");
}

TEST(Walk, ReportsEveryNodeParentsFirst) {
  const Kernel k = sample();
  std::vector<StmtKind> kinds;
  walk_stmts(k.body, [&](const Stmt& s) { kinds.push_back(s.kind()); });
  EXPECT_EQ(kinds, (std::vector{StmtKind::Loop, StmtKind::Allocate, StmtKind::Block, StmtKind::Loop,
                                StmtKind::Store, StmtKind::Let, StmtKind::If, StmtKind::Store}));
  int loads = 0, symbols = 0;
  walk_exprs(k.body, [&](const Expr& e) {
    loads += e.as<Load>() != nullptr;
    symbols += e.as<Symbol>() != nullptr;
  });
  EXPECT_EQ(loads, 3);
  EXPECT_EQ(symbols, 1);
}

TEST(Substitute, ReplacesVariablesSymbolsAndBuffers) {
  const Expr i = Var::make("i"), j = Var::make("j");
  EXPECT_EQ(to_string(substitute(i + j * i, {{id_of(i), Expr(3)}})), "3 + j*3");
  EXPECT_EQ(to_string(substitute_symbols(i + Symbol::make("n"), {{"n", j - 1}})), "i + (j - 1)");
  const BufferRef y = Buffer::make("y", Scalar::f32, {8}, BufferRole::output);
  const BufferRef z = Buffer::make("z", Scalar::f32, {8}, BufferRole::output);
  const Stmt s = Store::make(y, {i}, Load::make(y, {i}));
  EXPECT_EQ(to_string(substitute_buffers(s, {{y.get(), z}})), "z[i] = z[i]\n");
  EXPECT_TRUE(substitute(s, {{id_of(j), Expr(1)}}).same_as(s));
}

TEST(Prefetch, IsRewrittenWalkedAndCompared) {
  const BufferRef y = Buffer::make("y", Scalar::f32, {8}, BufferRole::output);
  const BufferRef z = Buffer::make("z", Scalar::f32, {8}, BufferRole::output);
  const Expr i = Var::make("i"), j = Var::make("j");
  const Stmt s = Prefetch::make(y, i * 8);
  EXPECT_EQ(to_string(substitute(s, {{id_of(i), j + 1}})), "prefetch y + (j + 1)*8\n");
  EXPECT_TRUE(substitute(s, {{id_of(j), Expr(1)}}).same_as(s));
  EXPECT_EQ(to_string(substitute_buffers(s, {{y.get(), z}})), "prefetch z + i*8\n");
  EXPECT_EQ(to_string(Increment().rewrite(s)), "prefetch y + i*9\n");
  EXPECT_TRUE(uses(s, id_of(i)));
  EXPECT_FALSE(uses(s, id_of(j)));
  int expressions = 0;
  walk_exprs(s, [&](const Expr&) { ++expressions; });
  EXPECT_EQ(expressions, 3);
  EXPECT_TRUE(equal(s, Prefetch::make(y, i * 8)));
  EXPECT_FALSE(equal(s, Prefetch::make(y, i * 9)));
  EXPECT_FALSE(equal(s, Prefetch::make(z, i * 8)));
  EXPECT_FALSE(equal(s, Block::make({})));
}

TEST(Uses, SeesVariablesEverywhere) {
  const Kernel k = sample();
  EXPECT_TRUE(uses(outer_loop(k).body, outer_loop(k).id()));
  EXPECT_FALSE(uses(outer_loop(k).extent, outer_loop(k).id()));
  EXPECT_FALSE(uses(k.body, id_of(Var::make("i"))));
}

TEST(CloneFresh, SharesNoVariableAndNoAllocation) {
  const Kernel k = sample();
  Substitution renamed;
  const Stmt copy = clone_fresh(k.body, &renamed);
  EXPECT_TRUE(equal(copy, k.body));
  EXPECT_EQ(renamed.size(), 3u);
  EXPECT_EQ(id_of(renamed.at(outer_loop(k).id())), copy.as<Loop>()->id());
  for (const auto& [old_id, var] : renamed) {
    EXPECT_FALSE(uses(copy, old_id));
    EXPECT_FALSE(uses(k.body, id_of(var)));
  }
  const auto* old_allocation = outer_loop(k).body.as<Allocate>();
  const auto* new_allocation = copy.as<Loop>()->body.as<Allocate>();
  EXPECT_NE(old_allocation->buffer, new_allocation->buffer);
  walk_exprs(copy, [&](const Expr& e) {
    if (const auto* load = e.as<Load>()) {
      EXPECT_NE(load->buffer, old_allocation->buffer);
    }
  });
}

TEST(Equal, ExpressionsByStructureAndIdentity) {
  const Expr i = Var::make("i"), also_i = Var::make("i");
  EXPECT_TRUE(equal(i + 1, i + 1));
  EXPECT_FALSE(equal(i + 1, 1 + i));
  EXPECT_FALSE(equal(i + 1, i - 1));
  EXPECT_FALSE(equal(i, also_i));
  EXPECT_TRUE(equal(Symbol::make("n"), Symbol::make("n")));
  EXPECT_FALSE(equal(Symbol::make("n"), Symbol::make("m")));
  EXPECT_FALSE(equal(i < 1, i <= 1));
  EXPECT_FALSE(equal(Ramp::make(i, 1, 4), Ramp::make(i, 2, 4)));
  EXPECT_FALSE(equal(Ramp::make(i, 1, 4), Ramp::make(i, 1, 8)));
  EXPECT_TRUE(equal(Expr(), Expr()));
  EXPECT_FALSE(equal(Expr(), i));
}

TEST(Equal, FloatConstantsByValueAndSign) {
  const auto f = [](double v) { return FloatImm::make(v, Scalar::f64); };
  EXPECT_FALSE(equal(f(0.0), f(-0.0)));
  EXPECT_TRUE(equal(f(NAN), f(NAN)));
  EXPECT_FALSE(equal(f(1), FloatImm::make(1, Scalar::f32)));
}

TEST(Equal, BuffersOfExpressionsByIdentity) {
  const auto make = [] { return Buffer::make("x", Scalar::f32, {8}, BufferRole::output); };
  const BufferRef a = make(), b = make();
  EXPECT_TRUE(equal(Load::make(a, {0}), Load::make(a, {0})));
  EXPECT_FALSE(equal(Load::make(a, {0}), Load::make(b, {0})));
  const Expr one = FloatImm::make(1, Scalar::f32);
  EXPECT_TRUE(equal(Store::make(a, {0}, one), Store::make(b, {0}, one)));
}

/// for a ... for b: y[first, second] = 1
Stmt two_loops(const BufferRef& y, bool crossed) {
  const Expr a = Var::make("a"), b = Var::make("b"), one = FloatImm::make(1, Scalar::f32);
  const Stmt store = Store::make(y, crossed ? std::vector{b, a} : std::vector{a, b}, one);
  const Stmt inner = Loop::make(b, 0, 8, LoopKind::parallel, Mapping::serial, store);
  return Loop::make(a, 0, 8, LoopKind::parallel, Mapping::serial, inner);
}

TEST(Equal, StatementsByPlaceOfBinding) {
  const BufferRef y = Buffer::make("y", Scalar::f32, {8, 8}, BufferRole::output);
  EXPECT_TRUE(equal(two_loops(y, false), two_loops(y, false)));
  EXPECT_FALSE(equal(two_loops(y, false), two_loops(y, true)));
}

TEST(Equal, ASharedBodyUnderAnotherLoopIsAnother) {
  const BufferRef y = Buffer::make("y", Scalar::f32, {8}, BufferRole::output);
  const Expr a = Var::make("a"), b = Var::make("a");
  const Stmt body = Store::make(y, {a}, FloatImm::make(1, Scalar::f32));
  const auto loop = [&](const Expr& var) {
    return Loop::make(var, 0, 8, LoopKind::parallel, Mapping::serial, body);
  };
  EXPECT_TRUE(equal(loop(a), loop(a)));
  EXPECT_FALSE(equal(loop(a), loop(b)));
}

TEST(Equal, KernelsByEveryPart) {
  const Kernel k = sample();
  EXPECT_TRUE(equal(k, sample()));
  Kernel other = k;
  other.fused = !k.fused;
  EXPECT_FALSE(equal(k, other));
  other = k;
  other.symbols[0].min = 2;
  EXPECT_FALSE(equal(k, other));
  other = k;
  std::swap(other.params[0], other.params[1]);
  EXPECT_FALSE(equal(k, other));
  EXPECT_FALSE(equal(k, k.with_body(Block::make({}))));
}

}  // namespace
}  // namespace nestjit::ir
