#include "tools/golden.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/checked.h"
#include "base/error.h"
#include "tools/read_file.h"

namespace nestjit::tools {
namespace {

using Json = nlohmann::json;

/// One line's object, with its place for messages.
class Line {
 public:
  Line(const std::string& file, int line, std::string_view text) : file_(file), line_(line) {
    try {
      object_ = Json::parse(text);
    } catch (const Json::exception& e) {
      refuse("{}", e.what());
    }
    if (!object_.is_object()) refuse("expected an object, got {}", object_.type_name());
  }

  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> text, Args&&... args) const {
    base::invalid("{}:{}: {}", file_, line_, fmt::format(text, std::forward<Args>(args)...));
  }

  bool has(const char* key) const { return object_.contains(key); }

  std::string text(const char* key) const { return value(key, "a string", &Json::is_string); }
  int64_t integer(const char* key) const { return whole(value(key, "an integer"), key); }
  double number(const char* key) const { return value(key, "a number", &Json::is_number); }
  bool truth(const char* key) const { return value(key, "true or false", &Json::is_boolean); }

  std::vector<int64_t> integers(const char* key) const {
    std::vector<int64_t> all;
    for (const Json& item : value(key, "an array of integers", &Json::is_array))
      all.push_back(whole(item, key));
    return all;
  }

  std::vector<int64_t> optional_integers(const char* key) const {
    return has(key) ? integers(key) : std::vector<int64_t>{};
  }

  std::vector<double> numbers(const char* key) const {
    std::vector<double> all;
    for (const Json& item : value(key, "an array of numbers", &Json::is_array)) {
      if (!item.is_number()) refuse("'{}': expected a number, got {}", key, item.type_name());
      all.push_back(item.get<double>());
    }
    return all;
  }

 private:
  const Json& value(const char* key, const char* expected,
                    bool (Json::*is)() const noexcept = nullptr) const {
    const auto found = object_.find(key);
    if (found == object_.end()) refuse("the key '{}' is missing ({})", key, expected);
    if (is != nullptr && !((*found).*is)())
      refuse("'{}': expected {}, got {}", key, expected, found->type_name());
    return *found;
  }

  int64_t whole(const Json& item, const char* key) const {
    const bool fits = !item.is_number_unsigned() || item.get<uint64_t>() <= uint64_t{INT64_MAX};
    if (!item.is_number_integer() || !fits)
      refuse("'{}': expected an integer of 64 bits, got {}", key,
             item.is_number() ? item.dump() : item.type_name());
    return item.get<int64_t>();
  }

  std::string file_;
  int line_;
  Json object_;
};

/// Calls fn(number, text) for every line that is not blank.
void for_each_line(const std::string& path, const std::function<void(int, std::string_view)>& fn) {
  const std::string bytes = read_file(path);
  std::string_view rest = bytes;
  for (int number = 1; !rest.empty(); ++number) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.find_first_not_of(" \t\r") != line.npos) fn(number, line);
  }
}

/// One of the listed words; refuses with all of them.
template <class Value>
Value one_of(const Line& line, const char* key,
             std::initializer_list<std::pair<std::string_view, Value>> words) {
  const std::string text = line.text(key);
  std::string expected;
  for (const auto& [word, value] : words) {
    if (text == word) return value;
    expected += fmt::format("{}{}", expected.empty() ? "" : ", ", word);
  }
  line.refuse("'{}': expected one of {}, got '{}'", key, expected, text);
}

/// Elements of a shape that the file claims.
size_t count_of(const Line& line, const char* key, const std::vector<int64_t>& shape) {
  std::optional<int64_t> count = 1;
  for (const int64_t extent : shape) {
    if (extent < 0) line.refuse("'{}': the extent {} is negative", key, extent);
    if (count) count = base::checked_mul(*count, extent);
  }
  if (!count) line.refuse("'{}': {} elements do not fit", key, ops::shape_text(shape));
  return static_cast<size_t>(*count);
}

/// The values under `key`, decoded; as many as `shape` (under shape_key) has elements.
std::vector<double> decoded(const Line& line, const char* key, const GoldenCase& golden,
                            const char* shape_key, const std::vector<int64_t>& shape) {
  std::vector<double> values = line.numbers(key);
  if (values.size() != count_of(line, shape_key, shape))
    line.refuse("'{}': {} values for the shape {}", key, values.size(), ops::shape_text(shape));
  if (golden.encoding == GoldenEncoding::q256)
    for (double& v : values) v /= 256;
  return values;
}

void read_inputs(const Line& line, GoldenCase& golden) {
  golden.formula = one_of<Formula>(line, "gen", {{"q16", Formula::q16}, {"u24", Formula::u24}});
  golden.seed = static_cast<uint64_t>(line.integer("seed"));
  golden.x_shape = line.integers("x");
  golden.w_shape = line.integers("w");
  golden.y_shape = line.integers("y_shape");
  count_of(line, "x", golden.x_shape);
  count_of(line, "w", golden.w_shape);
  if (line.has("w_file")) golden.w_file = line.text("w_file");
}

void read_parameters(const Line& line, GoldenCase& golden) {
  golden.stride = line.integers("stride");
  golden.padding = line.optional_integers("padding");
  golden.dilation = line.integers("dilation");
  golden.output_padding = line.optional_integers("output_padding");
  golden.padding_low = line.optional_integers("padding_lo");
  golden.padding_high = line.optional_integers("padding_hi");
  golden.input_dilation = line.optional_integers("input_dilation");
  if (line.has("flip")) golden.flip = line.truth("flip");
  golden.groups = line.integer("groups");
}

void read_outputs(const Line& line, GoldenCase& golden) {
  golden.encoding = GoldenEncoding::dec9;  // a real layer does not say
  if (line.has("enc"))
    golden.encoding = one_of<GoldenEncoding>(
        line, "enc", {{"q256", GoldenEncoding::q256}, {"dec9", GoldenEncoding::dec9}});
  if (line.has("max_sum_abs")) golden.max_sum_abs = line.number("max_sum_abs");
  if (golden.kind == GoldenKind::forward) {
    golden.y = decoded(line, "y", golden, "y_shape", golden.y_shape);
  } else {
    golden.dx = decoded(line, "dx", golden, "x", golden.x_shape);
    golden.dw = decoded(line, "dw", golden, "w", golden.w_shape);
  }
}

GoldenCase read_case(const Line& line) {
  GoldenCase golden;
  golden.id = line.text("id");
  if (line.has("kind"))
    golden.kind =
        one_of<GoldenKind>(line, "kind", {{"fwd", GoldenKind::forward}, {"vjp", GoldenKind::vjp}});
  golden.op = line.text("op");
  golden.dtype = one_of<ir::Scalar>(line, "dtype",
                                    {{"f32", ir::Scalar::f32},
                                     {"f16", ir::Scalar::f16},
                                     {"bf16", ir::Scalar::bf16},
                                     {"f64", ir::Scalar::f64}});
  read_inputs(line, golden);
  read_parameters(line, golden);
  read_outputs(line, golden);
  return golden;
}

GoldenEdgeCall read_edge_call(const Line& line) {
  GoldenEdgeCall call;
  call.id = line.text("id");
  call.op = line.text("op");
  call.x_dtype = line.text("x_dtype");
  call.w_dtype = line.text("w_dtype");
  call.arguments = {.x_shape = line.integers("x"),
                    .w_shape = line.integers("w"),
                    .stride = line.integer("stride"),
                    .padding = line.integer("padding"),
                    .dilation = line.integer("dilation"),
                    .output_padding = line.integer("output_padding"),
                    .groups = line.integer("groups")};
  call.definition = line.text("definition");
  return call;
}

template <class Record, class Read>
std::vector<Record> read_all(const std::string& path, Read read) {
  std::vector<Record> all;
  for_each_line(path, [&](int number, std::string_view text) {
    all.push_back(read(Line(path, number, text)));
    all.back().file = path;
    all.back().line = number;
  });
  return all;
}

}  // namespace

std::vector<GoldenCase> read_golden_cases(const std::string& path) {
  return read_all<GoldenCase>(path, read_case);
}

std::vector<GoldenEdgeCall> read_golden_edge_calls(const std::string& path) {
  return read_all<GoldenEdgeCall>(path, read_edge_call);
}

}  // namespace nestjit::tools
