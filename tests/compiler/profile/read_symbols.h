// Functions as an ELF object names them, by the rules that gdb reads it by.
#pragma once

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace nestjit::compiler {

struct SymbolPlace {
  uint64_t address, bytes;
  bool operator==(const SymbolPlace&) const = default;
};

class ElfReader {
 public:
  explicit ElfReader(std::span<const std::byte> file) : file_(file) {
    header_ = at<Elf64_Ehdr>(0);
    EXPECT_EQ(std::memcmp(header_.e_ident, ELFMAG, SELFMAG), 0);
    EXPECT_EQ(header_.e_ident[EI_CLASS], ELFCLASS64);
    EXPECT_EQ(header_.e_type, ET_REL);
    EXPECT_EQ(header_.e_machine, EM_X86_64);
    EXPECT_EQ(header_.e_shentsize, sizeof(Elf64_Shdr));
  }

  Elf64_Shdr section(size_t index) const {
    EXPECT_LT(index, header_.e_shnum);
    return at<Elf64_Shdr>(header_.e_shoff + index * sizeof(Elf64_Shdr));
  }
  Elf64_Shdr section(const std::string& name) const {
    const uint64_t names = section(header_.e_shstrndx).sh_offset;
    for (size_t i = 0; i < header_.e_shnum; ++i)
      if (text(names + section(i).sh_name) == name) return section(i);
    ADD_FAILURE() << "no section " << name;
    return {};
  }

  /// In a relocatable object a symbol's value counts from the start of its section.
  std::map<std::string, SymbolPlace> functions() const {
    const Elf64_Shdr table = section(".symtab");
    const uint64_t names = section(table.sh_link).sh_offset;
    std::map<std::string, SymbolPlace> all;
    for (uint64_t i = table.sh_info; i < table.sh_size / sizeof(Elf64_Sym); ++i) {
      const auto symbol = at<Elf64_Sym>(table.sh_offset + i * sizeof(Elf64_Sym));
      EXPECT_EQ(ELF64_ST_TYPE(symbol.st_info), STT_FUNC);
      const uint64_t base = section(symbol.st_shndx).sh_addr;
      all[text(names + symbol.st_name)] = {base + symbol.st_value, symbol.st_size};
    }
    return all;
  }

 private:
  template <class T>
  T at(uint64_t place) const {
    T value{};
    EXPECT_LE(place + sizeof(T), file_.size());
    if (place + sizeof(T) <= file_.size()) std::memcpy(&value, file_.data() + place, sizeof(T));
    return value;
  }
  std::string text(uint64_t place) const {
    std::string text;
    for (; place < file_.size() && file_[place] != std::byte{0}; ++place)
      text += static_cast<char>(file_[place]);
    EXPECT_LT(place, file_.size()) << "a text has no end";
    return text;
  }

  std::span<const std::byte> file_;
  Elf64_Ehdr header_;
};

}  // namespace nestjit::compiler
