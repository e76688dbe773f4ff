#include "ops/conv/strides.h"

#include <algorithm>
#include <string_view>

#include "base/checked.h"
#include "base/error.h"
#include "ops/conv/numerics.h"

namespace nestjit::ops {
namespace {

using Numbers = std::vector<int64_t>;

constexpr int64_t farthest = int64_t{1} << 62;

/// Elements from one channel to the next: the last dimension's stride.
int64_t channel_stride(const Numbers& strides) { return strides.empty() ? 1 : strides.back(); }

Numbers judged(std::string_view operand, const Numbers& shape, const Numbers& strides,
               ir::Scalar scalar) {
  if (strides.empty()) return {};
  if (strides.size() != shape.size())
    base::invalid("problem: the {} of shape {} takes {} strides, got {}", operand,
                  shape_text(shape), shape.size(), strides.size());
  const auto span = memory_span(shape, strides);
  const auto bytes =
      span ? base::checked_mul(span->elements(), ir::byte_size(scalar)) : std::nullopt;
  if (!bytes || *bytes > farthest)
    base::invalid("problem: the {} of shape {} with strides {} reaches beyond 2^62 bytes", operand,
                  shape_text(shape), shape_text(strides));
  return canonical_strides(shape, strides);
}

MemorySpan span_of(const Numbers& shape, const Numbers& strides) {
  const auto span = memory_span(shape, strides.empty() ? dense_strides(shape) : strides);
  if (!span) base::internal("no memory has strides {}", shape_text(strides));
  return *span;
}

}  // namespace

Numbers dense_strides(const Numbers& shape) {
  Numbers strides(shape.size());
  int64_t next = 1;
  for (size_t d = shape.size(); d-- > 0;) {
    strides[d] = next;
    next *= std::max<int64_t>(shape[d], 1);
  }
  return strides;
}

Numbers ordered_strides(const Numbers& shape, const Numbers& order) {
  Numbers strides(shape.size());
  int64_t next = 1;
  for (size_t i = order.size(); i-- > 0;) {
    const auto d = static_cast<size_t>(order[i]);
    strides[d] = next;
    next *= std::max<int64_t>(shape[d], 1);
  }
  return strides;
}

Numbers canonical_strides(const Numbers& shape, const Numbers& strides) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return {};
  const Numbers dense = dense_strides(shape);
  bool same = true;
  Numbers canonical(shape.size(), 0);
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 1) continue;
    canonical[d] = strides[d];
    same = same && strides[d] == dense[d];
  }
  return same ? Numbers() : canonical;
}

std::optional<MemorySpan> memory_span(const Numbers& shape, const Numbers& strides) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return MemorySpan{};
  MemorySpan span{0, 0};
  for (size_t d = 0; d < shape.size(); ++d) {
    const auto reach = base::checked_mul(shape[d] - 1, strides[d]);
    if (!reach || *reach <= -farthest || *reach >= farthest) return std::nullopt;
    (*reach < 0 ? span.low : span.high) += *reach;
    if (span.low <= -farthest || span.high >= farthest) return std::nullopt;
  }
  return span;
}

MemorySpan x_span(const ConvProblem& problem) {
  return span_of(problem.x_shape(), problem.x_strides);
}

MemorySpan second_span(const ConvProblem& problem) {
  return span_of(problem.second_shape(), problem.w_strides);
}

ConvProblem with_strides(ConvProblem problem, const Numbers& x, const Numbers& second) {
  problem.x_strides = judged("input", problem.x_shape(), x, problem.x_dtype);
  problem.w_strides = judged(problem.result == ConvResult::output ? "weight" : "cotangent",
                             problem.second_shape(), second, problem.w_dtype);
  return problem;
}

bool scatters_channels(const ConvProblem& problem) {
  return problem.in_channels > 1 && channel_stride(problem.x_strides) != 1;
}

bool has_neighbouring_positions(const ConvProblem& problem) {
  const Numbers& strides = problem.x_strides;
  return !strides.empty() && strides[strides.size() - 2] == 1;
}

bool rows_are_neighbours(const ConvProblem& problem) {
  const Numbers& strides = problem.x_strides;
  return strides.empty() ||
         (strides.back() == 1 && strides[strides.size() - 2] == problem.in_channels);
}

ConvProblem with_fast_strides(ConvProblem problem) {
  const bool gradient = problem.result == ConvResult::weight_gradient;
  if (scatters_channels(problem) &&
      (gradient || problem.axes.size() > 1 || pairs_channels(problem)))
    problem.x_strides.clear();
  if (gradient && problem.out_channels > 1 && channel_stride(problem.w_strides) != 1)
    problem.w_strides.clear();
  return problem;
}

}  // namespace nestjit::ops
