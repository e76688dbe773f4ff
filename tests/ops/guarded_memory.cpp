#include "tests/ops/guarded_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <limits>

#include "ir/element.h"

namespace nestjit::ops {

GuardedMemory::GuardedMemory(size_t bytes, Edge edge, size_t align) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t inner = (bytes + page - 1) / page * page;
  bytes_ = inner + 2 * page;
  pages_ = mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages_ == MAP_FAILED) std::abort();
  char* const first = static_cast<char*>(pages_) + page;
  if (inner > 0 && mprotect(first, inner, PROT_READ | PROT_WRITE) != 0) std::abort();
  data_ = first + (edge == Edge::first ? 0 : (inner - bytes) / align * align);
}

GuardedMemory::~GuardedMemory() { munmap(pages_, bytes_); }

GuardedElements::GuardedElements(ir::Scalar scalar, int64_t count, GuardedMemory::Edge edge)
    : scalar_(scalar),
      count_(count),
      memory_(std::make_unique<GuardedMemory>(static_cast<size_t>(count * ir::byte_size(scalar)),
                                              edge)) {
  for (int64_t i = 0; i < count; ++i) set(i, std::numeric_limits<double>::quiet_NaN());
}

double GuardedElements::at(int64_t i) const { return ir::read_element(scalar_, data(), i); }

void GuardedElements::set(int64_t i, double value) { ir::write_element(scalar_, data(), i, value); }

}  // namespace nestjit::ops
