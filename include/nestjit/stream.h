// Devices and streams: where, and in which order, an operation runs.
//
// This version computes on the CPU, when the operation is called: every operation has finished when
// its call returns, so that one stream is as good as another. The types are part of the interface
// because a caller chooses them per call; a device without a back end is refused as unsupported.
#pragma once

#include <variant>

namespace nestjit {

/// A processor that operations run on. `index` counts the devices of one type from 0.
struct Device {
  enum Type { cpu, gpu };
  Type type = cpu;
  int index = 0;

  bool operator==(const Device&) const = default;
};

/// An order of execution on one device; operations of one stream run in the order of their calls.
/// Index 0 is the default stream of the device and the only one at present.
struct Stream {
  int index = 0;
  Device device{};

  bool operator==(const Stream&) const = default;
};

/// The default stream of a device. Never throws: an operation judges the device when it is called.
inline Stream default_stream(Device device) { return Stream{0, device}; }

/// The `stream` argument of an operation: nothing (default device, default stream), a Stream, or a
/// Device, which stands for its default stream.
using StreamOrDevice = std::variant<std::monostate, Stream, Device>;

}  // namespace nestjit
