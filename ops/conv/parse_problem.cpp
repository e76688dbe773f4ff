// The text form of a problem: "conv_transpose1d l=128 ci=512 co=256 k=16 s=8 p=4".
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/error.h"
#include "ops/conv/problem.h"

namespace nestjit::ops {
namespace {

constexpr std::string_view front_door = "conv_transpose1d";
constexpr std::string_view blanks = " \t\r\n";

struct Numbers {
  int64_t l = 0, ci = 0, co = 0, k = 0, s = 1, p = 0, d = 1, op = 0, g = 1, n = 1;
};

struct Key {
  std::string_view name;
  int64_t Numbers::* member;
  std::string_view expected;
  bool required = false;
};

constexpr std::array keys{
    Key{"l", &Numbers::l, "a non-negative integer", true},
    Key{"ci", &Numbers::ci, "a non-negative integer", true},
    Key{"co", &Numbers::co, "a non-negative integer", true},
    Key{"k", &Numbers::k, "a positive integer", true},
    Key{"s", &Numbers::s, "a positive integer"},
    Key{"p", &Numbers::p, "an integer"},
    Key{"d", &Numbers::d, "a positive integer"},
    Key{"op", &Numbers::op, "an integer"},
    Key{"g", &Numbers::g, "a positive integer"},
    Key{"n", &Numbers::n, "a non-negative integer"},
};
constexpr std::string_view key_list = "l, ci, co, k, s, p, d, op, g, n, dtype, xdtype, wdtype";
constexpr std::array<std::string_view, 3> dtype_keys{"dtype", "xdtype", "wdtype"};

/// A word of the text and where it starts (1-based).
struct Word {
  std::string_view text;
  size_t column;
};

/// The text between quotes, cut short and without control characters.
std::string quoted(std::string_view text) {
  constexpr size_t longest = 40;
  std::string shown(text.substr(0, longest));
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return fmt::format("'{}{}'", shown, text.size() > longest ? "..." : "");
}

[[noreturn]] void refuse(size_t column, std::string_view expected, std::string_view got) {
  base::invalid("problem: column {}: expected {}, got {}", column, expected, got);
}

std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  for (size_t at = text.find_first_not_of(blanks); at != text.npos;) {
    const size_t end = std::min(text.find_first_of(blanks, at), text.size());
    words.push_back({text.substr(at, end - at), at + 1});
    at = text.find_first_not_of(blanks, end);
  }
  return words;
}

void check_operation(const Word& word) {
  if (word.text == front_door) return;
  constexpr std::array<std::string_view, 6> family{
      "conv_general", "conv1d", "conv2d", "conv3d", "conv_transpose2d", "conv_transpose3d"};
  if (std::find(family.begin(), family.end(), word.text) != family.end())
    base::unsupported("problem: column {}: the operation {} is not supported, {} is", word.column,
                      word.text, front_door);
  refuse(word.column, fmt::format("an operation ({})", front_door), quoted(word.text));
}

int64_t parse_number(const Key& key, const Word& value) {
  const char* const end = value.text.data() + value.text.size();
  int64_t number = 0;
  const auto [stop, error] = std::from_chars(value.text.data(), end, number);
  if (error == std::errc::result_out_of_range && stop == end)
    refuse(value.column, fmt::format("{} of 64 bits after '{}='", key.expected, key.name),
           quoted(value.text));
  if (error != std::errc{} || stop != end)
    refuse(value.column, fmt::format("{} after '{}='", key.expected, key.name), quoted(value.text));
  return number;
}

ir::Scalar parse_dtype(std::string_view key, const Word& value) {
  const auto scalar = ir::scalar_named(value.text);
  if (!scalar || !ir::is_float(*scalar))
    refuse(value.column, fmt::format("f16, bf16, f32 or f64 after '{}='", key), quoted(value.text));
  return *scalar;
}

/// Collects the pairs of one text.
class Pairs {
 public:
  void take(const Word& word) {
    const size_t equals = word.text.find('=');
    if (equals == word.text.npos) refuse(word.column, "key=value", quoted(word.text));
    const std::string_view name = word.text.substr(0, equals);
    const Word value{word.text.substr(equals + 1), word.column + equals + 1};
    const auto key =
        std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.name == name; });
    const auto dtype = std::find(dtype_keys.begin(), dtype_keys.end(), name);
    if (key == keys.end() && dtype == dtype_keys.end())
      refuse(word.column, fmt::format("a key of {}", key_list), quoted(name));
    // Element types count after the numbers.
    bool& seen = seen_[static_cast<size_t>(key - keys.begin()) +
                       (key == keys.end() ? static_cast<size_t>(dtype - dtype_keys.begin()) : 0)];
    if (std::exchange(seen, true))
      refuse(word.column, "every key once", fmt::format("'{}' again", name));
    if (key == keys.end())
      dtypes_[static_cast<size_t>(dtype - dtype_keys.begin())] = parse_dtype(name, value);
    else
      numbers_.*key->member = parse_number(*key, value);
  }

  ConvTranspose1dArguments finish(size_t text_size) const {
    for (size_t i = 0; i < keys.size(); ++i)
      if (keys[i].required && !seen_[i])
        refuse(text_size + 1, fmt::format("'{}=' and {}", keys[i].name, keys[i].expected),
               "the end of the text");
    const Numbers& v = numbers_;
    // A number of groups that does not divide is refused by name, whatever the weight's shape.
    const int64_t weight_channels = v.g >= 1 ? v.ci / v.g : v.ci;
    return {.x_shape = {v.n, v.l, v.ci},
            .w_shape = {v.co, v.k, weight_channels},
            .stride = v.s,
            .padding = v.p,
            .dilation = v.d,
            .output_padding = v.op,
            .groups = v.g,
            .x_dtype = dtypes_[1].value_or(dtypes_[0].value_or(ir::Scalar::f32)),
            .w_dtype = dtypes_[2].value_or(dtypes_[0].value_or(ir::Scalar::f32))};
  }

 private:
  Numbers numbers_;
  std::array<std::optional<ir::Scalar>, dtype_keys.size()> dtypes_;
  std::array<bool, keys.size() + dtype_keys.size()> seen_{};
};

Numbers numbers_of(const ConvProblem& problem) {
  const ConvAxis& axis = problem.axes.front();
  return {.l = axis.input,
          .ci = problem.in_channels,
          .co = problem.out_channels,
          .k = axis.taps,
          .s = axis.input_dilation,
          .p = axis.dilation * (axis.taps - 1) - axis.padding_low,
          .d = axis.dilation,
          .op = axis.padding_high - axis.padding_low,
          .g = problem.groups,
          .n = problem.batch};
}

}  // namespace

ConvProblem parse_problem(std::string_view text) {
  const std::vector<Word> words = words_of(text);
  if (words.empty()) refuse(1, fmt::format("an operation ({})", front_door), "the end of the text");
  check_operation(words.front());
  Pairs pairs;
  for (size_t i = 1; i < words.size(); ++i) pairs.take(words[i]);
  return conv_transpose1d_problem(pairs.finish(text.size()));
}

std::string to_string(const ConvProblem& problem) {
  if (problem.op != front_door || problem.axes.size() != 1)
    base::internal("problem: '{}' over {} axes has no text form", problem.op, problem.axes.size());
  const Numbers numbers = numbers_of(problem);
  const Numbers defaults;
  std::string text = problem.op;
  for (const Key& key : keys)
    if (key.required || numbers.*key.member != defaults.*key.member)
      text += fmt::format(" {}={}", key.name, numbers.*key.member);
  const auto add_dtype = [&](std::string_view key, ir::Scalar dtype) {
    if (dtype != ir::Scalar::f32) text += fmt::format(" {}={}", key, ir::name_of(dtype));
  };
  if (problem.x_dtype == problem.w_dtype) {
    add_dtype("dtype", problem.x_dtype);
  } else {
    add_dtype("xdtype", problem.x_dtype);
    add_dtype("wdtype", problem.w_dtype);
  }
  return text;
}

std::vector<std::string> problem_lines(std::string_view file_text) {
  std::vector<std::string> lines;
  while (!file_text.empty()) {
    const size_t newline = std::min(file_text.find('\n'), file_text.size());
    std::string_view line = file_text.substr(0, newline);
    file_text.remove_prefix(std::min(newline + 1, file_text.size()));
    line = line.substr(0, line.find('#'));
    const size_t first = line.find_first_not_of(blanks);
    if (first == line.npos) continue;
    lines.emplace_back(line.substr(first, line.find_last_not_of(blanks) - first + 1));
  }
  return lines;
}

}  // namespace nestjit::ops
