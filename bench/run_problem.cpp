#include "bench/run_problem.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>

#include "bench/compare_outputs.h"
#include "bench/contest.h"
#include "compiler/target.h"
#include "nestjit/error.h"
#include "nestjit/statistics.h"
#include "ops/conv/plan.h"
#include "ops/conv/schedule.h"
#include "ops/conv/strides.h"
#include "runtime/bind.h"
#include "runtime/dispatch.h"
#include "runtime/element_types.h"
#include "tools/operands.h"

namespace nestjit::bench {
namespace {

constexpr size_t ours = 0;   // the first contestant
constexpr int packings = 3;  // of the weights, for their time

void copy(const array& from, array& to) {
  std::memcpy(to.mutable_raw(), from.raw(), static_cast<size_t>(from.nbytes()));
}

/// All memory that an operand lies in, as one row.
array memory_of(const array& operand, const ops::MemorySpan& span) {
  return operand.as_strided({span.elements()}, {1}, operand.offset() + span.low);
}

void poison(array& a) {
  std::fill_n(a.mutable_data<float>(), a.size(), std::numeric_limits<float>::quiet_NaN());
}

/// A problem's arrays, shared by all contestants: every one reads x and writes y.
struct Arrays {
  explicit Arrays(const ops::ConvProblem& problem)
      : x(exact_input(problem)),
        w(exact_weight(problem)),
        dense_x(x.contiguous()),
        dense_w(w.contiguous()),
        epilogue(tools::formula_epilogue(problem, 1)),
        y(array::zeros(problem.result_shape(), runtime::dtype_of_scalar(problem.dtype))) {}
  const void* residual() const { return epilogue.residual ? epilogue.residual->raw() : nullptr; }
  BoundConv bind(const ops::ConvProblem& problem, int threads,
                 const compiler::Schedule* schedule = nullptr) const {
    return runtime::bind_conv(problem, w, threads, schedule, Lengths::specialised, {}, epilogue);
  }

  array x, w;
  array dense_x, dense_w;  // for peers; the same where the operands lie row-major
  runtime::EpilogueArrays epilogue;
  array y;
};

/// Prepares a peer and compares its output with `expected`. Peers read row-major operands.
PeerResult prepare(Peer& peer, const ops::ConvProblem& problem, Arrays& arrays,
                   const array& expected, std::function<void()>& call) {
  PeerResult result{peer.name(), "", "", {}, 0, ""};
  if (problem.dtype != ir::Scalar::f32 || problem.x_dtype != problem.w_dtype ||
      !problem.epilogue.empty()) {
    result.refusal = "peers take float32 without an epilogue";
    return result;
  }
  try {
    PeerCall made =
        peer.prepare(problem, {arrays.dense_x.data<float>(), arrays.dense_w.data<float>(),
                               arrays.y.mutable_data<float>()});
    poison(arrays.y);
    made.call();
    result.how = made.how;
    result.wrong = difference(problem, arrays.x, arrays.w, expected, arrays.y);
    call = std::move(made.call);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::unsupported) throw;
    result.refusal = e.what();
  }
  return result;
}

/// Where the contestants beyond ours and the peers sit.
struct Seats {
  std::vector<size_t> peers;  // 0 for one that does not take part
  size_t memory = 0, one_thread = 0, row_major = 0;
};

void fill(Result& result, const Contest& contest, const Seats& seats, const Traffic& traffic) {
  result.measured = contest.summary(ours);
  result.memory = MemoryResult{traffic, contest.summary(seats.memory).median_ms,
                               contest.ratio(ours, seats.memory)};
  if (seats.row_major != 0) {
    result.row_major = RowMajorResult{contest.summary(seats.row_major).median_ms,
                                      contest.ratio(ours, seats.row_major)};
  }
  if (seats.one_thread != 0) {
    result.one_thread = OneThreadResult{contest.summary(seats.one_thread).median_ms,
                                        contest.ratio(seats.one_thread, ours)};
  }
  for (size_t p = 0; p < result.peers.size(); ++p) {
    if (seats.peers[p] == 0) continue;
    result.peers[p].measured = contest.summary(seats.peers[p]);
    result.peers[p].times_ours = contest.ratio(seats.peers[p], ours);
  }
}

void measure(Result& result, const ops::ConvProblem& problem, const BoundConv& bound,
             Arrays& arrays, const runtime::PeakMeter& meter,
             const std::vector<std::unique_ptr<Peer>>& peers, const RoundLoop& loop) {
  const double flops = ops::flop_count(problem);
  const int threads = result.threads;
  const void *x = arrays.x.raw(), *residual = arrays.residual();
  void* y = arrays.y.mutable_raw();
  std::vector<Contestant> contestants{
      {[&bound, x, residual, y] { bound.run_raw(x, residual, y); }, flops, threads}};
  Seats seats;

  bound.run_raw(x, residual, y);
  array expected = array::empty(arrays.y.shape(), arrays.y.dtype());
  copy(arrays.y, expected);
  for (const auto& peer : peers) {
    std::function<void()> call;
    result.peers.push_back(prepare(*peer, problem, arrays, expected, call));
    seats.peers.push_back(call ? contestants.size() : 0);
    if (call) contestants.push_back({std::move(call), flops, threads});
  }

  const MemoryLoop memory(compiler::host_target(), needed_traffic(problem), threads);
  seats.memory = contestants.size();
  contestants.push_back({[&memory] { memory.run(); }, 0, threads});
  std::optional<BoundConv> alone, row_major;
  if (!problem.x_strides.empty() || !problem.w_strides.empty()) {
    row_major.emplace(runtime::bind_conv(ops::with_strides(problem, {}, {}), arrays.dense_w,
                                         threads, nullptr, Lengths::specialised, {},
                                         arrays.epilogue));
    seats.row_major = contestants.size();
    const void* dense = arrays.dense_x.raw();
    contestants.push_back(
        {[&row_major, dense, residual, y] { row_major->run_raw(dense, residual, y); }, flops,
         threads});
  }
  if (threads > 1) {
    alone.emplace(arrays.bind(problem, 1));
    seats.one_thread = contestants.size();
    contestants.push_back({[&alone, x, residual, y] { alone->run_raw(x, residual, y); }, flops, 1});
  }

  const ops::MemorySpan span = ops::x_span(problem);  // full mantissas for the rounds
  array input = memory_of(arrays.x, span);
  copy(memory_of(tools::formula_input(problem, 1), span), input);
  Contest contest(meter, std::move(contestants));
  loop([&contest] { return contest.run_round(); });
  fill(result, contest, seats, memory.traffic());
}

/// Median of a few packings, each into memory of its own, the first of which is known.
double pack_again(const ops::ConvProblem& problem, const Arrays& arrays, int threads,
                  double first_ms) {
  std::vector<double> ms{first_ms};
  for (int i = 1; i < packings; ++i) {
    ms.push_back(arrays.bind(problem, threads).pack_ms());
  }
  return tools::median(ms);
}

}  // namespace

CompileTimes compile_cold(const ops::ConvProblem& problem, int compiles) {
  if (runtime::work_of(problem) != runtime::Work::kernel) return {};
  std::vector<double> ms;
  for (int i = 0; i < compiles; ++i) {
    clear_kernels();
    runtime::conv_kernel(problem);
    ms.push_back(statistics().compile_ms);
  }
  const auto [best, worst] = std::minmax_element(ms.begin(), ms.end());
  return {tools::median(ms), *best, *worst};
}

Result run_problem(const ListedProblem& listed, const BenchOptions& options,
                   const runtime::PeakMeter& meter, const std::vector<std::unique_ptr<Peer>>& peers,
                   const RoundLoop& loop) {
  const ops::ConvProblem& problem = listed.problem;
  Result result;
  result.list = listed.list;
  result.problem = ops::to_string(problem);
  result.compute_bound = compute_bound(problem);
  result.threads = options.threads;
  result.compile = compile_cold(problem, options.compiles);
  if (options.compile_only) return result;
  Arrays arrays(problem);
  std::optional<compiler::Schedule> schedule;
  if (!options.plan.empty())
    schedule = ops::schedule_of(problem, compiler::host_target(), ops::parse_plan(options.plan));
  const BoundConv bound = arrays.bind(problem, options.threads, schedule ? &*schedule : nullptr);
  result.pack_ms = pack_again(problem, arrays, options.threads, bound.pack_ms());
  result.packed_bytes = bound.packed_bytes();
  measure(result, problem, bound, arrays, meter, peers, loop);
  return result;
}

}  // namespace nestjit::bench
