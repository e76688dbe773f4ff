// What a thread's operations may use: scopes, the setting, and that no call gets another's kernel.
#include "nestjit/numerics.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <thread>

#include "compiler/target.h"
#include "nestjit/conv.h"
#include "nestjit/error.h"
#include "nestjit/gradients.h"
#include "nestjit/stream.h"

namespace nestjit {
namespace {

/// bf16 values of the given exponent in the first half of the channels and about 1 in the others.
/// Subnormal ones (0) count when they meet large ones, unless sums are made of dot products.
array values(Shape shape, unsigned exponent) {
  array a = array::empty(std::move(shape), Dtype::bf16);
  auto* bits = static_cast<uint16_t*>(a.mutable_raw());
  const int64_t channels = a.shape(a.ndim() - 1);
  for (int64_t i = 0; i < a.size(); ++i) {
    const bool first = i % channels < channels / 2;
    bits[i] = static_cast<uint16_t>((i * 37 & 0x7f) | (first ? exponent : 127u) << 7);
  }
  return a;
}

std::string bytes(const array& a) {
  return {static_cast<const char*>(a.raw()), static_cast<size_t>(a.nbytes())};
}

struct Layer {
  array x = values({1, 40, 64}, 0), w = values({32, 8, 64}, 250);

  array call() const { return conv_transpose1d(x, w, 2, 1); }
  std::string with(Numerics numerics) const {
    const NumericsScope scope(numerics);
    return bytes(call());
  }
};

bool has_dots() { return compiler::host_target().has_bf16_dot; }

TEST(Numerics, ScopesNestAndBelongToTheirThread) {
  EXPECT_EQ(current_numerics(), Numerics::direct);
  {
    const NumericsScope outer(Numerics::bf16_dot);
    EXPECT_EQ(current_numerics(), Numerics::bf16_dot);
    {
      const NumericsScope inner(Numerics::direct);
      EXPECT_EQ(current_numerics(), Numerics::direct);
    }
    EXPECT_EQ(current_numerics(), Numerics::bf16_dot);
    std::thread([] { EXPECT_EQ(current_numerics(), Numerics::direct); }).join();
  }
  EXPECT_EQ(current_numerics(), Numerics::direct);
}

// Calls alternate: a repeated one must not be answered with the other's kernel.
TEST(Numerics, DecideTheBitsOfACall) {
  const Layer layer;
  const std::string direct = bytes(layer.call());
  const std::string dots = layer.with(Numerics::bf16_dot);
  EXPECT_EQ(direct != dots, has_dots());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(bytes(layer.call()), direct);
    EXPECT_EQ(layer.with(Numerics::bf16_dot), dots);
  }
}

TEST(Numerics, StayWithWhatWasBoundOrSubmitted) {
  const Layer layer;
  const std::string direct = bytes(layer.call()), dots = layer.with(Numerics::bf16_dot);
  std::optional<BoundConv> bound;
  std::optional<array> later;
  {
    const NumericsScope scope(Numerics::bf16_dot);
    bound = bind_conv_transpose1d(layer.w, layer.x.shape(), 2, 1, 1, 0, 1, {}, 0,
                                  Lengths::specialised, Dtype::bf16);
    later = conv_transpose1d(layer.x, layer.w, 2, 1, 1, 0, 1, new_stream());
  }
  EXPECT_EQ(bytes((*bound)(layer.x)), dots);
  EXPECT_EQ(bytes(*later), dots);
  EXPECT_EQ(bound->problem().find("numerics=bf16_dot") != std::string::npos, has_dots());
  EXPECT_EQ(bytes(layer.call()), direct);
}

TEST(Numerics, GradientsTakeThemToo) {
  const Layer layer;
  array dy = values(layer.call().shape(), 0);
  for (int64_t i = 0; i < dy.size(); ++i)
    static_cast<uint16_t*>(dy.mutable_raw())[i] = static_cast<uint16_t>(i & 0x7f);
  const auto gradients = [&](Numerics numerics) {
    const NumericsScope scope(numerics);
    return conv_transpose1d_vjp(layer.x, layer.w, dy, 2, 1);
  };
  const Gradients direct = gradients(Numerics::direct), dots = gradients(Numerics::bf16_dot);
  EXPECT_EQ(bytes(*direct.input) != bytes(*dots.input), has_dots());
  EXPECT_EQ(bytes(*direct.weight), bytes(*dots.weight));
}

// The setting is read once a process, so these look at a process of their own.
void report_with(const char* setting) {
  setenv("NESTJIT_NUMERICS", setting, 1);
  try {
    std::fprintf(stderr, "numerics %d", static_cast<int>(current_numerics()));
  } catch (const Error& error) {
    std::fprintf(stderr, "%s: %s", name_of(error.kind()), error.what());
  }
  std::exit(0);
}

TEST(NumericsDeathTest, TheSettingIsTheDefault) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(report_with("bf16_dot"), testing::ExitedWithCode(0), "^numerics 1$");
  EXPECT_EXIT(report_with("direct"), testing::ExitedWithCode(0), "^numerics 0$");
  EXPECT_EXIT(report_with("fast"), testing::ExitedWithCode(0),
              "^invalid argument: NESTJIT_NUMERICS must be direct or bf16_dot, got fast$");
}

}  // namespace
}  // namespace nestjit
