// Values of index expressions over symbols.
#include "ir/evaluate.h"

#include <gtest/gtest.h>

#include "ir/ir.h"
#include "nestjit/error.h"

namespace nestjit::ir {
namespace {

TEST(Evaluate, CountsWorkgroups) {
  const std::vector<SymbolDecl> symbols{{"N"}, {"L"}};
  const Expr n = Symbol::make("N"), l = Symbol::make("L");
  const Expr count = n * 32 * (floordiv(l - 1, 224) + 1);
  for (const int64_t length : {int64_t{1}, int64_t{224}, int64_t{225}, int64_t{100000}}) {
    const int64_t values[] = {3, length};
    EXPECT_EQ(evaluate(count, symbols, values), 96 * ((length + 223) / 224));
  }
  const int64_t values[] = {-7, 4};
  EXPECT_EQ(evaluate(maximum(n, floormod(n, l)), symbols, values), 1);
  EXPECT_EQ(evaluate(minimum(n, floordiv(n, l)), symbols, values), -7);
  EXPECT_EQ(evaluate(n - l, symbols, values), -11);
}

TEST(Evaluate, RefusesWhatHasNoValue) {
  const std::vector<SymbolDecl> symbols{{"N"}};
  const Expr n = Symbol::make("N");
  const int64_t zero[] = {0}, huge[] = {INT64_MAX};
  EXPECT_THROW(evaluate(floordiv(1, n), symbols, zero), Error);
  EXPECT_THROW(evaluate(n + 1, symbols, huge), Error);
  EXPECT_THROW(evaluate(Symbol::make("M"), symbols, zero), Error);
  EXPECT_THROW(evaluate(Var::make("i"), symbols, zero), Error);
}

}  // namespace
}  // namespace nestjit::ir
