#include "bench/problem_list.h"

#include <filesystem>

#include "tools/read_file.h"

namespace nestjit::bench {

std::vector<ListedProblem> problems_of(const std::vector<std::string>& arguments,
                                       const std::string& keys) {
  std::vector<ListedProblem> problems;
  const auto parse = [&](const std::string& text) {
    return ops::parse_problem(keys.empty() ? text : text + " " + keys);
  };
  for (const std::string& argument : arguments) {
    if (argument.find(' ') != std::string::npos) {
      problems.push_back({"", parse(argument)});
      continue;
    }
    const std::string list = std::filesystem::path(argument).stem().string();
    for (const std::string& line : ops::problem_lines(tools::read_file(argument))) {
      problems.push_back({list, parse(line)});
    }
  }
  return problems;
}

bool compute_bound(const ops::ConvProblem& problem) {
  return problem.axes[0].input > 40 && problem.out_channels >= 8 &&
         problem.in_channels > problem.groups;
}

}  // namespace nestjit::bench
