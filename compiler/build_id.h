// What tells this build from others that would give kernels other code.
#pragma once

#include <string>

namespace nestjit::compiler {

/// Version, compiler, LLVM's version, a digest of the sources and the layout of what crosses the
/// door: "0.1.0-GNU12.2.0-LLVM22.1.8-1f0e...-1234...". Both sides of the door have it.
const std::string& build_id();

}  // namespace nestjit::compiler
