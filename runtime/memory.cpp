#include "runtime/memory.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

#include "base/env.h"
#include "base/error.h"

namespace nestjit::runtime {
namespace {

constexpr int64_t unlimited = std::numeric_limits<int64_t>::max();
constexpr int64_t huge_page = int64_t{2} << 20;
constexpr int64_t checked_from = int64_t{16} << 20;  // smaller blocks skip the look at the system
constexpr int64_t looked_at_every = int64_t{64} << 10;  // bytes of small memory
constexpr int64_t reserve = int64_t{64} << 20;          // left for everybody else

std::atomic<int64_t> held{0};

/// First number of a file, or nothing ("max" included).
std::optional<int64_t> number_in(const std::filesystem::path& file) {
  std::ifstream in(file);
  int64_t value;
  if (in >> value) return value;
  return std::nullopt;
}

/// The number after a word at the start of a line: "MemAvailable: 123 kB".
std::optional<int64_t> labelled_number(const std::filesystem::path& file, std::string_view label) {
  std::ifstream in(file);
  int64_t value;
  for (std::string word; in >> word; in.ignore(INT64_MAX, '\n')) {
    if (word == label && in >> value) return value;
  }
  return std::nullopt;
}

/// What the control groups of the process leave: the least of the group and its ancestors. File
/// cache counts as used there but is given back under pressure.
int64_t left_by_cgroups() {
  const std::filesystem::path root = "/sys/fs/cgroup";
  std::ifstream in("/proc/self/cgroup");
  std::string line;
  while (std::getline(in, line) && line.rfind("0::", 0) != 0) {
  }
  if (line.rfind("0::", 0) != 0) return unlimited;
  int64_t left = unlimited;
  for (auto path = std::filesystem::path(line.substr(3)).relative_path();;
       path = path.parent_path()) {
    const auto folder = root / path;
    const auto limit = number_in(folder / "memory.max");
    const auto used = number_in(folder / "memory.current");
    if (limit && used) {
      const int64_t cache = labelled_number(folder / "memory.stat", "inactive_file").value_or(0);
      left = std::min(left, *limit - *used + cache);
    }
    if (path.empty()) return left;
  }
}

int64_t left_by_address_space() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return unlimited;
  const int64_t pages = number_in("/proc/self/statm").value_or(0);
  return static_cast<int64_t>(limit.rlim_cur) - pages * sysconf(_SC_PAGESIZE);
}

int64_t configured_limit() {
  const auto text = base::setting("NESTJIT_MEMORY_LIMIT");
  if (!text) return unlimited;
  int64_t mib = 0;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), mib);
  if (code != std::errc() || end != text->data() + text->size() || mib < 0 ||
      mib > unlimited >> 20) {
    base::invalid("NESTJIT_MEMORY_LIMIT: expected a number of MiB, got \"{}\"", *text);
  }
  return mib << 20;
}

void check_available(int64_t bytes, std::string_view what) {
  const int64_t limit = configured_limit();
  const int64_t now = held.load(std::memory_order_relaxed);
  if (bytes > limit - std::min(limit, now)) {
    base::resource("{}: {} bytes on top of {} would exceed NESTJIT_MEMORY_LIMIT of {} bytes", what,
                   bytes, now, limit);
  }
  if (bytes >= checked_from) expect_available(bytes + reserve, what);
}

}  // namespace

void expect_available(int64_t bytes, std::string_view what) {
  const int64_t available = available_memory();
  if (bytes <= available) return;
  base::resource("{}: {} bytes wanted, the system has {} available", what, bytes, available);
}

int64_t available_memory() {
  const auto kib = labelled_number("/proc/meminfo", "MemAvailable:");
  const int64_t system = kib ? *kib * 1024 : unlimited;
  return std::max<int64_t>(0, std::min({system, left_by_cgroups(), left_by_address_space()}));
}

int64_t held_memory() { return held.load(std::memory_order_relaxed); }

std::shared_ptr<void> allocate_block(int64_t bytes, std::string_view what) {
  if (bytes == 0) return nullptr;
  check_available(bytes, what);
  const int64_t alignment = bytes >= 2 * huge_page ? huge_page : 64;
  const auto rounded = static_cast<size_t>((bytes + alignment - 1) / alignment * alignment);
  void* block = std::aligned_alloc(static_cast<size_t>(alignment), rounded);
  if (block == nullptr) base::resource("{}: {} bytes wanted, the system refused", what, bytes);
  // A hint: walking a weight panel through 4 KiB pages costs a tenth of the peak.
  if (alignment == huge_page) madvise(block, rounded, MADV_HUGEPAGE);
  held.fetch_add(bytes, std::memory_order_relaxed);
  return {block, [bytes](void* p) {
            held.fetch_sub(bytes, std::memory_order_relaxed);
            std::free(p);
          }};
}

HeldBytes::HeldBytes(int64_t bytes) : bytes_(bytes) {
  const int64_t now = held.load(std::memory_order_relaxed);
  if (now / looked_at_every != (now + bytes) / looked_at_every) {
    check_available(bytes, "a small array");
  }
  held.fetch_add(bytes, std::memory_order_relaxed);
}

HeldBytes::~HeldBytes() { held.fetch_sub(bytes_, std::memory_order_relaxed); }

}  // namespace nestjit::runtime
