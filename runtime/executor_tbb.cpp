// oneTBB: an arena for each number of threads, made when it is first asked for.
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "runtime/executor.h"

namespace nestjit::runtime {
namespace {

class TbbExecutor final : public Executor {
 public:
  explicit TbbExecutor(int threads) : arenas_(static_cast<size_t>(threads) + 1) {
    // Only ever upwards: the limit is the process's, and others may be using oneTBB too.
    if (threads > tbb::this_task_arena::max_concurrency()) {
      allowance_.emplace(tbb::global_control::max_allowed_parallelism,
                         static_cast<size_t>(threads));
    }
  }

  std::string_view name() const override { return "tbb"; }
  int concurrency() const override { return static_cast<int>(arenas_.size()) - 1; }

 private:
  struct Arena {
    std::once_flag made;
    std::unique_ptr<tbb::task_arena> arena;
  };

  void run_shared(int64_t count, int threads, RangeBody body) override {
    Arena& slot = arenas_[static_cast<size_t>(threads)];
    std::call_once(slot.made, [&] { slot.arena = std::make_unique<tbb::task_arena>(threads); });
    slot.arena->execute([&] {
      tbb::parallel_for(tbb::blocked_range<int64_t>(0, count),
                        [&](const tbb::blocked_range<int64_t>& r) { body(r.begin(), r.end()); });
    });
  }

  std::optional<tbb::global_control> allowance_;  // for more threads than oneTBB makes by itself
  std::vector<Arena> arenas_;                     // by number of threads
};

}  // namespace

std::unique_ptr<Executor> make_tbb_executor(int threads) {
  return std::make_unique<TbbExecutor>(threads);
}

}  // namespace nestjit::runtime
