#include "nestjit/array.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>

#include "tests/ops/expect_error.h"

namespace nestjit {
namespace {

array counting(Shape shape) {
  array a = array::empty(std::move(shape));
  std::iota(a.mutable_data<float>(), a.mutable_data<float>() + a.size(), 0.0f);
  return a;
}

std::vector<float> values(const array& a) {
  const array c = a.contiguous();
  return {c.data<float>(), c.data<float>() + c.size()};
}

TEST(Array, OwnsAlignedMemory) {
  for (const int64_t n : {1, 3, 1000, 3000000}) {
    const array a = array::zeros({n});
    EXPECT_EQ(reinterpret_cast<uintptr_t>(a.raw()) % 64, 0u);
    EXPECT_EQ(a.at({n - 1}), 0.0f);
    EXPECT_EQ(a.nbytes(), n * 4);
  }
}

TEST(Array, CopiesShareTheBlock) {
  array a({1, 2, 3, 4, 5, 6}, {2, 3});
  const array b = a;
  a.set({1, 2}, 9.0f);
  EXPECT_EQ(b.at({1, 2}), 9.0f);
}

TEST(Array, ElementCountMustMatchTheShape) {
  expect_invalid("3 values for shape (2,2), which holds 4", [] { array({1, 2, 3}, {2, 2}); });
}

TEST(Array, AtRefusesForeignIndicesAndTypes) {
  const array a = counting({2, 3});
  expect_invalid("index (2,0) is outside shape (2,3)", [&] { a.at({2, 0}); });
  expect_invalid("index (0,-1) is outside shape (2,3)", [&] { a.at({0, -1}); });
  expect_invalid("index (1) is outside shape (2,3)", [&] { a.at({1}); });
  expect_invalid("elements are float32, asked for as float64", [&] { a.at<double>({0, 0}); });
}

TEST(Array, ReadOnlyViewRefusesWriters) {
  const std::vector<float> memory{1, 2, 3};
  array a = array::view(memory.data(), {3});
  EXPECT_TRUE(a.is_read_only());
  EXPECT_EQ(a.at({2}), 3.0f);
  expect_invalid("read-only", [&] { a.mutable_data<float>(); });
}

TEST(Array, ViewWithNegativeStridesReadsBackwards) {
  std::vector<float> memory{0, 1, 2, 3, 4, 5};
  array a = array::view(memory.data() + 5, {2, 3}, {-3, -1});
  EXPECT_EQ(values(a), (std::vector<float>{5, 4, 3, 2, 1, 0}));
  a.set({0, 0}, 50.0f);
  EXPECT_EQ(memory[5], 50.0f);
}

TEST(Array, ViewRefusesNullAndWrongStrides) {
  expect_invalid("null memory", [] { array::view(static_cast<float*>(nullptr), {2}); });
  EXPECT_EQ(array::view(static_cast<float*>(nullptr), {0, 4}).size(), 0);
  float x = 0;
  expect_invalid("one stride a dimension", [&] { array::view(&x, {1, 1}, {1}); });
  expect_invalid("do not fit 64 bits", [&] { array::view(&x, {3}, {INT64_MAX}); });
}

TEST(Array, TransposeReversesOrPermutes) {
  const array a = counting({2, 3, 4});
  const array t = a.transpose();
  EXPECT_EQ(t.shape(), (Shape{4, 3, 2}));
  EXPECT_EQ(t.at({3, 1, 1}), a.at({1, 1, 3}));
  const array p = a.transpose({0, 2, 1});
  EXPECT_EQ(p.at({1, 3, 2}), a.at({1, 2, 3}));
  EXPECT_EQ(p.contiguous().at({1, 3, 2}), a.at({1, 2, 3}));
  expect_invalid("permutation", [&] { a.transpose({0, 1, 1}); });
  expect_invalid("permutation", [&] { a.transpose({0, 1}); });
}

TEST(Array, SliceGoesUpAndDown) {
  const array a = counting({10});
  EXPECT_EQ(values(a.slice(0, 2, 9, 3)), (std::vector<float>{2, 5, 8}));
  EXPECT_EQ(values(a.slice(0, 9, -1, -4)), (std::vector<float>{9, 5, 1}));
  EXPECT_EQ(a.slice(0, 5, 5).size(), 0);
  EXPECT_EQ(values(a.slice(0, 3, 10, INT64_MAX)), (std::vector<float>{3}));
  EXPECT_EQ(values(a.slice(0, 3, -1, INT64_MIN)), (std::vector<float>{3}));
  expect_invalid("from 0 to 11 by 1 along an axis of 10", [&] { a.slice(0, 0, 11); });
  expect_invalid("by 0", [&] { a.slice(0, 0, 1, 0); });
  expect_invalid("axis 1", [&] { a.slice(1, 0, 1); });
}

TEST(Array, BroadcastRepeats) {
  const array a = counting({3, 1});
  EXPECT_EQ(values(a.broadcast_to({2, 3, 2})),
            (std::vector<float>{0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2}));
  expect_invalid("does not broadcast", [&] { a.broadcast_to({2, 2}); });
  expect_invalid("does not broadcast", [&] { a.broadcast_to({3}); });
}

TEST(Array, AsStridedStaysInsideTheBlock) {
  const array a = counting({10});
  EXPECT_EQ(values(a.as_strided({3, 4}, {2, 1}, 1)),
            (std::vector<float>{1, 2, 3, 4, 3, 4, 5, 6, 5, 6, 7, 8}));
  expect_invalid("leaves the block of 10", [&] { a.as_strided({3, 4}, {3, 1}, 1); });
  expect_invalid("leaves the block of 10", [&] { a.as_strided({2}, {-1}, 0); });
  expect_invalid("leaves the block of 10", [&] { a.as_strided({1}, {1}, INT64_MAX); });
}

TEST(Array, ReshapeOfAViewCopies) {
  const array a = counting({2, 3});
  EXPECT_EQ(a.reshape({6}).raw(), a.raw());
  EXPECT_EQ(values(a.transpose().reshape({2, 3})), (std::vector<float>{0, 3, 1, 4, 2, 5}));
  expect_invalid("does not hold the 6 elements", [&] { a.reshape({4}); });
}

TEST(Array, ScalarsAndEmptyArrays) {
  array s = array::zeros({});
  EXPECT_EQ(s.size(), 1);
  s.set({}, 2.0f);
  EXPECT_EQ(values(s.broadcast_to({2})), (std::vector<float>{2, 2}));
  const array e = array::empty({3, 0, 5});
  EXPECT_EQ(e.size(), 0);
  EXPECT_TRUE(e.is_contiguous());
  EXPECT_EQ(e.transpose().contiguous().shape(), (Shape{5, 0, 3}));
  EXPECT_EQ(array::empty({0, INT64_MAX, INT64_MAX}).size(), 0);
}

TEST(Array, SizesThatDoNotFitAreInvalid) {
  expect_invalid("does not fit 64 bits",
                 [] { array::empty({int64_t{1} << 32, int64_t{1} << 32}); });
  expect_invalid("does not fit 64 bits", [] { array::empty({INT64_MAX / 2}); });
  expect_invalid("extents must be >= 0", [] { array::empty({2, -1}); });
}

TEST(Array, MemoryThatCannotBeHadIsAResourceError) {
  expect_error(ErrorKind::resource, "bytes wanted, the system has",
               [] { array::empty({int64_t{1} << 50}); });
}

TEST(Array, EveryElementTypeCopies) {
  const std::vector<std::complex<float>> c{{1, 2}, {3, 4}};
  const array a(c, {2});
  EXPECT_EQ(a.slice(0, 1, -1, -1).contiguous().at<std::complex<float>>({0}),
            (std::complex<float>{3, 4}));
  const array b(std::vector<int8_t>{1, 2, 3, 4}, {2, 2});
  EXPECT_EQ(b.transpose().contiguous().at<int8_t>({0, 1}), 3);
  const array d(std::vector<uint16_t>{1, 2, 3, 4}, {2, 2});
  EXPECT_EQ(d.transpose().contiguous().at<uint16_t>({1, 0}), 2);
}

TEST(Dtype, NamesGoBothWays) {
  for (int i = 0; i <= static_cast<int>(Dtype::complex64); ++i) {
    const auto dtype = static_cast<Dtype>(i);
    EXPECT_EQ(dtype_named(name_of(dtype)), dtype);
  }
  EXPECT_EQ(dtype_named("bf16"), Dtype::bf16);
  EXPECT_EQ(dtype_named("float"), std::nullopt);
}

}  // namespace
}  // namespace nestjit
