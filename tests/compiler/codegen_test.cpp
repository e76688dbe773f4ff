// What generated code computes, bit for bit, on every level this machine can run.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "base/checked.h"
#include "ir/interpret.h"
#include "tests/compiler/compiled.h"

namespace nestjit::compiler {
namespace {

constexpr float untouched = -77.0f;

std::vector<float> numbers(size_t count, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> distribution(-2, 2);
  std::vector<float> out(count);
  for (float& value : out) value = distribution(random);
  return out;
}

template <class T>
void expect_same_bits(const std::vector<T>& a, const std::vector<T>& b, std::string_view what) {
  ASSERT_EQ(a.size(), b.size());
  using Bits = std::conditional_t<sizeof(T) == 8, uint64_t,
                                  std::conditional_t<sizeof(T) == 4, uint32_t, uint16_t>>;
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_EQ(std::bit_cast<Bits>(a[i]), std::bit_cast<Bits>(b[i]))
        << what << ": element " << i << " is " << a[i] << ", not " << b[i];
}

/// A copy that keeps the promise `align 64`.
struct AlignedCopy {
  struct alignas(64) Line {
    float values[16];
  };
  std::vector<Line> lines;
  explicit AlignedCopy(const std::vector<float>& from) : lines(from.size() / 16 + 1) {
    std::memcpy(lines.data(), from.data(), from.size() * sizeof(float));
  }
  void* data() { return lines.data(); }
};

/// Runs a kernel of one input x and one output y on each level; y must come out as expected.
void expect_result(const std::string& text, std::vector<float> x,
                   const std::vector<float>& y_before, const std::vector<float>& expected,
                   const std::vector<int64_t>& symbols = {}) {
  for (const Level level : runnable_levels()) {
    std::vector<float> y = y_before;
    const MachineCode code = compile_text(text, level);
    ASSERT_EQ(run(code, {{x.data(), y.data()}, symbols}), 0);
    expect_same_bits(y, expected, name_of(level));
  }
}

/// The same, with what the interpreter computes.
void expect_as_interpreted(const std::string& text, std::vector<float> x,
                           const std::vector<float>& y_before) {
  std::vector<float> expected = y_before;
  ir::interpret(ir::parse_kernel(text), {{x, expected}, {}});
  expect_result(text, std::move(x), y_before, expected);
}

TEST(Codegen, AxpyWithATailMask) {
  const std::string text = R"(kernel axpy(x: f32[37] input, y: f32[37] output) unfused {
    for i in [0, 3) parallel {
      let m: boolx16 = ramp(i*16, 1, 16) <= broadcast(36, 16)
      y[ramp(i*16, 1, 16); m] = broadcast(3.0f32, 16)*x[ramp(i*16, 1, 16); m] + y[ramp(i*16, 1, 16); m]
    }
  })";
  const std::vector<float> x = numbers(48), before = numbers(48, 2);
  std::vector<float> expected = before;
  for (size_t i = 0; i < 37; ++i) {
    const float product = 3.0f * x[i];
    expected[i] = product + before[i];
  }
  expect_result(text, x, before, expected);
}

TEST(Codegen, EveryOrderingOfALaneMask) {
  for (const std::string op : {"<", "<=", ">", ">="})
    for (const int first : {-40, -3, 0, 5, 40})
      for (const int stride : {1, 3}) {
        const std::string text = fmt::format(
            "kernel mask(x: f32[8] input, y: f32[8] output) symbols(b) unfused {{\n"
            "  y[ramp(0, 1, 8); ramp(b, {}, 8) {} broadcast(9, 8)] = x[ramp(0, 1, 8)]\n}}\n",
            stride, op);
        const std::vector<float> x = numbers(8), before(8, untouched);
        std::vector<float> expected = before;
        for (int lane = 0; lane < 8; ++lane) {
          const int value = first + stride * lane;
          const bool on = op == "<"    ? value < 9
                          : op == "<=" ? value <= 9
                          : op == ">"  ? value > 9
                                       : value >= 9;
          if (on) expected[static_cast<size_t>(lane)] = x[static_cast<size_t>(lane)];
        }
        expect_result(text, x, before, expected, {first});
      }
}

/// y[4][2*lanes] = x[4][K] * w[K][2*lanes] as a register tile of 4 rows and 2 vectors.
std::string tile_text(int lanes, int k, bool fused) {
  std::string text = fmt::format(
      "kernel tile(x: f32[{}] input, w: f32[{}] constant align 64, y: f32[{}] output) {} {{\n"
      "  allocate acc: f32[{}] tile {{\n",
      4 * k, 2 * lanes * k, 8 * lanes, fused ? "fused" : "unfused", 8 * lanes);
  const auto slot = [&](int s) { return fmt::format("acc[ramp({}, 1, {})]", s * lanes, lanes); };
  for (int s = 0; s < 8; ++s) text += fmt::format("{} = broadcast(0.0f32, {})\n", slot(s), lanes);
  text += fmt::format("for kk in [0, {}) reduction {{\n", k);
  for (int v = 0; v < 2; ++v)
    text += fmt::format("let w{}: f32x{} = w[ramp(kk*{} + {}, 1, {})]\n", v, lanes, 2 * lanes,
                        v * lanes, lanes);
  for (int s = 0; s < 8; ++s)
    text += fmt::format("{0} = fma(broadcast(x[{1} + kk], {2}), w{3}, {0})\n", slot(s), s / 2 * k,
                        lanes, s % 2);
  text += "}\n";
  for (int s = 0; s < 8; ++s)
    text += fmt::format("y[ramp({}, 1, {})] = {}\n", s * lanes, lanes, slot(s));
  return text + "}\n}\n";
}

TEST(Codegen, RegisterTileIsTheSumInOrder) {
  constexpr int k = 53;
  for (const Level level : runnable_levels()) {
    const Target target = target_of(level);
    const int lanes = target.lanes(ir::Scalar::f32);
    const auto columns = static_cast<size_t>(2 * lanes);
    std::vector<float> x = numbers(4 * k), w = numbers(columns * k, 2), y(4 * columns),
                       expected(4 * columns);
    for (size_t r = 0; r < 4; ++r)
      for (size_t c = 0; c < columns; ++c)
        for (size_t kk = 0; kk < k; ++kk) {
          float& sum = expected[r * columns + c];
          const float a = x[r * k + kk], b = w[kk * columns + c];
          const float product = a * b;
          sum = target.has_fma ? std::fma(a, b, sum) : product + sum;
        }
    const MachineCode code = compile_text(tile_text(lanes, k, target.has_fma), level);
    AlignedCopy aligned_w(w);
    run(code, {{x.data(), aligned_w.data(), y.data()}});
    expect_same_bits(y, expected, name_of(level));
  }
}

TEST(Codegen, UnfusedNeverFuses) {
  // 1 + 2^-12 squared, minus its rounded square: zero unless the product keeps its low bits.
  const std::string body = R"( {
    for i in [0, 4) parallel {
      y[i] = fma(x[i], x[i], x[i + 4]*1.0f32)
    }
  })";
  const float a = 1 + std::ldexp(1.0f, -12), square = a * a;
  std::vector<float> x{a, a, a, a, -square, -square, -square, -square};
  for (const Level level : runnable_levels()) {
    std::vector<float> y(4, untouched);
    run(compile_text("kernel k(x: f32[8] input, y: f32[4] output) unfused" + body, level),
        {{x.data(), y.data()}});
    EXPECT_EQ(y[3], 0.0f) << name_of(level);
    if (!target_of(level).has_fma) continue;
    run(compile_text("kernel k(x: f32[8] input, y: f32[4] output) fused" + body, level),
        {{x.data(), y.data()}});
    EXPECT_EQ(y[3], std::fma(a, a, -square)) << name_of(level);
    EXPECT_NE(y[3], 0.0f);
  }
}

TEST(Codegen, GuardsAndLetsAroundTileSlots) {
  expect_as_interpreted(R"(kernel k(x: f32[30] input, y: f32[10] output) unfused {
    for i in [0, 10) parallel {
      allocate acc: f32[2] tile {
        acc[0] = 0.0f32
        acc[1] = 1.0f32
        let low: index = max(i - 3, 0)
        for t in [low, low + min(i, 4)) reduction {
          if floormod(t, 2) == 0 {
            let v: f32 = x[t + i]
            acc[0] = acc[0] + v
            if v > 0.0f32 {
              acc[1] = acc[1]*v
            }
          }
        }
        y[i] = acc[0] - acc[1]
      }
    }
  })",
                        numbers(30), std::vector<float>(10, untouched));
}

TEST(Codegen, NestedReductionsWithEmptyLoops) {
  expect_as_interpreted(R"(kernel k(x: f32[64] input, y: f32[8] output) unfused {
    for i in [0, 8) parallel {
      allocate acc: f32[4] tile {
        acc[ramp(0, 1, 4)] = broadcast(0.5f32, 4)
        for a in [2, i) reduction {
          for b in [0, a - 3) reduction {
            acc[ramp(0, 1, 4)] = acc[ramp(0, 1, 4)] + x[ramp(a*4 + b, 2, 4)]
          }
        }
        for c in [5, 5) reduction {
          acc[ramp(0, 1, 4)] = broadcast(0.0f32, 4)
        }
        for d in [3, 4) reduction {
          acc[ramp(0, 1, 4)] = acc[ramp(0, 1, 4)]*broadcast(x[d + i], 4)
        }
        y[ramp(i, 1, 4); ramp(0, 1, 4) < broadcast(1, 4)] = acc[ramp(0, 1, 4)]
      }
    }
  })",
                        numbers(64), std::vector<float>(11, untouched));
}

TEST(Codegen, MaskedTileSlots) {
  expect_as_interpreted(R"(kernel k(x: f32[16] input, y: f32[8] output) unfused {
    allocate acc: f32[8] tile {
      acc[ramp(0, 1, 8)] = x[ramp(0, 1, 8)]
      for i in [0, 5) reduction {
        let m: boolx8 = ramp(i, 1, 8) > broadcast(6, 8)
        acc[ramp(0, 1, 8); m] = acc[ramp(0, 1, 8)] + x[ramp(i, 1, 8)]
      }
      y[ramp(0, 1, 8)] = acc[ramp(0, 1, 8); ramp(0, 1, 8) < broadcast(7, 8)]
    }
  })",
                        numbers(16), std::vector<float>(8, untouched));
}

TEST(Codegen, WorkgroupsRunOnlyTheirRange) {
  const std::string text = R"(kernel k(x: f32[30] input, y: f32[30] output) symbols(n) unfused {
    let rows: index = n*2
    for g in [1, 6) parallel workgroup {
      for i in [0, rows) parallel {
        y[(g - 1)*6 + i] = x[g*6 - 6 + i]
      }
    }
  })";
  std::vector<float> x = numbers(30);
  for (const Level level : runnable_levels()) {
    const MachineCode code = compile_text(text, level);
    std::vector<float> y(30, untouched), expected(30, untouched);
    run(code, {{x.data(), y.data()}, {3}, 2, 2});
    expect_same_bits(y, expected, "empty range");
    std::copy(x.begin() + 6, x.begin() + 18, expected.begin() + 6);
    run(code, {{x.data(), y.data()}, {3}, 1, 3});
    expect_same_bits(y, expected, "1 ... 3");
    run(code, {{x.data(), y.data()}, {3}, 0, 1});
    run(code, {{x.data(), y.data()}, {3}, 3, 5});
    expect_same_bits(y, x, "all");
  }
}

TEST(Codegen, ScratchIsMemoryOfTheCall) {
  expect_as_interpreted(R"(kernel transpose(x: f32[64] input, y: f32[64] output align 4) unfused {
    for block in [0, 1) parallel {
      allocate t: f32[64] scratch align 128 {
        for r in [0, 8) parallel {
          t[ramp(r, 8, 8)] = x[ramp(r*8, 1, 8)]
        }
        for r in [0, 8) parallel {
          y[ramp(r*8, 1, 8)] = t[ramp(r*8, 1, 8)] + t[ramp(r*8, 0, 8)]
        }
      }
    }
  })",
                        numbers(64), std::vector<float>(64, untouched));
}

TEST(Codegen, DivisionRoundsDown) {
  for (const int divisor : {1, 2, 3, 4, 7, 16}) {
    const std::string text = fmt::format(
        R"(kernel k(x: f32[41] input, y: f32[900] output) symbols(d >= 1) unfused {{
      for i in [-20, 21) parallel {{
        y[(floordiv(i, {0}) + 20)*20 + floormod(i, {0})] = x[i + 20]
        y[(floordiv(i, d) + 20)*20 + floormod(i, d)] = x[i + 20]*2.0f32
      }}
    }})",
        divisor);
    const std::vector<float> x = numbers(41), before(900, untouched);
    for (const int64_t symbol : {5, 8}) {
      std::vector<float> expected = before;
      for (int64_t i = -20; i <= 20; ++i)
        for (const int64_t d : {int64_t{divisor}, symbol}) {
          const int64_t place = (base::floor_div(i, d) + 20) * 20 + base::floor_mod(i, d);
          const float value = x[static_cast<size_t>(i + 20)];
          expected[static_cast<size_t>(place)] = d == symbol ? value * 2 : value;
        }
      if (divisor == symbol) continue;
      expect_result(text, x, before, expected, {symbol});
    }
  }
}

TEST(Codegen, VectorDivisionAsGatherIndex) {
  expect_as_interpreted(R"(kernel k(x: f32[32] input, y: f32[32] output) unfused {
    for i in [0, 4) parallel {
      let v: indexx8 = ramp(i*8 - 5, 1, 8)
      y[ramp(i*8, 1, 8)] = x[floordiv(v, broadcast(3, 8)) + broadcast(2, 8)] + x[floormod(v, broadcast(4, 8))]
    }
  })",
                        numbers(32), std::vector<float>(32, untouched));
}

TEST(Codegen, StridedBroadcastAndMaskedGathers) {
  expect_as_interpreted(R"(kernel k(x: f32[200] input, y: f32[200] output) unfused {
    for i in [0, 3) parallel {
      let m: boolx8 = ramp(i*8, 1, 8) < broadcast(19, 8)
      y[ramp(i*8, 1, 8)] = x[ramp(i*24, 3, 8); m] + x[ramp(i, 0, 8); m]
      y[ramp(i*24 + 30, 3, 8); m] = x[ramp(i*40 + 35, -5, 8)]*x[ramp(i*8, 1, 8)*broadcast(2, 8)]
      y[ramp(i*16 + 120, 2, 8)] = x[ramp(i, 1, 8); not m or ramp(0, 1, 8) >= broadcast(4, 8)]
    }
  })",
                        numbers(200), std::vector<float>(200, untouched));
}

TEST(Codegen, MaskedScalars) {
  expect_as_interpreted(R"(kernel k(x: f32[8] input, y: f32[8] output) unfused {
    for i in [0, 8) parallel {
      y[i; i > 2] = x[i; i < 6 and i >= 0]
    }
  })",
                        numbers(8), std::vector<float>(8, untouched));
}

TEST(Codegen, SymbolicStrides) {
  const std::string text =
      R"(kernel k(x: f32[n*ld] input, y: f32[n*m] output) symbols(n in [0, 8], m in [0, 9], ld in [0, 9]) unfused {
    for i in [0, n) parallel {
      for j in [0, m) parallel {
        y[i*m + j] = x[(n - 1 - i)*ld + j]*x[i*ld + m - 1 - j]
      }
    }
  })";
  constexpr size_t n = 5, m = 7, ld = 9;
  const std::vector<float> x = numbers(n * ld);
  std::vector<float> expected(n * m);
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < m; ++j)
      expected[i * m + j] = x[(n - 1 - i) * ld + j] * x[i * ld + m - 1 - j];
  expect_result(text, x, std::vector<float>(n * m, untouched), expected, {n, m, ld});
}

TEST(Codegen, StrideTimesLoopVariableInTheInnermostLoop) {
  const std::string text =
      R"(kernel k(x: f32[60] input, y: f32[60] output) symbols(s in [0, 9]) unfused {
    for a in [1, 3) parallel {
      for i in [1, 5) parallel {
        y[i*s + a*20 + 2*i] = x[s*i + floordiv(i, 2) + min(a, i)]
      }
    }
  })";
  const std::vector<float> x = numbers(60);
  std::vector<float> expected(70, untouched);
  for (size_t a = 1; a < 3; ++a)
    for (size_t i = 1; i < 5; ++i)
      expected[i * 3 + a * 20 + 2 * i] = x[3 * i + i / 2 + std::min(a, i)];
  expect_result(text, x, std::vector<float>(70, untouched), expected, {3});
}

TEST(Codegen, FloatOperationsFollowTheSemantics) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> x{0.0f, -0.0f,  1.5f,   -2.25f, inf,  -inf,
                             nan,  1e-42f, -3e38f, 7.0f,   1.5f, -0.0f};
  expect_as_interpreted(R"(kernel k(x: f32[12] input, y: f32[1200] output) unfused {
    for i in [0, 12) parallel {
      for j in [0, 12) parallel {
        let a: f32 = x[i]
        let b: f32 = x[j]
        y[(i*12 + j)*8] = min(a, b)
        y[(i*12 + j)*8 + 1] = max(a, b)
        y[(i*12 + j)*8 + 2] = select(a < b, 1.0f32, select(a == b, 2.0f32, select(a >= b, 3.0f32, 4.0f32)))
        y[(i*12 + j)*8 + 3] = select(a != b and not a <= b, abs(a), abs(b))
        if j == 0 and a > 0.0f32 {
          y[(i*12 + j)*8 + 4] = sqrt(a)
          y[(i*12 + j)*8 + 5] = 1.0f32/a
        }
      }
    }
  })",
                        x, std::vector<float>(1200, untouched));
}

TEST(Codegen, HalfPrecisionConversions) {
  std::vector<float> x = numbers(120, 9);
  const std::vector<float> edges{0.0f,    -0.0f,      65504.0f,    65519.9f,    65520.0f, 1e-7f,
                                 6e-8f,   2.98e-8f,   1.00390625f, 1.01171875f, 3.4e38f,  1e-40f,
                                 -1e-40f, 5.877e-39f, 1.0f,        -1e30f};
  x.insert(x.end(), edges.begin(), edges.end());
  for (const std::string type : {"f16", "bf16"}) {
    const ir::Kernel kernel = ir::parse_kernel(fmt::format(
        R"(kernel k(x: f32[136] input, h: {0}[136] output, y: f64[136] output) unfused {{
      for i in [0, 17) parallel {{
        h[ramp(i*8, 1, 8)] = cast({0}, x[ramp(i*8, 1, 8)])
        y[ramp(i*8, 1, 8)] = cast(f64, h[ramp(i*8, 1, 8)])
        h[i] = cast({0}, cast(f32, h[i]))
      }}
    }})",
        type));
    std::vector<uint16_t> expected_bits(136), bits(136);
    std::vector<double> expected(136), y(136);
    const ir::Scalar scalar = *ir::scalar_named(type);
    ir::interpret(kernel, {{x, {scalar, expected_bits}, expected}, {}});
    for (const Level level : runnable_levels()) {
      if (type == "f16" && level < Level::x86_64_v3) continue;
      run(compile_to_machine_code({kernel}, target_of(level)), {{x.data(), bits.data(), y.data()}});
      expect_same_bits(bits, expected_bits, type);
      expect_same_bits(y, expected, type);
    }
  }
}

TEST(Codegen, DoublePrecisionTile) {
  const std::string text = R"(kernel k(x: f64[32] input, y: f64[8] output) unfused {
    allocate acc: f64[8] tile {
      acc[ramp(0, 1, 8)] = broadcast(0.0f64, 8)
      for i in [0, 4) reduction {
        acc[ramp(0, 1, 8)] = fma(x[ramp(i*8, 1, 8)], broadcast(x[i], 8), acc[ramp(0, 1, 8)])
      }
      y[ramp(0, 1, 8)] = sqrt(abs(acc[ramp(0, 1, 8)]))/broadcast(3.0f64, 8)
    }
  })";
  std::vector<double> x(32), expected(8), y(8);
  for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<double>(i));
  ir::interpret(ir::parse_kernel(text), {{x, expected}, {}});
  for (const Level level : runnable_levels()) {
    run(compile_text(text, level), {{x.data(), y.data()}});
    expect_same_bits(y, expected, name_of(level));
  }
}

}  // namespace
}  // namespace nestjit::compiler
