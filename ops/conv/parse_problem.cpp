// The text form of a problem, read: "conv_transpose1d l=128 ci=512 co=256 k=16 s=8 p=4".
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/error.h"
#include "ops/conv/gradients.h"
#include "ops/conv/problem_keys.h"
#include "ops/conv/strides.h"

namespace nestjit::ops {
namespace {

constexpr std::string_view blanks = " \t\r\n";
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

std::string door_list() {
  std::string list;
  for (const ConvDoor& door : conv_doors())
    list += fmt::format("{}{}", list.empty() ? "" : ", ", door.name);
  return list;
}

const ConvDoor& door_of(const Word& word) {
  const ConvDoor* door = find_conv_door(word.text);
  if (!door) refuse(word.column, fmt::format("an operation ({})", door_list()), quoted(word.text));
  return *door;
}

int64_t parse_number(const ProblemKey& key, const Word& value) {
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

/// "3", and for the keys of an axis also "3,1,2".
std::vector<int64_t> parse_numbers(const ProblemKey& key, const Word& value) {
  std::vector<int64_t> numbers;
  for (size_t at = 0; at <= value.text.size();) {
    const size_t end =
        key.of_axis ? std::min(value.text.find(',', at), value.text.size()) : value.text.size();
    numbers.push_back(parse_number(key, Word{value.text.substr(at, end - at), value.column + at}));
    at = end + 1;
  }
  return numbers;
}

ir::Scalar parse_dtype(std::string_view key, const Word& value) {
  const auto scalar = ir::scalar_named(value.text);
  if (!scalar || !ir::is_float(*scalar))
    refuse(value.column, fmt::format("f16, bf16, f32 or f64 after '{}='", key), quoted(value.text));
  return *scalar;
}

Numerics parse_numerics(const Word& value) {
  const auto numerics = numerics_named(value.text);
  if (!numerics) refuse(value.column, "direct or bf16_dot after 'numerics='", quoted(value.text));
  return *numerics;
}

bool parse_flag(std::string_view key, const Word& value) {
  if (value.text != "0" && value.text != "1")
    refuse(value.column, fmt::format("0 or 1 after '{}='", key), quoted(value.text));
  return value.text == "1";
}

/// Where an operand lies, as the text says.
struct Layout {
  std::string_view strides_key, order_key;
  std::optional<Word> strides{}, order{};

  bool take(std::string_view name, const Word& value) {
    if (name != strides_key && name != order_key) return false;
    (name == strides_key ? strides : order) = value;
    if (strides && order)
      refuse(value.column, fmt::format("{}= or {}=", strides_key, order_key), "both");
    return true;
  }

  std::vector<int64_t> strides_of(const std::vector<int64_t>& shape) const {
    if (!strides && !order) return {};
    const Word& value = strides ? *strides : *order;
    const ProblemKey key{strides ? strides_key : order_key, nullptr, "integers", 0, true, false, 0};
    std::vector<int64_t> numbers = parse_numbers(key, value);
    if (numbers.size() != shape.size())
      refuse(value.column, fmt::format("{} numbers after '{}='", shape.size(), key.name),
             fmt::format("{}", numbers.size()));
    if (strides) return numbers;
    std::vector<int64_t> sorted = numbers;
    std::sort(sorted.begin(), sorted.end());
    for (size_t d = 0; d < sorted.size(); ++d)
      if (sorted[d] != static_cast<int64_t>(d))
        refuse(value.column, fmt::format("a permutation of 0 to {}", sorted.size() - 1),
               quoted(value.text));
    return ordered_strides(shape, numbers);
  }
};

/// Collects the pairs of one text.
class Pairs {
 public:
  explicit Pairs(const ConvDoor& door) : door_(door) {}

  void take(const Word& word) {
    const size_t equals = word.text.find('=');
    if (equals == word.text.npos) refuse(word.column, "key=value", quoted(word.text));
    const std::string_view name = word.text.substr(0, equals);
    const Word value{word.text.substr(equals + 1), word.column + equals + 1};
    if (std::find(seen_.begin(), seen_.end(), name) != seen_.end())
      refuse(word.column, "every key once", fmt::format("'{}' again", name));
    const auto dtype = std::find(dtype_keys.begin(), dtype_keys.end(), name);
    if (dtype != dtype_keys.end())
      dtypes_[static_cast<size_t>(dtype - dtype_keys.begin())] = parse_dtype(name, value);
    else if (name == "grad")
      gradient_ = value;
    else if (name == "bias" || name == "residual")
      (name == "bias" ? epilogue_.bias : epilogue_.residual) = parse_flag(name, value);
    else if (name == "numerics")
      numerics_ = parse_numerics(value);
    else if (name == "act")
      epilogue_.activation = parse_activation(value.text);
    else if (!x_layout_.take(name, value) && !w_layout_.take(name, value))
      take_numbers(word, name, value);
    seen_.push_back(name);
  }

  ConvProblem finish(size_t text_size) {
    for (const ProblemKey& key : problem_keys())
      if (key.required && (numbers_.*key.member).empty())
        refuse(text_size + 1, fmt::format("'{}=' and {}", key.name, key.expected),
               "the end of the text");
    spread_over_axes();
    ConvProblem problem = conv_problem(door_, arguments());
    problem.epilogue = epilogue_;
    problem.numerics = numerics_;
    problem = with_gradient(problem);
    return with_strides(problem, x_layout_.strides_of(problem.x_shape()),
                        w_layout_.strides_of(problem.second_shape()));
  }

 private:
  struct Place {
    const ProblemKey* key;
    size_t column;  // of its value
  };

  void take_numbers(const Word& word, std::string_view name, const Word& value) {
    const auto keys = problem_keys();
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const ProblemKey& k) {
      return k.name == name && k.belongs_to(door_.kind);
    });
    if (key == keys.end())
      refuse(word.column, fmt::format("a key of {}", problem_key_list(door_.kind)), quoted(name));
    numbers_.*key->member = parse_numbers(*key, value);
    if (name == "flip" && (numbers_.flip[0] < 0 || numbers_.flip[0] > 1))
      refuse(value.column, "0 or 1 after 'flip='", quoted(value.text));
    places_.push_back({&*key, value.column});
  }

  /// A number for all axes becomes one for each.
  void spread_over_axes() {
    const size_t axes = door_.axes > 0 ? door_.axes : numbers_.l.size();
    for (const Place& place : places_) {
      std::vector<int64_t>& values = numbers_.*place.key->member;
      if (!place.key->of_axis || values.size() == axes) continue;
      if (values.size() != 1)
        refuse(place.column,
               axes == 1 ? fmt::format("one number after '{}='", place.key->name)
                         : fmt::format("one number or {} after '{}='", axes, place.key->name),
               fmt::format("{} numbers", values.size()));
      values.resize(axes, values[0]);
    }
  }

  ConvArguments arguments() const {
    const ProblemNumbers& v = numbers_;
    const auto one = [](const std::vector<int64_t>& numbers, int64_t otherwise) {
      return numbers.empty() ? otherwise : numbers[0];
    };
    const int64_t groups = one(v.g, 1), ci = v.ci[0];
    ConvArguments a;
    a.x_shape = v.l;
    a.x_shape.insert(a.x_shape.begin(), one(v.n, 1));
    a.x_shape.push_back(ci);
    a.w_shape = v.k;
    a.w_shape.insert(a.w_shape.begin(), v.co[0]);
    // A number of groups that does not divide is refused by name, whatever the weight's shape.
    a.w_shape.push_back(groups >= 1 ? ci / groups : ci);
    a.stride = v.s;
    a.padding = door_.kind == ConvDoor::Kind::general ? v.plo : v.p;
    a.padding_high = v.phi;
    a.dilation = v.d;
    a.output_padding = v.op;
    a.input_dilation = v.id;
    a.groups = groups;
    a.flip = one(v.flip, 0) == 1;
    a.x_dtype = dtypes_[1].value_or(dtypes_[0].value_or(ir::Scalar::f32));
    a.w_dtype = dtypes_[2].value_or(dtypes_[0].value_or(ir::Scalar::f32));
    return a;
  }

  ConvProblem with_gradient(const ConvProblem& problem) const {
    if (!gradient_) return problem;
    if (gradient_->text == "x") return input_gradient(problem);
    if (gradient_->text == "w") return weight_gradient(problem);
    refuse(gradient_->column, "x or w after 'grad='", quoted(gradient_->text));
  }

  const ConvDoor& door_;
  ProblemNumbers numbers_;
  std::array<std::optional<ir::Scalar>, dtype_keys.size()> dtypes_;
  std::optional<Word> gradient_;
  Epilogue epilogue_;
  Numerics numerics_ = Numerics::direct;
  Layout x_layout_{"xstrides", "xorder"}, w_layout_{"wstrides", "worder"};
  std::vector<std::string_view> seen_;
  std::vector<Place> places_;
};

}  // namespace

ConvProblem parse_problem(std::string_view text) {
  const std::vector<Word> words = words_of(text);
  if (words.empty())
    refuse(1, fmt::format("an operation ({})", door_list()), "the end of the text");
  Pairs pairs(door_of(words.front()));
  for (size_t i = 1; i < words.size(); ++i) pairs.take(words[i]);
  return pairs.finish(text.size());
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
