// Little-endian numbers and texts in a row of bytes.
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nestjit::runtime::disk {

class ByteWriter {
 public:
  template <std::unsigned_integral T>
  void number(T value) {
    for (size_t i = 0; i < sizeof(T); ++i)
      bytes_.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
  }
  void integer(int64_t value) { number(static_cast<uint64_t>(value)); }
  void count(size_t value) { number(static_cast<uint32_t>(value)); }
  void raw(std::span<const std::byte> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void text(std::string_view text) {
    count(text.size());
    raw(std::as_bytes(std::span(text)));
  }
  std::vector<std::byte>& bytes() { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// Reads what is there; from the first thing that is not, everything is empty and ok() is false.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  size_t left() const { return rest_.size(); }

  template <std::unsigned_integral T>
  T number() {
    T value = 0;
    const std::span<const std::byte> from = raw(sizeof(T));
    for (size_t i = 0; i < from.size(); ++i)
      value |= static_cast<T>(static_cast<T>(std::to_integer<uint8_t>(from[i])) << (8 * i));
    return value;
  }
  int64_t integer() { return static_cast<int64_t>(number<uint64_t>()); }
  /// A number of things that take `each` bytes at least: never more than there can be.
  size_t count(size_t each) {
    const size_t n = number<uint32_t>();
    if (n > left() / each) fail();
    return ok_ ? n : 0;
  }
  std::span<const std::byte> raw(uint64_t n) {
    if (n > rest_.size()) fail();
    if (!ok_) return {};
    const std::span<const std::byte> taken = rest_.first(static_cast<size_t>(n));
    rest_ = rest_.subspan(static_cast<size_t>(n));
    return taken;
  }
  std::string text() {
    const std::span<const std::byte> taken = raw(number<uint32_t>());
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }

 private:
  void fail() {
    ok_ = false;
    rest_ = {};
  }

  std::span<const std::byte> rest_;
  bool ok_ = true;
};

}  // namespace nestjit::runtime::disk
