#include "ops/conv/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace nestjit::ops {
namespace {

constexpr int64_t most = int64_t{1} << 31;

int64_t number(std::string_view key, std::string_view text, int64_t least) {
  int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || value < least || value > most)
    base::invalid("plan: {}= takes an integer from {} to {}, got '{}'", key, least, most, text);
  return value;
}

constexpr std::string_view lane_names[] = {"columns", "channels", "positions", "inputs", "outputs"};

Lanes lanes_named(std::string_view value) {
  for (size_t i = 0; i < std::size(lane_names); ++i)
    if (lane_names[i] == value) return static_cast<Lanes>(i);
  base::invalid("plan: lanes= takes columns, channels, positions, inputs or outputs, got '{}'",
                value);
}

/// Whether the value is the second of two names.
bool choice(std::string_view key, std::string_view text, std::string_view no,
            std::string_view yes) {
  if (text != no && text != yes)
    base::invalid("plan: {}= takes {} or {}, got '{}'", key, no, yes, text);
  return text == yes;
}

struct Fetch {
  std::string_view name;
  bool Plan::* member;
};
constexpr Fetch fetches[] = {
    {"rows", &Plan::fetch_rows}, {"panels", &Plan::fetch_panels}, {"output", &Plan::fetch_output}};

void set_fetch(Plan& plan, std::string_view value) {
  for (const Fetch& fetch : fetches) plan.*fetch.member = false;
  if (value == "none") return;
  for (size_t at = 0, end; at <= value.size(); at = end + 1) {
    end = std::min(value.find('+', at), value.size());
    const std::string_view name = value.substr(at, end - at);
    const auto fetch = std::find_if(std::begin(fetches), std::end(fetches),
                                    [&](const Fetch& f) { return f.name == name; });
    if (fetch == std::end(fetches))
      base::invalid("plan: fetch= takes none or a sum of rows, panels and output, got '{}'", value);
    plan.*fetch->member = true;
  }
}

std::string fetch_text(const Plan& plan) {
  std::string text;
  for (const Fetch& fetch : fetches)
    if (plan.*fetch.member) text += (text.empty() ? "" : "+") + std::string(fetch.name);
  return text.empty() ? "none" : text;
}

/// "none", or three numbers with an x between them.
Copies copies_in(std::string_view text) {
  if (text == "none") return {};
  const size_t first = text.find('x'), second = text.find('x', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos)
    base::invalid("plan: copies= takes none or TILESxPANELSxPOSITIONS, got '{}'", text);
  return {number("copies", text.substr(0, first), 1),
          number("copies", text.substr(first + 1, second - first - 1), 1),
          number("copies", text.substr(second + 1), 1)};
}

std::string copies_text(const Copies& copies) {
  if (copies == Copies{}) return "";
  return fmt::format(" copies={}x{}x{}", copies.tiles, copies.panels, copies.positions);
}

void set(Plan& plan, std::string_view key, std::string_view value) {
  if (key == "lanes")
    plan.lanes = lanes_named(value);
  else if (key == "rows")
    plan.rows = number(key, value, 1);
  else if (key == "vectors")
    plan.vectors = number(key, value, 1);
  else if (key == "edge")
    plan.edge_rows = number(key, value, 0);
  else if (key == "block")
    plan.row_block = number(key, value, 0);
  else if (key == "depth")
    plan.depth_block = number(key, value, 0);
  else if (key == "outer")
    plan.rows_outermost = choice(key, value, "panels", "rows");
  else if (key == "fetch")
    set_fetch(plan, value);
  else if (key == "copies")
    plan.copies = copies_in(value);
  else
    base::invalid(
        "plan: no key '{}'; known: lanes, rows, vectors, edge, block, depth, outer, fetch, copies",
        key);
}

}  // namespace

std::string to_string(const Plan& plan) {
  return fmt::format("lanes={} rows={} vectors={} edge={} block={} depth={} outer={} fetch={}{}",
                     lane_names[static_cast<size_t>(plan.lanes)], plan.rows, plan.vectors,
                     plan.edge_rows, plan.row_block, plan.depth_block,
                     plan.rows_outermost ? "rows" : "panels", fetch_text(plan),
                     copies_text(plan.copies));
}

Plan parse_plan(std::string_view text) {
  Plan plan;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos) base::invalid("plan: expected key=value, got '{}'", word);
    set(plan, word.substr(0, equals), word.substr(equals + 1));
  }
  return plan;
}

}  // namespace nestjit::ops
