// Measuring a kernel against the machine it runs on, in the same breath.
//
// The speed of a machine moves by tens of percent within a run, so a rate is only worth something
// next to the peak at that moment. One round: a sample of the FMA peak, the kernel, a sample of the
// peak. The round's fraction is the kernel's rate over the mean of the two samples; a round whose
// samples differ by more than 3 % saw the machine change and is repeated, and so is one whose
// threads had to share their cores with another process. Reported: medians.
#pragma once

#include <functional>
#include <vector>

#include "runtime/peak.h"

namespace nestjit::tools {

/// One round.
struct Round {
  double seconds;   // of one call
  double fraction;  // of the FMA peak
  double peak;      // GFLOP/s, mean of the two samples
  bool steady;      // it stands
};

struct MeasureOptions {
  int rounds = 15;
  int threads = 1;              // cores whose peak the call is compared with
  double batch_seconds = 1e-3;  // short calls are repeated to last about this long
  double most_seconds = 30;     // no new round is begun after that
  bool warm_up = false;         // each round calls once beforehand: others have used the caches
};

/// What rounds add up to.
struct Measurement {
  double median_ms = 0, best_ms = 0;
  double gflops = 0;         // at the median time
  double peak_gflops = 0;    // median over the rounds
  double peak_fraction = 0;  // median over the rounds
  int rounds = 0, dropped = 0;
  /// A direct algorithm cannot pass the peak: above 1.02 something was measured wrongly.
  bool broken() const { return peak_fraction > 1.02; }
};

/// Runs rounds of one call, one at a time. `call` is warmed up first.
class Rounds {
 public:
  Rounds(const runtime::PeakMeter& meter, double flops, std::function<void()> call,
         MeasureOptions options);

  /// One round; repeats a few times while the machine changes, then lets the last one be dropped.
  Round run_one();

  Measurement summary() const;

 private:
  double time_batch() const;

  const runtime::PeakMeter& meter_;
  double flops_;
  std::function<void()> call_;
  MeasureOptions options_;
  double once_ = 0;  // seconds of a call, roughly
  int batch_ = 1;
  std::vector<Round> kept_, dropped_;
};

/// options.rounds rounds, or as many as fit the time.
Measurement measure(const runtime::PeakMeter& meter, double flops,
                    const std::function<void()>& call, const MeasureOptions& options);

double median(std::vector<double> values);

}  // namespace nestjit::tools
