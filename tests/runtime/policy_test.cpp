// Calls that do not wait for their kernel: the same bits at once, the compiled kernel later.
#include "nestjit/policy.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "nestjit/conv.h"
#include "nestjit/convolutions.h"
#include "nestjit/epilogue.h"
#include "nestjit/error.h"
#include "nestjit/gradients.h"
#include "nestjit/statistics.h"
#include "nestjit/stream.h"
#include "ops/conv/generic.h"
#include "ops/conv/numerics.h"
#include "ops/conv/reference.h"
#include "runtime/background_compiles.h"
#include "runtime/compute.h"
#include "runtime/copy.h"
#include "runtime/disk/kernel_entry.h"
#include "runtime/dispatch.h"
#include "runtime/element_types.h"
#include "runtime/generic/stored_kernels.h"
#include "tests/ops/random_problem.h"
#include "tests/runtime/disk/temporary_folder.h"

namespace nestjit {
namespace {

using runtime::finish_background_compiles;

array reals(Shape shape, int seed, Dtype dtype = Dtype::f32) {
  array a = array::empty(std::move(shape));
  for (int64_t i = 0; i < a.size(); ++i)
    a.mutable_data<float>()[i] = static_cast<float>((i * 37 + seed * 11 + i / 7) % 211 - 105) / 97;
  return runtime::as_type(a, dtype);
}

std::string bytes(const array& a) {
  return {static_cast<const char*>(a.raw()), static_cast<size_t>(a.nbytes())};
}

/// A call, as it is without the policy and with it.
template <class Call>
std::string waited(const Call& call) {
  const CompilePolicyScope scope(CompilePolicy::wait);
  return bytes(call());
}
template <class Call>
std::string at_once(const Call& call) {
  const CompilePolicyScope scope(CompilePolicy::background);
  return bytes(call());
}

array small_call(int64_t channels = 5) {
  return conv_transpose1d(reals({1, 9, channels}, 1), reals({6, 4, channels}, 2), 2, 1);
}

TEST(Policy, ScopesNestAndBelongToTheirThread) {
  EXPECT_EQ(current_compile_policy(), CompilePolicy::wait);
  {
    const CompilePolicyScope outer(CompilePolicy::background);
    {
      const CompilePolicyScope inner(CompilePolicy::wait);
      EXPECT_EQ(current_compile_policy(), CompilePolicy::wait);
    }
    EXPECT_EQ(current_compile_policy(), CompilePolicy::background);
    std::thread([] { EXPECT_EQ(current_compile_policy(), CompilePolicy::wait); }).join();
  }
  EXPECT_EQ(current_compile_policy(), CompilePolicy::wait);
}

// The setting is read once a process, so these look at a process of their own.
void report_with(const char* setting) {
  setenv("NESTJIT_POLICY", setting, 1);
  try {
    std::fprintf(stderr, "policy %d", static_cast<int>(current_compile_policy()));
  } catch (const Error& error) {
    std::fprintf(stderr, "%s: %s", name_of(error.kind()), error.what());
  }
  std::exit(0);
}

TEST(PolicyDeathTest, TheSettingIsTheDefault) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(report_with("background"), testing::ExitedWithCode(0), "^policy 1$");
  EXPECT_EXIT(report_with("wait"), testing::ExitedWithCode(0), "^policy 0$");
  EXPECT_EXIT(report_with("never"), testing::ExitedWithCode(0),
              "^invalid argument: NESTJIT_POLICY must be wait or background, got never$");
}

TEST(Policy, TheFirstCallIsGenericAndLaterOnesAreNot) {
  const std::string wanted = waited([] { return small_call(); });
  clear_kernels();
  EXPECT_EQ(at_once([] { return small_call(); }), wanted);
  EXPECT_EQ(statistics().generic_calls, 1);
  finish_background_compiles();
  EXPECT_EQ(statistics().compiles, 1);
  const int64_t hits = statistics().hits;
  EXPECT_EQ(at_once([] { return small_call(); }), wanted);
  EXPECT_EQ(at_once([] { return small_call(); }), wanted);
  const Statistics s = statistics();
  EXPECT_EQ(s.generic_calls, 1);
  EXPECT_EQ(s.compiles, 1);
  EXPECT_EQ(s.hits, hits + 2);
  EXPECT_EQ(s.kernels, 1);
}

TEST(Policy, CallsOfOneProblemCompileItOnce) {
  const std::string wanted = waited([] { return small_call(); });
  clear_kernels();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) wrong += at_once([] { return small_call(); }) != wanted;
    });
  for (std::thread& thread : threads) thread.join();
  finish_background_compiles();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(statistics().compiles, 1);
  EXPECT_GE(statistics().generic_calls, 1);
}

TEST(Policy, OtherLengthsOfALayerGetTheKernelForAll) {
  const array w = reals({6, 4, 5}, 2);
  const auto call = [&](int64_t length) {
    return [&w, length] { return conv_transpose1d(reals({1, length, 5}, 1), w, 2, 1); };
  };
  std::vector<std::string> wanted;
  for (int64_t length = 1; length < 20; ++length) wanted.push_back(waited(call(length)));
  clear_kernels();
  for (int round = 0; round < 2; ++round) {
    for (int64_t length = 1; length < 20; ++length)
      EXPECT_EQ(at_once(call(length)), wanted[static_cast<size_t>(length - 1)]) << length;
    finish_background_compiles();
  }
  EXPECT_EQ(statistics().compiles, 2);
  EXPECT_EQ(statistics().kernels, 2);
}

TEST(Policy, SameBitsForRandomProblems) {
  const ops::SeedRange seeds = ops::seed_range(20261130, 300);
  int generic = 0;
  for (int i = 0; i < seeds.count; ++i) {
    const uint64_t seed = seeds.first + static_cast<uint64_t>(i);
    ops::Draw draw(seed);
    ops::ConvProblem problem = ops::with_random_types(
        draw, draw.one_in(2) ? ops::random_problem(draw, 1e4) : ops::random_member(draw, 1e4));
    if (draw.one_in(2)) problem.numerics = ops::Numerics::direct;
    problem = ops::on_target(problem, compiler::host_target());
    if (runtime::work_of(problem) != runtime::Work::kernel) continue;
    SCOPED_TRACE(fmt::format("{}\n{}",
                             ops::reproduce_line(seed, "Policy.SameBitsForRandomProblems"),
                             ops::to_string(problem)));
    const array x = reals(problem.x_shape(), 1, runtime::dtype_of_scalar(problem.x_dtype));
    const array second =
        reals(problem.second_shape(), 2, runtime::dtype_of_scalar(problem.w_dtype));
    const auto call = [&] { return runtime::compute(problem, x, second, {}); };
    const std::string wanted = waited(call);
    clear_kernels();
    ASSERT_EQ(at_once(call), wanted);
    EXPECT_EQ(statistics().generic_calls, ops::has_generic_form(problem) ? 1 : 0);
    generic += ops::has_generic_form(problem);
    if (HasFailure()) return;
  }
  if (seeds.count >= 100) {
    EXPECT_GT(generic, seeds.count / 4);
  }
}

TEST(Policy, OperandsOfAnyStridesAndTypes) {
  const array x = reals({2, 7, 6}, 1).transpose({0, 2, 1});  // (2, 6, 7)
  const array w = reals({7, 3, 10}, 2).transpose();          // (10, 3, 7)
  array whole = array::empty({4, 3, 7}, Dtype::i16);
  for (int64_t i = 0; i < whole.size(); ++i)
    whole.mutable_data<int16_t>()[i] = static_cast<int16_t>(i * 37 % 4001 - 2000);
  for (const Dtype type : {Dtype::f16, Dtype::bf16, Dtype::f32, Dtype::f64})
    for (const array& weight : {w, whole, runtime::as_type(w, type)}) {
      const auto call = [&] { return conv_transpose1d(runtime::as_type(x, type), weight, 2, 1); };
      const std::string wanted = waited(call);
      clear_kernels();
      EXPECT_EQ(at_once(call), wanted) << name_of(type) << " with " << name_of(weight.dtype());
      EXPECT_EQ(statistics().generic_calls, 1);
    }
}

TEST(Policy, WhatHasNoGenericKernelWaits) {
  const array x2 = reals({1, 5, 5, 3}, 1), w2 = reals({4, 3, 3, 3}, 2);
  clear_kernels();
  const CompilePolicyScope scope(CompilePolicy::background);
  conv2d(x2, w2);
  Epilogue relu;
  relu.activation = Activation::relu;
  conv_transpose1d_fused(reals({1, 9, 5}, 1), reals({6, 4, 5}, 2), relu, {}, 2, 1);
  bind_conv_transpose1d(reals({6, 4, 5}, 2), {1, 9, 5}, 2, 1);
  EXPECT_EQ(statistics().generic_calls, 0);
  EXPECT_EQ(statistics().compiles, 3);
}

TEST(Policy, GradientsOfInputsAreGeneric) {
  const array x = reals({1, 9, 5}, 1), w = reals({6, 4, 5}, 2);
  const array dy = reals(conv_transpose1d(x, w, 2, 1).shape(), 3);
  const auto call = [&] { return *conv_transpose1d_vjp(x, w, dy, 2, 1, 1, 0, 1).input; };
  const std::string wanted = waited(call);
  clear_kernels();
  EXPECT_EQ(at_once(call), wanted);
  EXPECT_EQ(statistics().generic_calls, 1);
}

TEST(Policy, StaysWithWhatWasSubmitted) {
  const array x = reals({1, 9, 5}, 1), w = reals({6, 4, 5}, 2);
  const std::string wanted = waited([&] { return conv_transpose1d(x, w, 2, 1); });
  clear_kernels();
  const auto later = [&] {
    const CompilePolicyScope scope(CompilePolicy::background);
    return conv_transpose1d(x, w, 2, 1, 1, 0, 1, new_stream());
  }();
  EXPECT_EQ(bytes(later), wanted);
  EXPECT_EQ(statistics().generic_calls, 1);
}

TEST(Policy, TheDiskAnswersFirst) {
  const runtime::disk::TemporaryFolder root;
  const runtime::disk::Environment on("NESTJIT_CACHE", "on"),
      place("NESTJIT_CACHE_DIR", root / "cache");
  clear_kernels();
  const std::string wanted = at_once([] { return small_call(); });
  EXPECT_EQ(statistics().generic_calls, 1);
  finish_background_compiles();
  clear_kernels();  // once it is stored
  EXPECT_EQ(at_once([] { return small_call(); }), wanted);
  EXPECT_EQ(statistics().generic_calls, 0);
  EXPECT_EQ(statistics().disk_hits, 1);
  EXPECT_EQ(statistics().compiles, 0);
}

TEST(Policy, ClearingWhileCompilesAreUnderWay) {
  std::vector<std::string> wanted;
  for (int64_t c = 1; c <= 12; ++c) wanted.push_back(waited([c] { return small_call(c); }));
  for (int round = 0; round < 5; ++round) {
    clear_kernels();
    for (int64_t c = 1; c <= 12; ++c)
      EXPECT_EQ(at_once([c] { return small_call(c); }), wanted[static_cast<size_t>(c - 1)]);
    clear_kernels();
    const Statistics s = statistics();
    EXPECT_EQ(s.compiles + s.kernels + s.generic_calls, 0);
  }
}

TEST(Policy, ManyProblemsAtOnceAreAllRight) {
  clear_kernels();
  for (int64_t c = 1; c <= 150; ++c) {  // more than may wait
    const std::string got = at_once([c] { return small_call(c); });
    EXPECT_EQ(got, waited([c] { return small_call(c); }));
  }
  finish_background_compiles();
  EXPECT_EQ(statistics().compiles, 150);
}

#if !defined(__SANITIZE_THREAD__)  // which does not start threads in forked children
TEST(Policy, AForkedChildStartsItsOwnCompiles) {
  const std::string wanted = waited([] { return small_call(); });
  for (int round = 0; round < 5; ++round) {
    clear_kernels();
    for (int64_t c = 5; c <= 12; ++c) at_once([c] { return small_call(c); });
    const pid_t child = fork();
    if (child == 0) {
      alarm(60);
      bool right = at_once([] { return small_call(); }) == wanted;
      finish_background_compiles();
      right = right && at_once([] { return small_call(); }) == wanted;
      clear_kernels();
      right = right && at_once([] { return small_call(); }) == wanted;
      right = right && statistics().generic_calls == 1;
      std::exit(right ? 0 : 1);  // which waits for that compile
    }
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
}
#endif

void report_without_a_code_generator() {
  setenv("NESTJIT_CODEGEN_LIBRARY", "/nowhere/codegen.so", 1);
  setenv("NESTJIT_VERBOSE", "dispatch", 1);
  const auto report = [] {
    try {
      at_once([] { return small_call(); });
      std::fprintf(stderr, "a result\n");
    } catch (const Error& error) {
      std::fprintf(stderr, "%s\n", name_of(error.kind()));
    }
    finish_background_compiles();
  };
  for (int i = 0; i < 3; ++i) report();
  std::exit(0);
}

TEST(PolicyDeathTest, AFailureIsToldAndTheNextCallThrows) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(report_without_a_code_generator(), testing::ExitedWithCode(0),
              "dispatch,generic,conv_transpose1d[^\n]*\na result\n"
              "nestjit,dispatch,failed,conv_transpose1d[^\n]*the code generator library[^\n]*\n"
              "[^\n]*nowhere[^\n]*\n"
              "unsupported\n"
              "nestjit,dispatch,generic,[^\n]*\na result\n");
}

TEST(BackgroundCompiles, AFailureIsKeptForOneCaller) {
  const ops::ConvProblem problem = ops::parse_problem("conv_transpose1d l=3 ci=3 co=77 k=2");
  const runtime::KernelRequest request{.problem = problem};
  EXPECT_EQ(runtime::background_compile(request), runtime::BackgroundCompile::none);
  std::atomic<bool> may_end{false};
  const auto fail = [&](const runtime::KernelRequest& asked) {
    EXPECT_EQ(asked.problem, problem);
    while (!may_end) std::this_thread::yield();
    throw Error(ErrorKind::resource, "no memory");
  };
  runtime::compile_in_background(request, fail);
  runtime::compile_in_background(request, [](const auto&) { FAIL(); });
  EXPECT_EQ(runtime::background_compile(request), runtime::BackgroundCompile::under_way);
  EXPECT_FALSE(runtime::forget_failure(request));
  may_end = true;
  finish_background_compiles();
  EXPECT_EQ(runtime::background_compile(request), runtime::BackgroundCompile::failed);
  EXPECT_TRUE(runtime::forget_failure(request));
  EXPECT_FALSE(runtime::forget_failure(request));
  EXPECT_EQ(runtime::background_compile(request), runtime::BackgroundCompile::none);
}

TEST(BackgroundCompiles, AreBounded) {
  std::atomic<bool> may_end{false};
  std::atomic<int> done{0};
  int taken = 0;
  for (int64_t c = 1; c <= 200; ++c) {
    const ops::ConvProblem problem =
        ops::parse_problem(fmt::format("conv_transpose1d l=3 ci=3 co={} k=2", c));
    const runtime::KernelRequest request{.problem = problem};
    taken += runtime::background_compile(request) == runtime::BackgroundCompile::none;
    runtime::compile_in_background(request, [&](const auto&) {
      while (!may_end) std::this_thread::yield();
      ++done;
    });
  }
  EXPECT_GE(taken, 64);
  EXPECT_LT(taken, 100);
  may_end = true;
  finish_background_compiles();
  EXPECT_EQ(done, taken);
}

/// The library has every level's kernels; this machine can run some.
TEST(StoredGenericKernels, AreThoseOfThisBuild) {
  const auto all = runtime::stored_generic_kernels();
  EXPECT_EQ(all.size(), 3 * ops::generic_forms.size());
  for (const runtime::StoredGenericKernel& stored : all) {
    std::string reason;
    const auto entry = runtime::disk::read_entry(std::as_bytes(stored.entry), reason);
    ASSERT_TRUE(entry) << reason;
    const compiler::Target target = compiler::target_of(stored.level);
    EXPECT_EQ(entry->target, target.name());
    if (stored.level > compiler::host_target().level) continue;
    const auto request = ops::generic_request(ops::generic_forms[stored.form], target);
    const auto again =
        runtime::disk::entry_of(compiler::compile(request), request.schedule, target);
    EXPECT_EQ(entry->image.bytes, again.image.bytes);
    EXPECT_EQ(entry->workgroup_count, again.workgroup_count);
    EXPECT_EQ(entry->build, again.build);
  }
}

}  // namespace
}  // namespace nestjit
