#include "compiler/profile/symbol_file.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <string>
#include <type_traits>

#include "compiler/profile/unwind_table.h"

namespace nestjit::compiler {
namespace {

/// In the order of the table of sections.
enum Section : uint16_t {
  no_section,
  text,
  unwinding,
  symbols,
  symbol_names,
  section_names,
  section_count
};

uint64_t address_of(const std::byte* place) { return reinterpret_cast<uintptr_t>(place); }

/// Texts that end in a zero each, known by where they start. The first one is empty.
class NameTable {
 public:
  uint32_t add(std::string_view name) {
    const auto place = static_cast<uint32_t>(text_.size());
    text_.append(name).push_back('\0');
    return place;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_ = std::string(1, '\0');
};

/// The file so far.
class FileWriter {
 public:
  template <class T>
  size_t add(const T* from, size_t count) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment);
    const size_t place = bytes_.size();
    const auto* begin = reinterpret_cast<const std::byte*>(from);
    bytes_.insert(bytes_.end(), begin, begin + count * sizeof(T));
    return place;
  }
  std::vector<std::byte>& bytes() { return bytes_; }

 private:
  static constexpr size_t alignment = 8;
  std::vector<std::byte> bytes_;
};

Elf64_Ehdr header_of_file() {
  Elf64_Ehdr header{};
  std::copy_n(ELFMAG, SELFMAG, header.e_ident);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = section_count;
  header.e_shstrndx = section_names;
  return header;
}

struct Extent {
  uint64_t begin, end;
};

Extent extent_of(std::span<const NamedCode> functions) {
  Extent all{UINT64_MAX, 0};
  for (const NamedCode& f : functions) {
    all.begin = std::min(all.begin, address_of(f.bytes.data()));
    all.end = std::max(all.end, address_of(f.bytes.data()) + f.bytes.size());
  }
  return all;
}

std::vector<Elf64_Sym> symbols_of(std::span<const NamedCode> functions, uint64_t base,
                                  NameTable& names) {
  std::vector<Elf64_Sym> table(1);  // the first one stands for no symbol
  for (const NamedCode& f : functions) {
    Elf64_Sym symbol{};
    symbol.st_name = names.add(f.name);
    symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
    symbol.st_shndx = text;
    symbol.st_value = address_of(f.bytes.data()) - base;
    symbol.st_size = f.bytes.size();
    table.push_back(symbol);
  }
  return table;
}

using Sections = std::array<Elf64_Shdr, section_count>;

Sections empty_sections(NameTable& names) {
  Sections sections{};
  const auto name = [&](Section section, std::string_view text, uint32_t type) {
    sections[section].sh_name = names.add(text);
    sections[section].sh_type = type;
    sections[section].sh_addralign = 1;
  };
  name(text, ".text", SHT_NOBITS);
  name(unwinding, ".eh_frame", SHT_PROGBITS);
  name(symbols, ".symtab", SHT_SYMTAB);
  name(symbol_names, ".strtab", SHT_STRTAB);
  name(section_names, ".shstrtab", SHT_STRTAB);
  return sections;
}

template <class T>
void place(FileWriter& file, Elf64_Shdr& section, const T* content, size_t count) {
  section.sh_offset = file.add(content, count);
  section.sh_size = count * sizeof(T);
}

}  // namespace

std::vector<std::byte> symbol_file(std::span<const NamedCode> functions) {
  NameTable function_names, names;
  Sections sections = empty_sections(names);
  const Extent extent = extent_of(functions);
  sections[text].sh_flags = SHF_ALLOC | SHF_EXECINSTR;
  sections[text].sh_addr = extent.begin;
  sections[text].sh_size = extent.end - extent.begin;
  const std::vector<Elf64_Sym> table = symbols_of(functions, extent.begin, function_names);
  sections[symbols].sh_link = symbol_names;
  sections[symbols].sh_info = 1;  // the first global one
  sections[symbols].sh_entsize = sizeof(Elf64_Sym);

  FileWriter file;
  Elf64_Ehdr header = header_of_file();
  file.add(&header, 1);
  const std::vector<std::byte> unwinding_bytes = unwind_table(functions);
  place(file, sections[unwinding], unwinding_bytes.data(), unwinding_bytes.size());
  place(file, sections[symbols], table.data(), table.size());
  place(file, sections[symbol_names], function_names.text().data(), function_names.text().size());
  place(file, sections[section_names], names.text().data(), names.text().size());
  header.e_shoff = file.add(sections.data(), sections.size());
  const auto* start = reinterpret_cast<const std::byte*>(&header);
  std::copy_n(start, sizeof(header), file.bytes().begin());
  return std::move(file.bytes());
}

}  // namespace nestjit::compiler
