#include "tests/fuzzers/targets.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "ir/parse.h"
#include "ir/print.h"
#include "ops/conv/problem.h"
#include "runtime/disk/entry.h"
#include "runtime/disk/kernel_entry.h"
#include "tools/golden.h"
#include "tools/npy.h"

namespace nestjit::fuzzers {
namespace {

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

[[noreturn]] void broken(const char* rule) {
  std::fprintf(stderr, "broken: %s\n", rule);
  std::abort();
}

/// Errors of readers are fine; defects are not, and other exceptions end the process by themselves.
template <class Body>
void expecting_errors(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) broken(error.what());
  }
}

/// A file that exists in memory only.
class MemoryFile {
 public:
  explicit MemoryFile(Bytes bytes) : number_(memfd_create("bytes", MFD_CLOEXEC)) {
    if (number_ < 0 ||
        write(number_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
      broken("there is no memory for a file");
  }
  ~MemoryFile() { close(number_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(number_); }

 private:
  int number_;
};

}  // namespace

void read_problem(Bytes bytes) {
  expecting_errors([&] {
    const ops::ConvProblem problem = ops::parse_problem(text_of(bytes));
    if (!(ops::parse_problem(ops::to_string(problem)) == problem))
      broken("a problem reads back as it was");
  });
}

void read_ir(Bytes bytes) {
  expecting_errors([&] {
    const std::string printed = ir::to_string(ir::parse_kernel(text_of(bytes)));
    std::string again;
    try {
      again = ir::to_string(ir::parse_kernel(printed));
    } catch (const Error& error) {
      broken(error.what());
    }
    if (again != printed) broken("a kernel reads back as it was");
  });
}

void read_npy(Bytes bytes) {
  expecting_errors([&] {
    const tools::NpyArray array = tools::parse_npy(text_of(bytes), "fuzzed.npy");
    size_t elements = 1;
    for (const int64_t extent : array.shape) elements *= static_cast<size_t>(extent);
    if (elements != array.values.size()) broken("the shape tells the number of values");
  });
}

void read_golden(Bytes bytes) {
  const MemoryFile file(bytes);
  expecting_errors([&] {
    for (const tools::GoldenCase& golden : tools::read_golden_cases(file.path()))
      expecting_errors([&] { tools::problems_of(golden); });
  });
  expecting_errors([&] { tools::read_golden_edge_calls(file.path()); });
}

void read_kernel_file(Bytes bytes) {
  std::string reason;
  const auto entry = runtime::disk::read_unsealed_entry(std::as_bytes(bytes), reason);
  if (!entry) {
    if (reason.empty()) broken("what is refused is refused for a reason");
    return;
  }
  expecting_errors([&] { runtime::disk::restore(*entry); });
  const auto again = runtime::disk::read_entry(runtime::disk::write_entry(*entry), reason);
  if (!again || !again->same_kernel(*entry)) broken("an entry reads back as it was");
}

}  // namespace nestjit::fuzzers
