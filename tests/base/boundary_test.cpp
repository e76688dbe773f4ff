#include "base/boundary.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <system_error>

#include "tests/expect_error.h"

namespace nestjit::base {
namespace {

template <class Thrown>
void pass_the_edge(const Thrown& thrown) try {
  throw thrown;
} catch (...) {
  rethrow_as_error("op");
}

TEST(Boundary, RefusedMemoryIsAResourceError) {
  expect_error(ErrorKind::resource, "op: the system refused memory",
               [] { pass_the_edge(std::bad_alloc()); });
}

TEST(Boundary, RefusedThreadsAreAResourceError) {
  const auto code = std::make_error_code(std::errc::resource_unavailable_try_again);
  expect_error(ErrorKind::resource, "op: no thread",
               [&] { pass_the_edge(std::system_error(code, "no thread")); });
  const auto other = std::make_error_code(std::errc::resource_deadlock_would_occur);
  expect_error(ErrorKind::internal, "op: lock",
               [&] { pass_the_edge(std::system_error(other, "lock")); });
}

TEST(Boundary, ErrorsStayAsTheyAre) {
  expect_error(ErrorKind::invalid_argument, "the text",
               [] { pass_the_edge(Error(ErrorKind::invalid_argument, "the text")); });
}

TEST(Boundary, OtherExceptionsAreDefects) {
  expect_error(ErrorKind::internal, "op: surprise",
               [] { pass_the_edge(std::logic_error("surprise")); });
}

TEST(Boundary, WhatIsNoExceptionGoesOn) { EXPECT_THROW(pass_the_edge(3), int); }

}  // namespace
}  // namespace nestjit::base
