// Tables that lead from a kernel to its caller, read by DWARF's rules. tests/seen_by_tools_test.py
// has gdb read them.
#include "compiler/profile/unwind_table.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "compiler/code_image.h"

namespace nestjit::compiler {
namespace {

/// Where the caller's frame is for an instruction: the address `offset` from a register, and
/// registers that were saved so many bytes below it.
struct Row {
  uint64_t cfa_register = 0, cfa_offset = 0;
  std::map<uint64_t, uint64_t> saved;
  bool operator==(const Row&) const = default;
};

void PrintTo(const Row& row, std::ostream* out) {
  *out << "r" << row.cfa_register << "+" << row.cfa_offset;
  for (const auto& [saved, below] : row.saved) *out << " r" << saved << ":" << below;
}

class TableReader {
 public:
  /// `place`: where the table lies, for addresses that are relative.
  explicit TableReader(std::vector<std::byte> table, uint64_t place = 0)
      : table_(std::move(table)),
        place_(place) {}

  /// The row of an instruction of the function that holds it.
  Row row_at(const std::byte* place) {
    const auto address = reinterpret_cast<uintptr_t>(place);
    Row common;
    for (at_ = 0;;) {
      const auto length = number<uint32_t>();
      if (length == 0) break;
      const size_t start = at_, end = start + length;
      const auto id = number<uint32_t>();
      if (id == 0) {
        EXPECT_EQ(number<uint8_t>(), 1);
        EXPECT_STREQ(reinterpret_cast<const char*>(&table_[at_]), "zR");
        at_ += 3;
        EXPECT_EQ(leb(), 1u);
        EXPECT_EQ(number<uint8_t>(), 0x78);  // -8
        EXPECT_EQ(number<uint8_t>(), 16);
        EXPECT_EQ(leb(), 1u);
        relative_ = number<uint8_t>() == 0x1b;
        run(common, end, UINT64_MAX);
      } else {
        EXPECT_EQ(start, id) << "the common record is the first one";
        const uint64_t first = address_of_function();
        const uint64_t bytes = relative_ ? number<uint32_t>() : number<uint64_t>();
        EXPECT_EQ(leb(), 0u);
        Row row = common;
        if (first <= address && address < first + bytes) {
          run(row, end, address - first);
          return row;
        }
      }
      at_ = end;
    }
    ADD_FAILURE() << "no function holds the instruction";
    return {};
  }

 private:
  template <class T>
  T number() {
    T value{};
    EXPECT_LE(at_ + sizeof(T), table_.size());
    std::memcpy(&value, &table_[at_], sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  uint64_t leb() {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = number<uint8_t>();
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
  }

  uint64_t address_of_function() {
    if (!relative_) return number<uint64_t>();
    const uint64_t here = place_ + at_;
    return here + static_cast<uint64_t>(int64_t{number<int32_t>()});
  }

  /// The operations that hold for an instruction so far into its function.
  void run(Row& row, size_t end, uint64_t offset) {
    uint64_t passed = 0;
    while (at_ < end) {
      const auto operation = number<uint8_t>();
      if (operation >> 6 == 1) {
        passed += operation & 0x3fu;
        if (passed > offset) return;
      } else if (operation >> 6 == 2) {
        row.saved[operation & 0x3fu] = 8 * leb();
      } else if (operation == 0x0c) {
        row.cfa_register = leb();
        row.cfa_offset = leb();
      } else if (operation == 0x0d) {
        row.cfa_register = leb();
      } else if (operation == 0x0e) {
        row.cfa_offset = leb();
      } else {
        EXPECT_EQ(operation, 0) << "an operation that does nothing";
      }
    }
  }

  std::vector<std::byte> table_;
  uint64_t place_;
  bool relative_ = false;
  size_t at_ = 0;
};

std::vector<std::byte> code(std::initializer_list<int> bytes) {
  std::vector<std::byte> code;
  for (const int b : bytes) code.push_back(static_cast<std::byte>(b));
  return code;
}

constexpr uint64_t rbx = 3, rbp = 6, rsp = 7, r15 = 15, ret = 16;

Row row_of(const std::vector<std::byte>& function, size_t offset) {
  const NamedCode named{"f", function};
  return TableReader(unwind_table(std::span(&named, 1))).row_at(function.data() + offset);
}

TEST(UnwindTable, LeafWithoutAFrame) {
  const auto f = code({0x31, 0xc0, 0xc3});  // xor %eax, %eax; ret
  EXPECT_EQ(row_of(f, 0), (Row{rsp, 8, {{ret, 8}}}));
  EXPECT_EQ(row_of(f, 2), (Row{rsp, 8, {{ret, 8}}}));
}

TEST(UnwindTable, SavedRegistersAndMemoryBelowThem) {
  const auto f = code({0x55, 0x41, 0x57, 0x50, 0x53,              // push rbp, r15, rax, rbx
                       0x48, 0x81, 0xec, 0x00, 0x01, 0x02, 0x00,  // sub $0x20100, %rsp
                       0x90});
  EXPECT_EQ(row_of(f, 0), (Row{rsp, 8, {{ret, 8}}}));
  EXPECT_EQ(row_of(f, 1), (Row{rsp, 16, {{ret, 8}, {rbp, 16}}}));
  EXPECT_EQ(row_of(f, 2), (Row{rsp, 16, {{ret, 8}, {rbp, 16}}})) << "inside of an instruction";
  EXPECT_EQ(row_of(f, 3), (Row{rsp, 24, {{ret, 8}, {rbp, 16}, {r15, 24}}}));
  EXPECT_EQ(row_of(f, 4), (Row{rsp, 32, {{ret, 8}, {rbp, 16}, {r15, 24}}})) << "rax is no one's";
  const Row all{rsp, 40 + 0x20100, {{ret, 8}, {rbp, 16}, {r15, 24}, {rbx, 40}}};
  EXPECT_EQ(row_of(f, 12), all);
}

TEST(UnwindTable, ShortNumbersAndThoseThatAreAdded) {
  const auto f = code({0x48, 0x83, 0xec, 0x18, 0x48, 0x83, 0xc4, 0x80, 0x90});  // sub 24, add -128
  EXPECT_EQ(row_of(f, 4), (Row{rsp, 32, {{ret, 8}}}));
  EXPECT_EQ(row_of(f, 8), (Row{rsp, 160, {{ret, 8}}}));
}

TEST(UnwindTable, AlignedFramesHangOnTheFramePointer) {
  const auto f = code({0x55, 0x48, 0x89, 0xe5, 0x41, 0x57, 0x53,  // push rbp; mov; push r15, rbx
                       0x48, 0x83, 0xe4, 0xc0,                    // and $-64, %rsp
                       0x48, 0x81, 0xec, 0x00, 0x10, 0x00, 0x00,  // sub $0x1000, %rsp
                       0x90});
  EXPECT_EQ(row_of(f, 1), (Row{rsp, 16, {{ret, 8}, {rbp, 16}}}));
  EXPECT_EQ(row_of(f, 4), (Row{rbp, 16, {{ret, 8}, {rbp, 16}}}));
  EXPECT_EQ(row_of(f, 6), (Row{rbp, 16, {{ret, 8}, {rbp, 16}, {r15, 24}}}));
  EXPECT_EQ(row_of(f, 18), (Row{rbp, 16, {{ret, 8}, {rbp, 16}, {r15, 24}, {rbx, 32}}}));
}

TEST(UnwindTable, EveryFunctionHasItsRows) {
  const auto all = code({0x53, 0xc3, 0x55, 0xc3});
  const std::vector<NamedCode> named{{"f", std::span(all).first(2)}, {"g", std::span(all).last(2)}};
  TableReader table(unwind_table(named));
  EXPECT_EQ(table.row_at(all.data() + 1), (Row{rsp, 16, {{ret, 8}, {rbx, 16}}}));
  EXPECT_EQ(table.row_at(all.data() + 2), (Row{rsp, 8, {{ret, 8}}}));
  EXPECT_EQ(table.row_at(all.data() + 3), (Row{rsp, 16, {{ret, 8}, {rbp, 16}}}));
}

TEST(UnwindTable, BehindItsFunctionWhereverThatIs) {
  const auto f = code({0x53, 0x55, 0xc3});  // 3 bytes, filled up to 8
  const NamedCode named{"f", f};
  const MovableUnwindTable table = unwind_table_behind(named);
  const uint64_t function = reinterpret_cast<uintptr_t>(f.data()), place = function + 8;
  TableReader reader(table.bytes, place);
  EXPECT_EQ(reader.row_at(f.data()), (Row{rsp, 8, {{ret, 8}}}));
  EXPECT_EQ(reader.row_at(f.data() + 2), (Row{rsp, 24, {{ret, 8}, {rbx, 16}, {rbp, 24}}}));

  ASSERT_EQ(table.header_bytes, 20u);
  const size_t start = table.bytes.size() - table.header_bytes;
  const auto number = [&](size_t offset) {
    int32_t value = 0;
    std::memcpy(&value, &table.bytes[start + offset], sizeof(value));
    return value;
  };
  EXPECT_EQ(number(0), 0x3b031b01);
  EXPECT_EQ(start + 4 + static_cast<size_t>(number(4)), 0u) << "the table begins there";
  EXPECT_EQ(number(8), 1);
  EXPECT_EQ(place + start + static_cast<uint64_t>(int64_t{number(12)}), function);
  const size_t record = start + static_cast<size_t>(number(16));
  int32_t distance = 0;  // of the function's record to the common one
  std::memcpy(&distance, &table.bytes.at(record + 4), sizeof(distance));
  EXPECT_EQ(static_cast<size_t>(distance), record + 4);
}

TEST(UnwindTable, TheLargestFitsTheGapBetweenImages) {
  const auto f = code({0x55, 0x48, 0x89, 0xe5, 0x41, 0x57, 0x41, 0x56, 0x41, 0x55, 0x41, 0x54,
                       0x53, 0x48, 0x83, 0xe4, 0xc0, 0x48, 0x81, 0xec, 0x00, 0x10, 0x00, 0x00});
  const auto g = code({0x55, 0x41, 0x57, 0x41, 0x56, 0x41, 0x55, 0x41, 0x54, 0x53, 0x48, 0x81, 0xec,
                       0x00, 0x10, 0x20, 0x00});
  for (const auto& function : {f, g})
    EXPECT_LE(unwind_table_behind({"f", function}).bytes.size() + 8, CodeImage::gap);
}

TEST(UnwindTable, ReadsNoByteBehindAFunction) {
  const auto f = code({0x55, 0x48, 0x83});
  const NamedCode cut{"f", std::span(f).first(1)};
  TableReader table(unwind_table(std::span(&cut, 1)));
  EXPECT_EQ(table.row_at(f.data()), (Row{rsp, 8, {{ret, 8}}}));
}

}  // namespace
}  // namespace nestjit::compiler
