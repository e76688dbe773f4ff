// nestjit check FILE...: runs golden files and counts.
#include <fmt/format.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tools/commands.h"
#include "tools/read_file.h"
#include "tools/verdict.h"

namespace nestjit::tools {
namespace {

class Tally {
 public:
  void add(const std::string& file, int line, const std::string& id, const Verdict& verdict) {
    ++counts_[verdict.kind];
    if (verdict.kind == Verdict::failed) {
      fmt::print("{}:{}: {} FAILED: {}\n", file, line, id, verdict.text);
    }
    if (verdict.kind == Verdict::skipped) ++reasons_[verdict.text];
  }

  void print() const {
    for (const auto& [reason, count] : reasons_) fmt::print("{} skipped: {}\n", count, reason);
    fmt::print("{} passed, {} failed, {} skipped\n", counts_[Verdict::passed],
               counts_[Verdict::failed], counts_[Verdict::skipped]);
  }
  bool all_right() const { return counts_[Verdict::failed] == 0; }

 private:
  int counts_[3] = {0, 0, 0};
  std::map<std::string, int> reasons_;
};

template <class Lines>
void judge_lines(const Lines& lines, Tally& tally) {
  for (const auto& golden : lines) tally.add(golden.file, golden.line, golden.id, judge(golden));
}

/// Edge calls say what the formula asks for; cases hold values.
bool holds_edge_calls(const std::string& path) {
  const std::string text = read_file(path);
  return text.substr(0, text.find('\n')).find("\"definition\"") != std::string::npos;
}

int check_files(const std::vector<std::string>& files) {
  Tally tally;
  for (const std::string& file : files) {
    if (holds_edge_calls(file)) {
      judge_lines(read_golden_edge_calls(file), tally);
    } else {
      judge_lines(read_golden_cases(file), tally);
    }
  }
  tally.print();
  return tally.all_right() ? 0 : 1;
}

}  // namespace

void add_check(CLI::App& app, int& status) {
  auto files = std::make_shared<std::vector<std::string>>();
  CLI::App* sub =
      app.add_subcommand("check", "run golden files (JSON lines); exit status 1 on failure");
  sub->add_option("file", *files, "cases, edge calls or real layers, as tests/data/README.md says")
      ->required();
  sub->callback([files, &status] { status = check_files(*files); });
}

}  // namespace nestjit::tools
