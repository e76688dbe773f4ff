// The edge of the library: what leaves it is an Error.
//
// Inside, containers throw std::bad_alloc and threads std::system_error, and nobody minds. A public
// function ends that, at no cost while nothing is thrown:
//
//   array conv1d(...) try {
//     ...
//   } catch (...) {
//     base::rethrow_as_error("conv1d");
//   }
#pragma once

#include <string_view>

#include "nestjit/error.h"

namespace nestjit::base {

/// The exception that is being handled, as an Error: memory and threads that the system refuses are
/// a resource error, whatever else is not an Error already an internal one. `operation` names what
/// was refused; where there is no memory to say so, the text does without.
Error current_error(std::string_view operation) noexcept;

/// Throws current_error(). Within a handler; what is no std::exception (a thread that is being
/// cancelled) goes on as it is.
[[noreturn]] void rethrow_as_error(std::string_view operation);

/// The error for `text` after `operation`, or one without the operation where memory is short.
Error resource_error(std::string_view operation, std::string_view text) noexcept;

}  // namespace nestjit::base
