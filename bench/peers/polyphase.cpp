#include "bench/peers/polyphase.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "bench/peers/transposed.h"

namespace nestjit::bench {
namespace {

constexpr size_t most_products = 20000;

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
int64_t ceil_div(int64_t a, int64_t b) { return -floor_div(-a, b); }

/// Residues [first, first + count) that are computed together: o + p = q*s + offset + 0..count-1.
struct Columns {
  int64_t offset, first, count, taps;
};

/// Rows [begin, end) of q whose residues [low, high) of the columns lie inside the output.
struct Rectangle {
  int64_t begin, end, low, high;
};

class Planner {
 public:
  Planner(const Transposed& c, const float* w, const PolyphaseWay& way)
      : c_(c),
        w_(w),
        way_(way),
        common_(std::gcd(c.stride, c.dilation)),
        residues_(c.stride / common_),
        step_(c.dilation / common_) {}

  PolyphasePlan plan() {
    for (const Columns& columns : all_columns()) {
      for (int64_t group = 0; group < c_.groups; ++group) {
        if (columns.taps > 0) add_weights(columns, group);
        for (int64_t n = 0; n < c_.batch; ++n) {
          for (const Rectangle& r : rectangles(columns)) add_rectangle(columns, group, n, r);
        }
        if (plan_.products.size() > most_products) {
          base::unsupported("more than {} matrix products", most_products);
        }
      }
    }
    return std::move(plan_);
  }

 private:
  int64_t taps_of(int64_t residue) const {
    return residue < c_.taps ? ceil_div(c_.taps - residue, residues_) : 0;
  }

  std::vector<Columns> all_columns() const {
    if (c_.dilation == 1 && c_.groups == 1) {
      const int64_t more = c_.taps % c_.stride;  // residues below it have a tap more
      const int64_t most = ceil_div(c_.taps, c_.stride);
      if (way_.pad_taps || more == 0) return {{0, 0, c_.stride, most}};
      return {{0, 0, more, most}, {more, more, c_.stride - more, most - 1}};
    }
    std::vector<Columns> all;
    for (int64_t j = 0; j < residues_; ++j) {
      for (int64_t h = 0; h < common_; ++h) {
        all.push_back({j * c_.dilation + h, j, 1, h == 0 ? taps_of(j) : 0});
      }
    }
    return all;
  }

  void add_weights(const Columns& columns, int64_t group) {
    const int64_t in = c_.group_inputs(), out = c_.group_outputs();
    WeightBlock block{columns.taps * in, columns.count * out, {}};
    block.values.resize(static_cast<size_t>(block.rows * block.columns));
    float* to = block.values.data();
    for (int64_t t = columns.taps - 1; t >= 0; --t) {
      for (int64_t ci = 0; ci < in; ++ci) {
        for (int64_t j = columns.first; j < columns.first + columns.count; ++j) {
          const int64_t k = j + t * residues_;
          for (int64_t co = 0; co < out; ++co) {
            *to++ = k < c_.taps ? w_[((group * out + co) * c_.taps + k) * in + ci] : 0.0f;
          }
        }
      }
    }
    plan_.blocks.push_back(std::move(block));
  }

  std::vector<Rectangle> rectangles(const Columns& columns) const {
    std::vector<Rectangle> all;
    const int64_t start = c_.padding - columns.offset;  // of the output, seen from row 0
    const int64_t first = ceil_div(start - (columns.count - 1), c_.stride);
    const int64_t last = floor_div(start + c_.out_length - 1, c_.stride);
    for (int64_t q = first; q <= last; ++q) {
      const int64_t low = std::max<int64_t>(0, start - q * c_.stride);
      const int64_t high = std::min(columns.count, start + c_.out_length - q * c_.stride);
      if (low >= high) continue;
      if (!all.empty() && all.back().end == q && all.back().low == low && all.back().high == high) {
        all.back().end = q + 1;
      } else {
        all.push_back({q, q + 1, low, high});
      }
    }
    return all;
  }

  void add_rectangle(const Columns& columns, int64_t group, int64_t n, const Rectangle& r) {
    if (columns.taps == 0) return add_zeros(columns, group, n, r);
    // Rows [full, c_.length) have all their taps inside the input.
    const int64_t full = (columns.taps - 1) * step_;
    const Rectangle head{r.begin, std::min(r.end, std::max(full, r.begin)), r.low, r.high};
    const Rectangle main{head.end, std::max(head.end, std::min(r.end, c_.length)), r.low, r.high};
    const Rectangle tail{main.end, r.end, r.low, r.high};
    for (const Rectangle& edge : {head, tail}) {
      if (edge.begin >= edge.end) continue;
      add_zeros(columns, group, n, edge);
      add_sum(columns, group, n, edge, true);
    }
    if (main.begin >= main.end) return;
    if (way_.merge_taps) {
      add_merged(columns, n, main);
    } else {
      add_sum(columns, group, n, main, false);
    }
  }

  int64_t y_at(const Columns& columns, int64_t group, int64_t n, int64_t q, int64_t low) const {
    const int64_t o = q * c_.stride + columns.offset + low - c_.padding;
    return (n * c_.out_length + o) * c_.out_channels + group * c_.group_outputs();
  }

  void add_zeros(const Columns& columns, int64_t group, int64_t n, const Rectangle& r) {
    plan_.zeros.push_back({y_at(columns, group, n, r.begin, r.low), c_.stride * c_.out_channels,
                           r.end - r.begin, (r.high - r.low) * c_.group_outputs()});
  }

  /// A product a tap, over the rows for which the tap lies inside the input.
  void add_sum(const Columns& columns, int64_t group, int64_t n, const Rectangle& r,
               bool onto_zeros) {
    const int64_t in = c_.group_inputs(), out = c_.group_outputs();
    for (int64_t t = 0; t < columns.taps; ++t) {
      const int64_t begin = std::max(r.begin, t * step_);
      const int64_t end = std::min(r.end, c_.length + t * step_);
      if (begin >= end) continue;
      plan_.products.push_back(
          {.x = (n * c_.length + begin - t * step_) * c_.in_channels + group * in,
           .x_stride = c_.in_channels,
           .block = plan_.blocks.size() - 1,
           .row = (columns.taps - 1 - t) * in,
           .column = r.low * out,
           .y = y_at(columns, group, n, begin, r.low),
           .y_stride = c_.stride * c_.out_channels,
           .m = end - begin,
           .n = (r.high - r.low) * out,
           .k = in,
           .accumulate = onto_zeros || t > 0});
    }
  }

  /// All taps at once, for every T-th row at a time: rows of x then do not overlap.
  void add_merged(const Columns& columns, int64_t n, const Rectangle& r) {
    const int64_t taps = columns.taps;
    for (int64_t q = r.begin; q < std::min(r.end, r.begin + taps); ++q) {
      plan_.products.push_back({.x = (n * c_.length + q - (taps - 1)) * c_.in_channels,
                                .x_stride = taps * c_.in_channels,
                                .block = plan_.blocks.size() - 1,
                                .row = 0,
                                .column = r.low * c_.out_channels,
                                .y = y_at(columns, 0, n, q, r.low),
                                .y_stride = taps * c_.stride * c_.out_channels,
                                .m = ceil_div(r.end - q, taps),
                                .n = (r.high - r.low) * c_.out_channels,
                                .k = taps * c_.in_channels,
                                .accumulate = false});
    }
  }

  Transposed c_;
  const float* w_;
  PolyphaseWay way_;
  int64_t common_, residues_, step_;  // gcd(s, d), s', d'
  PolyphasePlan plan_;
};

}  // namespace

std::string PolyphaseWay::text() const {
  return std::string(merge_taps ? "every T-th row at a time" : "sum over taps") +
         (pad_taps ? ", taps padded" : "");
}

std::vector<PolyphaseWay> polyphase_ways(const ops::ConvProblem& problem) {
  const Transposed c = transposed(problem);
  if (c.dilation != 1 || c.groups != 1) return {{}};
  std::vector<PolyphaseWay> ways{{}};
  if (c.taps > c.stride) ways.push_back({.merge_taps = true, .pad_taps = false});
  if (c.taps % c.stride != 0) {
    for (PolyphaseWay way : std::vector(ways)) {
      way.pad_taps = true;
      ways.push_back(way);
    }
  }
  return ways;
}

PolyphasePlan polyphase_plan(const ops::ConvProblem& problem, const float* w,
                             const PolyphaseWay& way) {
  return Planner(transposed(problem), w, way).plan();
}

void fill_zeros(const PolyphasePlan& plan, float* y) {
  for (const ZeroFill& z : plan.zeros) {
    for (int64_t row = 0; row < z.rows; ++row) {
      std::memset(y + z.y + row * z.y_stride, 0, static_cast<size_t>(z.columns) * sizeof(float));
    }
  }
}

}  // namespace nestjit::bench
