#include "nestjit/version.h"

#define NESTJIT_TEXT_OF(x) #x
#define NESTJIT_TEXT(x) NESTJIT_TEXT_OF(x)

namespace nestjit {

const char* version() noexcept {
  return NESTJIT_TEXT(NESTJIT_VERSION_MAJOR) "." NESTJIT_TEXT(
      NESTJIT_VERSION_MINOR) "." NESTJIT_TEXT(NESTJIT_VERSION_PATCH);
}

}  // namespace nestjit
