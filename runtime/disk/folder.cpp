#include "runtime/disk/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>

#include "runtime/disk/entry.h"

namespace nestjit::runtime::disk {
namespace {

constexpr mode_t folder_mode = 0700, file_mode = 0600;
constexpr mode_t writable_by_others = S_IWGRP | S_IWOTH;

/// A file is noted as used when it was not within this time: reading would be writing otherwise.
constexpr time_t seconds_between_notes = 600;

std::string failed(std::string_view what) {
  return fmt::format("{}: {}", what, std::strerror(errno));
}

/// Makes the folders of an absolute or relative path, from the first one down.
void make_folders(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1))
    mkdir(path.substr(0, slash).c_str(), folder_mode);
  mkdir(path.c_str(), folder_mode);  // what could not be made shows when it is opened
}

/// Why a file or folder cannot be trusted, or an empty text.
std::string distrust(const struct stat& info) {
  if (info.st_uid != geteuid())
    return fmt::format("it belongs to user {}, not to {}", info.st_uid, geteuid());
  if ((info.st_mode & writable_by_others) != 0)
    return fmt::format("others may write to it (mode {:03o})", info.st_mode & 0777);
  return {};
}

/// Why a file cannot be a kernel's, or an empty text.
std::string unfit(const struct stat& info) {
  if (!S_ISREG(info.st_mode)) return "it is not a plain file";
  if (info.st_size > largest_file) return "it is larger than any kernel";
  return distrust(info);
}

bool read_all(int file, std::span<std::byte> to) {
  while (!to.empty()) {
    const ssize_t n = ::read(file, to.data(), to.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to = to.subspan(static_cast<size_t>(n));
  }
  return true;
}

bool write_all(int file, std::span<const std::byte> from) {
  while (!from.empty()) {
    const ssize_t n = ::write(file, from.data(), from.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    from = from.subspan(static_cast<size_t>(n));
  }
  return true;
}

void note_use(int file, const struct stat& info) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (now.tv_sec - info.st_mtim.tv_sec < seconds_between_notes) return;
  futimens(file, nullptr);  // where that is not allowed, the file looks older than it is
}

/// A name that no other writer has, in whatever container it may run.
std::string unfinished_name() {
  uint64_t random[2] = {};
  if (getrandom(random, sizeof(random), GRND_NONBLOCK) != sizeof(random)) {
    static std::atomic<uint64_t> counter{0};
    random[0] = static_cast<uint64_t>(getpid());
    random[1] = ++counter;
  }
  return fmt::format(".{:016x}{:016x}", random[0], random[1]);
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) close(number_);
}

std::optional<Folder> Folder::open(const std::string& path, bool make, std::string& reason) {
  constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  Descriptor folder(::open(path.c_str(), flags));
  if (!folder && errno == ENOENT) {
    if (!make) return std::nullopt;
    make_folders(path);
    folder = Descriptor(::open(path.c_str(), flags));
  }
  struct stat info{};
  if (!folder || fstat(folder.get(), &info) != 0) {
    reason = failed(path);
    return std::nullopt;
  }
  if (const std::string why = distrust(info); !why.empty()) {
    reason = fmt::format("{}: {}", path, why);
    return std::nullopt;
  }
  return Folder(std::move(folder));
}

FileContent Folder::read(const std::string& name, Note note) const {
  FileContent content;
  // Without O_NONBLOCK, a pipe of that name would wait for a writer.
  const Descriptor file(openat(descriptor_.get(), name.c_str(),
                               O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  struct stat info{};
  if (!file || fstat(file.get(), &info) != 0) {
    if (errno != ENOENT) content.why = failed("it cannot be opened");
    content.bad = errno == ELOOP || errno == ENXIO || errno == EACCES;
    return content;
  }
  content.why = unfit(info);
  content.bad = !content.why.empty();
  if (content.bad) return content;
  std::vector<std::byte> bytes(static_cast<size_t>(info.st_size));
  if (!read_all(file.get(), bytes)) {
    content.why = "it cannot be read to its end";
    return content;
  }
  if (note == Note::use) note_use(file.get(), info);
  content.bytes = std::move(bytes);
  return content;
}

bool Folder::write(const std::string& name, std::span<const std::byte> bytes,
                   std::string& reason) const {
  const std::string unfinished = unfinished_name();
  const Descriptor file(openat(descriptor_.get(), unfinished.c_str(),
                               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file_mode));
  if (!file) {
    reason = failed("it cannot be made");
    return false;
  }
  if (!write_all(file.get(), bytes) || fsync(file.get()) != 0) {
    reason = failed("it cannot be written");
  } else if (!rename(unfinished, name)) {
    reason = failed("it cannot be put in place");
  } else {
    return true;
  }
  remove(unfinished);
  return false;
}

bool Folder::rename(const std::string& from, const std::string& to) const {
  return renameat(descriptor_.get(), from.c_str(), descriptor_.get(), to.c_str()) == 0;
}

bool Folder::remove(const std::string& name) const {
  return unlinkat(descriptor_.get(), name.c_str(), 0) == 0;
}

std::vector<FileInfo> Folder::files() const {
  std::vector<FileInfo> files;
  const int copy = openat(descriptor_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(copy < 0 ? nullptr : fdopendir(copy), closedir);
  if (listing == nullptr) {
    if (copy >= 0) close(copy);
    return files;
  }
  while (const dirent* found = readdir(listing.get())) {
    struct stat info{};
    if (fstatat(descriptor_.get(), found->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISDIR(info.st_mode)) continue;
    files.push_back({found->d_name, info.st_size, info.st_mtim});
  }
  return files;
}

}  // namespace nestjit::runtime::disk
