#include "compiler/target.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"

namespace nestjit::compiler {
namespace {

constexpr std::array all_levels{Level::x86_64_v1, Level::x86_64_v3, Level::x86_64_v4};

std::optional<Level> level_named(std::string_view name) {
  for (const Level level : all_levels)
    if (name_of(level) == name) return level;
  return std::nullopt;
}

constexpr std::string_view bf16_dot = "avx512bf16";

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string_view name_of(Level level) {
  switch (level) {
    case Level::x86_64_v1: return "x86-64-v1";
    case Level::x86_64_v3: return "x86-64-v3";
    case Level::x86_64_v4: return "x86-64-v4";
  }
  base::internal("target: level {} has no name", static_cast<int>(level));
}

std::string Target::name() const {
  std::string text(name_of(level));
  for (const std::string& extra : extras) text += "+" + extra;
  return text;
}

Target target_of(Level level) {
  Target target;
  target.level = level;
  if (level >= Level::x86_64_v3) {
    target.vector_bytes = 32;
    target.has_fma = true;
    target.has_lane_masks = true;
    target.has_f16c = true;
  }
  if (level >= Level::x86_64_v4) {
    target.vector_bytes = 64;
    target.vector_registers = 32;
  }
  return target;
}

Target with_extra(Target target, std::string_view feature) {
  if (feature != bf16_dot || target.level < Level::x86_64_v4)
    base::internal("target: {} has no extra '{}'", name_of(target.level), feature);
  target.extras.emplace_back(feature);
  target.has_bf16_dot = true;
  return target;
}

Target forced_down(const Target& machine, std::string_view text) {
  const std::string_view level = text.substr(0, text.find('+'));
  const std::optional<Level> wanted = level_named(level);
  if (!wanted)
    base::invalid("target: a level is one of x86-64-v1, x86-64-v3, x86-64-v4; received '{}'",
                  level);
  if (*wanted > machine.level)
    base::invalid("target: a level can only be forced down; received {} on a machine of level {}",
                  level, name_of(machine.level));
  Target target = target_of(*wanted);
  target.l1d_bytes = machine.l1d_bytes;
  target.l2_bytes = machine.l2_bytes;
  target.l3_bytes = machine.l3_bytes;
  target.cores = machine.cores;
  target.rates = machine.rates;
  for (std::string_view rest = text.substr(level.size()); !rest.empty();) {
    const std::string_view extra = rest.substr(1, rest.find('+', 1) - 1);
    rest.remove_prefix(extra.size() + 1);
    if (!contains(machine.extras, extra) || contains(target.extras, extra) ||
        target.level < machine.level)
      base::invalid("target: {} has no extra '{}' here", level, extra);
    target = with_extra(std::move(target), extra);
  }
  return target;
}

}  // namespace nestjit::compiler
