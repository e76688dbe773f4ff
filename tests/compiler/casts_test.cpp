// Conversions in machine code at every level, scalar and in vectors, against the exact rounding of
// ir/element.h. A kernel that called a library would not link.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "ir/element.h"
#include "tests/compiler/compiled.h"

namespace nestjit::compiler {
namespace {

using ir::Scalar;

constexpr Scalar all_types[] = {Scalar::f16, Scalar::bf16, Scalar::f32, Scalar::f64};
constexpr int64_t lanes = 16;

/// Values of a type, as many as fill vectors.
class Values {
 public:
  explicit Values(Scalar scalar) : scalar_(scalar) {}
  void add(double value) { values_.push_back(ir::round_to(scalar_, value)); }

  /// Elements in memory; the last value is repeated up to a whole vector.
  std::vector<uint64_t> memory() {
    while (values_.size() % lanes != 0) values_.push_back(values_.back());
    std::vector<uint64_t> bytes(values_.size());
    for (int64_t i = 0; i < count(); ++i)
      ir::write_element(scalar_, bytes.data(), i, values_[static_cast<size_t>(i)]);
    return bytes;
  }
  int64_t count() const { return static_cast<int64_t>(values_.size()); }

 private:
  Scalar scalar_;
  std::vector<double> values_;
};

/// Every value of the type between its own neighbours and halfway to them, as doubles.
void add_with_neighbours(Values& values, double v) {
  for (const double scale : {1.0, 1 + 0x1p-53, 1 - 0x1p-53, 1 + 0x1p-12, 1 - 0x1p-12, 1 + 0x1p-9,
                             1 - 0x1p-9, 1 + 0x1p-8, 1 - 0x1p-8})
    values.add(v * scale);
  values.add(std::nextafter(v, 0));
  values.add(std::nextafter(v, 2 * v));
}

/// All values of the small types, with what lies around them and halfway between them.
Values interesting(Scalar from, Scalar to) {
  Values values(from);
  for (const Scalar small : {Scalar::f16, Scalar::bf16}) {
    const bool wide = ir::byte_size(from) > 2 && small == to;
    double before = 0;
    for (uint32_t bits = 0; bits < 0x10000; ++bits) {
      const auto pattern = static_cast<uint16_t>(bits);
      const double v = ir::read_element(small, &pattern, 0);
      values.add(v);
      if (wide && std::isfinite(v)) {
        add_with_neighbours(values, (v + before) / 2);
        before = v;
      }
    }
  }
  for (int exponent = -1074; exponent <= 1023; ++exponent)
    for (const double m : {1.0, 1.5, 1 + 0x1p-23, 2 - 0x1p-24, 2 - 0x1p-52})
      for (const double sign : {1.0, -1.0}) values.add(sign * std::ldexp(m, exponent));
  for (const double v : {65504.0, 65519.99, 65520.0, 65536.0, 0x1.ffp127, 0x1.ff7p127})
    for (const double sign : {1.0, -1.0}) add_with_neighbours(values, sign * v);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double v : {nan, -nan, HUGE_VAL, -HUGE_VAL, 0.0, -0.0}) values.add(v);
  return values;
}

std::string cast_kernel(Scalar from, Scalar to, bool vector) {
  const std::string at = vector ? "ramp(i*16, 1, 16)" : "i";
  return fmt::format(
      "kernel k(x: {}[n] input, y: {}[n] output) symbols(n >= 16) unfused {{\n"
      "  for i in [0, {}) parallel {{\n    y[{}] = cast({}, x[{}])\n  }}\n}}\n",
      ir::name_of(from), ir::name_of(to), vector ? "floordiv(n, 16)" : "n", at, ir::name_of(to),
      at);
}

void expect_exact(Scalar from, Scalar to, Level level, bool vector) {
  Values values = interesting(from, to);
  const std::vector<uint64_t> x = values.memory();
  std::vector<uint64_t> y(x.size(), ~uint64_t{0});
  const MachineCode code = compile_text(cast_kernel(from, to, vector), level);
  ASSERT_EQ(run(code, {{const_cast<uint64_t*>(x.data()), y.data()}, {values.count()}}), 0);
  for (int64_t i = 0; i < values.count(); ++i) {
    const double source = ir::read_element(from, x.data(), i);
    const double wanted = ir::round_to(to, source), got = ir::read_element(to, y.data(), i);
    if (std::isnan(wanted)) {
      ASSERT_TRUE(std::isnan(got)) << "NaN became " << got;
    } else {
      ASSERT_EQ(std::bit_cast<uint64_t>(got), std::bit_cast<uint64_t>(wanted))
          << fmt::format("{:a} became {:a}, expected {:a}", source, got, wanted);
    }
  }
}

TEST(Casts, RoundOnceAtEveryLevel) {
  for (const Level level : runnable_levels())
    for (const Scalar from : all_types)
      for (const Scalar to : all_types)
        for (const bool vector : {false, true}) {
          if (from == to) continue;
          SCOPED_TRACE(fmt::format("{} to {} on {}{}", ir::name_of(from), ir::name_of(to),
                                   name_of(level), vector ? ", vectors" : ""));
          expect_exact(from, to, level, vector);
          if (HasFatalFailure()) return;
        }
}

TEST(Casts, NaNsOfAllPayloadsStayNaN) {
  for (const Level level : runnable_levels())
    for (const Scalar to : {Scalar::f16, Scalar::bf16}) {
      const MachineCode code = compile_text(cast_kernel(Scalar::f32, to, true), level);
      std::vector<uint32_t> x;
      for (int bit = 0; bit < 23; ++bit)
        for (const uint32_t sign : {0u, 0x80000000u}) x.push_back(sign | 0x7f800000u | 1u << bit);
      x.resize(48, 0x7fffffffu);
      std::vector<uint16_t> y(x.size());
      ASSERT_EQ(run(code, {{x.data(), y.data()}, {48}}), 0);
      for (int64_t i = 0; i < 48; ++i)
        EXPECT_TRUE(std::isnan(ir::read_element(to, y.data(), i))) << x[static_cast<size_t>(i)];
    }
}

TEST(Casts, OneLaneOfAConvertedVectorIsStoredAlone) {
  for (const Level level : runnable_levels())
    for (const Scalar to : {Scalar::f16, Scalar::bf16})
      for (int lane = 0; lane < 16; ++lane) {
        const std::string text = fmt::format(
            "kernel k(x: f32[16] input, y: {0}[16] output) unfused {{\n"
            "  y[ramp(0, 1, 16); ramp(0, 1, 16) {1} broadcast({2}, 16)] = "
            "cast({0}, x[ramp(0, 1, 16)])\n}}\n",
            ir::name_of(to), lane == 0 ? "<=" : "==", lane);
        std::vector<float> x(16, 1.5f);
        std::vector<uint16_t> y(16, 0xabcd);
        const MachineCode code = compile_text(text, level);
        ASSERT_EQ(run(code, {{x.data(), y.data()}}), 0);
        for (int i = 0; i < 16; ++i) {
          if (i == lane)
            EXPECT_EQ(ir::read_element(to, y.data(), i), 1.5);
          else
            EXPECT_EQ(y[static_cast<size_t>(i)], 0xabcd) << text << i;
        }
      }
}

}  // namespace
}  // namespace nestjit::compiler
