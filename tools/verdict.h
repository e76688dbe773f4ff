// Judging this build by lines of golden files.
#pragma once

#include <string>

#include "tools/golden.h"

namespace nestjit::tools {

struct Verdict {
  enum Kind { passed, failed, skipped };
  Kind kind = passed;
  std::string text;  // why it failed or was skipped
};

/// Runs a case through the public operation and compares its values. What the build does not
/// support is skipped with the reason it gives.
Verdict judge(const GoldenCase& golden);

/// Makes an edge call on ones and compares what happens with the definition's words:
///   "ok [1,2,1]"         that shape (and zeros, where the words say so)
///   "len 0", "len 2e9"   an output of that length
///   "error: ..."         an invalid argument; for "error: len", which means 32-bit shapes, also a
///                        resource error or a longer output
///   "f32 ..."            a result of that element type
///   "..., or error"      an error will do as well; "out-of-memory": a resource error
Verdict judge(const GoldenEdgeCall& golden);

}  // namespace nestjit::tools
