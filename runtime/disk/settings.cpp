#include "runtime/disk/settings.h"

#include <sys/auxv.h>

#include <charconv>
#include <cstdlib>

#include "base/env.h"
#include "base/error.h"

namespace nestjit::runtime::disk {
namespace {

constexpr int64_t default_mebibytes = 512, default_days = 90;
constexpr int64_t seconds_a_day = 24 * 60 * 60;

Mode mode_of_environment() {
  const std::string value = base::setting("NESTJIT_CACHE").value_or("on");
  if (value == "on") return Mode::on;
  if (value == "off") return Mode::off;
  if (value == "read") return Mode::read;
  if (value == "verify") return Mode::verify;
  base::invalid("NESTJIT_CACHE must be on, off, read or verify, got {}", value);
}

int64_t number(const char* name, int64_t otherwise, int64_t most) {
  const auto value = base::setting(name);
  if (!value) return otherwise;
  int64_t n = -1;
  const char* const end = value->data() + value->size();
  const auto [last, error] = std::from_chars(value->data(), end, n);
  if (error != std::errc() || last != end || n < 0 || n > most)
    base::invalid("{} must be a number from 0 to {}, got {}", name, most, *value);
  return n;
}

/// Whether somebody else may have chosen the environment of a program with our rights.
bool environment_is_foreign() { return getauxval(AT_SECURE) != 0; }

}  // namespace

std::string folder_of_environment() {
  if (environment_is_foreign()) return {};
  if (auto folder = base::setting("NESTJIT_CACHE_DIR")) return *folder;
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg != nullptr && *xdg == '/')
    return std::string(xdg) + "/nestjit";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/')
    return std::string(home) + "/.cache/nestjit";
  return {};
}

Settings settings() {
  Settings s;
  s.mode = mode_of_environment();
  s.most_bytes = number("NESTJIT_CACHE_LIMIT", default_mebibytes, INT64_MAX >> 20) << 20;
  s.most_seconds = number("NESTJIT_CACHE_DAYS", default_days, 100'000) * seconds_a_day;
  if (s.mode == Mode::off) return s;
  s.folder = folder_of_environment();
  if (s.folder.empty()) s.mode = Mode::off;
  return s;
}

}  // namespace nestjit::runtime::disk
