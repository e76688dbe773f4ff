#include "tests/fuzz/fuzz_case.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"
#include "ops/conv/gradients.h"
#include "ops/conv/polymorphic.h"

namespace nestjit::ops {
namespace {

constexpr std::string_view separator = " | ";

std::string_view part_of(std::string_view& text) {
  const size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + separator.size(), text.size()));
  return part;
}

template <class Number>
Number number(const std::string& key, std::string_view text) {
  Number value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size())
    base::invalid("fuzz case: {}= takes an integer, got '{}'", key, text);
  return value;
}

compiler::Level level_named(std::string_view name) {
  for (int level = 0; level <= static_cast<int>(compiler::host_target().level); ++level)
    if (name == compiler::name_of(static_cast<compiler::Level>(level)))
      return static_cast<compiler::Level>(level);
  base::invalid("fuzz case: level={} is not one of this machine's", name);
}

void set(FuzzCase& fuzz, const std::string& key, std::string_view value) {
  if (key == "steps")
    fuzz.steps = number<int64_t>(key, value);
  else if (key == "level")
    fuzz.level = level_named(value);
  else if (key == "threads")
    fuzz.threads = number<int>(key, value);
  else if (key == "lengths" && (value == "one" || value == "any"))
    fuzz.any_length = value == "any";
  else if (key == "data")
    fuzz.data = number<uint64_t>(key, value);
  else
    base::invalid(
        "fuzz case: {}={} is unknown; known: steps, level, threads, lengths=one|any, data", key,
        value);
}

}  // namespace

std::string to_string(const FuzzCase& fuzz) {
  return fmt::format("{}{}{}{}steps={} level={} threads={} lengths={} data={}",
                     to_string(fuzz.problem), separator, to_string(fuzz.plan), separator,
                     fuzz.steps, compiler::name_of(fuzz.level), fuzz.threads,
                     fuzz.any_length ? "any" : "one", fuzz.data);
}

FuzzCase parse_case(std::string_view text) {
  FuzzCase fuzz;
  fuzz.problem = parse_problem(part_of(text));
  fuzz.plan = parse_plan(part_of(text));
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t equals = std::min(word.find('='), word.size());
    set(fuzz, std::string(word.substr(0, equals)), word.substr(std::min(equals + 1, word.size())));
  }
  return fuzz;
}

compiler::Target target_of(const FuzzCase& fuzz) {
  const compiler::Target& host = compiler::host_target();
  return fuzz.level == host.level ? host
                                  : compiler::forced_down(host, compiler::name_of(fuzz.level));
}

FuzzCase draw_case(Draw& draw) {
  constexpr double most_products = 1e5;
  FuzzCase fuzz;
  fuzz.problem =
      draw.one_in(3) ? random_problem(draw, most_products) : random_member(draw, most_products);
  fuzz.problem = with_random_types(draw, fuzz.problem);
  if (!is_gradient(fuzz.problem) && draw.one_in(6)) fuzz.problem.epilogue = random_epilogue(draw);
  if (draw.one_in(4)) fuzz.problem = with_random_strides(draw, fuzz.problem);
  fuzz.level = random_target(draw).level;
  const compiler::Target target = target_of(fuzz);
  fuzz.threads = static_cast<int>(draw.between(1, 4));
  fuzz.data = static_cast<uint64_t>(draw.between(0, 1'000'000));
  // A kernel for any length takes twice as long to compile.
  fuzz.any_length = may_be_any_length(fuzz.problem) && draw.one_in(10);
  if (fuzz.any_length) {
    fuzz.plan = random_plan(draw, fuzz.problem);
    fuzz.plan.edge_rows = std::max<int64_t>(fuzz.plan.edge_rows, 1);
  } else {
    fuzz.plan = random_plan(draw, fuzz.problem, target);
    if (draw.one_in(3)) fuzz.steps = draw.between(0, 30);
  }
  return fuzz;
}

}  // namespace nestjit::ops
