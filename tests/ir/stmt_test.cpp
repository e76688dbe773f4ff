#include "ir/stmt.h"

#include <gtest/gtest.h>

#include "ir/kernel.h"
#include "tests/expect_error.h"

namespace nestjit::ir {
namespace {

const BufferRef x = Buffer::make("x", Scalar::f32, {8}, BufferRole::input);
const BufferRef y = Buffer::make("y", Scalar::f32, {8}, BufferRole::output);
const Expr one = FloatImm::make(1, Scalar::f32);

Stmt nothing() { return Block::make({}); }
Stmt store_at(const Expr& i) { return Store::make(y, {i}, one); }

void refused(const std::string& part, const std::function<void()>& make) {
  expect_error(ErrorKind::internal, part, make);
}

TEST(Stmt, BlocksAreFlat) {
  const Stmt a = store_at(0), b = store_at(1), c = store_at(2);
  const Stmt all = Block::make({Block::make({a, b}), nothing(), c});
  ASSERT_NE(all.as<Block>(), nullptr);
  EXPECT_EQ(all.as<Block>()->stmts.size(), 3u);
  EXPECT_TRUE(Block::make({nothing(), a}).same_as(a));
  EXPECT_TRUE(nothing().as<Block>()->stmts.empty());
  refused("Block: a statement is absent", [&] { Block::make({a, Stmt()}); });
}

TEST(Stmt, ALoopIsKnownByItsVariable) {
  const Expr i = Var::make("i");
  const Stmt loop = Loop::make(i, 0, 8, LoopKind::parallel, Mapping::serial, store_at(i));
  EXPECT_EQ(loop.as<Loop>()->id(), id_of(i));
  EXPECT_EQ(loop.as<Loop>()->name(), "i");
  EXPECT_EQ(loop.as<Let>(), nullptr);
}

TEST(Stmt, LoopRules) {
  const auto make = [](const Expr& var, const Expr& extent, const Stmt& body) {
    return Loop::make(var, 0, extent, LoopKind::parallel, Mapping::serial, body);
  };
  refused("Loop: the loop variable must be", [&] { make(Expr(1), 8, nothing()); });
  refused("Loop: the loop variable must be",
          [&] { make(Var::make("v", {Scalar::f32, 1}), 8, nothing()); });
  refused("Loop: bounds must be scalar indices", [&] { make(Var::make("i"), one, nothing()); });
  refused("Loop: a body is needed", [&] { make(Var::make("i"), 8, Stmt()); });
}

TEST(Stmt, LetRules) {
  refused("Let: the left side must be a variable", [] { Let::make(Expr(1), 2, nothing()); });
  refused("Let: variable and value must have one type",
          [] { Let::make(Var::make("i"), one, nothing()); });
  EXPECT_NO_THROW(Let::make(Var::make("v", {Scalar::f32, 1}), one, nothing()));
}

TEST(Stmt, StoreRules) {
  const Expr lanes = Ramp::make(0, 1, 8);
  refused("Store: an input or constant is never written", [] { Store::make(x, {0}, one); });
  refused("Store: the value must have the buffer's type", [] { Store::make(y, {0}, 1); });
  refused("Store: the value must have the buffer's type", [&] { Store::make(y, {lanes}, one); });
  refused("Store: the mask must be bool with the value's lanes",
          [&] { Store::make(y, {lanes}, Broadcast::make(one, 8), BoolImm::make(true)); });
  EXPECT_NO_THROW(Store::make(y, {lanes}, Broadcast::make(one, 8), lanes < Broadcast::make(3, 8)));
}

TEST(Stmt, AllocateRules) {
  refused("Allocate: the buffer must be scratch or a tile", [] { Allocate::make(y, nothing()); });
  const BufferRef open = Buffer::make("t", Scalar::f32, {Symbol::make("n")}, BufferRole::scratch);
  refused("Allocate: the shape must be constant", [&] { Allocate::make(open, nothing()); });
}

TEST(Stmt, PrefetchRules) {
  EXPECT_TRUE(Prefetch::make(y, 1000).as<Prefetch>()->buffer == y);
  const BufferRef tile = Buffer::make("t", Scalar::f32, {8}, BufferRole::tile);
  refused("Prefetch: the buffer must be a parameter", [&] { Prefetch::make(tile, 0); });
  refused("Prefetch: the buffer must be a parameter", [&] { Prefetch::make(nullptr, 0); });
  refused("Prefetch: the element must be a scalar index", [&] { Prefetch::make(y, one); });
  refused("Prefetch: the element must be a scalar index", [&] { Prefetch::make(y, Expr()); });
  refused("Prefetch: the element must be a scalar index",
          [&] { Prefetch::make(y, Ramp::make(0, 1, 4)); });
}

TEST(Stmt, IfRules) {
  refused("If: the condition must be bool", [] { If::make(Expr(1), nothing()); });
  refused("If: a body is needed", [] { If::make(BoolImm::make(true), Stmt()); });
}

TEST(Kernel, FindsSymbolsAndReplacesItsBody) {
  const Kernel k{"k", {x, y}, {{"n", 1, 9}}, true, nothing()};
  ASSERT_NE(k.find_symbol("n"), nullptr);
  EXPECT_EQ(k.find_symbol("n")->max, 9);
  EXPECT_EQ(k.find_symbol("m"), nullptr);
  const Stmt body = store_at(0);
  EXPECT_TRUE(k.with_body(body).body.same_as(body));
  EXPECT_EQ(k.with_body(body).params, k.params);
}

}  // namespace
}  // namespace nestjit::ir
