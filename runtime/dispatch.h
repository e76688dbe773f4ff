// From a problem to a kernel that computes it: the cache, and the compile behind it.
#pragma once

#include <memory>

#include "compiler/schedule.h"
#include "nestjit/array.h"
#include "nestjit/policy.h"
#include "nestjit/statistics.h"
#include "ops/conv/problem.h"
#include "runtime/conv_kernel.h"

namespace nestjit::runtime {

using ConvKernelHandle = std::shared_ptr<const ConvKernel>;

/// What has to be done for a problem.
enum class Work {
  none,   // the output has no elements
  zeros,  // an operand has no elements: no product reaches the output
  kernel,
};
Work work_of(const ops::ConvProblem& problem);

/// The kernel of a problem whose work is Work::kernel, with the given schedule or the default one
/// (null). Four levels are asked in turn: the thread's recent kernels, the map of all threads, the
/// disk, the compiler. While a kernel is held, by the map or by anybody, it is not made again: two
/// threads that ask for a new one make it once; a failure is not kept. The map holds
/// NESTJIT_KERNELS kernels and NESTJIT_KERNEL_MEMORY MiB of code, those used least go. Key: see
/// kernel_key.h. Thread-safe. Throws what the compile throws.
ConvKernelHandle conv_kernel(const ops::ConvProblem& problem,
                             const compiler::Schedule* schedule = nullptr);

/// The kernel that serves the problem's layer with every batch and length. Otherwise as
/// conv_kernel(), with the default schedule.
ConvKernelHandle any_length_kernel(const ops::ConvProblem& problem);

/// What an unbound call runs on.
struct CallKernel {
  ConvKernelHandle kernel;  // null: a generic one, by run_generic_call()
  bool any_length = false;  // the kernel that it waits for is for all lengths
};

/// The kernel of an unbound call, by NESTJIT_LENGTHS: `specialise` is conv_kernel(), `symbolic` is
/// any_length_kernel(), and `auto` the first for the batch and length that a layer was first called
/// with, the second from the first call with others on. Problems that have no kernel for all
/// lengths always get conv_kernel(). With CompilePolicy::background it is a generic one where a
/// generic kernel computes the problem and its own is neither in memory nor on the disk; this one
/// is waited for all the same when its compile has failed before or cannot be started. Throws
/// invalid argument for other settings.
CallKernel kernel_of_call(const ops::ConvProblem& problem, CompilePolicy policy);

/// run_generic(), then the kernel that is not there is compiled in the background: beside the call
/// it would take a core from it.
void run_generic_call(const CallKernel& found, const ops::ConvProblem& problem, const array& x,
                      const array& w, void* y);

/// Whether kernel_of_call() gives a problem the kernel for all lengths. Counts as such a call.
bool takes_all_lengths(const ops::ConvProblem& problem);

/// Above 0; grows whenever kernels are cleared: what was looked up in an older epoch does not
/// count.
uint64_t kernel_epoch();
/// Counts a look-up that was answered by an earlier one of the same epoch on the same thread.
void count_kernel_hit(const ConvKernel& kernel);

}  // namespace nestjit::runtime
