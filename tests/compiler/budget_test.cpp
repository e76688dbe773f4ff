// Budgets of a compile: their text, what is counted, the errors.
#include "compiler/budget.h"

#include <gtest/gtest.h>

#include "compiler/pipeline.h"
#include "ir/parse.h"
#include "tests/expect_error.h"

namespace nestjit::compiler {
namespace {

constexpr const char* sum_text =
    "kernel sum(x: f32[64] input, y: f32[64] output) unfused {\n"
    "  for i in [0, 64) parallel {\n    y[i] = x[i] + 1.0f32\n  }\n}\n";

CompileRequest request(const char* schedule) {
  CompileRequest request;
  request.title = "sum n=64";
  request.definition = ir::parse_kernel(sum_text);
  request.schedule = parse_schedule(schedule);
  request.target = target_of(Level::x86_64_v1);
  return request;
}

void compile_within(const char* budgets, const char* schedule = "parallel i") {
  CompileOptions options;
  options.budgets = parse_budgets(budgets);
  compile(request(schedule), options);
}

TEST(Budgets, HaveATextForm) {
  EXPECT_EQ(parse_budgets(""), Budgets{});
  EXPECT_EQ(parse_budgets("ms=0").ms, 0);
  EXPECT_EQ(parse_budgets("ms=0").code, Budgets{}.code);
  const Budgets some = parse_budgets("code=1M,stack=512K,ir=20000,ms=2000");
  EXPECT_EQ(some, (Budgets{.ir = 20000, .code = 1 << 20, .stack = 512 << 10, .ms = 2000}));
  EXPECT_EQ(to_string(some), "ir=20000,code=1048576,stack=524288,ms=2000");
  EXPECT_EQ(parse_budgets(to_string(some)), some);
}

TEST(Budgets, RefuseWhatMeansNothing) {
  const auto refuse = [](const char* text, const char* part) {
    expect_error(ErrorKind::invalid_argument, part, [&] { parse_budgets(text); });
  };
  refuse("heap=1", "must be a list of ir=, code=, stack= and ms=, got heap=1");
  refuse("ir", "got ir");
  refuse("ir=1,,ms=2", "got ");
  refuse("ir=-1", "takes numbers from 0 to");
  refuse("ir=", "got ir=");
  refuse("code=1G", "got code=1G");
  refuse("code=99999999999999999999", "got code=");
  refuse("code=9999999999M", "got code=");
  refuse("stack=M", "got stack=M");
}

TEST(Budgets, CountUnrolledBodiesOnceAnIteration) {
  const ir::Kernel serial = ir::parse_kernel(sum_text);
  // A loop with two bounds; a store with an index, a sum, a load with an index, a number.
  EXPECT_EQ(size_of(serial), 3 + 6);
  const Target target = target_of(Level::x86_64_v1);
  const Scheduled unrolled = apply_schedule(serial, parse_schedule("unroll i"), target);
  EXPECT_EQ(size_of(unrolled.kernel), 3 + 64 * 6);
  const Scheduled split =
      apply_schedule(serial, parse_schedule("split i by=8 -> a b\nunroll a b"), target);
  EXPECT_GT(size_of(split.kernel), 64 * 6);
}

TEST(Budgets, OfSizesAreErrorsThatNameThem) {
  const auto exceeds = [](const char* budgets, const char* part) {
    expect_error(ErrorKind::resource, part, [&] { compile_within(budgets); });
  };
  EXPECT_NO_THROW(compile_within(""));
  exceeds("code=1", "compile: sum n=64: ");
  exceeds("code=1", " bytes of machine code, the budget is 1 (NESTJIT_BUDGETS, code=)");
  exceeds("ir=5", " statements and expressions, the budget is 5 (NESTJIT_BUDGETS, ir=)");
  exceeds("ir=0", " before lowering, the budget is 0 (NESTJIT_BUDGETS, 32 times ir=)");
  EXPECT_NO_THROW(compile_within("stack=100"));
}

TEST(Budgets, OfTimeHaveAKindOfTheirOwn) {
  try {
    compile_within("ms=0");
    ADD_FAILURE() << "no error";
  } catch (const OverBudget& over) {
    EXPECT_TRUE(over.of_time());
    EXPECT_EQ(over.kind(), ErrorKind::resource);
    EXPECT_NE(std::string(over.what()).find("the budget is 0 (NESTJIT_BUDGETS, ms=)"),
              std::string::npos)
        << over.what();
  }
  try {
    compile_within("code=1");
    ADD_FAILURE() << "no error";
  } catch (const OverBudget& over) {
    EXPECT_FALSE(over.of_time());
  }
}

// A loop of so many copies would take minutes and all memory.
TEST(Budgets, HugeBodiesAreNotBegun) {
  CompileRequest huge = request(
      "split i by=262144 -> a j\nsplit j by=4096 -> b k\nsplit k by=64 -> c d\nunroll a b c d");
  huge.definition = ir::parse_kernel(
      "kernel sum(x: f32[16777216] input, y: f32[16777216] output) unfused {\n"
      "  for i in [0, 16777216) parallel {\n    y[i] = x[i] + 1.0f32\n  }\n}\n");
  expect_error(ErrorKind::resource, "before lowering", [&] { compile(huge); });
}

TEST(Budgets, OfStackCountScratchMemory) {
  CompileRequest scratch = request("parallel i");
  scratch.definition = ir::parse_kernel(
      "kernel copy(x: f32[4096] input, y: f32[4096] output) unfused {\n"
      "  allocate s: f32[4096] scratch align 64 {\n"
      "    for i in [0, 4096) parallel {\n      s[i] = x[i]\n    }\n"
      "    for j in [0, 4096) parallel {\n      y[j] = s[j]\n    }\n  }\n}\n");
  scratch.schedule = {};
  CompileOptions options;
  options.budgets = parse_budgets("stack=16K");
  expect_error(ErrorKind::resource,
               " bytes of stack, the budget is 16384 (NESTJIT_BUDGETS, stack=)",
               [&] { compile(scratch, options); });
  options.budgets = parse_budgets("stack=17K");
  const CompiledKernel kernel = compile(scratch, options);
  EXPECT_GE(kernel.code.stack_bytes, 4096 * 4);
}

}  // namespace
}  // namespace nestjit::compiler
