// One scenario, one kind of request: refused the first time, the second time, and so on.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "tests/refusals/refuse.h"
#include "tests/refusals/scenarios.h"

namespace nestjit::refusals {

struct Plan {
  const Scenario* scenario = nullptr;
  Kind kind = Kind::allocation;
  bool onward = false;  // all later requests are refused as well
  int64_t from = 1;     // the request to begin with
  int64_t every = 0;    // up to this one; then one in ever more. 0: all
  std::string folder;   // for kernels on disk
  bool trace = false;   // say where the first request comes from, and no more
};

/// In memory that outlives the process of a trial.
struct Tally {
  std::atomic<int64_t> at = 0;        // the request that is refused now
  std::atomic<int64_t> refusals = 0;  // actions during which something was refused
  std::atomic<int64_t> errors = 0;    // of them, those that threw a resource error
  std::atomic<int64_t> faults = 0;    // other errors, wrong bits, leaks, calls that fail afterwards
  std::atomic<bool> done = false;     // nothing was left to refuse
  std::array<char, 400> first_fault{};
};

/// The request to refuse after the n-th.
int64_t next_request(const Plan& plan, int64_t n);

/// Runs the plan until nothing is left to refuse; in a fresh scenario one request only.
void run_trial(const Plan& plan, Tally& tally);

}  // namespace nestjit::refusals
