#include <elf.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "compiler/profile/perf_files.h"
#include "compiler/profile/unwind_table.h"

namespace nestjit::compiler {
namespace {

constexpr uint32_t magic = 0x4a695444;  // "JiTD" in the byte order of the writer
constexpr uint32_t version = 1;
constexpr uint32_t code_load = 0, unwinding = 4;

struct FileHeader {
  uint32_t magic, version, bytes, machine, reserved, process;
  uint64_t time, flags;
};

struct CodeLoad {
  uint32_t kind, bytes;
  uint64_t time;
  uint32_t process, thread;
  uint64_t virtual_address, address, code_bytes, index;
  // the name with its zero, then the code
};

/// Of the code that the next record holds.
struct Unwinding {
  uint32_t kind, bytes;
  uint64_t time, table_bytes, header_bytes, mapped_bytes;
  // the table, filled up to a multiple of 8 bytes
};
static_assert(sizeof(FileHeader) == 40 && sizeof(CodeLoad) == 56 && sizeof(Unwinding) == 40);

/// The clock of `perf record -k mono`.
uint64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(time.tv_nsec);
}

uint32_t process_id() { return static_cast<uint32_t>(getpid()); }

class JitDump final : public PerfFile {
 public:
  explicit JitDump(std::unique_ptr<OutputFile> file) : file_(std::move(file)) {}
  ~JitDump() override {
    if (mark_ != MAP_FAILED) munmap(mark_, page_bytes());
  }
  JitDump(const JitDump&) = delete;
  JitDump& operator=(const JitDump&) = delete;

  bool start(std::string& why) {
    const FileHeader header{magic, version, sizeof(FileHeader), EM_X86_64, 0, process_id(),
                            now(), 0};
    if (!file_->append(std::as_bytes(std::span(&header, 1)), why)) return false;
    mark_ = mmap(nullptr, page_bytes(), PROT_READ | PROT_EXEC, MAP_PRIVATE, file_->descriptor(), 0);
    if (mark_ == MAP_FAILED) why = "it cannot be mapped: " + std::generic_category().message(errno);
    return mark_ != MAP_FAILED;
  }

  bool add(const NamedCode& function, std::string& why) override {
    std::vector<std::byte> records;
    put_unwinding(records, function);
    put_code(records, function);
    return file_->append(records, why);
  }

 private:
  static size_t page_bytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

  template <class T>
  static void put(std::vector<std::byte>& to, const T* from, size_t count) {
    const auto* bytes = reinterpret_cast<const std::byte*>(from);
    to.insert(to.end(), bytes, bytes + count * sizeof(T));
  }

  static void put_unwinding(std::vector<std::byte>& records, const NamedCode& function) {
    const MovableUnwindTable table = unwind_table_behind(function);
    const size_t padded = (table.bytes.size() + 7) / 8 * 8;
    const Unwinding head{unwinding,
                         static_cast<uint32_t>(sizeof(Unwinding) + padded),
                         now(),
                         table.bytes.size(),
                         table.header_bytes,
                         table.bytes.size()};
    put(records, &head, 1);
    put(records, table.bytes.data(), table.bytes.size());
    records.resize(records.size() + padded - table.bytes.size());
  }

  void put_code(std::vector<std::byte>& records, const NamedCode& function) {
    const uint64_t address = reinterpret_cast<uintptr_t>(function.bytes.data());
    const size_t name_bytes = function.name.size() + 1;
    const CodeLoad head{
        code_load,
        static_cast<uint32_t>(sizeof(CodeLoad) + name_bytes + function.bytes.size()),
        now(),
        process_id(),
        static_cast<uint32_t>(gettid()),
        address,
        address,
        function.bytes.size(),
        next_index_++};
    put(records, &head, 1);
    put(records, function.name.c_str(), name_bytes);
    put(records, function.bytes.data(), function.bytes.size());
  }

  std::unique_ptr<OutputFile> file_;
  void* mark_ = MAP_FAILED;
  uint64_t next_index_ = 0;
};

}  // namespace

std::unique_ptr<PerfFile> open_jit_dump(const std::string& folder, std::string& why) {
  const std::string path = fmt::format("{}/jit-{}.dump", folder, process_id());
  auto file = OutputFile::open(path, OutputFile::Content::none, why);
  if (file == nullptr) return nullptr;
  auto dump = std::make_unique<JitDump>(std::move(file));
  if (dump->start(why)) return dump;
  why = path + ": " + why;
  return nullptr;
}

}  // namespace nestjit::compiler
