#include "runtime/peak.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <latch>
#include <numeric>
#include <thread>
#include <vector>

#include "base/error.h"
#include "ir/element.h"
#include "ir/pair.h"
#include "ops/conv/numerics.h"
#include "runtime/float_environment.h"

namespace nestjit::runtime {
namespace {

using ir::Expr;
using ir::Stmt;

constexpr int widest = 64;  // lanes; more than any target has

Expr vector_at(int64_t first, int lanes) { return ir::Ramp::make(first, 1, lanes); }

/// One statement a chain, made by `of(chain's subscript)`.
template <class Of>
Stmt every_chain(int lanes, const Of& of) {
  std::vector<Stmt> stmts;
  for (int chain = 0; chain < peak_chains; ++chain) {
    stmts.push_back(of(vector_at(static_cast<int64_t>(chain) * lanes, lanes)));
  }
  return ir::Block::make(std::move(stmts));
}

}  // namespace

ir::Scalar factors_of(const ops::ConvProblem& problem, const compiler::Target& target) {
  return ops::pairs_channels(ops::on_target(problem, target)) ? ir::Scalar::pair
                                                              : ops::accumulation_type(problem);
}

ir::Kernel peak_kernel(const compiler::Target& target, ir::Scalar factors) {
  const bool pairs = factors == ir::Scalar::pair;
  const ir::Scalar scalar = pairs ? ir::Scalar::f32 : factors;
  const int lanes = target.lanes(scalar);
  const int64_t elements = static_cast<int64_t>(peak_chains) * lanes;
  const auto x = ir::Buffer::make("x", factors, {2 * lanes}, ir::BufferRole::input);
  const auto y = ir::Buffer::make("y", scalar, {elements}, ir::BufferRole::output);
  const auto sums = ir::Buffer::make("sums", scalar, {elements}, ir::BufferRole::tile);
  const Expr a = ir::Var::make("a", {factors, lanes}), b = ir::Var::make("b", {factors, lanes});

  const Stmt clear = every_chain(lanes, [&](const Expr& at) {
    return ir::Store::make(sums, {at}, ir::Broadcast::make(ir::FloatImm::make(0, scalar), lanes));
  });
  const Stmt add = every_chain(lanes, [&](const Expr& at) {
    const Expr sum = ir::Load::make(sums, {at});
    return ir::Store::make(sums, {at}, pairs ? ir::Dot::make(a, b, sum) : ir::Fma::make(a, b, sum));
  });
  const Stmt keep = every_chain(
      lanes, [&](const Expr& at) { return ir::Store::make(y, {at}, ir::Load::make(sums, {at})); });
  const Stmt loop = ir::Loop::make(ir::Var::make("i"), 0, ir::Symbol::make("count"),
                                   ir::LoopKind::reduction, ir::Mapping::serial, add);
  Stmt body = ir::Allocate::make(sums, ir::Block::make({clear, loop, keep}));
  body = ir::Let::make(b, ir::Load::make(x, {vector_at(lanes, lanes)}), body);
  body = ir::Let::make(a, ir::Load::make(x, {vector_at(0, lanes)}), body);
  return {"fma_peak", {x, y}, {{"count", 1, INT64_MAX}}, target.has_fma, body};
}

PeakMeter::PeakMeter(const compiler::Target& target, double sample_us, ir::Scalar factors)
    : factors_(factors),
      lanes_(target.lanes(factors)),
      code_(compiler::compile_to_machine_code({peak_kernel(target, factors)}, target,
                                              {.want_llvm_ir = false, .want_assembly = true})) {
  if (lanes_ > widest) base::internal("fma peak: vectors of {} lanes, at most {}", lanes_, widest);
  // Doubling also warms the core up: its first vectors may run at half the speed.
  while (seconds(count_) < sample_us * 1e-6) count_ *= 2;
}

double PeakMeter::seconds(int64_t count) const {
  alignas(64) std::array<double, 2 * widest> x;  // room for either type
  alignas(64) std::array<double, peak_chains * widest> y;
  const double small =
      factors_ == ir::Scalar::pair ? ir::pair_of(0x1p-10, 0x1p-10) : ir::round_to(factors_, 1e-3);
  for (int64_t i = 0; i < 2 * lanes_; ++i) ir::write_element(factors_, x.data(), i, small);
  const std::array<void*, 2> buffers{x.data(), y.data()};
  const compiler::Frame frame{buffers.data(), &count, 0, 1};
  const FloatEnvironment ieee;
  const auto start = std::chrono::steady_clock::now();
  if (const int32_t status = code_.entries[0](&frame); status != 0) {
    base::internal("fma peak: the kernel returned {}", status);
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double PeakMeter::rate_of_one_core() const {
  const double products = factors_ == ir::Scalar::pair ? 2 : 1;  // of a lane
  return 2e-9 * products * peak_chains * lanes_ * static_cast<double>(count_) / seconds(count_);
}

double PeakMeter::sample(int threads) const {
  if (threads <= 1) return rate_of_one_core();
  // Each core's own rate, while the others are at it too.
  std::vector<double> rates(static_cast<size_t>(threads));
  std::latch start(threads);
  std::vector<std::thread> cores;
  for (double& rate : rates) {
    cores.emplace_back([&] {
      start.arrive_and_wait();
      rate = rate_of_one_core();
    });
  }
  for (std::thread& core : cores) core.join();
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

}  // namespace nestjit::runtime
