#include "compiler/specialise.h"

#include "ir/parse.h"
#include "ir/print.h"
#include "tests/compiler/passes/run_kernel.h"
#include "tests/expect_error.h"

namespace nestjit::compiler {
namespace {

const ir::Kernel& strided() {
  static const ir::Kernel kernel = ir::parse_kernel(R"(
    kernel strided(x: f32[n*s + 1] input align 32, b: f32[n] constant, y: f32[n] output)
        symbols(n in [0, 100], s in [1, 8]) unfused {
      for i in [0, n) parallel {
        if i*s < n*s + 1 {
          y[i] = fma(x[i*s], b[i], 1.0f32)
        }
      }
    })");
  return kernel;
}

TEST(Specialise, BindsAndFolds) {
  const ir::Kernel k = specialise(strided(), {{"n", 4}, {"s", 3}});
  EXPECT_EQ(
      to_string(k),
      R"(kernel strided(x: f32[13] input align 32, b: f32[4] constant, y: f32[4] output) unfused {
  for i in [0, 4) parallel {
    if i <= 4 {
      y[i] = fma(x[i*3], b[i], 1.0f32)
    }
  }
}
)");
  EXPECT_TRUE(ir::violations(k).empty());
}

TEST(Specialise, ASymbolMayFollowFromAnother) {
  const ir::Expr s = ir::Symbol::make("s");
  const ir::Kernel k = specialise(strided(), {{"n", s * 2 + 1}});
  EXPECT_EQ(
      to_string(k),
      R"(kernel strided(x: f32[(s*2 + 1)*s + 1] input align 32, b: f32[s*2 + 1] constant, y: f32[s*2 + 1] output) symbols(s in [1, 8]) unfused {
  for i in [0, s*2 + 1) parallel {
    if i*s <= (s*2 + 1)*s {
      y[i] = fma(x[i*s], b[i], 1.0f32)
    }
  }
}
)");
  expect_error(ErrorKind::invalid_argument, "n of kernel strided must lie in [0, 100], got s*13",
               [&] { specialise(strided(), {{"n", s * 13}}); });
  expect_error(ErrorKind::invalid_argument, "must be a value over unbound symbols, got s",
               [&] { specialise(strided(), {{"n", s}, {"s", 2}}); });
  expect_error(ErrorKind::invalid_argument, "must be a value over unbound symbols, got m",
               [&] { specialise(strided(), {{"n", ir::Symbol::make("m")}}); });
}

TEST(Specialise, UnboundSymbolsStayArguments) {
  const ir::Kernel k = specialise(strided(), {{"s", 2}});
  EXPECT_EQ(
      to_string(k),
      R"(kernel strided(x: f32[n*2 + 1] input align 32, b: f32[n] constant, y: f32[n] output) symbols(n in [0, 100]) unfused {
  for i in [0, n) parallel {
    if i <= n {
      y[i] = fma(x[i*2], b[i], 1.0f32)
    }
  }
}
)");
}

TEST(Specialise, SameBits) {
  for (const int64_t n : {0, 1, 5, 100})
    for (const int64_t s : {1, 3, 8}) {
      const Symbols symbols{{"n", n}, {"s", s}};
      const auto expected = results_of(strided(), symbols);
      EXPECT_EQ(results_of(specialise(strided(), symbols)), expected);
      EXPECT_EQ(results_of(specialise(strided(), {{"n", n}}), symbols), expected);
      EXPECT_EQ(results_of(specialise(strided(), {{"s", s}}), symbols), expected);
    }
}

TEST(Specialise, NothingBoundIsTheSameKernel) {
  const ir::Kernel simple = ir::simplify(strided());
  EXPECT_TRUE(ir::equal(specialise(strided(), {}), simple)) << to_string(simple);
  EXPECT_TRUE(ir::equal(specialise(strided(), {{"unknown", 3}}), simple));
}

TEST(Specialise, AllAccessesReachTheNewBuffers) {
  const ir::Kernel k = specialise(strided(), {{"n", 4}, {"s", 3}});
  ir::walk_exprs(k.body, [&](const ir::Expr& e) {
    const auto* load = e.as<ir::Load>();
    EXPECT_TRUE(!load || load->buffer == k.params[0] || load->buffer == k.params[1]);
  });
  ir::walk_stmts(k.body, [&](const ir::Stmt& s) {
    const auto* store = s.as<ir::Store>();
    EXPECT_TRUE(!store || store->buffer == k.params[2]);
  });
}

TEST(Specialise, ValuesOutsideTheDeclaredRange) {
  const std::string n = "specialise: n of kernel strided must lie in [0, 100], got ";
  const std::string s = "specialise: s of kernel strided must lie in [1, 8], got ";
  expect_error(ErrorKind::invalid_argument, n + "-1", [] { specialise(strided(), {{"n", -1}}); });
  expect_error(ErrorKind::invalid_argument, n + "101", [] { specialise(strided(), {{"n", 101}}); });
  expect_error(ErrorKind::invalid_argument, s + "0",
               [] { specialise(strided(), {{"n", 4}, {"s", 0}}); });
  EXPECT_NO_THROW(specialise(strided(), {{"n", 0}, {"s", 8}}));
  EXPECT_NO_THROW(specialise(strided(), {{"n", 100}, {"s", 1}}));
}

}  // namespace
}  // namespace nestjit::compiler
