// Where the stages of a compile are written when someone wants to look at them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nestjit::base {

/// One stage of a compile as text: "03-specialise.nest" and what it printed.
struct StageText {
  std::string file;
  std::string text;
};

/// Writes the stages below `root` in a folder of its own named after `title` (characters that do
/// not suit a file name become '_'). Returns the folder. Throws a resource error when it cannot.
std::string write_stages(const std::string& root, std::string_view title,
                         const std::vector<StageText>& stages);

}  // namespace nestjit::base
