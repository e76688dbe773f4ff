#include "runtime/disk/entry.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "compiler/frame.h"
#include "runtime/disk/bytes.h"
#include "runtime/disk/digest.h"

namespace nestjit::runtime::disk {
namespace {

constexpr std::string_view magic = "NESTJIT\n";
constexpr size_t digest_bytes = std::tuple_size_v<Digest>;
constexpr size_t length_offset = magic.size() + 2 * sizeof(uint32_t);
constexpr size_t header_bytes = length_offset + sizeof(uint64_t);

void write_body(ByteWriter& out, const Entry& e) {
  for (const std::string* text : {&e.key, &e.problem, &e.schedule, &e.target, &e.llvm, &e.build})
    out.text(*text);
  out.number(std::bit_cast<uint64_t>(e.compile_ms));
  out.integer(e.workgroups);
  out.text(e.workgroup_count);
  out.count(e.symbols.size());
  for (const ir::SymbolDecl& symbol : e.symbols) {
    out.text(symbol.name);
    out.integer(symbol.min);
    out.integer(symbol.max);
  }
  out.count(e.uses.size());
  for (const bool used : e.uses) out.number(static_cast<uint8_t>(used));
  out.count(e.packed.size());
  for (const StoredPacking& p : e.packed) {
    out.number(p.source);
    out.integer(p.bytes);
    out.integer(p.workgroups);
  }
  out.count(e.image.entries.size());
  for (const uint32_t entry : e.image.entries) out.number(entry);
  out.number(static_cast<uint64_t>(e.image.bytes.size()));
  out.raw(e.image.bytes);
}

Entry read_body(ByteReader& in) {
  Entry e;
  for (std::string* text : {&e.key, &e.problem, &e.schedule, &e.target, &e.llvm, &e.build})
    *text = in.text();
  e.compile_ms = std::bit_cast<double>(in.number<uint64_t>());
  e.workgroups = in.integer();
  e.workgroup_count = in.text();
  for (size_t left = in.count(20); left > 0; --left) {
    ir::SymbolDecl symbol;
    symbol.name = in.text();
    symbol.min = in.integer();
    symbol.max = in.integer();
    e.symbols.push_back(std::move(symbol));
  }
  for (size_t left = in.count(1); left > 0; --left) e.uses.push_back(in.number<uint8_t>() != 0);
  for (size_t left = in.count(20); left > 0; --left) {
    StoredPacking packing;
    packing.source = in.number<uint32_t>();
    packing.bytes = in.integer();
    packing.workgroups = in.integer();
    e.packed.push_back(packing);
  }
  for (size_t left = in.count(4); left > 0; --left)
    e.image.entries.push_back(in.number<uint32_t>());
  const std::span<const std::byte> code = in.raw(in.number<uint64_t>());
  e.image.bytes.assign(code.begin(), code.end());
  return e;
}

/// What does not hold together, or an empty text.
std::string_view contradiction(const Entry& e) {
  if (e.image.bytes.empty()) return "there is no code";
  if (e.image.entries.size() != 1 + e.packed.size()) return "entry points do not match operands";
  for (const uint32_t entry : e.image.entries)
    if (entry >= e.image.bytes.size()) return "an entry point lies outside of the code";
  for (const StoredPacking& p : e.packed)
    if (p.source >= e.uses.size() || p.bytes < 0 || p.bytes > INT64_MAX / 2 || p.workgroups < 0)
      return "a packed operand is out of range";
  for (const ir::SymbolDecl& symbol : e.symbols)
    if (symbol.name.empty() || symbol.min > symbol.max) return "a symbol is out of range";
  if (e.symbols.empty() ? e.workgroups < 0 || !e.workgroup_count.empty()
                        : e.workgroup_count.empty())
    return "the number of workgroups is out of range";
  return {};
}

}  // namespace

bool Entry::same_kernel(const Entry& o) const {
  return key == o.key && problem == o.problem && schedule == o.schedule && target == o.target &&
         llvm == o.llvm && build == o.build && workgroups == o.workgroups &&
         workgroup_count == o.workgroup_count && symbols == o.symbols && uses == o.uses &&
         packed == o.packed && image.entries == o.image.entries && image.bytes == o.image.bytes;
}

std::vector<std::byte> write_entry(const Entry& entry) {
  ByteWriter out;
  out.raw(std::as_bytes(std::span(magic)));
  out.number(format_version);
  out.number(compiler::abi_version);
  out.number(uint64_t{0});  // the length, once it is known
  write_body(out, entry);
  ByteWriter length;
  length.number(static_cast<uint64_t>(out.bytes().size() + digest_bytes));
  std::ranges::copy(length.bytes(), out.bytes().begin() + length_offset);
  out.raw(sha256(out.bytes()));
  return std::move(out.bytes());
}

std::optional<Entry> read_unsealed_entry(std::span<const std::byte> file, std::string& reason) {
  const auto refuse = [&](std::string_view why) -> std::optional<Entry> {
    reason = why;
    return std::nullopt;
  };
  if (file.size() < header_bytes + digest_bytes) return refuse("it is cut short");
  ByteReader in(file.first(file.size() - digest_bytes));
  if (!std::ranges::equal(in.raw(magic.size()), std::as_bytes(std::span(magic))))
    return refuse("it is no kernel of nestjit");
  if (const uint32_t format = in.number<uint32_t>(); format != format_version)
    return refuse(fmt::format("its format is {}, this build reads {}", format, format_version));
  if (const uint32_t abi = in.number<uint32_t>(); abi != compiler::abi_version)
    return refuse(fmt::format("its ABI is {}, that of this build {}", abi, compiler::abi_version));
  if (in.number<uint64_t>() != file.size()) return refuse("its length is not the one it tells");
  Entry entry = read_body(in);
  if (!in.ok() || in.left() != 0) return refuse("its parts do not fill it");
  if (const std::string_view wrong = contradiction(entry); !wrong.empty()) return refuse(wrong);
  return entry;
}

std::optional<Entry> read_entry(std::span<const std::byte> file, std::string& reason) {
  std::optional<Entry> entry = read_unsealed_entry(file, reason);
  if (!entry) return entry;
  if (!std::ranges::equal(sha256(file.first(file.size() - digest_bytes)),
                          file.last(digest_bytes))) {
    reason = "its checksum is wrong";
    return std::nullopt;
  }
  return entry;
}

}  // namespace nestjit::runtime::disk
