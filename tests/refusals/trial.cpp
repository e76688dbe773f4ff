#include "tests/refusals/trial.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>
#include <thread>
#include <typeinfo>

#include "nestjit/error.h"
#include "nestjit/statistics.h"
#include "runtime/background.h"
#include "tests/refusals/state.h"

namespace nestjit::refusals {
namespace {

constexpr unsigned seconds_of_a_request = 120;  // it takes milliseconds; what takes longer hangs
constexpr int warm_up_rounds = 3;
constexpr int64_t most_new_mappings = 24;  // of threads that are on their way out, and the like

bool same_bits(const array& a, const array& b) {
  const array x = a.contiguous(), y = b.contiguous();
  return x.shape() == y.shape() && x.dtype() == y.dtype() &&
         (x.size() == 0 || std::memcmp(x.raw(), y.raw(), static_cast<size_t>(x.nbytes())) == 0);
}

bool same_bits(const Results& a, const Results& b) {
  return std::equal(a.all().begin(), a.all().end(), b.all().begin(), b.all().end(),
                    [](const array& x, const array& y) { return same_bits(x, y); });
}

class Trial {
 public:
  Trial(const Plan& plan, Tally& tally) : plan_(plan), tally_(tally), operands_(plan.folder) {}

  void run() {
    if (!plan_.scenario->fresh) warm_up();
    int64_t n = plan_.from;
    for (;; n = next_request(plan_, n)) {
      tally_.at = n;
      alarm(seconds_of_a_request);
      if (!refuse_once(n)) tally_.done = true;
      if (tally_.done || plan_.scenario->fresh || plan_.trace) return;
    }
  }

 private:
  void warm_up() {
    const auto act = [&] {
      Results results;
      plan_.scenario->act(operands_, results);
      if (!expected_) expected_.emplace(std::move(results));
    };
    for (int i = 0; i < warm_up_rounds; ++i) {
      prepare();
      std::thread(act).join();
      clean();
    }
    before_ = settled();
    mappings_before_ = mappings();
  }

  /// False when there was nothing to refuse. In a thread of its own, so that what a thread keeps
  /// goes with it.
  bool refuse_once(int64_t n) {
    prepare();
    int64_t refused = 0;
    std::thread([&] {
      refused = act_refused(n);
      act_again(n);
    }).join();
    tally_.refusals += refused > 0;
    clean();
    if (!plan_.scenario->fresh) compare_states(n);
    return refused > 0;
  }

  int64_t act_refused(int64_t n) {
    Results results;
    std::optional<Error> error;
    const char* foreign = nullptr;
    refuse(plan_.kind, n, plan_.onward);
    try {
      plan_.scenario->act(operands_, results);
    } catch (const Error& e) {
      error = e;
    } catch (const std::exception& e) {
      foreign = typeid(e).name();
    } catch (...) {
      foreign = "no exception";
    }
    const int64_t refused = grant_all();
    if (foreign != nullptr) fault(n, fmt::format("threw {}", foreign));
    if (error && (error->kind() != ErrorKind::resource || *error->what() == '\0'))
      fault(n, fmt::format("{} error: {}", name_of(error->kind()), error->what()));
    if (error && refused == 0) fault(n, "an error for no reason");
    if (!error && foreign == nullptr) compare_results(n, results);
    tally_.errors += error.has_value();
    if (error && plan_.trace) fmt::print(stderr, "error: {}\n", error->what());
    return refused;
  }

  /// The same action in the state that it was left in.
  void act_again(int64_t n) {
    Results results;
    forget_errors();
    operands_.refill();
    try {
      plan_.scenario->act(operands_, results);
      compare_results(n, results);
    } catch (const std::exception& e) {
      fault(n, fmt::format("afterwards: {}", e.what()));
    }
  }

  void compare_results(int64_t n, Results& results) {
    if (!expected_) {
      expected_.emplace(std::move(results));
    } else if (!same_bits(*expected_, results)) {
      fault(n, "wrong results");
    }
  }

  /// In a thread of its own, so that the one that acts has done nothing before.
  void prepare() {
    std::thread([&] { plan_.scenario->prepare(operands_); }).join();
    operands_.refill();
  }

  /// Of the work of streams, which stay until somebody asks.
  static void forget_errors() {
    try {
      synchronize();
    } catch (const Error&) {
    }
  }

  void clean() {
    forget_errors();
    operands_.let_go();
    clear_kernels();
  }

  /// Threads on their way out hold something for a moment.
  static State settled() {
    State before = State::now();
    for (;;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      const State now = State::now();
      if (now == before) return now;
      before = now;
    }
  }

  void compare_states(int64_t n) {
    State now = State::now();
    for (int i = 0; i < 2000 && !matches(now); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      now = State::now();
    }
    if (!matches(now)) {
      fault(n, fmt::format("{} became {}", to_string(before_), to_string(now)));
      before_ = now;  // told once
    }
    before_.objects = std::min(before_.objects, now.objects);
    const int64_t mapped = mappings();
    if (mapped > mappings_before_ + most_new_mappings) {
      fault(n, fmt::format("{} mappings became {}", mappings_before_, mapped));
      mappings_before_ = mapped;
    }
  }

  bool matches(State now) const {
    if (now.objects <= before_.objects + plan_.scenario->passing_objects)
      now.objects = before_.objects;
    return now == before_;
  }

  void fault(int64_t n, const std::string& text) {
    if (tally_.faults++ > 0) return;
    const std::string line = fmt::format("request {}: {}", n, text);
    line.copy(tally_.first_fault.data(), tally_.first_fault.size() - 1);
  }

  const Plan& plan_;
  Tally& tally_;
  Operands operands_;
  std::optional<Results> expected_;
  State before_;
  int64_t mappings_before_ = 0;
};

}  // namespace

int64_t next_request(const Plan& plan, int64_t n) {
  return plan.every == 0 ? n + 1 : n + 1 + n / plan.every;
}

void run_trial(const Plan& plan, Tally& tally) { Trial(plan, tally).run(); }

}  // namespace nestjit::refusals
