// The names under which tools outside of the process know kernels.
#include "compiler/profile/named_code.h"

#include <gtest/gtest.h>

namespace nestjit::compiler {
namespace {

std::vector<std::string> names(std::string_view title, std::vector<uint32_t> entries) {
  const std::vector<std::byte> code(256);
  std::vector<std::string> all;
  for (const NamedCode& f : named_code(code, entries, title)) all.push_back(f.name);
  return all;
}

TEST(NamedCode, AKernelAndItsPackings) {
  EXPECT_EQ(names("product m=8 n=-1", {0}), std::vector<std::string>{"nestjit::product/m=8/n=-1"});
  EXPECT_EQ(names("product m=8", {0, 64}),
            (std::vector<std::string>{"nestjit::product/m=8", "nestjit::product/m=8/pack"}));
  EXPECT_EQ(names("product m=8", {0, 64, 128}),
            (std::vector<std::string>{"nestjit::product/m=8", "nestjit::product/m=8/pack0",
                                      "nestjit::product/m=8/pack1"}));
  EXPECT_EQ(names("", {0}), std::vector<std::string>{"nestjit::kernel"});
}

TEST(NamedCode, HasNoCharacterThatToolsTakeForTheirs) {
  EXPECT_EQ(names("a l=4*?+3 p=1,2 act=elu:0.5", {0}).front(),
            "nestjit::a/l=4*?+3/p=1x2/act=elu=0.5");
  EXPECT_EQ(names("a;b\n'c'\"d\"\\\x80", {0}).front(), "nestjit::a_b__c__d___");
}

TEST(NamedCode, ReachesToTheNextFunctionWhateverTheOrder) {
  const std::vector<std::byte> code(256, std::byte{0xcc});
  const std::vector<uint32_t> entries{128, 0, 64};
  const std::vector<NamedCode> named = named_code(code, entries, "a");
  ASSERT_EQ(named.size(), 3u);
  EXPECT_EQ(named[0].bytes.data(), code.data() + 128);
  EXPECT_EQ(named[0].bytes.size(), 128u);
  EXPECT_EQ(named[1].bytes.data(), code.data());
  EXPECT_EQ(named[1].bytes.size(), 64u);
  EXPECT_EQ(named[2].bytes.size(), 64u);
}

TEST(NamedCode, FillIsNoPartOfAFunction) {
  std::vector<std::byte> code(256);
  code[0] = code[40] = code[64] = std::byte{0xc3};
  const std::vector<uint32_t> entries{0, 64, 128};
  const std::vector<NamedCode> named = named_code(code, entries, "a");
  EXPECT_EQ(named[0].bytes.size(), 41u);
  EXPECT_EQ(named[1].bytes.size(), 1u);
  EXPECT_EQ(named[2].bytes.size(), 1u) << "a function has a place";
}

}  // namespace
}  // namespace nestjit::compiler
