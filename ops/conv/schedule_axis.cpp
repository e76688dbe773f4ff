#include "ops/conv/schedule_axis.h"

#include <fmt/format.h>

#include "ops/conv/product.h"

namespace nestjit::ops {
namespace {

using compiler::Schedule;

/// Solves the divisibility test of a transposed axis; `prefix` names the results.
AxisLoops solved(Schedule& schedule, const ConvAxis& axis, const AxisLoops& loops,
                 const std::string& prefix) {
  if (axis.padding_low != 0 && axis.stride == 1)
    schedule.then(fmt::format("shift {} by={}", loops.q, -axis.padding_low));
  if (form_of(axis) != AxisForm::transposed) return loops;
  const AxisLoops out{prefix + "q", prefix + "h", prefix + "j", prefix + "t"};
  schedule.then(fmt::format("residue_split {} {} -> {} {} {} {}", loops.q, loops.t, out.q, out.h,
                            out.j, out.t));
  return out;
}

/// Guards on the taps become bounds. With stride and input dilation, outputs are told apart by
/// their remainder modulo the period: the test, which stays, depends on the remainder and the tap
/// alone.
AxisLoops tightened(Schedule& schedule, const ConvAxis& axis, AxisLoops loops,
                    const std::string& prefix) {
  const bool both = form_of(axis) == AxisForm::both;
  if (both && output_period(axis) > 1) {
    const std::string o = loops.q;
    loops.q = prefix + "q", loops.h = prefix + "h";
    schedule.then(fmt::format("split {} by={} tail=guard -> {} {}", o, output_period(axis), loops.q,
                              loops.h));
  }
  schedule.then(fmt::format("tighten {}{}", loops.t, both ? " keep=inner" : ""));
  return loops;
}

}  // namespace

TapLoops enumerate_taps(Schedule& schedule, const ConvProblem& problem) {
  const size_t count = problem.axes.size();
  std::vector<AxisLoops> axes;
  const auto prefix = [&](size_t a) { return a + 1 == count ? "" : fmt::format("a{}", a); };
  // First all tests: the steps after that decide guards by the ranges of the loops.
  for (size_t a = 0; a < count; ++a) {
    const std::string number = count == 1 ? "" : std::to_string(a);
    axes.push_back(
        solved(schedule, problem.axes[a], {"o" + number, "", "", "k" + number}, prefix(a)));
  }
  for (size_t a = 0; a < count; ++a)
    axes[a] = tightened(schedule, problem.axes[a], axes[a], prefix(a));
  TapLoops loops;
  loops.last = axes.back();
  axes.pop_back();
  for (const AxisLoops& axis : axes) {
    for (const std::string& loop : {axis.h, axis.j})
      if (!loop.empty()) loops.distributed.push_back(loop);
    if (!axis.j.empty()) loops.residues.push_back(axis.j);
    (axis.h.empty() ? loops.distributed : loops.rows).push_back(axis.q);
    loops.taps.push_back(axis.t);
  }
  return loops;
}

}  // namespace nestjit::ops
