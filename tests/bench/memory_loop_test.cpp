#include "bench/memory_loop.h"

#include <gtest/gtest.h>

#include <numeric>

#include "ir/interpret.h"
#include "ops/conv/problem.h"

namespace nestjit::bench {
namespace {

Traffic traffic_of(const char* text) { return needed_traffic(ops::parse_problem(text)); }

/// The kernel's outputs for x = 0, 1, 2 ...
struct Moved {
  std::vector<float> x, y, sums;
};

Moved arrays(int64_t elements, int lanes) {
  Moved m;
  m.x.resize(static_cast<size_t>(elements));
  std::iota(m.x.begin(), m.x.end(), 0.0f);
  m.y.assign(m.x.size(), -1.0f);
  m.sums.assign(static_cast<size_t>(8 * lanes), -1.0f);
  return m;
}

TEST(MoveKernel, ReadsAndWritesWhatItSays) {
  const compiler::Target& target = compiler::host_target();
  const int lanes = target.lanes(ir::Scalar::f32);
  for (const auto& [reads, writes] : {std::pair{8, 8}, {8, 1}, {1, 8}, {4, 8}, {3, 2}}) {
    const int64_t both = 3, read = 2, written = 1;
    const int64_t used_x = (both * reads + read * 8) * lanes;
    const int64_t used_y = (both * writes + written * 8) * lanes;
    const int64_t elements = std::max(used_x, used_y) + lanes;
    const ir::Kernel kernel = move_kernel(target, reads, writes);
    Moved m = arrays(elements, lanes), n = m;
    ir::interpret(kernel,
                  {{m.x, m.y, m.sums},
                   {{"elements", elements}, {"both", both}, {"read", read}, {"written", written}}});
    const double total = std::accumulate(m.sums.begin(), m.sums.end(), 0.0);
    EXPECT_EQ(total, static_cast<double>(used_x) * static_cast<double>(used_x - 1) / 2);
    for (int64_t i = 0; i < elements; ++i) {
      EXPECT_EQ(m.y[static_cast<size_t>(i)] == -1.0f, i >= used_y) << i;
    }

    const auto code = compiler::compile_to_machine_code({kernel}, target);
    void* buffers[] = {n.x.data(), n.y.data(), n.sums.data()};
    const int64_t symbols[] = {elements, both, read, written};
    // Vectors of the kernel are aligned; those of this test need not be.
    std::vector<float> raw(static_cast<size_t>(2 * elements + 8 * lanes) + 64);
    auto* base = reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(raw.data()) + 63) / 64 * 64);
    std::copy(n.x.begin(), n.x.end(), base);
    std::fill_n(base + elements, elements, -1.0f);
    buffers[0] = base;
    buffers[1] = base + elements;
    buffers[2] = base + 2 * elements;
    const compiler::Frame frame{buffers, symbols, 0, 1};
    ASSERT_EQ(code.entries[0](&frame), 0);
    EXPECT_TRUE(std::equal(m.y.begin(), m.y.end(), base + elements));
    EXPECT_TRUE(std::equal(m.sums.begin(), m.sums.end(), base + 2 * elements));
  }
}

TEST(MemoryLoop, RunsForAnyTrafficAndThreads) {
  const compiler::Target& target = compiler::host_target();
  for (const char* text :
       {"conv_transpose1d l=1 ci=1 co=1 k=1", "conv_transpose1d l=7 ci=3 co=50 k=9 s=5",
        "conv_transpose1d l=64 ci=64 co=1 k=2 s=2"}) {
    for (int threads : {1, 2, 3}) {
      const MemoryLoop loop(target, traffic_of(text), threads);
      loop.run();
      EXPECT_EQ(loop.traffic().all(), traffic_of(text).all());
    }
  }
}

}  // namespace
}  // namespace nestjit::bench
