#include "tools/measure.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>

namespace nestjit::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double steady = 0.03;  // largest difference of two peak samples, relative
constexpr int tries = 6;         // of a round while the machine is not steady
constexpr int most_batch = 1 << 20;
constexpr double too_long_to_warm = 0.2;  // seconds of a call that no cache remembers

double thread_cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// Seconds for which threads of the process were ready to run and had no core, so far: the second
/// number of each thread's schedstat. 0 where the system does not tell.
double waited_seconds() {
  double nanoseconds = 0;
  std::error_code ignored;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
    std::ifstream in(thread.path() / "schedstat");
    double ran, waited;
    if (in >> ran >> waited) nanoseconds += waited;
  }
  return 1e-9 * nanoseconds;
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

template <class Member>
std::vector<double> each(const std::vector<Round>& rounds, Member member) {
  std::vector<double> values;
  for (const Round& round : rounds) values.push_back(round.*member);
  return values;
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

Rounds::Rounds(const runtime::PeakMeter& meter, double flops, std::function<void()> call,
               MeasureOptions options)
    : meter_(meter),
      flops_(flops),
      call_(std::move(call)),
      options_(options) {
  call_();
  once_ = std::max(time_batch(), 1e-9);
  batch_ = static_cast<int>(
      std::clamp(std::ceil(options_.batch_seconds / once_), 1.0, 1.0 * most_batch));
  if (once_ < too_long_to_warm) time_batch();
}

double Rounds::time_batch() const {
  const auto start = Clock::now();
  for (int i = 0; i < batch_; ++i) call_();
  return seconds_since(start) / batch_;
}

Round Rounds::run_one() {
  for (int attempt = 1;; ++attempt) {
    if (options_.warm_up && once_ < too_long_to_warm) call_();
    const double before = meter_.sample(options_.threads);
    const double waited_before = waited_seconds(), cpu_before = thread_cpu_seconds();
    const double seconds = time_batch();
    const double cpu = (thread_cpu_seconds() - cpu_before) / batch_;
    const double waited = (waited_seconds() - waited_before) / batch_;
    const double after = meter_.sample(options_.threads);
    const double peak = (before + after) / 2;
    // A kernel never waits, so an only thread that got less time than passed had to share its core.
    const bool alone =
        options_.threads > 1 ? waited <= steady * seconds : cpu >= (1 - steady) * seconds;
    const Round round{seconds, flops_ / seconds * 1e-9 / peak, peak,
                      alone && std::abs(after - before) <= steady * peak};
    (round.steady ? kept_ : dropped_).push_back(round);
    if (round.steady || attempt == tries) return round;
  }
}

Measurement Rounds::summary() const {
  // On a machine that never held still the dropped rounds are all there is; `rounds` says so.
  const std::vector<Round>& rounds = kept_.empty() ? dropped_ : kept_;
  Measurement m;
  const std::vector<double> seconds = each(rounds, &Round::seconds);
  m.median_ms = median(seconds) * 1e3;
  m.best_ms = seconds.empty() ? 0 : *std::min_element(seconds.begin(), seconds.end()) * 1e3;
  m.gflops = m.median_ms > 0 ? flops_ * 1e-6 / m.median_ms : 0;
  m.peak_gflops = median(each(rounds, &Round::peak));
  m.peak_fraction = median(each(rounds, &Round::fraction));
  m.rounds = static_cast<int>(kept_.size());
  m.dropped = static_cast<int>(dropped_.size());
  return m;
}

Measurement measure(const runtime::PeakMeter& meter, double flops,
                    const std::function<void()>& call, const MeasureOptions& options) {
  const auto start = Clock::now();
  Rounds rounds(meter, flops, call, options);
  for (int i = 0; i < options.rounds; ++i) {
    rounds.run_one();
    if (seconds_since(start) > options.most_seconds) break;
  }
  return rounds.summary();
}

}  // namespace nestjit::tools
