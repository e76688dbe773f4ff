#include "compiler/executable_region.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace nestjit::compiler {
namespace {

[[noreturn]] void refuse(std::string_view what, size_t bytes, int error) {
  const bool policy = error == EACCES || error == EPERM;
  base::resource(
      "executable memory: {} bytes cannot be made {}: {}{}", bytes, what, std::strerror(error),
      policy ? "; a rule of this system (SELinux's execmem, MemoryDenyWriteExecute, seccomp) "
               "forbids memory that was written to be executed, which a compiler at run "
               "time needs"
             : "");
}

}  // namespace

std::unique_ptr<ExecutableRegion> ExecutableRegion::reserve(size_t pages) {
  void* base = mmap(nullptr, pages * executable_page, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return nullptr;
  // Pages that the system joined to huge ones would hold memory that no kernel asked for. Systems
  // without huge pages refuse the advice.
  madvise(base, pages * executable_page, MADV_NOHUGEPAGE);
  try {
    return std::unique_ptr<ExecutableRegion>(
        new ExecutableRegion(static_cast<std::byte*>(base), pages));
  } catch (...) {
    munmap(base, pages * executable_page);
    throw;
  }
}

ExecutableRegion::~ExecutableRegion() { munmap(base_, pages() * executable_page); }

std::optional<size_t> ExecutableRegion::take(size_t pages) {
  size_t run = 0;
  for (size_t page = first_free_; page < taken_.size(); ++page) {
    run = taken_[page] ? 0 : run + 1;
    if (run < pages) continue;
    const size_t first = page + 1 - pages;
    for (size_t i = first; i <= page; ++i) taken_[i] = true;
    count_ += pages;
    if (first == first_free_) first_free_ = page + 1;
    return first;
  }
  return std::nullopt;
}

void ExecutableRegion::fill(size_t first, std::span<const std::byte> code) {
  std::byte* const to = address(first);
  const size_t bytes = pages_of(code.size()) * executable_page;
  if (mprotect(to, bytes, PROT_READ | PROT_WRITE) != 0) refuse("writable", bytes, errno);
  std::memcpy(to, code.data(), code.size());
  if (mprotect(to, bytes, PROT_READ | PROT_EXEC) != 0) {
    const int error = errno;
    mprotect(to, bytes, PROT_NONE);
    refuse("executable", bytes, error);
  }
  __builtin___clear_cache(reinterpret_cast<char*>(to), reinterpret_cast<char*>(to + bytes));
}

void ExecutableRegion::give_back(size_t first, size_t pages) noexcept {
  // The pages stay executable, as their neighbours are, and read as zeros: other protections would
  // cut the mapping into pieces.
  madvise(address(first), pages * executable_page, MADV_DONTNEED);
  for (size_t i = first; i < first + pages; ++i) taken_[i] = false;
  count_ -= pages;
  if (first < first_free_) first_free_ = first;
}

}  // namespace nestjit::compiler
