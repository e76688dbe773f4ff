// Processes of their own for nestjit-lookups: what they start with is part of what is measured.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ops/conv/problem.h"

namespace nestjit::bench {

/// Numbers that a process reports by name.
using Report = std::map<std::string, double>;

/// Nanoseconds of the clock that all processes share.
double now_ns();

/// Runs this program again with an argument and waits for its report. Throws internal when the
/// process fails. "spawned" is when it was started.
Report report_of(const std::string& argument);

/// What such a process does: prints its report to standard output.
void report_first_result();               // "first": when, "llvm": whether it is loaded
void report_many_kernels(int64_t count);  // growth of "mappings" and "rss"; "code": bytes

/// Problems of so many kernels, small ones of one kind.
std::vector<ops::ConvProblem> many_problems(int64_t count);

}  // namespace nestjit::bench
