// Four streams, 10,000 tasks that read and write shared arrays at random, beside a plain model that
// does the same one after the other. For the thread sanitizer as much as for the values.
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "nestjit/conv.h"
#include "nestjit/stream.h"
#include "runtime/submit.h"

namespace nestjit {
namespace {

constexpr int64_t length = 24;  // elements of an array
constexpr size_t arrays = 6;
constexpr size_t stream_count = 4;

/// A range of one of the shared arrays.
struct Part {
  size_t array;
  int64_t begin, end;

  bool meets(const Part& other) const {
    return array == other.array && begin < other.end && other.begin < end;
  }
};

float mixed(float a, float b) {
  return static_cast<float>((static_cast<int>(a) * 3 + static_cast<int>(b) * 5 + 7) % 8191);
}

class Stress {
 public:
  explicit Stress(uint32_t seed) : random_(seed), model_(arrays, std::vector<float>(length, 1.0f)) {
    for (size_t i = 0; i < arrays; ++i) shared_.emplace_back(model_[i], Shape{1, length, 1});
    for (size_t i = 0; i < stream_count; ++i) streams_.push_back(new_stream());
    for (const Stream& stream : streams_) {
      copiers_.push_back(
          bind_conv_transpose1d(array({1}, {1, 1, 1}), {1, length, 1}, 1, 0, 1, 0, 1, stream, 1));
    }
  }

  void run(int tasks) {
    for (int i = 0; i < tasks; ++i) {
      switch (below(40)) {
        case 0: read_here(); break;
        case 1: write_here(); break;
        case 2:
        case 3: copy_by_kernel(); break;
        default: mix(); break;
      }
    }
    synchronize();
    for (size_t i = 0; i < arrays; ++i) {
      for (int64_t k = 0; k < length; ++k) {
        ASSERT_EQ(shared_[i].at({0, k, 0}), value({i, k, k + 1}, 0)) << i << ", " << k;
      }
    }
  }

 private:
  int64_t below(int64_t n) { return std::uniform_int_distribution<int64_t>(0, n - 1)(random_); }
  size_t any(size_t n) { return static_cast<size_t>(below(static_cast<int64_t>(n))); }
  float& value(const Part& part, int64_t i) {
    return model_[part.array][static_cast<size_t>(part.begin + i)];
  }
  Part part_of(int64_t count) {
    const int64_t begin = below(length - count + 1);
    return {any(arrays), begin, begin + count};
  }
  array view(const Part& part) { return shared_[part.array].slice(1, part.begin, part.end); }

  /// to = mixed(a, b), parts of equal length, on a stream.
  void mix() {
    const int64_t count = 1 + below(length);
    const Part a = part_of(count), b = part_of(count);
    Part to = part_of(count);
    while (to.meets(a) || to.meets(b)) to = part_of(count);
    const array x = view(a), y = view(b);
    array z = view(to);
    runtime::submit(streams_[any(stream_count)], {&x, &y}, {&z}, [x, y, z, count]() mutable {
      const float *p = x.data<float>(), *q = y.data<float>();
      float* out = z.mutable_data<float>();
      for (int64_t i = 0; i < count; ++i) out[i] = mixed(p[i], q[i]);
    });
    for (int64_t i = 0; i < count; ++i) value(to, i) = mixed(value(a, i), value(b, i));
  }

  void copy_by_kernel() {
    const size_t from = any(arrays), to = (from + 1 + any(arrays - 1)) % arrays;
    copiers_[any(stream_count)](shared_[from], shared_[to]);
    model_[to] = model_[from];
  }

  void read_here() {
    const Part part = part_of(1);
    ASSERT_EQ(view(part).at({0, 0, 0}), value(part, 0));
  }

  void write_here() {
    const Part part = part_of(1);
    view(part).set({0, 0, 0}, value(part, 0) = static_cast<float>(below(1000)));
  }

  std::mt19937 random_;
  std::vector<std::vector<float>> model_;
  std::vector<array> shared_;
  std::vector<Stream> streams_;
  std::vector<BoundConv> copiers_;  // one a stream
};

TEST(StreamStress, TenThousandTasksOnFourStreams) {
  for (const uint32_t seed : {1u, 2u, 3u}) {
    SCOPED_TRACE(seed);
    Stress(seed).run(10000);
  }
}

}  // namespace
}  // namespace nestjit
