#include "tools/npy.h"

#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "base/error.h"
#include "ops/conv/problem.h"
#include "tools/read_file.h"

namespace nestjit::tools {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are copied as they stand");

constexpr std::string_view magic = "\x93NUMPY";

/// What the header says.
struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<int64_t> shape;
  size_t descr_at = 0, shape_at = 0;
};

/// Reads the bytes of one file from front to back and reports where they are wrong.
class Reader {
 public:
  Reader(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  size_t at() const { return at_; }

  [[noreturn]] void refuse(size_t at, std::string_view expected, std::string_view got) const {
    base::invalid("{}: byte offset {}: expected {}, got {}", name_, at, expected, got);
  }
  [[noreturn]] void refuse_here(std::string_view expected) const {
    refuse(at_, expected, described_here());
  }

  std::string_view take(size_t count, std::string_view what) {
    if (bytes_.size() - at_ < count)
      refuse(at_, fmt::format("{} ({} bytes)", what, count),
             fmt::format("the end of the file after {} bytes", bytes_.size() - at_));
    return bytes_.substr(std::exchange(at_, at_ + count), count);
  }

  size_t little_endian(size_t count, std::string_view what) {
    size_t value = 0, shift = 0;
    for (const char byte : take(count, what)) {
      value |= static_cast<size_t>(static_cast<unsigned char>(byte)) << shift;
      shift += 8;
    }
    return value;
  }

  void skip_blanks() {
    while (at_ < bytes_.size() && std::strchr(" \t\n\r", bytes_[at_]) && bytes_[at_] != 0) ++at_;
  }

  /// Skips blanks; takes the token when it comes next.
  bool accept(std::string_view token) {
    skip_blanks();
    if (!bytes_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  void expect(std::string_view token) {
    if (!accept(token)) refuse_here(fmt::format("'{}'", token));
  }

  std::string quoted_text(std::string_view what) {
    skip_blanks();
    const char quote = at_ < bytes_.size() ? bytes_[at_] : '\0';
    if (quote != '\'' && quote != '"') refuse_here(what);
    const size_t end = bytes_.find(quote, at_ + 1);
    if (end == bytes_.npos) refuse_here(fmt::format("{} with its closing quote", what));
    const size_t begin = std::exchange(at_, end + 1) + 1;
    return std::string(bytes_.substr(begin, end - begin));
  }

  int64_t extent() {
    skip_blanks();
    const char* const first = bytes_.data() + at_;
    int64_t value = 0;
    const auto [stop, error] = std::from_chars(first, bytes_.data() + bytes_.size(), value);
    if (error != std::errc{} || value < 0) refuse_here("an extent from 0 to 2^63-1");
    at_ += static_cast<size_t>(stop - first);
    accept("L");  // Python 2 wrote long integers so
    return value;
  }

  bool finished() const { return at_ == bytes_.size(); }

 private:
  std::string described_here() const {
    constexpr size_t longest = 16;
    if (finished()) return "the end of the header";
    std::string shown(bytes_.substr(at_, longest));
    for (char& c : shown)
      if (c < 0x20 || c == 0x7f) c = '?';
    return fmt::format("'{}'", shown);
  }

  std::string_view bytes_;
  const std::string& name_;
  size_t at_ = 0;
};

/// Length of the header text, which starts at the reader's place afterwards.
size_t read_preamble(Reader& in, std::string_view bytes) {
  if (!bytes.starts_with(magic)) in.refuse(0, "the magic \"\\x93NUMPY\"", "something else");
  in.take(magic.size(), "the magic");
  const size_t version_at = in.at();
  const size_t major = in.little_endian(1, "the major version");
  const size_t minor = in.little_endian(1, "the minor version");
  if (major < 1 || major > 3 || minor != 0)
    in.refuse(version_at, "version 1.0, 2.0 or 3.0", fmt::format("{}.{}", major, minor));
  return in.little_endian(major == 1 ? 2 : 4, "the header's length");
}

std::vector<int64_t> parse_shape(Reader& in) {
  std::vector<int64_t> shape;
  in.expect("(");
  while (!in.accept(")")) {
    shape.push_back(in.extent());
    if (!in.accept(",")) {
      // Without a comma the parentheses do not make a tuple.
      if (shape.size() == 1) in.refuse_here("',' after the only extent");
      in.expect(")");
      break;
    }
  }
  return shape;
}

/// The dict literal. `in` holds the file up to the header's end.
Header parse_header(Reader& in) {
  Header header;
  bool descr = false, order = false, shape = false;
  in.expect("{");
  while (!in.accept("}")) {
    in.skip_blanks();
    const size_t key_at = in.at();
    const std::string key = in.quoted_text("a key in quotes or '}'");
    in.expect(":");
    in.skip_blanks();
    if (key == "descr" && !std::exchange(descr, true)) {
      header.descr_at = in.at();
      header.descr = in.quoted_text("an element type in quotes");
    } else if (key == "fortran_order" && !std::exchange(order, true)) {
      header.fortran_order = in.accept("True");
      if (!header.fortran_order && !in.accept("False")) in.refuse_here("True or False");
    } else if (key == "shape" && !std::exchange(shape, true)) {
      header.shape_at = in.at();
      header.shape = parse_shape(in);
    } else {
      in.refuse(key_at, "each of the keys descr, fortran_order and shape once",
                fmt::format("'{}'", key.substr(0, 40)));
    }
    if (!in.accept(",")) {
      in.expect("}");
      break;
    }
  }
  in.skip_blanks();
  if (!in.finished()) in.refuse_here("the end of the header");
  if (!descr || !order || !shape)
    in.refuse_here("the keys descr, fortran_order and shape before the header's end");
  return header;
}

/// Elements of a shape of non-negative extents, or nothing when their bytes overflow 64 bits.
std::optional<int64_t> count_of(const std::vector<int64_t>& shape) {
  std::optional<int64_t> bytes = int64_t{sizeof(float)};
  for (const int64_t extent : shape) {
    if (extent == 0) return 0;
    if (bytes) bytes = base::checked_mul(*bytes, extent);
  }
  if (!bytes) return std::nullopt;
  return *bytes / int64_t{sizeof(float)};
}

/// Elements of an array whose first index varies fastest, in the order where the last one does.
std::vector<float> row_major(const std::vector<float>& values, const std::vector<int64_t>& shape) {
  std::vector<float> result;
  result.reserve(values.size());
  std::vector<int64_t> index(shape.size(), 0);
  while (result.size() < values.size()) {
    int64_t from = 0;
    for (size_t i = shape.size(); i-- > 0;) from = from * shape[i] + index[i];
    result.push_back(values[static_cast<size_t>(from)]);
    for (size_t i = shape.size(); i-- > 0;) {
      if (++index[i] < shape[i]) break;
      index[i] = 0;
    }
  }
  return result;
}

void check_type(const Header& header, const std::string& name) {
  if (header.descr == "<f4") return;
  base::unsupported("{}: byte offset {}: expected element type '<f4', got '{}'", name,
                    header.descr_at, header.descr.substr(0, 40));
}

}  // namespace

NpyArray parse_npy(std::string_view bytes, const std::string& name) {
  Reader preamble(bytes, name);
  const size_t header_size = read_preamble(preamble, bytes);
  const size_t header_at = preamble.at();
  preamble.take(header_size, "the header");

  Reader text(bytes.substr(0, preamble.at()), name);
  text.take(header_at, "the preamble");
  Header header = parse_header(text);
  check_type(header, name);

  const auto count = count_of(header.shape);
  if (!count)
    preamble.refuse(header.shape_at, "a shape whose bytes fit in 64 bits",
                    ops::shape_text(header.shape));
  const std::string_view data = bytes.substr(preamble.at());
  if (data.size() != static_cast<size_t>(*count) * sizeof(float))
    preamble.refuse(preamble.at(),
                    fmt::format("{} bytes of elements for the shape {}", *count * 4,
                                ops::shape_text(header.shape)),
                    fmt::format("{} bytes", data.size()));
  NpyArray array{std::move(header.shape), std::vector<float>(static_cast<size_t>(*count))};
  if (!data.empty()) std::memcpy(array.values.data(), data.data(), data.size());
  if (header.fortran_order) array.values = row_major(array.values, array.shape);
  return array;
}

NpyArray read_npy(const std::string& path) { return parse_npy(read_file(path), path); }

void write_npy(const std::string& path, const std::vector<int64_t>& shape,
               std::span<const float> values) {
  bool legal = true;
  for (const int64_t extent : shape) legal = legal && extent >= 0;
  if (!legal || count_of(shape) != static_cast<int64_t>(values.size()))
    base::invalid("{}: {} values do not fill the shape {}", path, values.size(),
                  ops::shape_text(shape));
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (const int64_t extent : shape) header += fmt::format("{}, ", extent);
  header += "), }";
  // The elements start at a multiple of 64 bytes; the header ends in a newline.
  constexpr size_t preamble = magic.size() + 4;
  header.append(63 - (preamble + header.size()) % 64, ' ');
  header += '\n';
  if (header.size() > 0xffff)
    base::invalid("{}: a shape of {} dimensions is too long for the header", path, shape.size());

  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << magic << '\1' << '\0' << static_cast<char>(header.size() & 0xff)
      << static_cast<char>(header.size() >> 8) << header;
  out.write(reinterpret_cast<const char*>(values.data()),
            static_cast<std::streamsize>(values.size_bytes()));
  out.close();
  if (!out) base::resource("{}: cannot be written: {}", path, std::strerror(errno));
}

}  // namespace nestjit::tools
