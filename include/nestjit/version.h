// Version of the library, and of the interface that these headers describe.
#pragma once

#define NESTJIT_VERSION_MAJOR 0
#define NESTJIT_VERSION_MINOR 1
#define NESTJIT_VERSION_PATCH 0

namespace nestjit {

/// Version of the linked library, "0.1.0". Thread-safe; the text lives as long as the process.
const char* version() noexcept;

}  // namespace nestjit
