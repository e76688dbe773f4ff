// The machine that code is generated for: described numbers, never live measurements.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/type.h"

namespace nestjit::compiler {

/// Levels of the x86-64 psABI that nestjit generates code for. Larger includes smaller.
enum class Level : uint8_t { x86_64_v1, x86_64_v3, x86_64_v4 };

/// "x86-64-v1", "x86-64-v3", "x86-64-v4".
std::string_view name_of(Level level);

/// What a core can do in a cycle, and what memory costs it: the numbers of the cost models. Typical
/// values, refined where the processor family is known.
struct Rates {
  double fma_bytes = 128;   // of vectors that start a fused multiply-add a cycle
  double load_bytes = 128;  // of vectors read from the first-level cache a cycle
  double store_bytes = 64;  // of vectors written a cycle
  double most_vectors = 2;  // vectors of any width that start an operation of one kind a cycle
  double issue = 6;         // operations started a cycle
  double conversion = 1;    // of what a multiply-add takes of the arithmetic units, a conversion's
  double pair_stall = 0;    // cycles lost in a step that converts two vectors for its broadcasts
  double fma_latency = 4;   // cycles
  double dot_bytes = 64;    // of vectors of sums that start a dot product of pairs a cycle
  double dot_latency = 6;   // cycles
  double dot_stall = 0.4;   // cycles lost by a dot product whose broadcast serves no other one
  double l2_bytes = 32;     // streamed from the second-level cache a cycle
  double l3_bytes = 20;     // from the third-level cache
  double dram_bytes = 6;    // from memory
  double l3_wait = 10;      // cycles lost for a line from the third-level cache that nobody foresaw
  double dram_wait = 30;    // the same from memory
  double ghz = 3;           // to give times; relative costs do not depend on it

  double fma(double vector_bytes) const { return std::min(most_vectors, fma_bytes / vector_bytes); }
  double load(double vector_bytes) const {
    return std::min(most_vectors, load_bytes / vector_bytes);
  }
  double store(double vector_bytes) const {
    return std::min(most_vectors / 2, store_bytes / vector_bytes);
  }
};

struct Target {
  Level level = Level::x86_64_v1;
  std::vector<std::string> extras;  // LLVM feature names beyond the level, sorted
  int vector_bytes = 16;            // widest vector register
  int vector_registers = 16;
  bool has_fma = false;           // one rounding for a*b+c
  bool has_lane_masks = false;    // masked loads and stores are single instructions
  bool has_f16c = false;          // conversions between f16 and f32 are single instructions
  bool has_bf16_dot = false;      // ir::Dot is an instruction: the extra avx512bf16
  int64_t l1d_bytes = 32 * 1024;  // of one core
  int64_t l2_bytes = 256 * 1024;  // of one core
  int64_t l3_bytes = 0;           // shared; 0 when there is none
  int cores = 1;                  // logical ones: threads that may share work
  Rates rates;

  /// Lanes of a full vector of the element type: 16 for f32 with 64-byte vectors.
  int lanes(ir::Scalar scalar) const { return vector_bytes / ir::byte_size(scalar); }

  /// Level and extras, the part of the target that a cache key holds: "x86-64-v4+avx512bf16".
  std::string name() const;
};

/// The described numbers of a level, without extras.
Target target_of(Level level);

/// The target with a feature that nestjit makes use of beyond the levels: avx512bf16, on top of
/// x86-64-v4. Internal error for others.
Target with_extra(Target target, std::string_view feature);

/// The machine this process runs on, found once, then lowered to NESTJIT_TARGET when that is set.
/// Throws invalid argument for an unknown name and for a level above the machine's.
const Target& host_target();

/// `machine` restricted to the named level: "x86-64-v1", "x86-64-v3" or "x86-64-v4", without extras
/// but those that are named too: "x86-64-v4+avx512bf16". Throws invalid argument for another name,
/// for a level above the machine's and for an extra that it has not.
Target forced_down(const Target& machine, std::string_view level);

}  // namespace nestjit::compiler
