#include "compiler/profile/named_code.h"

#include <fmt/format.h>

#include <algorithm>

namespace nestjit::compiler {
namespace {

char plain(char c) {
  if (c == ' ') return '/';
  if (c == ',') return 'x';
  if (c == ':') return '=';
  const bool printable = c > ' ' && c < 0x7f;
  return printable && std::string_view("'\"\\;").find(c) == std::string_view::npos ? c : '_';
}

std::string name_of(std::string_view title, size_t index, size_t count) {
  std::string name = "nestjit::";
  for (const char c : title.empty() ? "kernel" : title) name += plain(c);
  if (index == 0) return name;
  return count == 2 ? name + "/pack" : fmt::format("{}/pack{}", name, index - 1);
}

}  // namespace

std::vector<NamedCode> named_code(std::span<const std::byte> code,
                                  std::span<const uint32_t> entries, std::string_view title) {
  std::vector<NamedCode> named;
  for (size_t i = 0; i < entries.size(); ++i) {
    size_t end = code.size();
    for (const uint32_t other : entries)
      if (other > entries[i]) end = std::min<size_t>(end, other);
    while (end > entries[i] + 1u && code[end - 1] == std::byte{0}) --end;
    named.push_back(
        {name_of(title, i, entries.size()), code.subspan(entries[i], end - entries[i])});
  }
  return named;
}

}  // namespace nestjit::compiler
