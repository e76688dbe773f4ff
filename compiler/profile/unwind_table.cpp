#include "compiler/profile/unwind_table.h"

#include <cstring>
#include <optional>
#include <utility>

namespace nestjit::compiler {
namespace {

// DWARF's numbers of registers and operations.
constexpr uint8_t rbp = 6, rsp = 7, return_address = 16;
constexpr uint8_t advance = 0x40, saved_at = 0x80, def_cfa = 0x0c, cfa_register = 0x0d,
                  cfa_offset = 0x0e;
constexpr int64_t word = 8;

class Writer {
 public:
  void byte(int64_t value) { bytes_.push_back(static_cast<std::byte>(value)); }
  void unsigned_leb(uint64_t value) {
    for (; value >= 0x80; value >>= 7) byte(static_cast<int64_t>(value & 0x7f) | 0x80);
    byte(static_cast<int64_t>(value));
  }
  template <class T>
  void number(T value) {
    const auto* from = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), from, from + sizeof(T));
  }

  /// A record is its length, then its content in whole words.
  size_t begin_record() {
    number(uint32_t{0});
    return bytes_.size();
  }
  void end_record(size_t start) {
    while (bytes_.size() % word != 0) byte(0);  // operations that do nothing
    const auto length = static_cast<uint32_t>(bytes_.size() - start);
    std::memcpy(&bytes_[start - sizeof(length)], &length, sizeof(length));
  }
  size_t size() const { return bytes_.size(); }
  std::vector<std::byte>& bytes() { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// Registers that a callee has to give back as they were, by their numbers in instructions.
std::optional<uint8_t> saved_register(unsigned number) {
  switch (number) {
    case 3: return uint8_t{3};  // rbx
    case 5: return rbp;
    case 12:
    case 13:
    case 14:
    case 15: return static_cast<uint8_t>(number);
    default: return std::nullopt;
  }
}

/// The instructions that a function begins with, as operations of the table.
class Prologue {
 public:
  Prologue(std::span<const std::byte> code, Writer& out) : code_(code), out_(out) {}

  void write() {
    while (push() || frame_pointer() || move_stack()) {
    }
  }

 private:
  unsigned at(size_t offset) const {
    return at_ + offset < code_.size() ? std::to_integer<unsigned>(code_[at_ + offset]) : 0;
  }
  /// From here on holds what follows in the table.
  void pass(size_t bytes) {
    at_ += bytes;
    passed_ += bytes;
  }
  void tell() {  // few bytes are passed at a time
    out_.byte(advance | static_cast<int64_t>(passed_));
    passed_ = 0;
  }

  bool push() {
    const bool extended = at(0) == 0x41;
    const unsigned code = at(extended ? 1 : 0);
    if (code < 0x50 || code > 0x57) return false;
    pass(extended ? 2 : 1);
    grow(word);
    if (const auto saved = saved_register(code - 0x50 + (extended ? 8 : 0))) {
      if (has_frame_pointer_) tell();
      out_.byte(saved_at | *saved);
      out_.unsigned_leb(static_cast<uint64_t>(depth_ / word));
    }
    return true;
  }

  /// mov %rsp, %rbp
  bool frame_pointer() {
    if (at(0) != 0x48 || at(1) != 0x89 || at(2) != 0xe5) return false;
    pass(3);
    tell();
    out_.byte(cfa_register);
    out_.unsigned_leb(rbp);
    has_frame_pointer_ = true;
    return true;
  }

  /// sub, add or and of a number and %rsp
  bool move_stack() {
    const bool is_short = at(1) == 0x83;
    if (at(0) != 0x48 || !(is_short || at(1) == 0x81)) return false;
    const unsigned operation = at(2);
    const bool subtracts = operation == 0xec, adds = operation == 0xc4, aligns = operation == 0xe4;
    if (!(subtracts || adds || (aligns && has_frame_pointer_))) return false;
    const int64_t by = is_short
                           ? static_cast<int8_t>(at(3))
                           : static_cast<int32_t>(at(3) | at(4) << 8 | at(5) << 16 | at(6) << 24);
    pass(is_short ? 4 : 7);
    if (subtracts) grow(by);
    if (adds) grow(-by);
    return true;
  }

  void grow(int64_t bytes) {
    depth_ += bytes;
    if (has_frame_pointer_) return;
    tell();
    out_.byte(cfa_offset);
    out_.unsigned_leb(static_cast<uint64_t>(depth_));
  }

  std::span<const std::byte> code_;
  Writer& out_;
  size_t at_ = 0, passed_ = 0;
  int64_t depth_ = word;  // from the caller's stack pointer down: the return address lies there
  bool has_frame_pointer_ = false;
};

/// How a table holds the addresses of functions.
enum class Addresses : uint8_t { absolute = 0x00, relative = 0x1b };

void write_common(Writer& out, Addresses addresses) {
  const size_t start = out.begin_record();
  out.number(uint32_t{0});  // common to what follows
  out.byte(1);              // version
  for (const char c : {'z', 'R', '\0'}) out.byte(c);
  out.unsigned_leb(1);  // unit of code
  out.byte(0x78);       // unit of offsets: -8 as a signed LEB number
  out.byte(return_address);
  out.unsigned_leb(1);
  out.byte(static_cast<int64_t>(addresses));
  out.byte(def_cfa);
  out.unsigned_leb(rsp);
  out.unsigned_leb(word);
  out.byte(saved_at | return_address);
  out.unsigned_leb(1);
  out.end_record(start);
}

template <class WriteExtent>
void write_function(Writer& out, const NamedCode& function, const WriteExtent& write_extent) {
  const size_t start = out.begin_record();
  out.number(static_cast<uint32_t>(start));  // the distance to the common record, at 0
  write_extent();
  out.unsigned_leb(0);
  Prologue(function.bytes, out).write();
  out.end_record(start);
}

}  // namespace

std::vector<std::byte> unwind_table(std::span<const NamedCode> functions) {
  Writer out;
  write_common(out, Addresses::absolute);
  for (const NamedCode& function : functions)
    write_function(out, function, [&] {
      out.number(static_cast<uint64_t>(reinterpret_cast<uintptr_t>(function.bytes.data())));
      out.number(static_cast<uint64_t>(function.bytes.size()));
    });
  out.number(uint32_t{0});
  return std::move(out.bytes());
}

MovableUnwindTable unwind_table_behind(const NamedCode& function) {
  const size_t distance = (function.bytes.size() + word - 1) / word * word;
  Writer out;
  const auto back = [&](size_t bytes) { out.number(-static_cast<int32_t>(bytes)); };
  write_common(out, Addresses::relative);
  const size_t record = out.size();
  write_function(out, function, [&] {
    back(distance + out.size());
    out.number(static_cast<uint32_t>(function.bytes.size()));
  });
  out.number(uint32_t{0});
  // The header: its version, how its addresses are held, the table's place, and its one function.
  const size_t header = out.size();
  for (const int byte : {1, 0x1b, 0x03, 0x3b}) out.byte(byte);
  back(out.size());
  out.number(uint32_t{1});
  back(distance + header);
  back(header - record);
  const size_t header_bytes = out.size() - header;
  return {std::move(out.bytes()), header_bytes};
}

}  // namespace nestjit::compiler
