// Random trees survive print and parse; damaged text never does worse than an invalid argument.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "ir/ir.h"
#include "ir/parse.h"
#include "ir/print.h"
#include "ir/visit.h"
#include "nestjit/error.h"

namespace nestjit::ir {
namespace {

/// Grows well-typed trees over two symbols, two parameters and whatever is in scope.
class Grower {
 public:
  explicit Grower(uint32_t seed) : random_(seed) {}

  Kernel kernel() {
    Stmt body = block(4);
    return {"k", {x_, y_}, {{"n", 1, 9}, {"l"}}, pick(2) == 0, body};
  }

  Expr index(int depth, int lanes = 1) {
    if (lanes > 1 && depth == 0) return Ramp::make(leaf(), pick(5) - 2, lanes);
    if (depth == 0) return leaf();
    switch (pick(lanes > 1 ? 8 : 7)) {
      case 0: return floordiv(index(depth - 1, lanes), spread(pick(9) + 1, lanes));
      case 1: return floormod(index(depth - 1, lanes), spread(pick(9) + 1, lanes));
      case 2: return minimum(index(depth - 1, lanes), index(depth - 1, lanes));
      case 3:
        return Select::make(truth(depth - 1, lanes), index(depth - 1, lanes),
                            index(depth - 1, lanes));
      case 4: return index(depth - 1, lanes) - index(depth - 1, lanes);
      case 5: return index(depth - 1, lanes) * index(depth - 1, lanes);
      case 6: return index(depth - 1, lanes) + index(depth - 1, lanes);
      default: return Broadcast::make(index(depth - 1), lanes);
    }
  }

  Expr truth(int depth, int lanes = 1) {
    if (depth == 0) return spread(BoolImm::make(pick(2) == 0), lanes);
    switch (pick(4)) {
      case 0: return Not::make(truth(depth - 1, lanes));
      case 1:
        return Binary::make(pick(2) ? BinaryOp::logical_and : BinaryOp::logical_or,
                            truth(depth - 1, lanes), truth(depth - 1, lanes));
      case 2:
        return Compare::make(static_cast<CompareOp>(pick(6)), real(depth - 1, lanes),
                             real(depth - 1, lanes));
      default:
        return Compare::make(static_cast<CompareOp>(pick(6)), index(depth - 1, lanes),
                             index(depth - 1, lanes));
    }
  }

  Expr pair(int lanes) {
    return Pair::make(spread(constant(Scalar::bf16), lanes), spread(constant(Scalar::bf16), lanes));
  }

  Expr real(int depth, int lanes = 1) {
    if (depth == 0) return spread(constant(Scalar::f32), lanes);
    switch (pick(7)) {
      case 0: return load(depth - 1, lanes);
      case 6: return Dot::make(pair(lanes), pair(lanes), real(depth - 1, lanes));
      case 1:
        return Fma::make(real(depth - 1, lanes), real(depth - 1, lanes), real(depth - 1, lanes));
      case 2: return Call::make(static_cast<Intrinsic>(pick(10)), real(depth - 1, lanes));
      case 3: return Cast::make(Scalar::f32, spread(constant(Scalar::bf16), lanes));
      case 4:
        return Binary::make(pick(2) ? BinaryOp::div : BinaryOp::copysign, real(depth - 1, lanes),
                            real(depth - 1, lanes));
      default: return real(depth - 1, lanes) * real(depth - 1, lanes) - real(depth - 1, lanes);
    }
  }

 private:
  int pick(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }

  static Expr spread(const Expr& e, int lanes) {
    return lanes == 1 ? e : Broadcast::make(e, lanes);
  }

  Expr leaf() {
    const int n = pick(4 + static_cast<int>(scope_.size()));
    if (n == 0) return Symbol::make("n");
    if (n == 1) return Symbol::make("l");
    if (n < 4) return pick(2) ? Expr(pick(7) - 3) : Expr(static_cast<int64_t>(random_()) * -100000);
    return scope_[static_cast<size_t>(n - 4)];
  }

  Expr constant(Scalar scalar) {
    const double special[] = {0.0, -0.0, HUGE_VAL, -HUGE_VAL, NAN, 1e30, -1.5};
    if (scalar == Scalar::bf16)
      return FloatImm::make(std::ldexp(pick(255) - 127, pick(40) - 20), scalar);
    if (pick(3) == 0) return FloatImm::make(static_cast<float>(special[pick(7)]), scalar);
    return FloatImm::make(std::ldexp(static_cast<float>(random_() >> 8), pick(200) - 100), scalar);
  }

  Expr load(int depth, int lanes) {
    const BufferRef buffer = buffers_[static_cast<size_t>(pick(static_cast<int>(buffers_.size())))];
    if (lanes == 1) return Load::make(buffer, {index(depth)}, pick(2) ? truth(depth) : Expr());
    return Load::make(buffer, {index(depth, lanes)}, pick(2) ? truth(depth, lanes) : Expr());
  }

  Stmt store() {
    const int lanes = pick(2) ? 8 : 1;
    const BufferRef& buffer =
        buffers_[1 + static_cast<size_t>(pick(static_cast<int>(buffers_.size()) - 1))];
    return Store::make(buffer, {index(2, lanes)}, real(3, lanes),
                       pick(3) ? Expr() : truth(2, lanes));
  }

  Stmt block(int depth) {
    std::vector<Stmt> stmts;
    for (int n = pick(4); n > 0; --n) stmts.push_back(statement(depth));
    return Block::make(std::move(stmts));
  }

  Stmt statement(int depth) {
    if (depth == 0) return store();
    switch (pick(6)) {
      case 4: return Prefetch::make(pick(2) ? x_ : y_, index(3));
      case 0: return loop(depth);
      case 1: return let(depth);
      case 2: return If::make(truth(2), block(depth - 1));
      case 3: return allocation(depth);
      default: return store();
    }
  }

  Stmt loop(int depth) {
    const Expr var = Var::make(pick(2) ? "i" : "n");
    Expr min = pick(2) ? Expr(pick(3)) : index(2), extent = pick(2) ? Expr(pick(9)) : index(2);
    scope_.push_back(var);
    Stmt body = block(depth - 1);
    scope_.pop_back();
    return Loop::make(var, min, extent, pick(2) ? LoopKind::parallel : LoopKind::reduction,
                      static_cast<Mapping>(pick(5)), body);
  }

  Stmt let(int depth) {
    const Expr var = Var::make(pick(2) ? "i" : "min"), value = index(2);
    scope_.push_back(var);
    Stmt body = block(depth - 1);
    scope_.pop_back();
    return Let::make(var, value, body);
  }

  Stmt allocation(int depth) {
    const BufferRef buffer = Buffer::make(pick(2) ? "y" : "t", Scalar::f32, {pick(20)},
                                          pick(2) ? BufferRole::tile : BufferRole::scratch);
    buffers_.push_back(buffer);
    Stmt body = block(depth - 1);
    buffers_.pop_back();
    return Allocate::make(buffer, body);
  }

  std::mt19937 random_;
  BufferRef x_ = Buffer::make("x", Scalar::f32, {Symbol::make("n") * 8}, BufferRole::input, 64);
  BufferRef y_ = Buffer::make("y", Scalar::f32, {100}, BufferRole::output);
  std::vector<BufferRef> buffers_{x_, y_};
  std::vector<Expr> scope_;
};

TEST(RoundTrip, RandomKernels) {
  size_t characters = 0;
  for (uint32_t seed = 0; seed < 400; ++seed) {
    const Kernel k = Grower(seed).kernel();
    const std::string text = to_string(k);
    const Kernel read = parse_kernel_unverified(text);
    ASSERT_TRUE(equal(read, k)) << "seed " << seed << "\n" << text;
    ASSERT_EQ(to_string(read), text) << "seed " << seed;
    characters += text.size();
  }
  EXPECT_GT(characters, 100000u) << "the trees have become trivial";
}

TEST(RoundTrip, RandomExpressions) {
  const auto lookup = [](std::string_view name) { return Symbol::make(std::string(name)); };
  for (uint32_t seed = 0; seed < 400; ++seed) {
    const Expr e = Grower(seed).index(5);
    bool loads = false;
    walk_exprs(e, [&](const Expr& x) { loads = loads || x.as<Load>(); });
    if (loads) continue;
    ASSERT_TRUE(equal(parse_expr(to_string(e), lookup), e)) << to_string(e);
  }
}

/// One small change to a text: a byte removed, doubled, swapped or replaced.
std::string damaged(std::string text, std::mt19937& random) {
  static constexpr std::string_view bytes =
      "[]{}(),;:=<>+-*/ 09e.f\"#\n\xff"
      "aqy";
  for (int n = 1 + static_cast<int>(random() % 3); n > 0 && text.size() > 1; --n) {
    const size_t at = random() % (text.size() - 1);
    switch (random() % 4) {
      case 0: text.erase(at, 1 + random() % 8); break;
      case 1: text.insert(at, 1, text[at]); break;
      case 2: std::swap(text[at], text[at + 1]); break;
      default: text[at] = bytes[random() % bytes.size()]; break;
    }
  }
  return text;
}

TEST(RoundTrip, DamagedTextIsAnInvalidArgumentAtWorst) {
  std::mt19937 random(1);
  int refused = 0;
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    const std::string text = damaged(to_string(Grower(seed % 40).kernel()), random);
    try {
      parse_kernel(text);
    } catch (const Error& e) {
      ASSERT_EQ(e.kind(), ErrorKind::invalid_argument) << e.what() << "\n" << text;
      ASSERT_TRUE(std::string_view(e.what()).starts_with("IR text: ")) << e.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace nestjit::ir
