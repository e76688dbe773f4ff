// The folder that holds stored kernels, and files in it that nobody else could have put there.
//
// The folder belongs to the user, others cannot write to it, and neither it nor a file in it is
// reached through a symbolic link. A file appears under its name with all of its content or not at
// all, however many processes write it. Every failure is a reason in words, never an exception.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace nestjit::runtime::disk {

/// An open file or folder, closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor();

  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_;
};

struct FileInfo {
  std::string name;
  int64_t bytes = 0;
  timespec used{};  // when it was last read or written
};

struct FileContent {
  std::optional<std::vector<std::byte>> bytes;
  std::string why;   // there are none; empty where there is no such file
  bool bad = false;  // what is there will never do: a link, somebody else's, no plain file
};

class Folder {
 public:
  /// Opens the folder; makes it, with mode 0700, and those above it where asked to. Nothing with
  /// the reason when it is not there (`reason` stays empty), cannot be opened or cannot be trusted.
  static std::optional<Folder> open(const std::string& path, bool make, std::string& reason);

  /// Reads a file whole; by default with a note that it was used.
  enum class Note : uint8_t { none, use };
  FileContent read(const std::string& name, Note note = Note::use) const;
  /// Puts a file in place, under another name until it is complete and on the disk.
  bool write(const std::string& name, std::span<const std::byte> bytes, std::string& reason) const;
  bool rename(const std::string& from, const std::string& to) const;
  bool remove(const std::string& name) const;

  /// All files, in no order; names that begin with a dot are unfinished ones.
  std::vector<FileInfo> files() const;

 private:
  explicit Folder(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

  Descriptor descriptor_;
};

}  // namespace nestjit::runtime::disk
