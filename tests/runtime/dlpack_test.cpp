#include "nestjit/dlpack.h"

#include <dlpack/dlpack.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <numeric>
#include <vector>

#include "nestjit/conv.h"
#include "nestjit/stream.h"
#include "runtime/memory.h"
#include "tests/ops/expect_error.h"

namespace nestjit {
namespace {

constexpr ErrorKind unsupported = ErrorKind::unsupported;

array counting(Shape shape) {
  array a = array::empty(std::move(shape));
  std::iota(a.mutable_data<float>(), a.mutable_data<float>() + a.size(), 0.0f);
  return a;
}

std::vector<float> values(const array& a) {
  const array c = a.contiguous();
  return {c.data<float>(), c.data<float>() + c.size()};
}

/// Somebody else's tensor: 24 floats, and how often its deleter has been called.
struct Foreign {
  std::vector<float> memory = std::vector<float>(24);
  std::vector<int64_t> shape{2, 3, 4}, strides;
  int deleted = 0;
  DLManagedTensor tensor{};

  Foreign() {
    std::iota(memory.begin(), memory.end(), 0.0f);
    DLTensor& t = tensor.dl_tensor;
    t.data = memory.data();
    t.device = {kDLCPU, 0};
    t.dtype = {kDLFloat, 32, 1};
    tensor.manager_ctx = this;
    tensor.deleter = [](DLManagedTensor* self) {
      ++static_cast<Foreign*>(self->manager_ctx)->deleted;
    };
    update();
  }
  void update() {
    tensor.dl_tensor.ndim = static_cast<int>(shape.size());
    tensor.dl_tensor.shape = shape.data();
    tensor.dl_tensor.strides = strides.empty() ? nullptr : strides.data();
  }
};

void release(DLManagedTensor* tensor) { tensor->deleter(tensor); }

TEST(ToDlpack, DescribesTheArray) {
  const array a = counting({2, 3, 4}).transpose({2, 0, 1}).slice(0, 3, -1, -2);
  DLManagedTensor* tensor = to_dlpack(a);
  const DLTensor& t = tensor->dl_tensor;
  EXPECT_EQ(t.data, a.raw());
  EXPECT_EQ(t.byte_offset, 0u);
  EXPECT_EQ(t.device.device_type, kDLCPU);
  EXPECT_EQ(Shape(t.shape, t.shape + t.ndim), (Shape{2, 2, 3}));
  EXPECT_EQ(Strides(t.strides, t.strides + t.ndim), (Strides{-2, 12, 4}));
  EXPECT_EQ(t.dtype.code, kDLFloat);
  EXPECT_EQ(t.dtype.bits, 32);
  EXPECT_EQ(t.dtype.lanes, 1);
  release(tensor);
}

TEST(ToDlpack, KeepsTheMemoryUntilItIsDeleted) {
  const int64_t before = runtime::held_memory();
  DLManagedTensor* tensor = to_dlpack(counting({100}));
  EXPECT_EQ(runtime::held_memory(), before + 400);
  EXPECT_EQ(static_cast<const float*>(tensor->dl_tensor.data)[99], 99.0f);
  release(tensor);
  EXPECT_EQ(runtime::held_memory(), before);
}

TEST(ToDlpack, RefusesReadOnlyMemory) {
  const std::vector<float> constant(3);
  expect_invalid("to_dlpack: the array of shape (3) is read-only",
                 [&] { to_dlpack(array::view(constant.data(), {3})); });
}

TEST(ToDlpack, WaitsForTheElements) {
  const array x = counting({1, 5, 3}), w = counting({2, 3, 3});
  const array y = conv_transpose1d(x, w, 1, 0, 1, 0, 1, new_stream());
  DLManagedTensor* tensor = to_dlpack(y);
  const auto* data = static_cast<const float*>(tensor->dl_tensor.data);
  EXPECT_EQ(std::vector<float>(data, data + 14), values(conv_transpose1d(x, w)));
  release(tensor);
}

TEST(Dlpack, EveryElementTypeGoesThereAndBack) {
  for (int i = 0; i <= static_cast<int>(Dtype::complex64); ++i) {
    const auto dtype = static_cast<Dtype>(i);
    const array a = array::zeros({2, 3}, dtype);
    DLManagedTensor* tensor = to_dlpack(a);
    EXPECT_EQ(tensor->dl_tensor.dtype.bits, 8 * byte_size(dtype));
    const array b = from_dlpack(tensor);
    EXPECT_EQ(b.dtype(), dtype);
    EXPECT_EQ(b.raw(), a.raw());
    EXPECT_EQ(b.shape(), a.shape());
  }
}

TEST(Dlpack, ScalarsAndEmptyArraysGoThereAndBack) {
  EXPECT_EQ(from_dlpack(to_dlpack(array({3}, {}))).at({}), 3.0f);
  EXPECT_EQ(from_dlpack(to_dlpack(array::zeros({2, 0, 3}))).shape(), (Shape{2, 0, 3}));
  Foreign nothing;
  nothing.shape = {0, 5};
  nothing.tensor.dl_tensor.data = nullptr;
  nothing.update();
  EXPECT_EQ(from_dlpack(&nothing.tensor).size(), 0);
  EXPECT_EQ(nothing.deleted, 1);
}

TEST(FromDlpack, SharesMemoryAndKeepsStrides) {
  Foreign f;
  {
    array whole = from_dlpack(&f.tensor);
    EXPECT_EQ(whole.strides(), (Strides{12, 4, 1}));
    whole.set({1, 2, 3}, 50.0f);
    EXPECT_EQ(f.memory[23], 50.0f);
  }
  f.shape = {3, 2};
  f.strides = {-4, 0};
  f.tensor.dl_tensor.byte_offset = 9 * sizeof(float);
  f.update();
  EXPECT_EQ(values(from_dlpack(&f.tensor)), (std::vector<float>{9, 9, 5, 5, 1, 1}));
}

TEST(FromDlpack, DeletesOnceWhenTheLastUserIsGone) {
  Foreign f;
  {
    const array a = from_dlpack(&f.tensor);
    const array part = a.slice(0, 1, 2).transpose();
    {
      const array copy = a;
    }
    DLManagedTensor* again = to_dlpack(part);
    EXPECT_EQ(f.deleted, 0);
    release(again);
    EXPECT_EQ(f.deleted, 0);
  }
  EXPECT_EQ(f.deleted, 1);
}

TEST(FromDlpack, AnOperationOnAStreamKeepsTheTensor) {
  Foreign f;
  f.shape = {1, 8, 3};
  f.update();
  const Stream stream = new_stream();
  const array w = counting({2, 3, 3});
  array y = conv_transpose1d(from_dlpack(&f.tensor), w, 1, 0, 1, 0, 1, stream);
  synchronize(stream);
  EXPECT_EQ(f.deleted, 1);
  EXPECT_EQ(values(y), values(conv_transpose1d(counting({1, 8, 3}), w)));
}

TEST(FromDlpack, TakesTensorsWithoutADeleter) {
  Foreign f;
  f.tensor.deleter = nullptr;
  EXPECT_EQ(from_dlpack(&f.tensor).at({1, 0, 0}), 12.0f);
  EXPECT_EQ(f.deleted, 0);
}

/// The tensor is refused and stays the caller's.
void expect_refused(ErrorKind kind, const char* text, const std::function<void(Foreign&)>& spoil) {
  Foreign f;
  spoil(f);
  expect_error(kind, text, [&] { from_dlpack(&f.tensor); });
  EXPECT_EQ(f.deleted, 0);
}

TEST(FromDlpack, RefusesWhatIsWrong) {
  const auto refused = [](const char* text, const std::function<void(DLTensor&)>& spoil) {
    expect_refused(ErrorKind::invalid_argument, text,
                   [&](Foreign& f) { spoil(f.tensor.dl_tensor); });
  };
  expect_invalid("the tensor is null", [] { from_dlpack(nullptr); });
  refused("ndim must be >= 0, got -1", [](DLTensor& t) { t.ndim = -1; });
  refused("3 dimensions without a shape", [](DLTensor& t) { t.shape = nullptr; });
  refused("extents must be >= 0", [](DLTensor& t) { t.shape[1] = -3; });
  refused("does not fit 64 bits", [](DLTensor& t) { t.shape[0] = t.shape[1] = INT64_MAX; });
  refused("null data for shape (2,3,4)", [](DLTensor& t) { t.data = nullptr; });
  refused("byte_offset 18446744073709551612 leaves",
          [](DLTensor& t) { t.byte_offset = UINT64_MAX - 3; });
  refused("aligned to 4 bytes", [](DLTensor& t) { t.byte_offset = 2; });
  for (const int64_t stride : {INT64_MAX, INT64_MIN, INT64_MAX / 3, int64_t{1} << 60}) {
    expect_refused(ErrorKind::invalid_argument, "array: offsets of shape", [&](Foreign& f) {
      f.strides = {stride, 1, 1};
      f.update();
    });
  }
}

TEST(FromDlpack, RefusesWhatIsNotSupported) {
  const auto refused = [](const char* text, const std::function<void(DLTensor&)>& spoil) {
    expect_refused(unsupported, text, [&](Foreign& f) { spoil(f.tensor.dl_tensor); });
  };
  refused("device type 2, number 1", [](DLTensor& t) { t.device = {kDLCUDA, 1}; });
  refused("elements of 4 lanes", [](DLTensor& t) { t.dtype.lanes = 4; });
  refused("elements of 0 lanes", [](DLTensor& t) { t.dtype.lanes = 0; });
  refused("code 3 with 64 bits", [](DLTensor& t) { t.dtype = {kDLOpaqueHandle, 64, 1}; });
  refused("code 2 with 8 bits", [](DLTensor& t) { t.dtype.bits = 8; });
  refused("code 5 with 128 bits", [](DLTensor& t) { t.dtype = {kDLComplex, 128, 1}; });
  refused("code 1 with 4 bits", [](DLTensor& t) { t.dtype = {kDLUInt, 4, 1}; });
}

}  // namespace
}  // namespace nestjit
