// What kernels are looked up by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "compiler/schedule.h"
#include "ops/conv/problem.h"

namespace nestjit::runtime {

/// Hashes of a problem: of its layer alone, and of batch and length, too. Equal for equal ones.
struct ProblemHash {
  uint64_t layer, whole;
};
ProblemHash hash_of(const ops::ConvProblem& problem);

/// What a kernel is asked for by, as a look-up has it: nothing is copied. The target is the same
/// for all kernels of a process.
struct KernelRequest {
  const ops::ConvProblem& problem;
  const compiler::Schedule* schedule = nullptr;  // null: the default one
  bool any_length = false;                       // batch and length do not matter
};

/// The same with a life of its own.
struct KernelKey {
  ops::ConvProblem problem;
  std::string schedule;  // a step a line, or "default"
  bool any_length = false;

  explicit KernelKey(const KernelRequest& request);
};

/// Equal for requests of one kernel. Allocates nothing without a schedule.
struct KernelKeyHash {
  using is_transparent = void;
  size_t operator()(const KernelRequest& request) const;
  size_t operator()(const KernelKey& key) const;
};

struct KernelKeyEqual {
  using is_transparent = void;
  bool operator()(const KernelKey& a, const KernelRequest& b) const;
  bool operator()(const KernelRequest& a, const KernelKey& b) const { return (*this)(b, a); }
  bool operator()(const KernelKey& a, const KernelKey& b) const;
};

/// "conv_transpose1d l=64 ci=8 co=8 k=4|default|direct|x86-64-v4": the key in words.
std::string key_text(const KernelRequest& request);

/// The key among processes, builds and machines; names budgets that are not the usual ones.
std::string disk_key(const KernelRequest& request);

}  // namespace nestjit::runtime
