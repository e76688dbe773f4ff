// Lowering: from a scheduled nest to explicit vectors, flat addresses and one workgroup loop.
#pragma once

#include <functional>
#include <string_view>

#include "ir/kernel.h"

namespace nestjit::compiler {

/// Called after every pass with its name and what it made.
using PassObserver = std::function<void(std::string_view pass, const ir::Kernel&)>;

/// Runs the passes of compiler/passes in order; their headers say what each one does. The result
/// satisfies ir::Form::lowered. Same bits as the nest, in the interpreter and compiled.
ir::Kernel lower(const ir::Kernel& scheduled, const PassObserver& observer = {});

}  // namespace nestjit::compiler
