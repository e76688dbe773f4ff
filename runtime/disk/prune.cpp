#include "runtime/disk/prune.h"

#include <algorithm>
#include <tuple>

namespace nestjit::runtime::disk {
namespace {

constexpr int64_t seconds_to_write = 3600;  // an older unfinished file has lost its writer

}  // namespace

Pruned prune(const Folder& folder, const Settings& settings) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  std::vector<FileInfo> files = folder.files();
  std::ranges::sort(files, {}, [](const FileInfo& f) {
    return std::tuple(f.used.tv_sec, f.used.tv_nsec, f.name);
  });
  Pruned result;
  for (const FileInfo& file : files) {
    ++result.files_left;
    result.bytes_left += file.bytes;
  }
  for (const FileInfo& file : files) {
    const int64_t age = now.tv_sec - file.used.tv_sec;
    const bool unfinished = file.name.front() == '.';
    const bool goes = unfinished
                          ? age > seconds_to_write
                          : age > settings.most_seconds || result.bytes_left > settings.most_bytes;
    if (!goes || !folder.remove(file.name)) continue;
    ++result.files;
    result.bytes += file.bytes;
    --result.files_left;
    result.bytes_left -= file.bytes;
  }
  return result;
}

}  // namespace nestjit::runtime::disk
