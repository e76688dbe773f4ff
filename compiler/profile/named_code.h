// Functions of an image as tools outside of the process know them: by name, address and size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nestjit::compiler {

struct NamedCode {
  std::string name;
  std::span<const std::byte> bytes;  // where they lie to run
};

/// The functions of an image that lies at `code`, in the order of their entries. The first is the
/// kernel of the title "product m=128 n=512", the others pack its operands:
///
///   nestjit::product/m=128/n=512, nestjit::product/m=128/n=512/pack
///
/// or pack0, pack1, ... where there are several. No character of a name means anything to gdb's
/// `break` or separates the frames of a folded stack: a comma becomes 'x', a colon '='. A function
/// reaches to the next one, its constants included and what is filled with zeros left out.
std::vector<NamedCode> named_code(std::span<const std::byte> code,
                                  std::span<const uint32_t> entries, std::string_view title);

}  // namespace nestjit::compiler
