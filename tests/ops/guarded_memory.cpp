#include "tests/ops/guarded_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

namespace nestjit::ops {

GuardedFloats::GuardedFloats(size_t count, Edge edge, size_t align) : count_(count) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE)), bytes = count * sizeof(float);
  const size_t inner = (bytes + page - 1) / page * page;
  bytes_ = inner + 2 * page;
  pages_ = mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages_ == MAP_FAILED) std::abort();
  char* const first = static_cast<char*>(pages_) + page;
  if (inner > 0 && mprotect(first, inner, PROT_READ | PROT_WRITE) != 0) std::abort();
  const size_t shift = edge == Edge::first ? 0 : (inner - bytes) / align * align;
  data_ = reinterpret_cast<float*>(first + shift);
}

GuardedFloats::~GuardedFloats() { munmap(pages_, bytes_); }

}  // namespace nestjit::ops
