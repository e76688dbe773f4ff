// Checks that a call throws nestjit::Error of a kind with a text.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string_view>
#include <utility>

#include "nestjit/error.h"

namespace nestjit {

/// The error that `call` throws, or nothing. Other exceptions pass through and fail the test.
template <class Call>
std::optional<Error> error_of(Call&& call) {
  try {
    std::forward<Call>(call)();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

template <class Call>
void expect_error(ErrorKind kind, std::string_view part, Call&& call) {
  const auto error = error_of(std::forward<Call>(call));
  ASSERT_TRUE(error.has_value()) << "no error; expected one with: " << part;
  EXPECT_STREQ(name_of(error->kind()), name_of(kind)) << error->what();
  EXPECT_NE(std::string_view(error->what()).find(part), std::string_view::npos)
      << "text: " << error->what() << "\nexpected: " << part;
}

template <class Call>
void expect_invalid(std::string_view part, Call&& call) {
  expect_error(ErrorKind::invalid_argument, part, std::forward<Call>(call));
}

}  // namespace nestjit
