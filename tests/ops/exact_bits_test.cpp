// The promise: the bits of a result depend on the problem alone (and on whether the target fuses a
// product and a sum), not on the level, the schedule or the number of threads.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>
#include <thread>

#include "ops/conv/compile.h"
#include "ops/conv/reference.h"
#include "ops/conv/schedule.h"
#include "tests/ops/random_problem.h"

namespace nestjit::ops {
namespace {

struct alignas(64) Line {
  float values[16];
};

/// All workgroups of a kernel, each taken by the first of the threads that asks for one.
void run_workgroups(compiler::KernelFunction entry, void* const* buffers, int64_t workgroups,
                    int threads) {
  std::atomic<int64_t> next{0};
  std::atomic<int> failures{0};
  const auto work = [&] {
    for (int64_t group = next++; group < workgroups; group = next++) {
      const compiler::Frame frame{buffers, nullptr, group, group + 1};
      failures += entry(&frame) != 0;
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  for (std::thread& thread : others) thread.join();
  ASSERT_EQ(failures, 0);
}

std::vector<float> run_on(const compiler::CompiledKernel& kernel, const ConvProblem& problem,
                          const std::vector<float>& x, const std::vector<float>& w, int threads) {
  std::vector<float> y(static_cast<size_t>(element_count(problem.y_shape())),
                       std::numeric_limits<float>::quiet_NaN());
  std::vector<void*> buffers{const_cast<float*>(x.data()), const_cast<float*>(w.data()), y.data()};
  std::vector<std::unique_ptr<std::vector<Line>>> packed;
  for (const compiler::PackedOperand& operand : kernel.packed) {
    const size_t lines = (static_cast<size_t>(operand.bytes) + sizeof(Line) - 1) / sizeof(Line);
    packed.push_back(std::make_unique<std::vector<Line>>(lines));
    void* const pair[] = {buffers[operand.source], packed.back()->data()};
    run_workgroups(operand.entry, pair, operand.workgroups, threads);
  }
  for (const auto& memory : packed) buffers.push_back(memory->data());
  run_workgroups(kernel.entry, buffers.data(), kernel.workgroups, threads);
  return y;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::vector<float> drawn(Draw& draw, const std::vector<int64_t>& shape, float unit) {
  std::vector<float> values(static_cast<size_t>(element_count(shape)));
  for (float& v : values) v = static_cast<float>(draw.between(-64, 64)) * unit;
  return values;
}

/// Integers are exact in any order and with any rounding; thirds show both.
void expect_same_everywhere(Draw& draw, const ConvProblem& problem, const std::vector<float>& x,
                            const std::vector<float>& w) {
  const compiler::Target& host = compiler::host_target();
  for (int level = static_cast<int>(host.level); level >= 0; --level) {
    const compiler::Target target =
        compiler::forced_down(host, compiler::name_of(static_cast<compiler::Level>(level)));
    const compiler::Schedule schedule =
        draw.one_in(2) ? default_schedule(problem, target)
                       : schedule_of(problem, target, random_plan(draw, problem));
    const compiler::CompiledKernel kernel = compile_conv(problem, schedule, target, {});
    std::vector<float> expected(static_cast<size_t>(element_count(problem.y_shape())));
    reference_conv(problem, x, w, expected, target.has_fma);
    for (const int threads : {1, 2, 4})
      EXPECT_TRUE(same_bits(run_on(kernel, problem, x, w, threads), expected))
          << threads << " threads on " << target.name() << "\n"
          << to_string(schedule);
  }
}

TEST(ExactBits, AtEveryLevelOnAnyNumberOfThreads) {
  const SeedRange seeds = seed_range(90001, 200);
  for (int i = 0; i < seeds.count && !HasFailure(); ++i) {
    const uint64_t seed = seeds.first + static_cast<uint64_t>(i);
    Draw draw(seed);
    const ConvProblem problem = random_problem(draw, 2e5);
    SCOPED_TRACE(reproduce_line(seed, "ExactBits.AtEveryLevelOnAnyNumberOfThreads") + "\n" +
                 to_string(problem));
    const float unit = draw.one_in(2) ? 1.0f : 1.0f / 3.0f;
    const std::vector<float> x = drawn(draw, problem.x_shape(), unit);
    const std::vector<float> w = drawn(draw, problem.w_shape(), unit);
    expect_same_everywhere(draw, problem, x, w);
  }
}

}  // namespace
}  // namespace nestjit::ops
