#include "runtime/kernel_key.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "compiler/build_id.h"
#include "compiler/frame.h"
#include "ops/conv/polymorphic.h"

namespace nestjit::runtime {
namespace {

constexpr std::string_view default_schedule = "default";

class Mixer {
 public:
  void add(uint64_t value) {
    hash_ = (hash_ ^ value) * 0x9e3779b97f4a7c15u;
    hash_ ^= hash_ >> 32;
  }
  uint64_t hash() const { return hash_; }

 private:
  uint64_t hash_ = 0xcbf29ce484222325u;
};

/// Numbers in which problems differ most of the time; what is left out may collide. Of a problem
/// for any length, none that lengths change.
uint64_t hash_of(const ops::ConvProblem& p, bool any_length) {
  Mixer mixer;
  mixer.add(any_length ? 0 : static_cast<uint64_t>(p.batch));
  mixer.add(static_cast<uint64_t>(p.in_channels) << 32 ^ static_cast<uint64_t>(p.out_channels));
  mixer.add(static_cast<uint64_t>(p.groups) << 32 ^ static_cast<uint64_t>(p.x_dtype) << 24 ^
            static_cast<uint64_t>(p.w_dtype) << 16 ^ static_cast<uint64_t>(p.result) << 8 ^
            static_cast<uint64_t>(p.epilogue.activation.kind) << 4 ^
            static_cast<uint64_t>(p.epilogue.bias) << 1 ^ static_cast<uint64_t>(p.flip));
  for (const ops::ConvAxis& axis : p.axes) {
    mixer.add(any_length ? 0 : static_cast<uint64_t>(axis.input));
    mixer.add(static_cast<uint64_t>(axis.taps) << 32 ^ static_cast<uint64_t>(axis.stride));
    mixer.add(static_cast<uint64_t>(axis.input_dilation) << 32 ^
              static_cast<uint64_t>(axis.dilation));
  }
  return mixer.hash();
}

uint64_t hash_of(const ops::ConvProblem& problem, std::string_view schedule, bool any_length) {
  const uint64_t hash = hash_of(problem, any_length) + (any_length ? 1 : 0);
  return schedule == default_schedule ? hash : base::hash_text(schedule, hash);
}

std::string schedule_text(const KernelRequest& request) {
  return request.schedule == nullptr ? std::string(default_schedule)
                                     : compiler::to_string(*request.schedule);
}

bool same_problem(const ops::ConvProblem& a, const ops::ConvProblem& b, bool any_length) {
  return any_length ? ops::same_but_lengths(a, b) : a == b;
}

}  // namespace

KernelKey::KernelKey(const KernelRequest& request)
    : problem(request.any_length ? ops::lengthless(request.problem) : request.problem),
      schedule(schedule_text(request)),
      any_length(request.any_length) {}

size_t KernelKeyHash::operator()(const KernelRequest& r) const {
  if (r.schedule == nullptr) return hash_of(r.problem, default_schedule, r.any_length);
  return hash_of(r.problem, compiler::to_string(*r.schedule), r.any_length);
}

size_t KernelKeyHash::operator()(const KernelKey& key) const {
  return hash_of(key.problem, key.schedule, key.any_length);
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
  return fmt::format("{}|{}|abi {}", key_text(request), compiler::build_id(),
                     compiler::abi_version);
}

}  // namespace nestjit::runtime
