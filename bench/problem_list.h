// Which problems a run measures.
#pragma once

#include <string>
#include <vector>

#include "ops/conv/problem.h"

namespace nestjit::bench {

struct ListedProblem {
  std::string list;  // file name without folder and ending; empty for a problem on the command line
  ops::ConvProblem problem;
};

/// Problems of files (one a line) and problem strings, in order; strings hold a space. `keys`, such
/// as "dtype=bf16 grad=x", are added to each. Throws invalid argument for a problem that does not
/// parse, resource for a file that does not open.
std::vector<ListedProblem> problems_of(const std::vector<std::string>& arguments,
                                       const std::string& keys = "");

/// Whether arithmetic bounds the problem, so that it counts in the mean fraction of the peak: more
/// than 40 positions, at least 8 output channels, and more than one input channel a group.
bool compute_bound(const ops::ConvProblem& problem);

}  // namespace nestjit::bench
