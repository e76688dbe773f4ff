// Random expressions and kernels keep their meaning when they are simplified, and what the bounds
// claim of them is true.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "ir/interpret.h"
#include "ir/ir.h"
#include "ir/print.h"
#include "ir/simplify.h"
#include "ir/verify.h"
#include "ir/visit.h"
#include "tests/ir/random_index.h"

namespace nestjit::ir {
namespace {

constexpr int expressions = 20'000;
constexpr int kernels = 500;
constexpr int points_each = 10;

/// Calls check(choices, space) for each seed until one fails, then says how to run that one.
void for_random_spaces(int count, const std::function<void(Choices&, RandomSpace&)>& check) {
  const SeedRange seeds = seed_range(count);
  for (int i = 0; i < seeds.count && !testing::Test::HasFailure(); ++i) {
    const uint64_t seed = seeds.first + static_cast<uint64_t>(i);
    SCOPED_TRACE(reproduce_line(seed));
    Choices choices(seed);
    RandomSpace space(choices);
    check(choices, space);
  }
}

void at_points(RandomSpace& space, const std::function<void(const Point&)>& check) {
  for (int i = 0; i < points_each && !testing::Test::HasFailure(); ++i)
    if (const auto p = space.point()) check(*p);
}

TEST(SimplifyRandom, AnIndexKeepsItsValue) {
  for_random_spaces(expressions, [](Choices&, RandomSpace& space) {
    const Expr e = space.grower().index(4);
    const Expr within = simplify(e, space.bounds()), anywhere = simplify(e);
    at_points(space, [&](const Point& p) {
      ASSERT_EQ(p.index(within), p.index(e)) << p.text() << "\n"
                                             << to_string(e) << "\n"
                                             << to_string(within);
      ASSERT_EQ(p.index(anywhere), p.index(e)) << p.text() << "\n"
                                               << to_string(e) << "\n"
                                               << to_string(anywhere);
    });
  });
}

TEST(SimplifyRandom, AConditionKeepsItsValue) {
  for_random_spaces(expressions, [](Choices&, RandomSpace& space) {
    const Expr e = space.grower().truth(4);
    const Expr within = simplify(e, space.bounds()), anywhere = simplify(e);
    at_points(space, [&](const Point& p) {
      ASSERT_EQ(p.truth(within), p.truth(e)) << p.text() << "\n"
                                             << to_string(e) << "\n"
                                             << to_string(within);
      ASSERT_EQ(p.truth(anywhere), p.truth(e)) << p.text() << "\n"
                                               << to_string(e) << "\n"
                                               << to_string(anywhere);
    });
  });
}

TEST(SimplifyRandom, TwiceIsOnce) {
  for_random_spaces(expressions, [](Choices& choices, RandomSpace& space) {
    const Expr e = choices.one_in(2) ? space.grower().index(4) : space.grower().truth(4);
    const Expr once = simplify(e, space.bounds());
    const Expr twice = simplify(once, space.bounds());
    ASSERT_EQ(to_string(twice), to_string(once)) << to_string(e);
  });
}

TEST(BoundsRandom, ARangeHoldsEveryValue) {
  for_random_spaces(expressions, [](Choices&, RandomSpace& space) {
    const Expr e = space.grower().index(4);
    const Interval r = space.bounds().range(e);
    at_points(space, [&](const Point& p) {
      ASSERT_LE(r.min, p.index(e)) << p.text() << "\n" << to_string(e);
      ASSERT_GE(r.max, p.index(e)) << p.text() << "\n" << to_string(e);
    });
  });
}

TEST(BoundsRandom, WhatIsProvedIsTrue) {
  int proofs = 0;
  for_random_spaces(expressions, [&](Choices& choices, RandomSpace& space) {
    const Expr a = space.grower().index(3), b = space.grower().index(3) + choices.between(0, 20);
    const bool le = space.bounds().proves_le(a, b);
    const bool nonnegative = space.bounds().proves_nonnegative(Linear::of(b));
    proofs += le;
    at_points(space, [&](const Point& p) {
      ASSERT_TRUE(!le || p.index(a) <= p.index(b)) << p.text() << "\n" << to_string(a <= b);
      ASSERT_TRUE(!nonnegative || p.index(b) >= 0) << p.text() << "\n" << to_string(b);
    });
  });
  // Enough of them to mean something.
  EXPECT_TRUE(proofs > expressions / 10 || seed_range(expressions).count < expressions) << proofs;
}

/// Grows small loop nests over x: f32[32] and y: f32[64]; every access is kept inside, by a
/// remainder, a guard or a mask.
class KernelGrower {
 public:
  explicit KernelGrower(uint64_t seed) : choices_(seed), grower_(choices_) {
    grower_.push(Symbol::make("n"));
    grower_.push(Symbol::make("m"));
  }

  Kernel kernel() {
    const Stmt body = block(4);
    return {"k", {x_, y_}, {{"n", 1, 6}, {"m", 0, 4}}, true, body};
  }

 private:
  Stmt block(int depth) {
    std::vector<Stmt> stmts;
    for (int64_t i = choices_.between(1, depth > 2 ? 2 : 3); i > 0; --i)
      stmts.push_back(statement(depth));
    return Block::make(std::move(stmts));
  }

  Stmt statement(int depth) {
    if (depth == 0) return store();
    switch (choices_.between(0, 5)) {
      case 0:
      case 1: return loop(depth);
      case 2: return let(depth);
      case 3: return If::make(grower_.truth(2), block(depth - 1));
      case 4: return allocate(depth);
      default: return store();
    }
  }

  Stmt loop(int depth) {
    const Expr min = choices_.one_in(3) ? grower_.index(1) : Expr(choices_.between(-2, 3));
    const Expr extent = this->extent();
    const Expr var = Var::make("i");
    grower_.push(var);
    const Stmt body = block(depth - 1);
    grower_.pop();
    const bool unrolled = constant_of(extent) && choices_.one_in(3);
    return Loop::make(var, min, extent, LoopKind::reduction,
                      unrolled ? Mapping::unrolled : Mapping::serial, body);
  }

  Expr extent() {
    switch (choices_.between(0, 3)) {
      case 0: return minimum(choices_.between(0, 4), grower_.index(1));
      case 1: return Symbol::make("n") - choices_.between(0, 4);
      default: return choices_.between(0, 4);
    }
  }

  Stmt let(int depth) {
    const Expr value = grower_.index(2), var = Var::make("k");
    grower_.push(var);
    const Stmt body = block(depth - 1);
    grower_.pop();
    return Let::make(var, value, body);
  }

  /// Memory that is written before the block, so that no value depends on what it held.
  Stmt allocate(int depth) {
    const BufferRef t = Buffer::make("t", Scalar::f32, {4}, BufferRole::scratch);
    const Expr i = Var::make("j");
    const Stmt fill = Loop::make(i, 0, 4, LoopKind::parallel, Mapping::serial,
                                 Store::make(t, {i}, FloatImm::make(0.25, Scalar::f32)));
    scratch_.push_back(t);
    const Stmt body = block(depth - 1);
    scratch_.pop_back();
    return Allocate::make(t, Block::make({fill, body}));
  }

  static Expr inside(const Expr& i, int64_t size) { return both(0 <= i, i < size); }

  Stmt store() {
    if (!scratch_.empty() && choices_.one_in(3))
      return Store::make(scratch_.back(), {floormod(grower_.index(2), 4)}, value());
    const Expr i = grower_.index(3);
    switch (choices_.between(0, 2)) {
      case 0: return If::make(inside(i, 64), Store::make(y_, {i}, value()));
      case 1: return Store::make(y_, {i}, value(), inside(i, 64));
      default: return Store::make(y_, {floormod(i, 64)}, value());
    }
  }

  /// Depends on the order of all stores before.
  Expr value() {
    const Expr old = Load::make(y_, {floormod(grower_.index(2), 64)});
    return Fma::make(old, FloatImm::make(0.5, Scalar::f32), read());
  }

  Expr read() {
    const Expr i = grower_.index(2);
    switch (choices_.between(0, scratch_.empty() ? 2 : 3)) {
      case 0: return Load::make(x_, {i}, inside(i, 32));
      case 1: return Load::make(x_, {floormod(i, 32)});
      case 2:
        return Select::make(grower_.truth(2), Load::make(x_, {floormod(i, 32)}),
                            FloatImm::make(-1, Scalar::f32));
      default: return Load::make(scratch_.back(), {floormod(i, 4)});
    }
  }

  Choices choices_;
  IndexGrower grower_;
  BufferRef x_ = Buffer::make("x", Scalar::f32, {32}, BufferRole::input);
  BufferRef y_ = Buffer::make("y", Scalar::f32, {64}, BufferRole::output);
  std::vector<BufferRef> scratch_;
};

std::vector<float> run(const Kernel& kernel, int64_t n, int64_t m) {
  std::vector<float> x(32), y(64);
  for (size_t i = 0; i < x.size(); ++i) x[i] = 0.37f * static_cast<float>(i) - 3;
  for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<float>(i) / 7;
  interpret(kernel, {{x, y}, {{"n", n}, {"m", m}}});
  return y;
}

void expect_same_bits(const Kernel& kernel, const Kernel& simple, int64_t n, int64_t m) {
  const auto a = run(kernel, n, m), b = run(simple, n, m);
  ASSERT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0)
      << "n = " << n << ", m = " << m << "\n"
      << to_string(kernel) << "\n"
      << to_string(simple);
}

TEST(SimplifyRandom, AKernelKeepsItsBits) {
  const SeedRange seeds = seed_range(kernels);
  for (int i = 0; i < seeds.count && !testing::Test::HasFailure(); ++i) {
    const uint64_t seed = seeds.first + static_cast<uint64_t>(i);
    SCOPED_TRACE(reproduce_line(seed));
    const Kernel kernel = KernelGrower(seed).kernel();
    for (const bool drop : {false, true})
      for (const bool ranges : {false, true}) {
        const SimplifyOptions options{.drop_dead_code = drop, .use_ranges = ranges};
        const Kernel simple = simplify(kernel, options);
        verify(simple, "simplify");
        // Code that never runs may be folded further, as nothing can be known of it.
        EXPECT_TRUE(!drop || equal(simplify(simple, options), simple)) << to_string(simple);
        for (const auto& [n, m] : {std::pair{1, 0}, {6, 4}, {3, 2}})
          expect_same_bits(kernel, simple, n, m);
      }
  }
}

}  // namespace
}  // namespace nestjit::ir
