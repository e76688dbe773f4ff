// A reader of jitdump files, by perf's specification of the format.
#pragma once

#include <elf.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace nestjit::compiler {

struct DumpedFunction {
  std::string name;
  uint64_t address, time, index;
  uint32_t process, thread;
  std::string code;
  std::string table;  // for unwinding
};

/// Checks what holds for every file; the records of code in order.
class JitDumpReader {
 public:
  JitDumpReader(std::string file, uint32_t process) : file_(std::move(file)) {
    EXPECT_EQ(number<uint32_t>(), 0x4a695444u);
    EXPECT_EQ(number<uint32_t>(), 1u);
    const auto header_bytes = number<uint32_t>();
    EXPECT_EQ(header_bytes, 40u);
    EXPECT_EQ(number<uint32_t>(), static_cast<uint32_t>(EM_X86_64));
    number<uint32_t>();  // reserved
    EXPECT_EQ(number<uint32_t>(), process);
    time = number<uint64_t>();
    EXPECT_EQ(number<uint64_t>(), 0u) << "flags";
    EXPECT_EQ(at_, header_bytes);
    while (at_ < file_.size() && !testing::Test::HasFailure()) {
      const std::string table = unwinding();
      functions.push_back(record());
      functions.back().table = table;
    }
  }

  uint64_t time = 0;  // ns of CLOCK_MONOTONIC
  std::vector<DumpedFunction> functions;

 private:
  template <class T>
  T number() {
    T value{};
    EXPECT_LE(at_ + sizeof(T), file_.size()) << "the file is cut short";
    if (at_ + sizeof(T) <= file_.size()) std::memcpy(&value, file_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }

  std::string unwinding() {
    const size_t start = at_;
    EXPECT_EQ(number<uint32_t>(), 4u) << "no record of unwinding";
    const auto bytes = number<uint32_t>();
    number<uint64_t>();  // time
    const auto table_bytes = number<uint64_t>(), header_bytes = number<uint64_t>();
    EXPECT_EQ(number<uint64_t>(), table_bytes);
    EXPECT_EQ(header_bytes, 20u);
    EXPECT_LE(at_ + table_bytes, start + bytes);
    const std::string table = file_.substr(at_, table_bytes);
    at_ = start + bytes;
    return table;
  }

  DumpedFunction record() {
    const size_t start = at_;
    DumpedFunction f;
    EXPECT_EQ(number<uint32_t>(), 0u) << "no record of code";
    const auto bytes = number<uint32_t>();
    EXPECT_LE(start + bytes, file_.size()) << "the file is cut short";
    f.time = number<uint64_t>();
    f.process = number<uint32_t>();
    f.thread = number<uint32_t>();
    const auto virtual_address = number<uint64_t>();
    f.address = number<uint64_t>();
    EXPECT_EQ(f.address, virtual_address);
    const auto code_bytes = number<uint64_t>();
    f.index = number<uint64_t>();
    f.name = file_.substr(at_, file_.find('\0', at_) - at_);
    at_ += f.name.size() + 1;
    f.code = file_.substr(at_, code_bytes);
    at_ += code_bytes;
    EXPECT_EQ(at_, start + bytes);
    return f;
  }

  std::string file_;
  size_t at_ = 0;
};

}  // namespace nestjit::compiler
