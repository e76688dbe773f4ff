// What the front doors of the family have in common when they judge their arguments.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "ops/conv/problem.h"
#include "ops/conv/wide.h"

namespace nestjit::ops {

/// Sums of two positions below this limit, and an output extent on top, stay within 64 bits.
inline constexpr int64_t position_limit = int64_t{1} << 62;

/// The arguments of one call. Its rules throw invalid argument: operation, rule, values, shapes.
class Judge {
 public:
  Judge(const ConvDoor& door, const ConvArguments& arguments);

  /// Everything but the lengths of the outputs.
  void judge_shapes() const;
  void judge_parameters() const;
  /// Batch, channels and bytes of the problem that came out.
  void judge_sizes(const ConvProblem& problem) const;

  const ConvDoor& door() const { return door_; }
  const ConvArguments& arguments() const { return arguments_; }
  size_t axes() const { return axes_; }

  // Of an axis, once the shapes and parameters have been judged.
  int64_t input(size_t axis) const { return arguments_.x_shape[axis + 1]; }
  int64_t taps(size_t axis) const { return arguments_.w_shape[axis + 1]; }
  /// "L", "K" of one axis; "H", "KH", "W", "KW" of two; "D", "KD" before them of three.
  std::string input_name(size_t axis) const;
  std::string taps_name(size_t axis) const;
  /// A parameter's number, or its default where none is given.
  static int64_t number(const std::vector<int64_t>& values, size_t axis, int64_t otherwise) {
    return values.empty() ? otherwise : values[axis];
  }

  /// The output's extent, which `formula` gives with its numbers.
  int64_t output_extent(size_t axis, Wide extent, const std::string& formula) const;
  /// A position that index arithmetic meets.
  void judge_position(std::string_view name, Wide value) const;

  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> rule, Args&&... args) const {
    refuse_text(fmt::format(rule, std::forward<Args>(args)...));
  }
  template <class... Args>
  void require(bool ok, fmt::format_string<Args...> rule, Args&&... args) const {
    if (!ok) refuse(rule, std::forward<Args>(args)...);
  }

 private:
  [[noreturn]] void refuse_text(const std::string& rule) const;
  void judge_rank(const char* array, const std::vector<int64_t>& shape,
                  const std::string& dimensions) const;
  void judge_numbers(const char* name, const std::vector<int64_t>& values, bool taken,
                     bool positive) const;
  void judge_bytes(const char* array, ir::Scalar dtype, const std::vector<int64_t>& shape) const;
  /// "stride", with several axes "stride of axis 1".
  std::string of_axis(const char* name, size_t axis) const;

  const ConvDoor& door_;
  const ConvArguments& arguments_;
  size_t axes_;
};

/// The axis of a door in the general form, its positions known to be safe for 64-bit arithmetic.
ConvAxis convolution_axis(const Judge& judge, size_t axis);  // conv.cpp
ConvAxis transposed_axis(const Judge& judge, size_t axis);   // conv_transpose.cpp
ConvAxis general_axis(const Judge& judge, size_t axis);      // conv_general.cpp

}  // namespace nestjit::ops
