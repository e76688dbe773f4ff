// One large mapping of executable memory and which of its pages are taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace nestjit::compiler {

inline constexpr size_t executable_page = 4096;

/// How many whole pages hold so many bytes.
constexpr size_t pages_of(size_t bytes) { return (bytes + executable_page - 1) / executable_page; }

/// Places are counted in pages from the start of the mapping. Not thread-safe.
class ExecutableRegion {
 public:
  /// Reserves address space, inaccessible and without memory; null when the system refuses.
  static std::unique_ptr<ExecutableRegion> reserve(size_t pages);
  ~ExecutableRegion();
  ExecutableRegion(const ExecutableRegion&) = delete;
  ExecutableRegion& operator=(const ExecutableRegion&) = delete;

  /// The first of the lowest free pages in a row that are enough; nothing when there are none.
  std::optional<size_t> take(size_t pages);
  /// Copies code into pages that were taken for it and makes them executable. Throws a resource
  /// error when the system refuses; the pages are then to be given back as usual.
  void fill(size_t first, std::span<const std::byte> code);
  /// Drops the content of pages, which are free again.
  void give_back(size_t first, size_t pages) noexcept;

  std::byte* address(size_t page) const { return base_ + page * executable_page; }
  size_t pages() const { return taken_.size(); }
  size_t pages_taken() const { return count_; }

 private:
  ExecutableRegion(std::byte* base, size_t pages) : base_(base), taken_(pages) {}

  std::byte* base_;
  std::vector<bool> taken_;  // one a page: giving back needs no memory
  size_t count_ = 0;
  size_t first_free_ = 0;  // no page before it is free
};

}  // namespace nestjit::compiler
