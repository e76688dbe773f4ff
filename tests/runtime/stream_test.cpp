// Streams: order, dependencies through arrays, errors, the end of streams and of the process.
#include "nestjit/stream.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <latch>
#include <thread>
#include <vector>

#include "nestjit/conv.h"
#include "nestjit/convolutions.h"
#include "nestjit/gradients.h"
#include "runtime/submit.h"
#include "tests/ops/expect_error.h"

namespace nestjit {
namespace {

using runtime::submit;

array ramp(Shape shape) {
  array a = array::empty(std::move(shape));
  for (int64_t i = 0; i < a.size(); ++i)
    a.mutable_data<float>()[i] = static_cast<float>(i % 11 - 5);
  return a;
}

std::vector<float> values(const array& a) { return {a.data<float>(), a.data<float>() + a.size()}; }

/// A task that ends when the test lets it.
class Gate {
 public:
  Gate(const Stream& stream, runtime::Operands reads, runtime::Operands writes) {
    submit(stream, reads, writes, [this] { open_.wait(); });
  }
  ~Gate() { open(); }
  void open() {
    if (!std::exchange(opened_, true)) open_.count_down();
  }

 private:
  std::latch open_{1};
  bool opened_ = false;
};

/// y = x + 1, element by element.
void add_one(const Stream& stream, const array& x, array& y) {
  submit(stream, {&x}, {&y}, [x, y]() mutable {
    const float* from = x.data<float>();
    float* to = y.mutable_data<float>();
    for (int64_t i = 0; i < x.size(); ++i) to[i] = from[i] + 1;
  });
}

void fail_writing(const Stream& stream, const array& y, ErrorKind kind, const char* text) {
  submit(stream, {}, {&y}, [kind, text] { throw Error(kind, text); });
}

TEST(Stream, IsAValue) {
  EXPECT_EQ(default_stream(), Stream());
  EXPECT_EQ(default_stream().index(), 0);
  const Stream a = new_stream(), b = new_stream(), c = a;
  EXPECT_NE(a, b);
  EXPECT_EQ(a, c);
  EXPECT_NE(a, default_stream());
  EXPECT_EQ(a.device(), Device{});
}

TEST(Stream, OfADeviceWithoutABackEndIsUnsupported) {
  const Device gpu{Device::gpu};
  expect_error(ErrorKind::unsupported, "new_stream: device gpu:0 has no back end",
               [&] { new_stream(gpu); });
  expect_error(ErrorKind::unsupported, "new_stream: device cpu:1",
               [] { new_stream({Device::cpu, 1}); });
  expect_error(ErrorKind::unsupported, "synchronize: device gpu:0",
               [&] { synchronize(default_stream(gpu)); });
}

TEST(Stream, ConvolutionsGiveTheBitsOfTheCall) {
  const array x = ramp({2, 40, 16}), w = ramp({24, 8, 16});
  const std::vector<float> wanted = values(conv_transpose1d(x, w, 4, 2));
  const BoundConv bound = bind_conv_transpose1d(w, x.shape(), 4, 2, 1, 0, 1, new_stream());
  for (const StreamOrDevice& stream :
       {StreamOrDevice(new_stream()), StreamOrDevice(default_stream()), StreamOrDevice(Device{})}) {
    EXPECT_EQ(values(conv_transpose1d(x, w, 4, 2, 1, 0, 1, stream)), wanted);
  }
  EXPECT_EQ(values(bound(x)), wanted);
}

TEST(Stream, ReturnsBeforeTheWork) {
  const Stream stream = new_stream();
  const array x = ramp({1, 5, 3}), w = ramp({2, 3, 3});
  Gate gate(stream, {}, {});
  const array y = conv_transpose1d(x, w, 1, 0, 1, 0, 1, stream);
  EXPECT_FALSE(y.is_ready());
  EXPECT_FALSE(y.slice(1, 6, -1, -2).is_ready());
  EXPECT_TRUE(x.is_ready());
  EXPECT_EQ(y.shape(), (Shape{1, 7, 2}));
  gate.open();
  y.wait();
  EXPECT_TRUE(y.is_ready());
  EXPECT_EQ(values(y), values(conv_transpose1d(x, w)));
}

TEST(Stream, EveryOperationReturnsBeforeTheWork) {
  const array x = ramp({1, 6, 3}), w = ramp({3, 3, 3}), dy = ramp({1, 8, 3});
  const auto all = [&](const StreamOrDevice& stream) {
    const Gradients vjp = conv_transpose1d_vjp(x, w, dy, 1, 0, 1, 0, 1, Wanted::both, stream);
    return std::vector<array>{conv1d(x, w, 1, 0, 1, 1, stream), *vjp.input, *vjp.weight,
                              conv_transpose1d_jvp(x, w, x, w, 1, 0, 1, 0, 1, stream)};
  };
  const std::vector<array> wanted = all({});
  const Stream stream = new_stream();
  Gate gate(stream, {}, {});
  const std::vector<array> late = all(stream);
  for (const array& result : late) EXPECT_FALSE(result.is_ready());
  gate.open();
  for (size_t i = 0; i < late.size(); ++i) EXPECT_EQ(values(late[i]), values(wanted[i])) << i;
}

TEST(Stream, JudgesItsArgumentsAtTheCall) {
  const Stream stream = new_stream();
  Gate gate(stream, {}, {});
  const array w = ramp({2, 3, 3});
  const array late = conv_transpose1d(ramp({1, 5, 3}), w, 1, 0, 1, 0, 1, stream);
  expect_invalid("stride", [&] { conv_transpose1d(late, w, 0, 0, 1, 0, 1, stream); });
  const BoundConv bound = bind_conv_transpose1d(w, {1, 5, 3}, 1, 0, 1, 0, 1, stream);
  array y = array::empty({1, 7, 2});
  expect_invalid("the input must be float32 of shape (1,5,3)", [&] { bound(late, y); });
  array x = array::view(y.mutable_data<float>(), {1, 5, 3});
  expect_invalid("overlaps", [&] { bound(x, y); });
  array constant = array::view(static_cast<const float*>(y.data<float>()), {1, 7, 2});
  expect_invalid("read-only", [&] { bound(ramp({1, 5, 3}), constant); });
  EXPECT_FALSE(late.is_ready());
}

TEST(Stream, OneStreamRunsInOrder) {
  const Stream stream = new_stream();
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) submit(stream, {}, {}, [&order, i] { order.push_back(i); });
  synchronize(stream);
  EXPECT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Stream, TwoStreamsRunAtTheSameTime) {
  const Stream a = new_stream(), b = new_stream();
  std::latch both(2);
  submit(a, {}, {}, [&] { both.arrive_and_wait(); });
  submit(b, {}, {}, [&] { both.arrive_and_wait(); });
  synchronize();
}

TEST(Stream, ReadersWaitForAWriterOnAnotherStream) {
  const Stream a = new_stream(), b = new_stream();
  array x = ramp({4}), y = array::zeros({4}), z = array::zeros({4});
  const std::vector<float> start = values(x);
  Gate gate(a, {}, {&x});
  add_one(a, x, y);
  add_one(b, y, z);
  EXPECT_FALSE(z.is_ready());
  gate.open();
  EXPECT_EQ(z.at({0}), start[0] + 2);
  EXPECT_EQ(z.at({3}), start[3] + 2);
}

TEST(Stream, WritersWaitForReadersAndWritersOnOtherStreams) {
  const Stream a = new_stream(), b = new_stream();
  array x = array::zeros({1}), y = array::zeros({1}), ones = array({1}, {1});
  std::atomic<bool> read{false}, written{false};
  Gate gate(a, {&x}, {});
  submit(a, {&x}, {}, [&] { read = true; });
  submit(b, {}, {&x}, [&] { written = read.load(); });
  EXPECT_TRUE(x.slice(0, 0, 0).is_ready());
  gate.open();
  x.mutable_data<float>();
  EXPECT_TRUE(written);
}

TEST(Stream, WritingWaitsForReadersReadingDoesNot) {
  const Stream stream = new_stream();
  array x = ramp({4});
  std::atomic<bool> done{false};
  Gate gate(stream, {&x}, {});
  submit(stream, {&x}, {}, [&] { done = true; });
  EXPECT_EQ(x.at({0}), -5);
  EXPECT_TRUE(x.is_ready());
  std::thread opener([&] { gate.open(); });
  x.set({0}, 1.0f);
  EXPECT_TRUE(done);
  opener.join();
}

TEST(Stream, PartsOfABlockAreIndependent) {
  const Stream a = new_stream(), b = new_stream();
  array whole = array::zeros({8});
  array low = whole.slice(0, 0, 4), high = whole.slice(0, 4, 8);
  Gate gate(a, {}, {&low});
  add_one(b, ramp({4}), high);
  EXPECT_EQ(high.at({0}), -4);
  EXPECT_FALSE(low.is_ready());
  EXPECT_FALSE(whole.is_ready());
  EXPECT_FALSE(whole.slice(0, 3, 5).is_ready());
}

TEST(Stream, AnErrorReachesWhoeverWaits) {
  const Stream a = new_stream(), b = new_stream();
  array x = array::zeros({4}), y = array::zeros({4}), z = array::zeros({4});
  fail_writing(a, x, ErrorKind::resource, "no luck");
  add_one(b, x, y);
  add_one(a, y, z);
  const auto no_luck = [](const std::function<void()>& use) {
    expect_error(ErrorKind::resource, "no luck", use);
  };
  for (const array* failed : {&x, &y, &z}) {
    no_luck([&] { failed->wait(); });
    no_luck([&] { failed->data<float>(); });
    no_luck([&] { failed->at({1}); });
    no_luck([&] { failed->slice(0, 3, -1, -1).contiguous(); });
    EXPECT_TRUE(failed->is_ready());
  }
  no_luck([&] { x.mutable_data<float>(); });
  no_luck([&] { synchronize(a); });
  EXPECT_NO_THROW(synchronize(a));
  no_luck([&] { synchronize(); });
  EXPECT_NO_THROW(synchronize());
}

TEST(Stream, OverwritingMakesElementsGoodAgain) {
  const Stream stream = new_stream();
  const array one({1, 2}, {1, 2, 1});
  array y = array::zeros({1, 2, 1});
  fail_writing(stream, y, ErrorKind::internal, "broken");
  add_one(stream, one, y);
  EXPECT_EQ(values(y), (std::vector<float>{2, 3}));
  fail_writing(stream, y, ErrorKind::internal, "broken");
  bind_conv_transpose1d(array({3}, {1, 1, 1}), {1, 2, 1})(one, y);
  EXPECT_EQ(values(y), (std::vector<float>{3, 6}));
  array low = y.slice(1, 0, 1), high = y.slice(1, 1, 2);
  fail_writing(stream, low, ErrorKind::internal, "broken");
  submit(stream, {}, {&high}, [] {});
  EXPECT_EQ(high.at({0, 0, 0}), 6);
  expect_error(ErrorKind::internal, "broken", [&] { y.wait(); });
  expect_error(ErrorKind::internal, "broken", [&] { synchronize(stream); });
}

TEST(Stream, ForeignExceptionsBecomeErrors) {
  const Stream stream = new_stream();
  submit(stream, {}, {}, [] { throw std::bad_alloc(); });
  expect_error(ErrorKind::resource, "refused memory", [&] { synchronize(stream); });
  submit(stream, {}, {}, [] { throw std::runtime_error("odd"); });
  expect_error(ErrorKind::internal, "odd", [&] { synchronize(stream); });
}

TEST(Stream, AnErrorOfTheKernelReachesTheResult) {
  setenv("NESTJIT_LENGTHS", "sometimes", 1);
  const Stream stream = new_stream();
  const array y = conv_transpose1d(ramp({1, 5, 3}), ramp({2, 3, 3}), 1, 0, 1, 0, 1, stream);
  expect_invalid("NESTJIT_LENGTHS must be", [&] { y.at({0, 0, 0}); });
  unsetenv("NESTJIT_LENGTHS");
  expect_invalid("NESTJIT_LENGTHS must be", [&] { synchronize(stream); });
}

TEST(Stream, TheEndOfAStreamWaitsForItsWork) {
  std::atomic<int> done{0};
  {
    const Stream stream = new_stream();
    for (int i = 0; i < 50; ++i) submit(stream, {}, {}, [&] { ++done; });
  }
  EXPECT_EQ(done, 50);
}

TEST(Stream, MayEndInItsOwnThread) {
  std::atomic<bool> done{false};
  std::latch given(1);
  const array x = ramp({1});
  {
    auto stream = std::make_shared<Stream>(new_stream());
    const Stream other = new_stream();
    submit(*stream, {}, {&x}, [stream, &given] { given.wait(); });
    submit(*stream, {&x}, {}, [&] { done = true; });
    stream.reset();
    given.count_down();
    synchronize(other);
  }
  const array y = x;
  for (int i = 0; i < 5000 && !done; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_TRUE(done);
}

TEST(Stream, ManyThreadsGiveWorkToOneStream) {
  const Stream stream = new_stream();
  int count = 0;  // one stream, one task at a time
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int k = 0; k < 250; ++k) submit(stream, {}, {}, [&] { ++count; });
    });
  }
  for (std::thread& caller : callers) caller.join();
  synchronize(stream);
  EXPECT_EQ(count, 1000);
}

#if !defined(__SANITIZE_THREAD__)  // which does not start threads in forked children

/// Floats that a child process shares with its parent.
struct SharedMemory {
  explicit SharedMemory(size_t count)
      : data(static_cast<float*>(mmap(nullptr, count * sizeof(float), PROT_READ | PROT_WRITE,
                                      MAP_SHARED | MAP_ANONYMOUS, -1, 0))),
        bytes(count * sizeof(float)) {}
  ~SharedMemory() { munmap(data, bytes); }
  float* data;
  size_t bytes;
};

/// The exit status of a child that runs the body; -1 when it was killed.
int status_of_child(const std::function<void()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    body();
    _exit(0);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// A task may call fork(): by the deleter of a DLPack tensor, say. The child goes on with the task,
// and has none of the others.
TEST(StreamFork, ByATaskWaitsForNoStream) {
  const Stream stream = new_stream(), other = new_stream();
  const array x = ramp({1, 5, 3}), w = ramp({2, 3, 3}), between = array::zeros({4});
  const std::vector<float> wanted = values(conv_transpose1d(x, w));
  int status = -1;
  std::atomic<bool> later{false};
  submit(stream, {}, {&between}, [&] {
    status = status_of_child([&] {
      if (values(conv_transpose1d(x, w)) != wanted) _exit(1);
      std::thread([&] {
        expect_error(ErrorKind::resource, "in flight", [&] { synchronize(other); });
      }).join();
      if (testing::Test::HasFailure()) _exit(2);
      const array y = conv_transpose1d(x, w, 1, 0, 1, 0, 1, new_stream());
      std::thread([&] {
        if (values(y) != wanted) _exit(3);
      }).join();
    });
  });
  submit(other, {&between}, {}, [&] { later = true; });
  synchronize(other);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(later);
}

TEST(StreamFork, WaitsForTheWorkAndLeavesTheChildUsableStreams) {
  const Stream stream = new_stream();
  const array x = ramp({1, 5, 3}), w = ramp({2, 3, 3});
  const std::vector<float> wanted = values(conv_transpose1d(x, w));
  for (int round = 0; round < 5; ++round) {
    std::atomic<bool> done{false};
    submit(stream, {}, {}, [&] { std::this_thread::sleep_for(std::chrono::milliseconds(5)); });
    submit(stream, {}, {}, [&] { done = true; });
    const int status = status_of_child([&] {
      if (!done) _exit(1);
      const array y = conv_transpose1d(x, w, 1, 0, 1, 0, 1, stream);
      const array z = conv_transpose1d(x, w, 1, 0, 1, 0, 1, new_stream());
      if (values(y) != wanted || values(z) != wanted) _exit(2);
      synchronize();
    });
    EXPECT_EQ(status, 0);
    EXPECT_EQ(values(conv_transpose1d(x, w, 1, 0, 1, 0, 1, stream)), wanted);
  }
}

TEST(StreamExit, WaitsForTheWorkAndForACompile) {
  const SharedMemory memory(7 * 2);
  const array x = ramp({1, 5, 3}), w = ramp({2, 3, 3});
  // In a process of its own, where nothing has been compiled: exit() meets the compile.
  const auto compile_and_exit = [&] {
    alarm(60);
    const auto bound_later = new_stream();
    array y = array::view(memory.data, {1, 7, 2});
    for (int i = 0; i < 3; ++i) {
      const array unused = conv_transpose1d(ramp({1, 5 + i, 3}), w, 3, 0, 1, 0, 1, Device{});
    }
    const array result = conv_transpose1d(x, w, 1, 0, 1, 0, 1, Device{});
    submit(default_stream(), {&result}, {&y}, [result, y]() mutable {
      std::copy_n(result.data<float>(), 14, y.mutable_data<float>());
    });
    std::exit(0);
  };
  GTEST_FLAG_SET(death_test_style, "fast");
  EXPECT_EXIT(compile_and_exit(), testing::ExitedWithCode(0), "");
  EXPECT_EQ(std::vector<float>(memory.data, memory.data + 14), values(conv_transpose1d(x, w)));
}

#endif

}  // namespace
}  // namespace nestjit
