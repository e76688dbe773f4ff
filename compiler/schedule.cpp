#include "compiler/schedule.h"

#include "base/error.h"

namespace nestjit::compiler {
namespace {

struct Word {
  std::string_view text;
  size_t column;  // 1-based
};

std::vector<Word> words_of(std::string_view line) {
  std::vector<Word> words;
  size_t at = 0;
  while (at < line.size() && line[at] != '#') {
    if (line[at] == ' ' || line[at] == '\t' || line[at] == '\r') {
      ++at;
      continue;
    }
    const size_t start = at;
    while (at < line.size() && std::string_view(" \t\r#").find(line[at]) == std::string_view::npos)
      ++at;
    words.push_back({line.substr(start, at - start), start + 1});
  }
  return words;
}

/// Parts of one step in the order in which they must come.
enum class Part { targets, options, results };

class StepParser {
 public:
  StepParser(const std::vector<Word>& words, size_t line) : words_(words), line_(line) {}

  Step parse() {
    const Word& first = words_.front();
    if (!is_plain(first.text)) expected(first.column, "a primitive", first.text);
    step_.primitive = first.text;
    for (size_t i = 1; i < words_.size(); ++i) take(words_[i]);
    if (part_ == Part::results && step_.results.empty())
      expected(words_.back().column, "a name after '->'", "the end of the line");
    return std::move(step_);
  }

 private:
  static bool is_plain(std::string_view text) {
    return text != "->" && text.find('=') == std::string_view::npos;
  }

  void take(const Word& word) {
    const size_t equals = word.text.find('=');
    if (word.text == "->") {
      if (part_ == Part::results) expected(word.column, "a name", "a second '->'");
      part_ = Part::results;
    } else if (part_ == Part::results) {
      if (!is_plain(word.text)) expected(word.column, "a name", word.text);
      step_.results.emplace_back(word.text);
    } else if (equals != std::string_view::npos) {
      option(word, equals);
    } else if (part_ == Part::options) {
      expected(word.column, "key=value or '->'", word.text);
    } else {
      step_.targets.emplace_back(word.text);
    }
  }

  void option(const Word& word, size_t equals) {
    part_ = Part::options;
    const std::string_view key = word.text.substr(0, equals), value = word.text.substr(equals + 1);
    if (key.empty() || value.empty()) expected(word.column, "key=value", word.text);
    if (!step_.options.emplace(key, value).second)
      expected(word.column, "each option once", word.text);
  }

  [[noreturn]] void expected(size_t column, std::string_view what, std::string_view got) const {
    base::invalid("schedule: line {}, column {}: expected {}, got '{}'", line_, column, what, got);
  }

  const std::vector<Word>& words_;
  size_t line_;
  Part part_ = Part::targets;
  Step step_;
};

}  // namespace

std::string to_string(const Step& step) {
  std::string text = step.primitive;
  for (const std::string& target : step.targets) text += " " + target;
  for (const auto& [key, value] : step.options) text += " " + key + "=" + value;
  if (!step.results.empty()) text += " ->";
  for (const std::string& result : step.results) text += " " + result;
  return text;
}

std::string to_string(const Schedule& schedule) {
  std::string text;
  for (const Step& step : schedule.steps) text += to_string(step) + "\n";
  return text;
}

Schedule parse_schedule(std::string_view text) {
  Schedule schedule;
  for (size_t line = 1; !text.empty(); ++line) {
    const size_t end = text.find('\n');
    const std::vector<Word> words = words_of(text.substr(0, end));
    if (!words.empty()) schedule.steps.push_back(StepParser(words, line).parse());
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return schedule;
}

Schedule& Schedule::then(std::string_view step_text) {
  for (Step& step : parse_schedule(step_text).steps) steps.push_back(std::move(step));
  return *this;
}

}  // namespace nestjit::compiler
