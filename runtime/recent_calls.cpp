#include "runtime/recent_calls.h"

#include <array>
#include <vector>

namespace nestjit::runtime {
namespace {

struct RecentCalls {
  std::array<RecentCall, 8> calls;
  size_t oldest = 0;
  size_t last = 0;  // found or kept: a loop over one layer looks no further
};

RecentCalls& recent_calls() {
  thread_local RecentCalls recent;
  return recent;
}

/// Without the call of memcmp() behind ==, which takes longer than three or four numbers.
bool same(const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i]) return false;
  return true;
}

}  // namespace

const RecentCall* recent_call(const array& x, const array& w, const ConvParameters& parameters) {
  RecentCalls& recent = recent_calls();
  const uint64_t epoch = kernel_epoch();
  const Numerics numerics = current_numerics();
  const auto matches = [&](const RecentCall& c) {
    return c.epoch == epoch && c.numerics == numerics && c.parameters == parameters &&
           c.x_dtype == x.dtype() && c.w_dtype == w.dtype() && same(c.x_shape, x.shape()) &&
           same(c.w_shape, w.shape()) && same(c.x_strides, x.strides()) &&
           same(c.w_strides, w.strides());
  };
  for (size_t i = 0; i < recent.calls.size(); ++i) {
    const size_t at = (recent.last + i) % recent.calls.size();
    if (!matches(recent.calls[at])) continue;
    recent.last = at;
    return &recent.calls[at];
  }
  return nullptr;
}

void remember(RecentCall call) {
  RecentCalls& recent = recent_calls();
  recent.calls[recent.oldest] = std::move(call);
  recent.last = recent.oldest;
  recent.oldest = (recent.oldest + 1) % recent.calls.size();
}

}  // namespace nestjit::runtime
