// Work that nobody waits for but the end of the process.
#pragma once

#include <functional>

namespace nestjit::runtime {

/// Runs work on a thread of its own, one piece after the other: on the caller's where there is no
/// thread to be had, where too much is waiting already, and while the process ends. Work must not
/// throw. exit() waits for it; a forked child has none of it.
void run_in_background(std::function<void()> work);

/// Returns when everything that was handed over before is done.
void finish_background();

}  // namespace nestjit::runtime
