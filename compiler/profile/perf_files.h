// Files that Linux's perf reads to name code that no file holds.
#pragma once

#include <memory>
#include <string>

#include "compiler/profile/named_code.h"
#include "compiler/profile/output_file.h"

namespace nestjit::compiler {

/// What names functions to perf, from the time at which they are added on. Not thread-safe.
class PerfFile {
 public:
  virtual ~PerfFile() = default;
  /// False, with the reason, when it cannot be written; nothing is to be added any more.
  virtual bool add(const NamedCode& function, std::string& why) = 0;
};

/// "jit-PID.dump" in the folder, in the format of the kernel sources'
/// tools/perf/Documentation/jitdump-specification.txt: names and code, for
/// `perf record -k mono` and `perf inject --jit`. One page of the file is mapped, executable: from
/// that event perf knows of it. Null, with the reason, where the file cannot be made or mapped.
std::unique_ptr<PerfFile> open_jit_dump(const std::string& folder, std::string& why);

/// "/tmp/perf-PID.map": names alone, which `perf report` reads without further steps. Other
/// just-in-time compilers of the process may write there, too. Null likewise.
std::unique_ptr<PerfFile> open_perf_map(std::string& why);

}  // namespace nestjit::compiler
