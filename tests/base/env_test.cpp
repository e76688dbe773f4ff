#include "base/env.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "tests/expect_error.h"

namespace nestjit::base {
namespace {

/// Sets a variable for one test and puts the old value back.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    setenv(name, value, 1);
  }
  ~Variable() {
    if (old_)
      setenv(name_, old_->c_str(), 1);
    else
      unsetenv(name_);
  }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

TEST(Env, TheTableIsInOrder) {
  std::set<std::string_view> names;
  for (const Setting& s : settings()) {
    EXPECT_TRUE(std::string_view(s.name).starts_with("NESTJIT_")) << s.name;
    EXPECT_FALSE(std::string_view(s.meaning).empty()) << s.name;
    EXPECT_TRUE(names.insert(s.name).second) << s.name << " stands there twice";
  }
  EXPECT_TRUE(names.contains("NESTJIT_VERBOSE"));
}

TEST(Env, AnEmptyValueCountsAsUnset) {
  const Variable empty("NESTJIT_DUMP", "");
  EXPECT_EQ(setting("NESTJIT_DUMP"), std::nullopt);
  const Variable set("NESTJIT_DUMP", "/somewhere");
  EXPECT_EQ(setting("NESTJIT_DUMP"), "/somewhere");
}

TEST(Env, ASettingOutsideTheTableIsOurMistake) {
  expect_error(ErrorKind::internal, "NESTJIT_UNHEARD_OF", [] { setting("NESTJIT_UNHEARD_OF"); });
}

TEST(Env, VerboseTopicsAreWholeWords) {
  const Variable topics("NESTJIT_VERBOSE", "compile,cache");
  EXPECT_TRUE(verbose("compile"));
  EXPECT_TRUE(verbose("cache"));
  EXPECT_FALSE(verbose("comp"));
  EXPECT_FALSE(verbose("dispatch"));
  const Variable all("NESTJIT_VERBOSE", "all");
  EXPECT_TRUE(verbose("dispatch"));
}

TEST(Env, LogWritesOneLineOfAVerboseTopic) {
  const Variable topics("NESTJIT_VERBOSE", "compile");
  testing::internal::CaptureStderr();
  log("compile", "done");
  log("dispatch", "silent");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "nestjit,compile,done\n");
}

}  // namespace
}  // namespace nestjit::base
