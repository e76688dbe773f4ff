// Kernels that are compiled beside the calls that want them.
#pragma once

#include <functional>

#include "runtime/kernel_key.h"

namespace nestjit::runtime {

/// What is known of a kernel's compile in the background.
enum class BackgroundCompile : uint8_t {
  none,
  under_way,
  failed,      // and nobody has been told yet
  impossible,  // too many are waiting, there is no thread to be had, or the process ends
};
BackgroundCompile background_compile(const KernelRequest& request);

/// Has the kernel compiled by `compile`, which may throw, on one of a few threads, unless that is
/// under way already or impossible. exit() waits for those that run and forgets the others, as a
/// forked child does with all. A failure is kept until forget_failure().
void compile_in_background(const KernelRequest& request,
                           std::function<void(const KernelRequest&)> compile);

/// True for the one caller that is to find out why.
bool forget_failure(const KernelRequest& request);

/// Returns when none is under way.
void finish_background_compiles();
/// Forgets all that have not begun, and waits for the others.
void drop_background_compiles();

}  // namespace nestjit::runtime
