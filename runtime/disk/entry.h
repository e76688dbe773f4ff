// A kernel as one file: what it is, what it needs, its code.
//
// All numbers are little-endian; a text is its length in 4 bytes, then its bytes.
//
//   8   "NESTJIT\n"
//   4   format_version, 4 abi_version of the frame
//   8   length of the file
//       texts: key, problem, schedule, target, LLVM's version, build id
//   8   milliseconds of the compile (a double's bits), 8 workgroups (0: see the next text)
//       text: the number of workgroups over the symbols, empty without symbols
//   4   symbols, each: text name, 8 least value, 8 largest value
//   4   parameters, each 1: whether the kernel uses it itself
//   4   packed operands, each: 4 parameter it comes from, 8 bytes packed, 8 workgroups
//   4   entry points, each 4: offset in the code; the kernel's, then the packed operands'
//   8   bytes of code, then the code
//   32  SHA-256 of all that is before it
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compiler/code_image.h"
#include "ir/kernel.h"

namespace nestjit::runtime::disk {

inline constexpr uint32_t format_version = 1;
/// No kernel is that large; what claims to be is not read.
inline constexpr int64_t largest_file = int64_t{64} << 20;

struct StoredPacking {
  uint32_t source = 0;  // index among the parameters
  int64_t bytes = 0;
  int64_t workgroups = 0;

  bool operator==(const StoredPacking&) const = default;
};

struct Entry {
  std::string key;       // everything that the kernel was asked for by
  std::string problem;   // for people
  std::string schedule;  // that was resolved, a step a line; behind a comment on why it is simpler
                         // than the default one, where it is
  std::string target;    // level and extras, that is the CPU features the code needs
  std::string llvm;      // version of LLVM that made the code
  std::string build;     // compiler::build_id()
  double compile_ms = 0;
  int64_t workgroups = 0;
  std::string workgroup_count;
  std::vector<ir::SymbolDecl> symbols;
  std::vector<bool> uses;
  std::vector<StoredPacking> packed;
  compiler::CodeImage image;

  /// Equal but for the time that the compile took.
  bool same_kernel(const Entry& other) const;
};

std::vector<std::byte> write_entry(const Entry& entry);

/// The entry in the bytes of a file, or nothing with the reason. Any bytes are safe. What it gives
/// holds together: offsets lie in the code, counts fit each other, numbers are in range.
std::optional<Entry> read_entry(std::span<const std::byte> file, std::string& reason);

/// The same without looking at the checksum, which a fuzzer would not get past.
std::optional<Entry> read_unsealed_entry(std::span<const std::byte> file, std::string& reason);

}  // namespace nestjit::runtime::disk
