#include "base/error.h"

namespace nestjit {

const char* name_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_argument: return "invalid argument";
    case ErrorKind::unsupported: return "unsupported";
    case ErrorKind::resource: return "resource";
    case ErrorKind::internal: return "internal";
  }
  return "unknown";
}

}  // namespace nestjit
