// nestjit-refusals: memory and threads are refused to everything that the library does, one request
// after the other. Each has to end in a resource error or in right results, and to leave nothing.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <filesystem>
#include <new>
#include <sstream>
#include <vector>

#include "tests/refusals/trial.h"
#include "tests/runtime/disk/temporary_folder.h"

namespace nestjit::refusals {
namespace {

using runtime::disk::TemporaryFolder;

constexpr int64_t every_of_fresh = 400;  // a process each: all but those of a compile
constexpr int most_crashes = 5;          // of a plan, which is enough to see

struct Options {
  int64_t every = 0;
  std::string only, kind;
  int64_t trace = 0;
  std::string worker;
};

struct Sums {
  int64_t refusals = 0, errors = 0, faults = 0, crashes = 0, hangs = 0;
};

/// A tally in a file that lives in memory: a process that is started by name can share it.
class SharedTally {
 public:
  SharedTally() : file_(memfd_create("tally", 0)) {
    if (file_ < 0 || ftruncate(file_, sizeof(Tally)) != 0) throw std::bad_alloc();
    tally_ = new (at(file_)) Tally;
  }
  ~SharedTally() {
    munmap(tally_, sizeof(Tally));
    close(file_);
  }
  SharedTally(const SharedTally&) = delete;
  SharedTally& operator=(const SharedTally&) = delete;

  static void* at(int file) {
    void* const shared = mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared == MAP_FAILED) throw std::bad_alloc();
    return shared;
  }
  int file() const { return file_; }
  Tally& operator*() const { return *tally_; }
  Tally* operator->() const { return tally_; }

 private:
  int file_;
  Tally* tally_;
};

std::string worker_text(const Plan& plan, int file) {
  return fmt::format("{} {} {} {} {} {} {} {}", plan.scenario->name, static_cast<int>(plan.kind),
                     plan.onward ? 1 : 0, plan.from, plan.every, plan.trace ? 1 : 0, file,
                     plan.folder);
}

/// The environment of a plan's process.
std::vector<std::string> environment_of(const Plan& plan) {
  std::vector<std::string> all{"NESTJIT_CACHE=on", "NESTJIT_CACHE_DIR=" + plan.folder,
                               "NESTJIT_THREADS=4",
                               fmt::format("NESTJIT_EXECUTOR={}", plan.scenario->executor)};
  for (char** variable = environ; *variable != nullptr; ++variable)
    if (std::string(*variable).rfind("NESTJIT_", 0) != 0) all.emplace_back(*variable);
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

/// Runs a plan in a process of its own and gives its status.
int run_process(const Plan& plan, int file) {
  // By its path, beside which the code generator library is looked for.
  const std::string program = std::filesystem::canonical("/proc/self/exe").string();
  std::vector<std::string> arguments{program, "--worker", worker_text(plan, file)};
  std::vector<std::string> environment = environment_of(plan);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  if (!plan.trace)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t process = 0;
  const int failed = posix_spawn(&process, program.c_str(), &actions, nullptr,
                                 pointers(arguments).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::bad_alloc();
  int status = 0;
  waitpid(process, &status, 0);
  return status;
}

/// The process that run_process() starts.
int be_worker(const std::string& text) {
  std::istringstream in(text);
  std::string name;
  int kind = 0, file = -1;
  Plan plan;
  in >> name >> kind >> plan.onward >> plan.from >> plan.every >> plan.trace >> file >> plan.folder;
  plan.kind = static_cast<Kind>(kind);
  for (const Scenario& s : scenarios())
    if (s.name == name) plan.scenario = &s;
  if (plan.trace) trace_refusals();
  run_trial(plan, *static_cast<Tally*>(SharedTally::at(file)));
  return 0;
}

/// A plan to its end, in as many processes as it takes. False where there was nothing to refuse.
bool run_plan(Plan plan, Sums& sums) {
  const SharedTally tally;
  int crashes = 0;
  while (!tally->done && crashes < most_crashes) {
    tally->at = plan.from;
    const int status = run_process(plan, tally.file());
    if (status != 0) {
      ++crashes;
      const bool hangs = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
      ++(hangs ? sums.hangs : sums.crashes);
      fmt::print("{} {}{}, request {}: {} {}\n", plan.scenario->name, name_of(plan.kind),
                 plan.onward ? "s" : "", tally->at.load(),
                 WIFSIGNALED(status) ? "signal" : "status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    plan.from = next_request(plan, tally->at);
    if (plan.trace) break;
  }
  fmt::print("{:<22}{:>11}{:<2}{:>8} refused of {:<8}{:>7} errors, {} faults\n",
             plan.scenario->name, name_of(plan.kind), plan.onward ? "s" : "",
             tally->refusals.load(), tally->at - 1, tally->errors.load(), tally->faults.load());
  if (tally->faults > 0) fmt::print("  {}\n", tally->first_fault.data());
  std::fflush(stdout);
  sums.refusals += tally->refusals;
  sums.errors += tally->errors;
  sums.faults += tally->faults;
  return tally->refusals > 0;
}

int run(const Options& o) {
  if (!o.worker.empty()) return be_worker(o.worker);
  const TemporaryFolder root;
  Sums sums;
  for (const Scenario& s : scenarios()) {
    if (!o.only.empty() && o.only != s.name) continue;
    for (int k = 0; k < kinds; ++k) {
      Plan plan;
      plan.scenario = &s;
      plan.kind = static_cast<Kind>(k);
      plan.every = o.every;
      if (!o.kind.empty() && o.kind != name_of(plan.kind)) continue;
      if (s.fresh && plan.every == 0) plan.every = every_of_fresh;
      plan.folder = root / s.name;
      plan.trace = o.trace > 0;
      if (plan.trace) plan.from = o.trace;
      for (const bool onward : {false, true}) {
        plan.onward = onward;
        if (!run_plan(plan, sums)) break;
      }
    }
  }
  fmt::print("{} refusals: {} errors, {} faults, {} crashes, {} hangs\n", sums.refusals,
             sums.errors, sums.faults, sums.crashes, sums.hangs);
  return sums.refusals > 0 && sums.faults + sums.crashes + sums.hangs == 0 ? 0 : 1;
}

}  // namespace
}  // namespace nestjit::refusals

int main(int argc, char** argv) {
  CLI::App app("Refuses memory and threads, one request after the other");
  nestjit::refusals::Options o;
  app.add_option("--count", o.every,
                 "each of so many first requests of a kind, then one in ever more (default: all)")
      ->check(CLI::PositiveNumber);
  app.add_option("--only", o.only, "one scenario");
  app.add_option("--kind", o.kind, "one kind: allocation, mmap, mprotect or thread");
  app.add_option("--trace", o.trace, "that request alone, and where it comes from");
  app.add_option("--worker", o.worker)->group("");
  CLI11_PARSE(app, argc, argv);
  try {
    return nestjit::refusals::run(o);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "nestjit-refusals: %s\n", error.what());
    return 1;
  }
}
