// The objects that name kernels to gdb.
#include "compiler/profile/symbol_file.h"

#include "base/gdb_interface.h"
#include "tests/compiler/profile/read_symbols.h"

namespace nestjit::compiler {
namespace {

SymbolPlace place_of(const NamedCode& f) {
  return {reinterpret_cast<uintptr_t>(f.bytes.data()), f.bytes.size()};
}

TEST(SymbolFile, NamesFunctionsAtTheirAddresses) {
  const std::vector<std::byte> code(256, std::byte{0xcc});
  const std::vector<uint32_t> entries{0, 192};
  const std::vector<NamedCode> named = named_code(code, entries, "product m=8");
  const std::vector<std::byte> file = symbol_file(named);
  const ElfReader reader(file);
  const Elf64_Shdr text = reader.section(".text");
  EXPECT_EQ(text.sh_type, static_cast<uint32_t>(SHT_NOBITS));
  EXPECT_EQ(text.sh_addr, reinterpret_cast<uintptr_t>(code.data()));
  EXPECT_EQ(text.sh_size, 256u);
  EXPECT_EQ(reader.functions(), (std::map<std::string, SymbolPlace>{
                                    {"nestjit::product/m=8", place_of(named[0])},
                                    {"nestjit::product/m=8/pack", place_of(named[1])}}));
}

std::vector<const char*> listed() {
  std::vector<const char*> all;
  const jit_code_entry* before = nullptr;
  for (const jit_code_entry* e = __jit_debug_descriptor.first_entry; e != nullptr;
       e = e->next_entry) {
    EXPECT_EQ(e->prev_entry, before);
    before = e;
    all.push_back(e->symfile_addr);
  }
  return all;
}

TEST(GdbEntry, IsListedWhileItLives) {
  using base::GdbEntry;
  const std::vector<const char*> others = listed();
  EXPECT_EQ(__jit_debug_descriptor.version, 1u);
  {
    const GdbEntry first({std::byte{1}});
    auto second = std::make_unique<GdbEntry>(std::vector{std::byte{2}, std::byte{3}});
    const GdbEntry third({std::byte{4}});
    const std::vector<const char*> three = listed();
    ASSERT_EQ(three.size(), others.size() + 3);
    EXPECT_EQ(*three[0], 4);
    EXPECT_EQ(*three[1], 2);
    EXPECT_EQ(*three[2], 1);
    EXPECT_EQ(__jit_debug_descriptor.first_entry->next_entry->symfile_size, 2u);
    second.reset();
    const std::vector<const char*> two = listed();
    ASSERT_EQ(two.size(), others.size() + 2);
    EXPECT_EQ(*two[0], 4);
    EXPECT_EQ(*two[1], 1);
  }
  EXPECT_EQ(listed(), others);
}

}  // namespace
}  // namespace nestjit::compiler
