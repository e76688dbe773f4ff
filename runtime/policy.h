// The compile policy of the process, beside those of scopes.
#pragma once

#include "nestjit/policy.h"

namespace nestjit::runtime {

/// What NESTJIT_POLICY says, found once, whatever scope the thread is in. Throws invalid argument.
CompilePolicy default_compile_policy();

}  // namespace nestjit::runtime
