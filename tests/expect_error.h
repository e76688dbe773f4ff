// An error test matches the kind and the text: an internal error never satisfies one by accident.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "nestjit/error.h"

namespace nestjit {

inline void expect_error(ErrorKind kind, const std::string& part,
                         const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_STREQ(name_of(error.kind()), name_of(kind)) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
        << "\"" << error.what() << "\" does not hold \"" << part << "\"";
    return;
  }
  ADD_FAILURE() << "no error, expected " << name_of(kind) << ": " << part;
}

}  // namespace nestjit
