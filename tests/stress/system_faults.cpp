#include "tests/stress/system_faults.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>

namespace nestjit::stress {
namespace {

std::atomic<int64_t> left{0};  // calls until one fails; 0: none does
std::atomic<int> error_now{0};
std::atomic<bool> all_later{false}, has_failed{false};

bool fails() {
  if (left.load() == 0) return false;
  int64_t before = left.load();
  while (before > 0 && !left.compare_exchange_weak(before, before == 1 ? -1 : before - 1)) {
  }
  const bool now = before == 1 || (before == -1 && all_later);
  if (!now) return false;
  has_failed = true;
  errno = error_now;
  return true;
}

}  // namespace

void fail_system_call(int64_t n, int error, bool and_later) {
  error_now = error;
  all_later = and_later;
  has_failed = false;
  left = n;
}

bool system_calls_work_again() {
  left = 0;
  return has_failed.exchange(false);
}

}  // namespace nestjit::stress

extern "C" {

int __real_open(const char*, int, ...);
int __real_openat(int, const char*, int, ...);
ssize_t __real_read(int, void*, size_t);
ssize_t __real_write(int, const void*, size_t);
int __real_fsync(int);
int __real_fstat(int, struct stat*);
int __real_renameat(int, const char*, int, const char*);
int __real_unlinkat(int, const char*, int);
int __real_mkdir(const char*, mode_t);

int __wrap_open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return nestjit::stress::fails() ? -1 : __real_open(path, flags, mode);
}

int __wrap_openat(int folder, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return nestjit::stress::fails() ? -1 : __real_openat(folder, path, flags, mode);
}

ssize_t __wrap_read(int file, void* to, size_t bytes) {
  return nestjit::stress::fails() ? -1 : __real_read(file, to, bytes);
}

ssize_t __wrap_write(int file, const void* from, size_t bytes) {
  if (!nestjit::stress::fails()) return __real_write(file, from, bytes);
  const int error = errno;
  if (__real_write(file, from, bytes / 2) < 0) return -1;
  errno = error;
  return -1;
}

int __wrap_fsync(int file) { return nestjit::stress::fails() ? -1 : __real_fsync(file); }

int __wrap_fstat(int file, struct stat* info) {
  return nestjit::stress::fails() ? -1 : __real_fstat(file, info);
}

int __wrap_renameat(int from_folder, const char* from, int to_folder, const char* to) {
  return nestjit::stress::fails() ? -1 : __real_renameat(from_folder, from, to_folder, to);
}

int __wrap_unlinkat(int folder, const char* path, int flags) {
  return nestjit::stress::fails() ? -1 : __real_unlinkat(folder, path, flags);
}

int __wrap_mkdir(const char* path, mode_t mode) {
  return nestjit::stress::fails() ? -1 : __real_mkdir(path, mode);
}

}  // extern "C"
