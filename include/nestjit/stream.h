// Devices and streams: where, and in which order, an operation runs.
//
// The `stream` argument of an operation chooses:
//
//   nothing          the operation has finished when its call returns
//   a Stream         the call judges its arguments, takes the memory of its result and returns; the
//                    work follows in the background, after all earlier work of that stream
//   a Device         the default stream of that device
//
// Work of one stream runs in the order of the calls, work of two streams at the same time. Arrays
// carry the dependencies: an operation waits for the earlier operations, on whatever stream, that
// write elements it reads, and one that writes into an existing array also for those that still
// read or write there. Order means the order of the calls, so that nothing ever waits in a circle.
//
// A result may be handed to other operations, copied and viewed at once. Reading elements (data(),
// at(), contiguous() of a view ...) or array::wait() waits until they are there; mutable_data() and
// set() also wait for operations that still read them. An address that was taken before an
// operation was called knows nothing of it: call wait() or synchronize() before using it again, and
// keep foreign memory (array::view()) in place until then. Two view()s of the same foreign memory
// do not know of each other; views made from one array do.
//
// Errors. What the call can judge is thrown by the call (invalid arguments, a device without a back
// end, no memory for the result). An error of the work itself (no memory for packed weights, a
// kernel that cannot be compiled) is thrown, with its kind and text, to everyone who waits for
// elements it should have written, and by synchronize(). Operations that read such elements fail
// with the same error. Overwriting the elements by another operation makes them good again.
//
// The end. Letting go of the last copy of a Stream waits for its work, and so does the end of the
// process (return from main() or exit()). A fork() waits for the work of all streams; in the child
// they are idle and may be used. One within an operation on a stream (by the deleter of a DLPack
// tensor) waits for none: the child goes on with that operation, and the others in flight fail
// there with a resource error.
#pragma once

#include <memory>
#include <variant>

namespace nestjit {

namespace runtime {
class Queue;
}

/// A processor that operations run on. `index` counts the devices of one type from 0.
struct Device {
  enum Type { cpu, gpu };
  Type type = cpu;
  int index = 0;

  bool operator==(const Device&) const = default;
};

/// An order of execution on one device. Copies are the same stream. Thread-safe like a shared_ptr;
/// several threads may give work to one stream.
class Stream {
 public:
  /// The default stream of a device.
  explicit Stream(Device device = {}) : device_(device) {}

  Device device() const { return device_; }
  /// 0 for the default stream of the device, otherwise a number no other stream of the process has.
  int index() const { return index_; }

  friend bool operator==(const Stream& a, const Stream& b) {
    return a.device_ == b.device_ && a.index_ == b.index_;
  }

 private:
  friend class runtime::Queue;
  Stream(Device device, int index, std::shared_ptr<runtime::Queue> queue)
      : device_(device),
        index_(index),
        queue_(std::move(queue)) {}

  Device device_;
  int index_ = 0;
  std::shared_ptr<runtime::Queue> queue_;  // null for a default stream
};

/// The `stream` argument of an operation: nothing (at once), a Stream, or a Device, which stands
/// for its default stream.
using StreamOrDevice = std::variant<std::monostate, Stream, Device>;

/// The default stream of a device, the same one for every call; lives as long as the process. Never
/// throws: an operation judges the device when it is called.
inline Stream default_stream(Device device = {}) { return Stream(device); }

/// A new stream with a thread of its own, which starts with the first operation. Throws unsupported
/// for a device without a back end. Thread-safe.
Stream new_stream(Device device = {});

/// Waits until all work given to the stream before this call is done. Throws the first error since
/// the last synchronize() of the stream; unsupported for a device without a back end. Thread-safe.
void synchronize(const Stream& stream);

/// The same for all streams of the process.
void synchronize();

}  // namespace nestjit
