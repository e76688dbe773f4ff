// Errors of the public interface.
//
// Every failure that a caller can meet is thrown as nestjit::Error. The kind says who has to act:
//   invalid_argument  the call itself is wrong; judged without looking at the machine
//   unsupported       the call is right, this build or machine cannot do it (the text says why)
//   resource          memory, disk or a configured limit; the same call may work later
//   internal          a defect of nestjit; please report it with its text
// The text names the operation, the rule that was broken and the values received.
#pragma once

#include <stdexcept>
#include <string>

namespace nestjit {

enum class ErrorKind { invalid_argument, unsupported, resource, internal };

/// "invalid argument", "unsupported", "resource" or "internal".
const char* name_of(ErrorKind kind);

/// The one exception type of nestjit. Thread-safe to copy and to pass between threads.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}

  ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace nestjit
