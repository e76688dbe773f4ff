// The loop of an assembly listing where the time goes.
#pragma once

#include <string>
#include <string_view>

namespace nestjit::tools {

/// Of the innermost loops of a listing (from a label to a later jump back to it, no other such loop
/// inside) the one with the most multiply instructions; from its label to its jump. Empty when the
/// listing has no loop. x86, AT&T or Intel syntax.
std::string hot_loop(std::string_view assembly);

}  // namespace nestjit::tools
