#include "tools/hot_loop.h"

#include <map>
#include <sstream>
#include <vector>

namespace nestjit::tools {
namespace {

struct Line {
  std::string text;
  std::string first, second;  // words: "jb .LBB0_3", "vfmadd231ps zmm0, ..."
};

std::vector<Line> lines_of(std::string_view assembly) {
  std::vector<Line> lines;
  std::istringstream in{std::string(assembly)};
  for (std::string text; std::getline(in, text);) {
    Line line{text, {}, {}};
    std::istringstream words(text);
    words >> line.first >> line.second;
    lines.push_back(std::move(line));
  }
  return lines;
}

bool multiplies(const std::string& instruction) {
  return instruction.find("fmadd") != std::string::npos ||
         instruction.find("mulp") != std::string::npos ||
         instruction.find("muls") != std::string::npos;
}

struct Span {
  size_t first, last;
  int multiplications;
};

/// Spans from a label to a jump back to it. A later jump to the same label lengthens the loop.
std::vector<Span> innermost_loops(const std::vector<Line>& lines) {
  std::map<std::string, size_t> labels;
  std::map<size_t, size_t> back_jumps;  // label's line -> last jump's line
  for (size_t i = 0; i < lines.size(); ++i) {
    const Line& line = lines[i];
    if (!line.first.empty() && line.first.back() == ':') {
      labels[line.first.substr(0, line.first.size() - 1)] = i;
    } else if (line.first.rfind('j', 0) == 0 && labels.count(line.second) != 0) {
      back_jumps[labels[line.second]] = i;
    }
  }
  std::vector<Span> loops;
  for (auto it = back_jumps.begin(); it != back_jumps.end(); ++it) {
    const auto next = std::next(it);
    if (next != back_jumps.end() && next->first < it->second) continue;  // holds another loop
    Span span{it->first, it->second, 0};
    for (size_t i = span.first; i <= span.last; ++i)
      span.multiplications += multiplies(lines[i].first);
    loops.push_back(span);
  }
  return loops;
}

}  // namespace

std::string hot_loop(std::string_view assembly) {
  const std::vector<Line> lines = lines_of(assembly);
  const Span* best = nullptr;
  const std::vector<Span> loops = innermost_loops(lines);
  for (const Span& loop : loops) {
    if (best == nullptr || loop.multiplications > best->multiplications) best = &loop;
  }
  std::string text;
  for (size_t i = best != nullptr ? best->first : 1; best != nullptr && i <= best->last; ++i) {
    text += lines[i].text + "\n";
  }
  return text;
}

}  // namespace nestjit::tools
