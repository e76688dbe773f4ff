// Whether a call waits for its kernel.
//
// The first call of a problem has its kernel compiled, which takes some milliseconds. A caller who
// cannot wait may have that done in the background, after the call:
//
//   {
//     nestjit::CompilePolicyScope scope(nestjit::CompilePolicy::background);
//     y = nestjit::conv_transpose1d(x, w, 8, 4);   // returns without a compile
//   }
//
// Until the compile is done, calls run on a generic kernel that was made with the library: slower
// (its numbers are arguments, its weights are put in order for every call), with the same bits.
// Kernels in memory and on the disk are used as ever.
//
// It is a permission, not a demand: a call waits where there is no generic kernel of its kind
// (several spatial axes, weight gradients, epilogues, numerics bf16_dot), and while too many
// compiles are waiting already. Bound operations, which are meant to be called often, always wait:
// at bind_...(). A compile that fails in the background is told by NESTJIT_VERBOSE=dispatch, and
// the next call of the problem waits and throws.
#pragma once

#include <cstdint>

namespace nestjit {

enum class CompilePolicy : uint8_t { wait, background };

/// What operations that this thread starts now do: the innermost CompilePolicyScope's, else
/// NESTJIT_POLICY (wait or background), else wait. Throws invalid argument for another value of the
/// variable.
CompilePolicy current_compile_policy();

/// Sets what operations do that this thread calls until the scope ends. What was submitted to a
/// stream keeps what it began with. Scopes nest; one belongs to the thread that made it.
class CompilePolicyScope {
 public:
  explicit CompilePolicyScope(CompilePolicy policy);
  ~CompilePolicyScope();
  CompilePolicyScope(const CompilePolicyScope&) = delete;
  CompilePolicyScope& operator=(const CompilePolicyScope&) = delete;

 private:
  bool had_outer_;
  CompilePolicy outer_;
};

}  // namespace nestjit
