#include "compiler/executable_memory.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <vector>

#include "base/error.h"
#include "base/forks.h"
#include "compiler/executable_region.h"

namespace nestjit::compiler {
namespace {

constexpr size_t region_pages = (size_t{64} << 20) / executable_page;
constexpr size_t least_pages = (size_t{1} << 20) / executable_page;  // where address space is short

class Pool {
 public:
  std::byte* place(std::span<const std::byte> code) {
    const size_t pages = pages_of(code.size());
    const std::lock_guard lock(mutex_);
    const auto [region, first] = take(pages);
    try {
      region->fill(first, code);
    } catch (...) {
      release(*region, first, pages);
      throw;
    }
    return region->address(first);
  }

  void give_back(const std::byte* code, size_t pages) noexcept {
    const std::lock_guard lock(mutex_);
    for (const auto& region : regions_) {
      const std::byte* base = region->address(0);
      if (code < base || code >= region->address(region->pages())) continue;
      release(*region, static_cast<size_t>(code - base) / executable_page, pages);
      return;
    }
  }

  void before_fork() { mutex_.lock(); }
  void after_fork() { mutex_.unlock(); }

  ExecutableMemoryCounts counts() const {
    const std::lock_guard lock(mutex_);
    ExecutableMemoryCounts counts{.blocks = blocks_};
    for (const auto& region : regions_) {
      ++counts.regions;
      counts.reserved_bytes += static_cast<int64_t>(region->pages() * executable_page);
      counts.used_bytes += static_cast<int64_t>(region->pages_taken() * executable_page);
    }
    return counts;
  }

 private:
  struct Place {
    ExecutableRegion* region;
    size_t first;
  };

  Place take(size_t pages) {
    for (const auto& region : regions_) {
      if (const auto first = region->take(pages)) return counted({region.get(), *first});
    }
    regions_.reserve(regions_.size() + 1);
    std::unique_ptr<ExecutableRegion> region =
        ExecutableRegion::reserve(std::max(pages, region_pages));
    if (region == nullptr) region = ExecutableRegion::reserve(std::max(pages, least_pages));
    if (region == nullptr)
      base::resource("executable memory: no address space for {} bytes", pages * executable_page);
    regions_.push_back(std::move(region));
    return counted({regions_.back().get(), *regions_.back()->take(pages)});
  }

  Place counted(Place place) {
    ++blocks_;
    return place;
  }

  /// One empty mapping is kept, so that a lone kernel may come and go.
  void release(ExecutableRegion& region, size_t first, size_t pages) noexcept {
    region.give_back(first, pages);
    --blocks_;
    if (region.pages_taken() != 0 || regions_.size() == 1) return;
    std::erase_if(regions_, [&](const auto& r) { return r.get() == &region; });
  }

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<ExecutableRegion>> regions_;
  int64_t blocks_ = 0;
};

// Never destroyed: kernels may be released by the destructors of other globals. Takes no memory to
// make: a fork may be what asks for it first.
Pool& pool() {
  alignas(Pool) static std::byte memory[sizeof(Pool)];
  static Pool* const shared = new (memory) Pool();
  return *shared;
}

[[maybe_unused]] const bool held_at_forks =
    (base::at_fork(
         base::ForkStage::leaves, [] { pool().before_fork(); },
         [](base::ForkSide) { pool().after_fork(); }),
     true);

}  // namespace

std::shared_ptr<const std::byte> place_code(std::span<const std::byte> code) {
  if (code.empty()) return nullptr;
  const size_t pages = pages_of(code.size());
  return {pool().place(code),
          [pages](const std::byte* placed) { pool().give_back(placed, pages); }};
}

ExecutableMemoryCounts executable_memory_counts() { return pool().counts(); }

}  // namespace nestjit::compiler
