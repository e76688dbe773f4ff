// The interpreter: runs a kernel, after any stage, on real memory, by the semantics of ir/ir.h.
//
// It is the judge of every rewrite, so it checks what compiled code relies on: index arithmetic
// stays in 64 bits, divisors are positive, every access lies inside its buffer's shape. A loop runs
// as an ordinary loop whatever its mapping, a vector statement lane by lane with all reads first.
//
// Memory made by `allocate` starts as poison, a quiet NaN with a payload of its own: lanes that are
// computed and thrown away may read it, while a leak into an output shows (is_poison()).
// min(a, b) is a < b ? a : b, and max(a, b) is a > b ? a : b: with a NaN, or two zeros, it is b.
// Signalling NaNs become quiet when they are moved.
#pragma once

#include <bit>
#include <cstdint>
#include <map>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "ir/kernel.h"

namespace nestjit::ir {

/// Memory of one parameter, row-contiguous with the parameter's shape; at least as many elements as
/// the shape has. Borrowed: it must outlive the call.
struct Argument {
  /// From a vector, array or span of float or double. Const elements serve only read-only roles.
  template <std::ranges::contiguous_range R>
    requires(std::is_lvalue_reference_v<R> || std::ranges::borrowed_range<R>)
  Argument(R&& range)
      : Argument(std::span(range).data(), std::ssize(range),
                 std::is_same_v<std::ranges::range_value_t<R>, float> ? Scalar::f32 : Scalar::f64) {
    using Value = std::ranges::range_value_t<R>;
    static_assert(std::is_same_v<Value, float> || std::is_same_v<Value, double>);
  }
  /// f16 or bf16 values by their bits.
  Argument(Scalar scalar, std::span<uint16_t> bits)
      : Argument(bits.data(), std::ssize(bits), scalar) {}
  /// Pairs by their bits.
  Argument(std::span<uint32_t> pairs) : Argument(pairs.data(), std::ssize(pairs), Scalar::pair) {}

  const void* data;
  int64_t elements;
  Scalar scalar;
  bool writable;

 private:
  template <class T>
  Argument(T* d, int64_t n, Scalar s)
      : data(d),
        elements(n),
        scalar(s),
        writable(!std::is_const_v<T>) {}
};

struct Arguments {
  std::vector<Argument> buffers;           // one a parameter, in the kernel's order
  std::map<std::string, int64_t> symbols;  // at least the kernel's unbound ones
};

/// Half-open range of iterations of the kernel's one workgroup loop, as in compiler/frame.h.
struct WorkgroupRange {
  int64_t begin = 0;
  int64_t end = 0;
};

struct InterpretOptions {
  /// Not 0: `parallel` loops run in a pseudo-random order, so that a wrong claim of independence
  /// shows in the result.
  uint64_t shuffle_seed = 0;
  /// Not 0: loop iterations and other statements that may run before a resource error.
  int64_t max_steps = 0;
  /// Runs a part of the workgroups; everything when absent. A kernel without a workgroup loop is
  /// one workgroup, number 0. Invalid argument for a kernel with nested workgroup loops.
  std::optional<WorkgroupRange> workgroups = std::nullopt;
};

/// Runs the kernel. Invalid argument when the arguments do not fit the parameters (number, type,
/// size, overlap, symbols). An internal error "interpreter: ..." when the kernel itself is at
/// fault; it names the kernel, the statement, the values and the enclosing loops' variables.
/// Thread-safe.
void interpret(const Kernel& kernel, const Arguments& arguments,
               const InterpretOptions& options = {});

inline constexpr uint32_t poison_bits = 0x7fd15ea5;  // an f32; in f64 it is that value converted
/// Whether the value is unwritten memory, or was computed from it.
inline bool is_poison(float x) { return std::bit_cast<uint32_t>(x) << 1 == poison_bits << 1; }

}  // namespace nestjit::ir
