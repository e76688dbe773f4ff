#include "runtime/kernel_key.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "compiler/budget.h"
#include "compiler/build_id.h"
#include "compiler/frame.h"
#include "ops/conv/polymorphic.h"

namespace nestjit::runtime {
namespace {

constexpr std::string_view default_schedule = "default";

class Mixer {
 public:
  explicit Mixer(uint64_t seed) : hash_(seed) {}

  void add(uint64_t value) {
    hash_ = (hash_ ^ value) * 0x9e3779b97f4a7c15u;
    hash_ ^= hash_ >> 32;
  }
  uint64_t hash() const { return hash_; }

 private:
  uint64_t hash_;
};

uint64_t pair_of(int64_t a, int64_t b) {
  return static_cast<uint64_t>(a) << 32 ^ static_cast<uint64_t>(b);
}

/// Numbers in which layers differ most of the time; those left out may collide.
uint64_t layer_hash(const ops::ConvProblem& p) {
  Mixer mixer(0xcbf29ce484222325u);
  mixer.add(pair_of(p.in_channels, p.out_channels));
  mixer.add(pair_of(p.groups, static_cast<int64_t>(p.x_dtype) << 24 |
                                  static_cast<int64_t>(p.w_dtype) << 16 |
                                  static_cast<int64_t>(p.result) << 8 |
                                  static_cast<int64_t>(p.epilogue.activation.kind) << 4 |
                                  int64_t{p.epilogue.residual} << 2 |
                                  int64_t{p.epilogue.bias} << 1 | int64_t{p.flip}));
  for (const ops::ConvAxis& axis : p.axes) {
    mixer.add(pair_of(axis.taps, axis.stride));
    mixer.add(pair_of(axis.input_dilation, axis.dilation));
  }
  return mixer.hash();
}

uint64_t key_hash(const ops::ConvProblem& problem, std::string_view schedule, bool any_length) {
  const ProblemHash hash = hash_of(problem);
  if (any_length) return ~hash.layer;
  return schedule == default_schedule ? hash.whole : base::hash_text(schedule, hash.whole);
}

std::string schedule_text(const KernelRequest& request) {
  return request.schedule == nullptr ? std::string(default_schedule)
                                     : compiler::to_string(*request.schedule);
}

bool same_problem(const ops::ConvProblem& a, const ops::ConvProblem& b, bool any_length) {
  return any_length ? ops::same_but_lengths(a, b) : a == b;
}

}  // namespace

ProblemHash hash_of(const ops::ConvProblem& problem) {
  const uint64_t layer = layer_hash(problem);
  Mixer mixer(layer);
  mixer.add(static_cast<uint64_t>(problem.batch));
  for (const ops::ConvAxis& axis : problem.axes) mixer.add(static_cast<uint64_t>(axis.input));
  for (const auto* strides : {&problem.x_strides, &problem.w_strides})
    for (const int64_t stride : *strides) mixer.add(static_cast<uint64_t>(stride));
  return {layer, mixer.hash()};
}

KernelKey::KernelKey(const KernelRequest& request)
    : problem(request.any_length ? ops::lengthless(request.problem) : request.problem),
      schedule(schedule_text(request)),
      any_length(request.any_length) {}

size_t KernelKeyHash::operator()(const KernelRequest& r) const {
  if (r.schedule == nullptr) return key_hash(r.problem, default_schedule, r.any_length);
  return key_hash(r.problem, compiler::to_string(*r.schedule), r.any_length);
}

size_t KernelKeyHash::operator()(const KernelKey& key) const {
  return key_hash(key.problem, key.schedule, key.any_length);
}

bool KernelKeyEqual::operator()(const KernelKey& a, const KernelRequest& b) const {
  if (a.any_length != b.any_length || !same_problem(a.problem, b.problem, a.any_length))
    return false;
  return b.schedule == nullptr ? a.schedule == default_schedule
                               : a.schedule == compiler::to_string(*b.schedule);
}

bool KernelKeyEqual::operator()(const KernelKey& a, const KernelKey& b) const {
  return a.any_length == b.any_length && a.schedule == b.schedule &&
         same_problem(a.problem, b.problem, a.any_length);
}

std::string key_text(const KernelRequest& r) {
  return fmt::format("{}|{}|direct|{}",
                     r.any_length ? ops::lengthless_text(r.problem) : ops::to_string(r.problem),
                     schedule_text(r), compiler::host_target().name());
}

std::string disk_key(const KernelRequest& request) {
  compiler::Budgets budgets = compiler::budgets_of_environment();
  budgets.ms = compiler::Budgets{}.ms;  // what time decided is not stored
  return fmt::format("{}|{}|abi {}{}", key_text(request), compiler::build_id(),
                     compiler::abi_version,
                     budgets == compiler::Budgets{} ? "" : "|" + compiler::to_string(budgets));
}

}  // namespace nestjit::runtime
