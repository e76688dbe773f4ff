#include "base/boundary.h"

#include <fmt/format.h>

#include <new>
#include <system_error>

namespace nestjit::base {
namespace {

// Made while there is memory. Copies share its text, so that throwing one takes no memory of ours.
const Error no_memory(ErrorKind::resource, "the system refused memory");
const Error unknown(ErrorKind::internal, "an unexpected exception");

Error described(ErrorKind kind, std::string_view operation, std::string_view text) noexcept {
  try {
    return Error(kind, fmt::format("{}: {}", operation, text));
  } catch (const std::exception&) {
    return no_memory;
  }
}

ErrorKind kind_of(const std::error_code& code) {
  for (const std::errc scarce :
       {std::errc::resource_unavailable_try_again, std::errc::not_enough_memory,
        std::errc::too_many_files_open, std::errc::too_many_files_open_in_system})
    if (code == scarce) return ErrorKind::resource;
  return ErrorKind::internal;
}

}  // namespace

Error current_error(std::string_view operation) noexcept {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return resource_error(operation, no_memory.what());
  } catch (const std::system_error& error) {
    return described(kind_of(error.code()), operation, error.what());
  } catch (const std::exception& error) {
    return described(ErrorKind::internal, operation, error.what());
  } catch (...) {
    return unknown;
  }
}

void rethrow_as_error(std::string_view operation) {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const std::exception&) {
    throw current_error(operation);
  }
}

Error resource_error(std::string_view operation, std::string_view text) noexcept {
  return described(ErrorKind::resource, operation, text);
}

}  // namespace nestjit::base
