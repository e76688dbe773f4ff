#include "tests/refusals/refuse.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>

#include "compiler/door.h"

extern "C" {
void* __real_aligned_alloc(size_t, size_t);
void* __real_dlopen(const char*, int);
void* __real_dlsym(void*, const char*);
}

namespace nestjit::refusals {
namespace {

constexpr int64_t never = INT64_MAX;

constinit std::atomic<int> kind_now{-1};
constinit std::atomic<int64_t> requests{0}, first{never}, last{never}, refused{0}, living{0};
constinit std::atomic<bool> traces{false};
constinit thread_local int within_llvm = 0, granted = 0;
constinit thread_local bool tracing = false;  // which allocates

class WithinLlvm {
 public:
  WithinLlvm() { ++within_llvm; }
  ~WithinLlvm() { --within_llvm; }
  WithinLlvm(const WithinLlvm&) = delete;
  WithinLlvm& operator=(const WithinLlvm&) = delete;
};

void trace() {
  tracing = true;
  std::array<void*, 48> frames;
  backtrace_symbols_fd(frames.data(), backtrace(frames.data(), static_cast<int>(frames.size())),
                       STDERR_FILENO);
  tracing = false;
}

bool is_refused(Kind kind) {
  if (kind_now.load(std::memory_order_relaxed) != static_cast<int>(kind)) return false;
  if (within_llvm > 0 || granted > 0 || tracing) return false;
  const int64_t n = ++requests;
  if (n < first || n > last) return false;
  ++refused;
  if (traces) trace();
  return true;
}

/// In front of every object.
struct Header {
  void* memory;  // as malloc gave it
  int64_t counts;
};
static_assert(sizeof(Header) == __STDCPP_DEFAULT_NEW_ALIGNMENT__);

void* make(size_t bytes, size_t alignment) {
  if (is_refused(Kind::allocation)) return nullptr;
  const size_t front = std::max(alignment, sizeof(Header));
  if (bytes > SIZE_MAX - 2 * front) return nullptr;
  const size_t whole = (front + bytes + front - 1) / front * front;
  auto* const memory = static_cast<std::byte*>(
      front == sizeof(Header) ? std::malloc(whole) : __real_aligned_alloc(front, whole));
  if (memory == nullptr) return nullptr;
  const Header header{memory, within_llvm == 0};
  living.fetch_add(header.counts, std::memory_order_relaxed);
  std::memcpy(memory + front - sizeof(Header), &header, sizeof(Header));
  return memory + front;
}

void destroy(void* object) {
  if (object == nullptr) return;
  Header header;
  std::memcpy(&header, static_cast<std::byte*>(object) - sizeof(Header), sizeof(Header));
  living.fetch_sub(header.counts, std::memory_order_relaxed);
  std::free(header.memory);
}

const compiler::DoorTable* real_table = nullptr;

void compile_within_llvm(const compiler::DoorRequest* request,
                         compiler::DoorResult* result) noexcept {
  const WithinLlvm inside;
  real_table->compile(request, result);
}

compiler::DoorFunction real_door = nullptr;

const compiler::DoorTable* door() noexcept {
  static const compiler::DoorTable table = [] {
    const WithinLlvm inside;
    real_table = real_door();
    compiler::DoorTable copy = *real_table;
    copy.compile = compile_within_llvm;
    return copy;
  }();
  return &table;
}

}  // namespace

const char* name_of(Kind kind) {
  constexpr std::array<const char*, kinds> names{"allocation", "mmap", "mprotect", "thread"};
  return names[static_cast<size_t>(kind)];
}

void refuse(Kind kind, int64_t n, bool onward) {
  requests = refused = 0;
  first = n;
  last = onward ? never : n;
  kind_now = static_cast<int>(kind);
}

int64_t grant_all() {
  kind_now = -1;
  return refused;
}

Granted::Granted() { ++granted; }
Granted::~Granted() { --granted; }

void trace_refusals() {
  trace();  // the first one loads what it needs
  traces = true;
}

int64_t living_objects() { return living; }

}  // namespace nestjit::refusals

using nestjit::refusals::Kind;

void* operator new(size_t bytes) {
  if (void* object = nestjit::refusals::make(bytes, 1)) return object;
  throw std::bad_alloc();
}

void* operator new(size_t bytes, std::align_val_t alignment) {
  if (void* object = nestjit::refusals::make(bytes, static_cast<size_t>(alignment))) return object;
  throw std::bad_alloc();
}

void operator delete(void* object) noexcept { nestjit::refusals::destroy(object); }
void operator delete(void* object, size_t) noexcept { nestjit::refusals::destroy(object); }
void operator delete(void* object, std::align_val_t) noexcept {
  nestjit::refusals::destroy(object);
}
void operator delete(void* object, size_t, std::align_val_t) noexcept {
  nestjit::refusals::destroy(object);
}

extern "C" {

void* __wrap_aligned_alloc(size_t alignment, size_t bytes) {
  return nestjit::refusals::is_refused(Kind::allocation) ? nullptr
                                                         : __real_aligned_alloc(alignment, bytes);
}

void* __wrap_dlopen(const char* file, int flags) {
  const nestjit::refusals::WithinLlvm inside;
  return __real_dlopen(file, flags);
}

void* __wrap_dlsym(void* library, const char* name) {
  void* const found = __real_dlsym(library, name);
  if (found == nullptr || std::strcmp(name, nestjit::compiler::door_symbol) != 0) return found;
  nestjit::refusals::real_door = reinterpret_cast<nestjit::compiler::DoorFunction>(found);
  return reinterpret_cast<void*>(&nestjit::refusals::door);
}

// These stand before the C library's for shared libraries, too.

void* mmap(void* at, size_t bytes, int protection, int flags, int file, off_t offset) noexcept {
  if (nestjit::refusals::is_refused(Kind::mapping)) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  return reinterpret_cast<void*>(syscall(SYS_mmap, at, bytes, protection, flags, file, offset));
}

int mprotect(void* at, size_t bytes, int protection) noexcept {
  if (nestjit::refusals::is_refused(Kind::protection)) {
    errno = ENOMEM;
    return -1;
  }
  return static_cast<int>(syscall(SYS_mprotect, at, bytes, protection));
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                   void* argument) noexcept {
  using Function = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto real = reinterpret_cast<Function>(__real_dlsym(RTLD_NEXT, "pthread_create"));
  if (nestjit::refusals::is_refused(Kind::thread)) return EAGAIN;
  return real(thread, attributes, run, argument);
}

}  // extern "C"
