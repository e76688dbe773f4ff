#include "tools/npy.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <filesystem>
#include <limits>
#include <random>

#include "tests/ops/expect_error.h"
#include "tools/read_file.h"

namespace nestjit::tools {
namespace {

std::string temporary(const std::string& name) { return testing::TempDir() + "nestjit_" + name; }

std::string bytes_of(const std::vector<float>& values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// A file of version 1.0 with this header text.
std::string version1(const std::string& header, const std::string& data) {
  return std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size() & 0xff) +
         static_cast<char>(header.size() >> 8) + header + data;
}

/// A file of version 2.0 or 3.0.
std::string version23(char major, const std::string& header, const std::string& data) {
  return std::string("\x93NUMPY") + major + '\0' + static_cast<char>(header.size() & 0xff) +
         static_cast<char>(header.size() >> 8) + std::string(2, '\0') + header + data;
}

const std::string pair_header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";

void expect_malformed(const std::string& bytes, std::string_view text) {
  SCOPED_TRACE(bytes);
  expect_invalid(text, [&] { parse_npy(bytes, "a.npy"); });
}

void expect_malformed_header(const std::string& header, std::string_view text) {
  expect_malformed(version1(header, bytes_of({1, 2})), text);
}

TEST(Npy, WrittenArraysReadBack) {
  const std::string path = temporary("round.npy");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<NpyArray> arrays{{{2, 3}, {1, -2, 3.5f, -0.0f, 1e-45f, INFINITY}},
                                     {{}, {7}},
                                     {{1}, {nan}},
                                     {{0, 5}, {}},
                                     {{1, 1, 2, 1, 1, 1, 2}, {1, 2, 3, 4}}};
  for (const NpyArray& array : arrays) {
    write_npy(path, array.shape, array.values);
    const NpyArray back = read_npy(path);
    EXPECT_EQ(back.shape, array.shape);
    EXPECT_EQ(bytes_of(back.values), bytes_of(array.values));
  }
  std::filesystem::remove(path);
}

TEST(Npy, WritesTheDocumentedBytes) {
  const std::string path = temporary("bytes.npy");
  write_npy(path, {2}, std::vector<float>{1, 2});
  const std::string bytes = read_file(path);
  std::filesystem::remove(path);
  ASSERT_EQ(bytes.size(), 128u + 8u);
  EXPECT_EQ(bytes.substr(0, 10), std::string("\x93NUMPY\1\0\x76\0", 10));
  EXPECT_TRUE(
      bytes.substr(10).starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (2,"));
  EXPECT_EQ(bytes[127], '\n');
  EXPECT_EQ(bytes.substr(128), bytes_of({1, 2}));
}

TEST(Npy, ReadsAllVersionsAndSpellings) {
  const std::vector<float> values{1, 2};
  for (const std::string& file :
       {version1(pair_header, bytes_of(values)), version23(2, pair_header, bytes_of(values)),
        version23(3, pair_header + "  \n", bytes_of(values)),
        version1("{\"shape\":(2L,),\"descr\":\"<f4\",\"fortran_order\":False}", bytes_of(values)),
        version1(" { 'fortran_order' : True , 'shape' : ( 2 , ) , 'descr' : '<f4' } ",
                 bytes_of(values))}) {
    const NpyArray array = parse_npy(file, "a.npy");
    EXPECT_EQ(array.shape, std::vector<int64_t>{2});
    EXPECT_EQ(array.values, values);
  }
}

TEST(Npy, FortranOrderIsTransposed) {
  const std::string header = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3, 2)}";
  std::vector<float> column_major(12), row_major(12);
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 2; ++k) {
        const auto value = static_cast<float>(100 * i + 10 * j + k);
        column_major[static_cast<size_t>(i + 2 * j + 6 * k)] = value;
        row_major[static_cast<size_t>(6 * i + 2 * j + k)] = value;
      }
  EXPECT_EQ(parse_npy(version1(header, bytes_of(column_major)), "a.npy").values, row_major);
}

TEST(Npy, NamesWhatIsWrongAtWhichByte) {
  expect_malformed("", "a.npy: byte offset 0: expected the magic \"\\x93NUMPY\", got something");
  expect_malformed("\x93NUMPY",
                   "byte offset 6: expected the major version (1 bytes), got the end "
                   "of the file after 0 bytes");
  expect_malformed(std::string("\x93NUMPY\4\0", 8),
                   "byte offset 6: expected version 1.0, 2.0 or 3.0, got 4.0");
  expect_malformed(std::string("\x93NUMPY\1\0\x40\0{}", 12),
                   "byte offset 10: expected the header (64 bytes), got the end of the file after "
                   "2 bytes");
  expect_malformed(version1(pair_header, bytes_of({1})),
                   "byte offset 67: expected 8 bytes of elements for the shape (2), got 4 bytes");
  expect_malformed(version1(pair_header, bytes_of({1, 2, 3})), "got 12 bytes");
}

TEST(Npy, NamesWhatIsWrongInTheHeader) {
  expect_malformed_header("", "byte offset 10: expected '{', got the end of the header");
  expect_malformed_header("{'descr': '<f4'}",
                          "byte offset 26: expected the keys descr, "
                          "fortran_order and shape before the header's end");
  expect_malformed_header("{'descr: '<f4'}", "byte offset 20: expected ':', got '<f4'}'");
  expect_malformed_header("{descr: 1}", "byte offset 11: expected a key in quotes or '}', got 'd");
  expect_malformed_header("{'descr", "expected a key in quotes or '}' with its closing quote");
  expect_malformed_header("{'descr': [('a', '<f4')]}",
                          "expected an element type in quotes, got '[");
  expect_malformed_header("{'fortran_order': 1}", "expected True or False, got '1}'");
  expect_malformed_header("{'shape': (2)}", "expected ',' after the only extent, got ')}'");
  expect_malformed_header("{'shape': (-2,)}", "expected an extent from 0 to 2^63-1, got '-2,)}'");
  expect_malformed_header("{'shape': (99999999999999999999,)}", "expected an extent from 0 to");
  expect_malformed_header("{'shape': (1,,)}", "expected an extent from 0 to 2^63-1, got ',)}'");
  expect_malformed_header("{'shape': (2,), 'shape': (2,)}",
                          "byte offset 26: expected each of the keys descr, fortran_order and "
                          "shape once, got 'shape'");
  expect_malformed_header("{'more': 1}", "once, got 'more'");
  expect_malformed_header(pair_header + "x", "byte offset 67: expected the end of the header");
}

TEST(Npy, HugeShapesAreRefusedBeforeMemoryIsAsked) {
  const auto with_shape = [](const std::string& shape) {
    return "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + "}";
  };
  expect_malformed_header(with_shape("(4611686018427387904, 4)"),
                          "byte offset 60: expected a shape whose bytes fit in 64 bits, got "
                          "(4611686018427387904,4)");
  expect_malformed_header(with_shape("(1000000000000,)"),
                          "expected 4000000000000 bytes of elements for the shape "
                          "(1000000000000), got 8 bytes");
  const NpyArray empty =
      parse_npy(version1(with_shape("(4611686018427387904, 0, 4611686018427387904)"), ""), "a.npy");
  EXPECT_TRUE(empty.values.empty());
}

TEST(Npy, OtherElementTypesAreUnsupportedByName) {
  for (const char* type : {"<f8", ">f4", "<f2", "<i4", "|b1", "<c8"})
    expect_error(ErrorKind::unsupported,
                 std::string("a.npy: byte offset 20: expected element type '<f4', got '") + type,
                 [&] {
                   std::string header = pair_header;
                   header.replace(header.find("<f4"), 3, type);
                   parse_npy(version1(header, bytes_of({1, 2})), "a.npy");
                 });
}

TEST(Npy, DamagedFilesAreRefusedOrRead) {
  const std::string good = version1("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }",
                                    bytes_of({1, 2, 3, 4, 5, 6}));
  for (size_t length = 0; length < good.size(); ++length)
    expect_malformed(good.substr(0, length), "a.npy: byte offset ");
  std::mt19937 random(3);
  for (int i = 0; i < 100000; ++i) {
    std::string bytes = good;
    for (size_t n = 1 + random() % 3; n-- > 0;)
      bytes[random() % bytes.size()] =
          static_cast<char>(random() % 4 ? 32 + random() % 96 : random());
    const auto error = error_of([&] { parse_npy(bytes, "a.npy"); });
    if (!error) continue;
    ASSERT_TRUE(error->kind() == ErrorKind::invalid_argument ||
                error->kind() == ErrorKind::unsupported)
        << error->what();
    ASSERT_TRUE(std::string_view(error->what()).starts_with("a.npy: byte offset "))
        << error->what();
  }
}

TEST(Npy, FilesThatCannotBeUsedAreResourceErrors) {
  expect_error(ErrorKind::resource, "/absent.npy: cannot be opened: No such file",
               [] { read_npy(testing::TempDir() + "/nowhere/absent.npy"); });
  expect_error(ErrorKind::resource, "cannot be read: Is a directory",
               [] { read_npy(testing::TempDir()); });
  expect_error(ErrorKind::resource, "absent.npy: cannot be written: No such file", [] {
    write_npy(testing::TempDir() + "/nowhere/absent.npy", {1}, std::vector<float>{1});
  });
}

TEST(Npy, ShapesThatDoNotFitTheValuesAreRefused) {
  const std::vector<float> values{1, 2, 3};
  expect_invalid("a.npy: 3 values do not fill the shape (2,2)",
                 [&] { write_npy("a.npy", {2, 2}, values); });
  expect_invalid("3 values do not fill the shape (-3,-1)",
                 [&] { write_npy("a.npy", {-3, -1}, values); });
}

}  // namespace
}  // namespace nestjit::tools
