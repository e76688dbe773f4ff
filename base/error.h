// Raising errors with formatted text.
#pragma once

#include <fmt/format.h>

#include <utility>

#include "nestjit/error.h"

namespace nestjit::base {

template <class... Args>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Args...> text, Args&&... args) {
  throw Error(kind, fmt::format(text, std::forward<Args>(args)...));
}

/// The caller's mistake: text names the operation, the rule and the values received.
template <class... Args>
[[noreturn]] void invalid(fmt::format_string<Args...> text, Args&&... args) {
  fail(ErrorKind::invalid_argument, text, std::forward<Args>(args)...);
}

/// A correct call that this build or machine cannot serve; text gives the reason.
template <class... Args>
[[noreturn]] void unsupported(fmt::format_string<Args...> text, Args&&... args) {
  fail(ErrorKind::unsupported, text, std::forward<Args>(args)...);
}

/// Memory, disk or a configured limit.
template <class... Args>
[[noreturn]] void resource(fmt::format_string<Args...> text, Args&&... args) {
  fail(ErrorKind::resource, text, std::forward<Args>(args)...);
}

/// A defect of nestjit itself.
template <class... Args>
[[noreturn]] void internal(fmt::format_string<Args...> text, Args&&... args) {
  fail(ErrorKind::internal, text, std::forward<Args>(args)...);
}

}  // namespace nestjit::base
