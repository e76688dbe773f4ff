#include "bench/contest.h"

#include <chrono>
#include <thread>

#include "bench/peers/fastest.h"

namespace nestjit::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double most_seconds = 15;   // of one contestant's turns
constexpr double most_together = 60;  // of all turns
constexpr int least_turns = 3;

}  // namespace

Contest::Contest(const runtime::PeakMeter& meter, std::vector<Contestant> contestants) {
  for (Contestant& c : contestants) {
    pause_ = pause_ || (c.threads > 1 && contestants.size() > 1);
    seats_.push_back(
        {std::make_unique<tools::Rounds>(
             meter, c.flops, std::move(c.call),
             tools::MeasureOptions{.threads = c.threads, .warm_up = contestants.size() > 1}),
         {}});
  }
}

bool Contest::sits_out(size_t contestant) const {
  const Seat& seat = seats_[contestant];
  return contestant != 0 && seat.turns >= least_turns && seat.spent > most_seconds;
}

bool Contest::out_of_time() const {
  double spent = 0;
  for (const Seat& seat : seats_) spent += seat.spent;
  return spent > most_together && seats_[0].turns >= least_turns;
}

void Contest::take_turn(size_t contestant) {
  Seat& seat = seats_[contestant];
  if (sits_out(contestant)) {
    seat.history.push_back({});
    return;
  }
  if (pause_) std::this_thread::sleep_for(time_to_sleep);
  const auto start = Clock::now();
  seat.history.push_back(seat.rounds->run_one());
  seat.spent += std::chrono::duration<double>(Clock::now() - start).count();
  ++seat.turns;
}

double Contest::run_round() {
  if (!out_of_time()) {
    for (size_t turn = 0; turn < seats_.size(); ++turn) take_turn((round_ + turn) % seats_.size());
    ++round_;
  }
  return seats_[0].history.back().seconds;
}

tools::Measurement Contest::summary(size_t contestant) const {
  return seats_[contestant].rounds->summary();
}

double Contest::ratio(size_t contestant, size_t other) const {
  std::vector<double> steady, all;
  for (size_t r = 0; r < round_; ++r) {
    const tools::Round &a = seats_[contestant].history[r], &b = seats_[other].history[r];
    if (a.seconds == 0 || b.seconds == 0) continue;
    all.push_back(a.seconds / b.seconds);
    if (a.steady && b.steady) steady.push_back(all.back());
  }
  return tools::median(steady.empty() ? all : steady);
}

}  // namespace nestjit::bench
