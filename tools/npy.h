// NumPy's .npy files of 32-bit floats.
//
// Format (numpy.lib.format, versions 1.0, 2.0 and 3.0): "\x93NUMPY", major, minor, the header's
// length (2 bytes in 1.0, else 4; little-endian), a Python dict literal with the keys 'descr',
// 'fortran_order' and 'shape', then the elements.
//
// Errors: a file that cannot be opened, read or written is a resource error. One that is malformed
// is an invalid argument "file.npy: byte offset N: expected ..., got ...", whatever its bytes are;
// a well-formed one of another element type than '<f4' is unsupported, with the same form of text.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nestjit::tools {

/// Row-contiguous, whatever the order in the file was. An empty shape is a single element.
struct NpyArray {
  std::vector<int64_t> shape;
  std::vector<float> values;
};

NpyArray read_npy(const std::string& path);

/// The same for bytes in memory; `name` stands for the file in errors.
NpyArray parse_npy(std::string_view bytes, const std::string& name);

/// Version 1.0, C order. The number of values must be the shape's (else invalid argument).
void write_npy(const std::string& path, const std::vector<int64_t>& shape,
               std::span<const float> values);

}  // namespace nestjit::tools
