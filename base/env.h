// The environment settings of nestjit: one table, from which documentation and look-ups come.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace nestjit::base {

struct Setting {
  const char* name;     // NESTJIT_...
  const char* meaning;  // one line, shown by `nestjit info` and in docs
};

/// Every setting that nestjit reads, in the order of the documentation.
std::span<const Setting> settings();

/// Value of a listed setting, or nothing when it is unset or empty. Asking for a name that is not
/// in settings() is an internal error, so the table cannot fall behind the code.
std::optional<std::string> setting(std::string_view name);

/// True when the comma-separated list NESTJIT_VERBOSE holds the topic or "all".
bool verbose(std::string_view topic);

/// Writes one line "nestjit,<topic>,<text>" to standard error when the topic is verbose.
void log(std::string_view topic, std::string_view text);

}  // namespace nestjit::base
