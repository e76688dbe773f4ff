// BoundConv::run allocates nothing in the calling thread. Calls of malloc and its kin are counted.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <vector>

#include "nestjit/conv.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define NESTJIT_COUNTS_ALLOCATIONS 0
#else
#define NESTJIT_COUNTS_ALLOCATIONS 1
#endif

#if NESTJIT_COUNTS_ALLOCATIONS
namespace {
thread_local int64_t allocations = 0;
}

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

void* malloc(size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}
void* calloc(size_t count, size_t bytes) {
  ++allocations;
  return __libc_calloc(count, bytes);
}
void* realloc(void* old, size_t bytes) {
  ++allocations;
  return __libc_realloc(old, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) {
  ++allocations;
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** out, size_t alignment, size_t bytes) {
  ++allocations;
  *out = __libc_memalign(alignment, bytes);
  return *out ? 0 : ENOMEM;
}
}
#endif

namespace nestjit {
namespace {

#if NESTJIT_COUNTS_ALLOCATIONS
array ramp(Shape shape) {
  array a = array::empty(std::move(shape));
  for (int64_t i = 0; i < a.size(); ++i)
    a.mutable_data<float>()[i] = static_cast<float>(i % 11 - 5);
  return a;
}

/// Allocations of this thread during a number of calls, after a first one.
int64_t allocations_of(const BoundConv& bound, const array& x) {
  array y = array::empty(bound.output_shape());
  float* const out = y.mutable_data<float>();
  bound.run(x.data<float>(), out);
  const int64_t before = allocations;
  for (int i = 0; i < 10; ++i) bound.run(x.data<float>(), out);
  return allocations - before;
}

TEST(Allocations, AreCounted) {
  const int64_t before = allocations;
  const auto one = std::make_unique<volatile int>(1);
  std::vector<int> other(static_cast<size_t>(*one) * 100);
  EXPECT_GE(allocations - before, 2);
}

TEST(Allocations, OfBoundCallsWithArraysAreNone) {
  const array x = ramp({1, 40, 16}), w = ramp({16, 8, 16});
  const BoundConv bound = bind_conv_transpose1d(w, x.shape(), 4, 2);
  array y = array::empty(bound.output_shape());
  bound(x, y);
  const int64_t before = allocations;
  for (int i = 0; i < 10; ++i) bound(x, y);
  EXPECT_EQ(allocations - before, 0);
}

TEST(Allocations, OfARepeatedSmallCallAreThoseOfItsResult) {
  const array x = ramp({1, 3, 2}), w = ramp({4, 2, 2});
  conv_transpose1d(x, w);
  const int64_t before = allocations;
  for (int i = 0; i < 10; ++i) conv_transpose1d(x, w);
  EXPECT_EQ(allocations - before, 10 * 3);  // shape, strides, memory
}

TEST(Allocations, OfBoundCallsAreNone) {
  for (const auto& [length, channels, groups] :
       {std::tuple{1, 4, 1}, {40, 16, 1}, {2000, 64, 1}, {400, 32, 32}, {400, 32, 4}}) {
    const array x = ramp({1, length, channels}), w = ramp({channels, 8, channels / groups});
    for (const int threads : {1, 2}) {
      const BoundConv bound = bind_conv_transpose1d(w, x.shape(), 4, 2, 1, 0, groups, {}, threads);
      EXPECT_EQ(allocations_of(bound, x), 0) << bound.problem() << ", " << threads << " threads";
    }
  }
}
#endif

}  // namespace
}  // namespace nestjit
