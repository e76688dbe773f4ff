#include "base/error.h"

#include <gtest/gtest.h>

#include "tests/expect_error.h"

namespace nestjit::base {
namespace {

TEST(Error, EveryKindHasItsFunction) {
  expect_error(ErrorKind::invalid_argument, "op: rule, got 3",
               [] { invalid("op: rule, got {}", 3); });
  expect_error(ErrorKind::unsupported, "no f8", [] { unsupported("no {}", "f8"); });
  expect_error(ErrorKind::resource, "5 bytes", [] { resource("{} bytes", 5); });
  expect_error(ErrorKind::internal, "broken", [] { internal("broken"); });
}

TEST(Error, KindsHaveNames) {
  EXPECT_STREQ(name_of(ErrorKind::invalid_argument), "invalid argument");
  EXPECT_STREQ(name_of(ErrorKind::unsupported), "unsupported");
  EXPECT_STREQ(name_of(ErrorKind::resource), "resource");
  EXPECT_STREQ(name_of(ErrorKind::internal), "internal");
}

TEST(Error, IsAStandardException) {
  try {
    invalid("the text");
  } catch (const std::exception& e) {
    EXPECT_STREQ(e.what(), "the text");
    return;
  }
  FAIL() << "not a std::exception";
}

}  // namespace
}  // namespace nestjit::base
