#include "runtime/peak.h"

#include <gtest/gtest.h>

#include "compiler/target.h"

namespace nestjit::runtime {
namespace {

TEST(Peak, TheLoopAddsCountProductsToEveryChain) {
  const compiler::Target& target = compiler::host_target();
  const auto code = compiler::compile_to_machine_code({peak_kernel(target)}, target);
  const int lanes = target.lanes(ir::Scalar::f32);
  std::vector<float> x(2 * static_cast<size_t>(lanes), 0.5f);
  std::vector<float> y(static_cast<size_t>(peak_chains * lanes), -1.0f);
  void* buffers[] = {x.data(), y.data()};
  const int64_t count = 100;
  const compiler::Frame frame{buffers, &count, 0, 1};
  ASSERT_EQ(code.entries[0](&frame), 0);
  for (const float sum : y) EXPECT_EQ(sum, 25.0f);
}

TEST(Peak, PairsCountTwoProductsALane) {
  const compiler::Target& target = compiler::host_target();
  if (!target.has_bf16_dot) GTEST_SKIP() << "no dot-product instruction here";
  const auto code = compiler::compile_to_machine_code({peak_kernel(target, ir::Scalar::pair)},
                                                      target, {.want_assembly = true});
  const int lanes = target.lanes(ir::Scalar::f32);
  std::vector<uint32_t> x(2 * static_cast<size_t>(lanes), 0x3f003f00);  // 0.5 and 0.5
  std::vector<float> y(static_cast<size_t>(peak_chains * lanes), -1.0f);
  void* buffers[] = {x.data(), y.data()};
  const int64_t count = 100;
  const compiler::Frame frame{buffers, &count, 0, 1};
  ASSERT_EQ(code.entries[0](&frame), 0);
  for (const float sum : y) EXPECT_EQ(sum, 50.0f);
  const PeakMeter meter(target, 200, ir::Scalar::pair);
  EXPECT_NE(meter.assembly().find("vdpbf16ps"), std::string::npos) << meter.assembly();
  EXPECT_GT(meter.sample(), 0.5);
}

TEST(Peak, SamplesAreAPlausibleRateAndShowTheirAssembly) {
  const PeakMeter meter(compiler::host_target());
  const double rate = meter.sample();
  EXPECT_GT(rate, 0.5);
  EXPECT_LT(rate, 2000);
  EXPECT_GT(meter.sample(2), 0.5);
  if (compiler::host_target().has_fma) {
    EXPECT_NE(meter.assembly().find("vfmadd"), std::string::npos) << meter.assembly();
  }
}

}  // namespace
}  // namespace nestjit::runtime
