#include "base/hash.h"

#include <gtest/gtest.h>

namespace nestjit::base {
namespace {

// Values published with the algorithm: keys on disk depend on them.
TEST(Hash, IsTheFnv1aOfTheText) {
  EXPECT_EQ(hash_text(""), 0xcbf29ce484222325u);
  EXPECT_EQ(hash_text("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(hash_text("foobar"), 0x85944171f73967e8u);
}

TEST(Hash, ContinuesFromASeed) {
  EXPECT_EQ(hash_text("bar", hash_text("foo")), hash_text("foobar"));
  static_assert(hash_text("compile time") != 0);
}

TEST(Hash, TakesBytesAsUnsigned) {
  EXPECT_NE(hash_text("\x80"), hash_text(std::string_view("\0", 1)));
}

}  // namespace
}  // namespace nestjit::base
