// Kernels told to tools that look at the process from outside, where NESTJIT_PROFILE asks for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace nestjit::compiler {

struct ProfileSettings {
  bool perf = false;      // a jitdump file in `folder`
  bool perf_map = false;  // /tmp/perf-PID.map
  bool gdb = false;       // gdb's list of code in memory
  std::string folder = ".";
};

/// "perf,gdb": a list of perf, perf-map and gdb. Throws invalid argument for other words.
ProfileSettings parse_profile(std::string_view list);

/// Tells the tools of NESTJIT_PROFILE of code that is ready to run: of its functions at `entries`,
/// under the names that named_code() gives them. What comes back is to be held in place of `code`;
/// with its last copy the tools are told that the code is gone. The setting is read at the first
/// call and holds from then on; programs that run with more rights than their user have none. A
/// file that cannot be written is a line with NESTJIT_VERBOSE=profile. Throws invalid argument for
/// a setting that means nothing. Thread-safe.
std::shared_ptr<const std::byte> announce(std::shared_ptr<const std::byte> code, size_t bytes,
                                          std::span<const uint32_t> entries,
                                          std::string_view title);

}  // namespace nestjit::compiler
