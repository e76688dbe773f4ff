#include <fmt/format.h>
#include <unistd.h>

#include "compiler/profile/perf_files.h"

namespace nestjit::compiler {
namespace {

class PerfMap final : public PerfFile {
 public:
  explicit PerfMap(std::unique_ptr<OutputFile> file) : file_(std::move(file)) {}

  /// One write a line: lines of other writers stay whole.
  bool add(const NamedCode& function, std::string& why) override {
    const std::string line =
        fmt::format("{:x} {:x} {}\n", reinterpret_cast<uintptr_t>(function.bytes.data()),
                    function.bytes.size(), function.name);
    return file_->append(std::as_bytes(std::span(line)), why);
  }

 private:
  std::unique_ptr<OutputFile> file_;
};

}  // namespace

std::unique_ptr<PerfFile> open_perf_map(std::string& why) {
  auto file =
      OutputFile::open(fmt::format("/tmp/perf-{}.map", getpid()), OutputFile::Content::kept, why);
  if (file == nullptr) return nullptr;
  return std::make_unique<PerfMap>(std::move(file));
}

}  // namespace nestjit::compiler
