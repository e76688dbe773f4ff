#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <sstream>

#include "base/error.h"
#include "compiler/target.h"
#include "nestjit/conv.h"
#include "ops/conv/reference.h"
#include "runtime/shape.h"
#include "tools/operands.h"
#include "tools/verdict.h"

namespace nestjit::tools {
namespace {

constexpr int64_t most_compared = int64_t{1} << 24;  // elements; larger outputs: shape only
constexpr int64_t longest_32bit = INT32_MAX;

/// The element 1 of a type, in the low bytes.
uint64_t one_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::f16: return 0x3c00;
    case Dtype::bf16: return 0x3f80;
    case Dtype::f32:
    case Dtype::complex64: return 0x3f800000;
    case Dtype::f64: return 0x3ff0000000000000;
    default: return 1;
  }
}

array ones(const Shape& shape, const std::string& dtype_name) {
  const std::optional<Dtype> dtype = dtype_named(dtype_name);
  if (!dtype) base::invalid("check: expected an element type, got \"{}\"", dtype_name);
  const uint64_t one = one_of(*dtype);
  const size_t bytes = static_cast<size_t>(byte_size(*dtype));
  const array a = array::empty(shape, *dtype);
  char* data = static_cast<char*>(const_cast<void*>(a.raw()));
  for (int64_t i = 0; i < a.size(); ++i)
    std::memcpy(data + static_cast<size_t>(i) * bytes, &one, bytes);
  return a;
}

bool says(const std::string& definition, const char* words) {
  return definition.find(words) != std::string::npos;
}

bool begins(const std::string& definition, const char* words) {
  return definition.rfind(words, 0) == 0;
}

/// The shape in "ok [1,2,1] ...", or nothing.
std::optional<Shape> shape_in(const std::string& definition) {
  const size_t open = definition.find('[');
  if (!begins(definition, "ok") || open == std::string::npos) return std::nullopt;
  Shape shape;
  std::istringstream in(definition.substr(open + 1));
  int64_t extent;
  for (char comma = ','; comma == ',' && in >> extent; in >> comma) shape.push_back(extent);
  return shape;
}

array call(const GoldenEdgeCall& golden) {
  const ops::ConvTranspose1dArguments& a = golden.arguments;
  const auto narrow = [](int64_t v) { return static_cast<int>(v); };
  return conv_transpose1d(ones(a.x_shape, golden.x_dtype), ones(a.w_shape, golden.w_dtype),
                          narrow(a.stride), narrow(a.padding), narrow(a.dilation),
                          narrow(a.output_padding), narrow(a.groups));
}

/// Nothing when the values are right: zeros where the words say so, else those of the loops.
std::optional<std::string> wrong_values(const GoldenEdgeCall& golden, const array& y) {
  if (y.size() > most_compared) return std::nullopt;
  const ops::ConvProblem problem = ops::conv_transpose1d_problem(golden.arguments);
  const auto count = [](const Shape& shape) {
    return static_cast<size_t>(runtime::element_count(shape, Dtype::f32));
  };
  const std::vector<float> x(count(problem.x_shape()), 1.0f), w(count(problem.w_shape()), 1.0f);
  std::vector<float> wanted(count(problem.y_shape()), 0.0f);
  if (!says(golden.definition, "zero") && !x.empty() && !wanted.empty()) {
    ops::reference_conv(problem, x, w, wanted, compiler::host_target().has_fma);
  }
  const std::vector<double> got = values_of(y);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (got[i] != wanted[i]) {
      return fmt::format("element {}: got {:.9g}, expected {:.9g}", i, got[i], wanted[i]);
    }
  }
  return std::nullopt;
}

Verdict judge_result(const GoldenEdgeCall& golden, const array& y) {
  const std::string& d = golden.definition;
  const auto refuse = [&](const std::string& why) {
    return Verdict{Verdict::failed, fmt::format("{} where the definition says \"{}\"", why, d)};
  };
  const std::string shape = runtime::to_string(y.shape());
  bool fits = true;
  if (const auto wanted = shape_in(d)) fits = y.shape() == *wanted;
  if (begins(d, "len 0")) fits = y.size() == 0;
  if (begins(d, "error: len")) {
    fits = y.shape(1) > longest_32bit;
  } else if (begins(d, "error")) {
    fits = false;
  }
  if (!fits) return refuse(fmt::format("got an array of shape {}", shape));
  const auto wanted = dtype_named(d.substr(0, d.find(' ')));
  if (wanted && *wanted != y.dtype()) return refuse(fmt::format("got {}", name_of(y.dtype())));
  if (const auto wrong = wrong_values(golden, y)) return refuse(*wrong);
  return {};
}

Verdict judge_error(const GoldenEdgeCall& golden, const Error& e) {
  const std::string& d = golden.definition;
  const bool refusal = begins(d, "error") || says(d, "or error");
  const bool large = begins(d, "error: len") || says(d, "out-of-memory");
  if (e.kind() == ErrorKind::invalid_argument && refusal) return {};
  if (e.kind() == ErrorKind::resource && large) return {};
  if (e.kind() == ErrorKind::unsupported) return {Verdict::skipped, e.what()};
  return {Verdict::failed,
          fmt::format("{}: {}; the definition says \"{}\"", name_of(e.kind()), e.what(), d)};
}

}  // namespace

Verdict judge(const GoldenEdgeCall& golden) {
  if (golden.op != "conv_transpose1d") {
    return {Verdict::skipped, golden.op + " is not in this build yet; conv_transpose1d is"};
  }
  try {
    return judge_result(golden, call(golden));
  } catch (const Error& e) {
    return judge_error(golden, e);
  }
}

}  // namespace nestjit::tools
