#include "tools/read_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/error.h"

namespace nestjit::tools {

std::string read_file(const std::string& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) base::resource("{}: cannot be opened: {}", path, std::strerror(errno));
  std::string bytes;
  constexpr size_t step = 1 << 16;
  while (in) {
    const size_t size = bytes.size();
    bytes.resize(size + step);
    in.read(bytes.data() + size, step);
    bytes.resize(size + static_cast<size_t>(in.gcount()));
  }
  if (in.bad()) base::resource("{}: cannot be read: {}", path, std::strerror(errno));
  return bytes;
}

}  // namespace nestjit::tools
