// Extra memory: beyond its operands a kernel uses at most 256 KiB a thread, all of it stack.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>

#include "ops/conv/compile.h"
#include "ops/conv/schedule.h"
#include "tests/ops/random_problem.h"

namespace nestjit::ops {
namespace {

constexpr int64_t most_bytes = 256 * 1024;
constexpr int paint = 0xa5;

/// A thread's stack that tells how much of it was ever written.
class PaintedStack {
 public:
  PaintedStack()
      : memory_(static_cast<unsigned char*>(
            mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    if (memory_ == MAP_FAILED) std::abort();
  }
  ~PaintedStack() { munmap(memory_, bytes); }
  PaintedStack(const PaintedStack&) = delete;
  PaintedStack& operator=(const PaintedStack&) = delete;

  /// Bytes that a thread with this stack used while it ran the work.
  int64_t used_by(std::function<void()> work) {
    std::memset(memory_, paint, bytes);
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, memory_, bytes);
    const auto start = [](void* f) -> void* {
      (*static_cast<std::function<void()>*>(f))();
      return nullptr;
    };
    if (pthread_create(&thread, &attributes, start, &work) != 0) std::abort();
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
    const auto* lowest = std::find_if(memory_, memory_ + bytes, [](auto b) { return b != paint; });
    return memory_ + bytes - lowest;
  }

 private:
  static constexpr size_t bytes = 2 << 20;
  unsigned char* memory_;
};

struct alignas(64) Line {
  float values[16];
};

std::unique_ptr<Line[]> floats(int64_t bytes) {
  return std::make_unique<Line[]>(static_cast<size_t>(bytes) / sizeof(Line) + 1);
}

/// The most that packing or the kernel itself uses beyond a thread that does nothing.
int64_t stack_use(PaintedStack& stack, const ConvProblem& problem,
                  const compiler::CompiledKernel& kernel) {
  const int64_t none = stack.used_by([] {});
  const auto x = floats(element_count(problem.x_shape()) * 8),
             w = floats(element_count(problem.w_shape()) * 8),
             y = floats(element_count(problem.y_shape()) * 8);
  std::vector<void*> buffers{x.get(), w.get(), y.get()};
  std::vector<std::unique_ptr<Line[]>> packed;
  int64_t most = 0;
  const auto run = [&](compiler::KernelFunction entry, void* const* operands, int64_t workgroups) {
    const compiler::Frame frame{operands, nullptr, 0, workgroups};
    most = std::max(most, stack.used_by([&] { EXPECT_EQ(entry(&frame), 0); }) - none);
  };
  for (const compiler::PackedOperand& operand : kernel.packed) {
    packed.push_back(floats(operand.bytes));
    void* const pair[] = {buffers[operand.source], packed.back().get()};
    run(operand.entry, pair, operand.workgroups);
  }
  for (const auto& memory : packed) buffers.push_back(memory.get());
  run(kernel.entry, buffers.data(), kernel.workgroups);
  return most;
}

TEST(StackUse, IsSeen) {
  PaintedStack stack;
  const int64_t none = stack.used_by([] {});
  const int64_t some = stack.used_by([] {
    volatile char scratch[100'000];
    for (volatile char& c : scratch) c = 1;
  });
  EXPECT_GE(some - none, 90'000);
  EXPECT_LT(some - none, 120'000);
}

TEST(StackUse, OfDefaultKernels) {
  PaintedStack stack;
  for (const char* text :
       {"l=16 ci=64 co=64 k=16 s=8 p=4", "l=64 ci=512 co=128 k=4 s=2 p=1",
        "l=200 ci=48 co=4 k=4 s=2 p=1", "l=300 ci=32 co=1 k=16 s=8 p=4",
        "l=200 ci=37 co=53 k=7 s=3", "l=100 ci=64 co=64 k=3 g=64", "l=50 ci=64 co=64 k=31",
        "l=64 ci=32 co=32 k=5 s=2 d=3", "l=4 ci=512 co=256 k=16 s=8 p=4",
        "l=40 ci=2 co=1 k=400 s=160", "l=100 ci=400 co=32 k=4 s=2 dtype=bf16",
        "l=60 ci=1500 co=8 k=4 s=2 xdtype=f16", "l=300 ci=32 co=1 k=16 s=8 p=4 dtype=f16"}) {
    const ConvProblem problem = parse_problem(std::string("conv_transpose1d ") + text);
    const compiler::Target& host = compiler::host_target();
    for (int level = 0; level <= static_cast<int>(host.level); ++level) {
      const compiler::Target target =
          compiler::forced_down(host, compiler::name_of(static_cast<compiler::Level>(level)));
      const auto kernel = compile_conv(problem, default_schedule(problem, target), target, {});
      EXPECT_LE(stack_use(stack, problem, kernel), most_bytes)
          << to_string(problem) << " on " << target.name();
    }
  }
}

TEST(StackUse, OfRandomPlans) {
  PaintedStack stack;
  const SeedRange seeds = seed_range(555, 60);
  for (int i = 0; i < seeds.count && !HasFailure(); ++i) {
    const uint64_t seed = seeds.first + static_cast<uint64_t>(i);
    Draw draw(seed);
    const ConvProblem problem = with_random_types(draw, random_problem(draw, 1e5));
    const compiler::Target target = random_target(draw);
    const compiler::Schedule schedule = schedule_of(problem, target, random_plan(draw, problem));
    const auto kernel = compile_conv(problem, schedule, target, {});
    EXPECT_LE(stack_use(stack, problem, kernel), most_bytes)
        << reproduce_line(seed, "StackUse.OfRandomPlans") << "\n"
        << to_string(problem) << "\n"
        << to_string(schedule);
  }
}

}  // namespace
}  // namespace nestjit::ops
