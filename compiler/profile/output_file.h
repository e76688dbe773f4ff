// A file that is written from its start to its end.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace nestjit::compiler {

/// Closes itself. Not thread-safe.
class OutputFile {
 public:
  enum class Content { none, kept };  // of a file that is there

  /// Opens or creates a file that the user alone may read. A link is not followed. Null, with the
  /// system's reason, where that is not possible.
  static std::unique_ptr<OutputFile> open(const std::string& path, Content content,
                                          std::string& why);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Appends all of it; false, with the reason, when the system does not take it.
  bool append(std::span<const std::byte> bytes, std::string& why);
  int descriptor() const { return descriptor_; }

 private:
  explicit OutputFile(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

}  // namespace nestjit::compiler
