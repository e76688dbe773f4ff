#include "tools/warm.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/boundary.h"
#include "base/error.h"
#include "ops/conv/polymorphic.h"
#include "runtime/disk/settings.h"
#include "runtime/dispatch.h"
#include "runtime/kernel_source.h"
#include "tools/read_file.h"

namespace nestjit::tools {
namespace {

struct WarmOptions {
  std::string file;
  int threads = 0;
  bool symbolic = false;
};

struct Job {
  ops::ConvProblem problem;
  bool any_length = false;

  runtime::KernelRequest request() const { return {.problem = problem, .any_length = any_length}; }
};

/// Every kernel once: problems that differ in length share theirs.
std::vector<Job> jobs_of(const WarmOptions& o) {
  std::vector<Job> jobs;
  std::set<std::string> keys;
  const auto add = [&](Job job) {
    if (keys.insert(runtime::key_text(job.request())).second) jobs.push_back(std::move(job));
  };
  for (const std::string& line : ops::problem_lines(read_file(o.file))) {
    const ops::ConvProblem problem = ops::parse_problem(line);
    if (runtime::work_of(problem) != runtime::Work::kernel) continue;
    add({problem});
    if (o.symbolic && ops::may_be_any_length(problem)) add({problem, true});
  }
  return jobs;
}

/// How far it is: one line that is written over, where somebody looks; counts in any case.
class Progress {
 public:
  explicit Progress(size_t total) : total_(total), shown_(isatty(STDERR_FILENO) == 1) {}

  void there() { step(there_); }
  void compiled() { step(compiled_); }
  void failed(const ops::ConvProblem& problem, const Error& error) noexcept {
    try {
      const std::string text =
          fmt::format("{}: {}: {}", ops::to_string(problem), name_of(error.kind()), error.what());
      const std::lock_guard lock(mutex_);
      failures_.push_back(text);
    } catch (const std::bad_alloc&) {  // counted, at least
    }
    step(failed_);
  }

  /// The last line, and what went wrong. 0, or 1 where something did.
  int finish() const {
    if (shown_) fmt::print(stderr, "\r{:<78}\r", "");
    for (const std::string& failure : failures_) fmt::print(stderr, "{}\n", failure);
    fmt::print("{} kernels: {} compiled, {} were there, {} failed, {:.1f} s\n", total_, compiled_,
               there_, failed_, seconds());
    return failed_ == 0 ? 0 : 1;
  }

 private:
  void step(size_t& count) noexcept {
    const std::lock_guard lock(mutex_);
    ++count;
    try {
      if (shown_) show();
    } catch (const std::exception&) {  // the next one may have the memory
    }
  }
  void show() const {
    const size_t done = there_ + compiled_ + failed_;
    constexpr size_t width = 40;
    const size_t filled = width * done / total_;
    // What is there takes no time, so it tells nothing about what is left.
    const size_t worked = compiled_ + failed_;
    const std::string left =
        worked == 0 ? ""
                    : fmt::format(", {:.0f} s left", seconds() / static_cast<double>(worked) *
                                                         static_cast<double>(total_ - done));
    fmt::print(stderr, "\r[{:#<{}}{:.<{}}] {}/{}{:<16}", "", filled, "", width - filled, done,
               total_, left);
    std::fflush(stderr);
  }
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

  size_t total_;
  bool shown_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  size_t there_ = 0, compiled_ = 0, failed_ = 0;
  std::vector<std::string> failures_;
};

void warm_one(const Job& job, Progress& progress) noexcept {
  try {
    if (runtime::disk_has_kernel(job.request())) return progress.there();
    if (!runtime::make_kernel(job.request(), runtime::Storing::now).stored)
      base::resource("compiled, but not stored; NESTJIT_VERBOSE=cache says why");
  } catch (...) {
    return progress.failed(job.problem, base::current_error("cache warm"));
  }
  progress.compiled();
}

int warm(const WarmOptions& o) {
  const runtime::disk::Mode mode = runtime::disk::settings().mode;
  if (mode != runtime::disk::Mode::on && mode != runtime::disk::Mode::verify)
    base::unsupported("cache warm: nothing is written; see NESTJIT_CACHE");
  const std::vector<Job> jobs = jobs_of(o);
  Progress progress(jobs.size());
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i; (i = next.fetch_add(1)) < jobs.size();) warm_one(jobs[i], progress);
  };
  const size_t wanted =
      o.threads > 0 ? static_cast<size_t>(o.threads) : std::thread::hardware_concurrency();
  {
    std::vector<std::jthread> threads;
    try {
      for (size_t i = 1; i < std::min(wanted, jobs.size()); ++i) threads.emplace_back(work);
    } catch (const std::exception&) {  // as many as the system grants
    }
    work();
  }
  return progress.finish();
}

}  // namespace

void add_warm(CLI::App& cache, int& status) {
  auto o = std::make_shared<WarmOptions>();
  CLI::App* sub = cache.add_subcommand(
      "warm", "compile a list of problems ahead; what is there already is left alone");
  sub->add_option("file", o->file, "problems, one a line; # starts a comment")->required();
  sub->add_option("--threads", o->threads, "compiles at a time (default: all cores)")
      ->check(CLI::Range(0, 4096));
  sub->add_flag("--symbolic", o->symbolic, "kernels for every batch and length as well");
  sub->callback([o, &status] { status = warm(*o); });
}

}  // namespace nestjit::tools
