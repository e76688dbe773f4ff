// Dot products in machine code, at any number of lanes and from any place, against the interpreter.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "ir/interpret.h"
#include "tests/compiler/compiled.h"
#include "tests/expect_error.h"
#include "tests/ir/elements.h"

namespace nestjit::compiler {
namespace {

using ir::Elements;

/// `lanes` sums of pairs of x, whose second values lie `apart` elements behind the first, with p.
std::string sums(int lanes, int stride, int apart) {
  const auto at = [&](const char* buffer, int first, int step) {
    return lanes == 1 ? fmt::format("{}[{}]", buffer, first)
                      : fmt::format("{}[ramp({}, {}, {})]", buffer, first, step, lanes);
  };
  return fmt::format(
      "kernel k(x: bf16[300] input, p: pair[64] input, c: f32[64] input, y: f32[64] output) fused "
      "{{\n{} = dot(pair({}, {}), {}, {})\n}}",
      at("y", 0, 1), at("x", 3, stride), at("x", 3 + apart, stride), at("p", 0, 1), at("c", 0, 1));
}

Elements random_elements(ir::Scalar scalar, int64_t count, uint32_t seed) {
  Elements elements(scalar, count);
  std::mt19937 random(seed);
  auto* bytes = static_cast<uint8_t*>(elements.data());
  for (int64_t i = 0; i < count * ir::byte_size(scalar); ++i)
    bytes[i] = static_cast<uint8_t>(random());
  return elements;
}

void expect_interpreted(const std::string& text) {
  SCOPED_TRACE(text);
  const ir::Kernel kernel = ir::parse_kernel(text);
  const Elements x = random_elements(ir::Scalar::bf16, 300, 1),
                 p = random_elements(ir::Scalar::pair, 64, 2),
                 c = random_elements(ir::Scalar::f32, 64, 3);
  const Elements expected(ir::Scalar::f32, 64), got(ir::Scalar::f32, 64);
  ir::interpret(kernel, {{x.argument(), p.argument(), c.argument(), expected.argument()}, {}});
  const MachineCode code = compile_to_machine_code({kernel}, host_target(), {.verify = true});
  ASSERT_EQ(run(code, {{x.data(), p.data(), c.data(), got.data()}}), 0);
  ir::expect_bits(got, expected, "machine code");
}

TEST(Dot, AnyLanesAndPlaces) {
  if (!host_target().has_bf16_dot) GTEST_SKIP() << "no dot-product instruction here";
  for (const int lanes : {1, 2, 3, 4, 5, 7, 8, 11, 15, 16, 17, 23, 31, 32, 33, 48, 64})
    for (const auto& [stride, apart] : {std::pair{2, 1}, {2, 5}, {1, 1}, {3, 1}, {2, -1}})
      expect_interpreted(sums(lanes, stride, apart));
}

TEST(Dot, IsOneInstructionWithNeighboursFromMemory) {
  if (!host_target().has_bf16_dot) GTEST_SKIP() << "no dot-product instruction here";
  const MachineCode code = compile_to_machine_code({ir::parse_kernel(sums(16, 2, 1))},
                                                   host_target(), {.want_assembly = true});
  EXPECT_NE(code.assembly.find("vdpbf16ps"), std::string::npos) << code.assembly;
  for (const char* other : {"vperm", "vpunpck", "vpmovzx", "vpinsr", "vpsll"})
    EXPECT_EQ(code.assembly.find(other), std::string::npos) << code.assembly;
}

TEST(Dot, NeedsTheInstruction) {
  expect_error(ErrorKind::internal, "has a dot product, and x86-64-v4 no instruction for it", [] {
    compile_to_machine_code({ir::parse_kernel(sums(16, 2, 1))}, target_of(Level::x86_64_v4));
  });
}

}  // namespace
}  // namespace nestjit::compiler
