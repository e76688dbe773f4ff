// Several ways to do one thing, measured in turns.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tools/measure.h"

namespace nestjit::bench {

struct Contestant {
  std::function<void()> call;
  double flops = 0;  // of a call
  int threads = 1;   // whose peak it is compared with
};

/// A round gives every contestant a turn, each between peak samples of its own (tools/measure.h)
/// and on warm memory; who goes first moves on by one. A contestant that has used up its time sits
/// out after a few rounds, and when all of them have used up theirs no more rounds are measured: a
/// machine that is never steady must not take for ever. With more than one thread a pause before
/// each turn lets the threads of the one before fall asleep: OpenMP and OpenBLAS keep theirs
/// spinning after a call.
class Contest {
 public:
  Contest(const runtime::PeakMeter& meter, std::vector<Contestant> contestants);

  /// One round, if there is time for it. Returns the seconds of a call of the first contestant.
  double run_round();

  tools::Measurement summary(size_t contestant) const;

  /// Median over the rounds of one contestant's time over another's; of the rounds in which both
  /// stood, or of all when there is none.
  double ratio(size_t contestant, size_t other) const;

 private:
  bool sits_out(size_t contestant) const;
  bool out_of_time() const;
  void take_turn(size_t contestant);

  struct Seat {
    std::unique_ptr<tools::Rounds> rounds;
    std::vector<tools::Round> history;  // entry r is of round r; seconds 0 where it sat out
    double spent = 0;                   // seconds in its turns
    int turns = 0;
  };
  std::vector<Seat> seats_;
  bool pause_ = false;
  size_t round_ = 0;
};

}  // namespace nestjit::bench
