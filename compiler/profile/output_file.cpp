#include "compiler/profile/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace nestjit::compiler {
namespace {

std::string reason_of(int error) { return std::generic_category().message(error); }

}  // namespace

std::unique_ptr<OutputFile> OutputFile::open(const std::string& path, Content content,
                                             std::string& why) {
  constexpr int usual = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
  const int descriptor =
      ::open(path.c_str(), content == Content::none ? usual | O_TRUNC : usual, 0600);
  if (descriptor >= 0) return std::unique_ptr<OutputFile>(new OutputFile(descriptor));
  why = path + ": " + reason_of(errno);
  return nullptr;
}

OutputFile::~OutputFile() { ::close(descriptor_); }

bool OutputFile::append(std::span<const std::byte> bytes, std::string& why) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes = bytes.subspan(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      why = reason_of(errno);
      return false;
    }
  }
  return true;
}

}  // namespace nestjit::compiler
