// nestjit-lookups: what it costs to find a kernel, level by level, and to hold one.
//
// Times in memory are medians over rounds of a batch each, those from the disk medians over rounds
// of one look-up each. The disk is a folder of this program's own. Where a process is measured from
// its start, it is one that this program starts.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "bench/command_line.h"
#include "bench/lookup_background.h"
#include "bench/lookup_process.h"
#include "nestjit/conv.h"
#include "nestjit/statistics.h"
#include "runtime/dispatch.h"
#include "tools/measure.h"

namespace nestjit::bench {
namespace {

constexpr const char* first_result = "--first-result";
constexpr const char* first_background = "--first-background";
constexpr const char* many_kernels = "--many-kernels";
constexpr int64_t kernels = 1000;
constexpr size_t keys_of_a_thread = 4;

struct LookupOptions {
  int rounds = 51;
  bool first_result = false, first_background = false, many_kernels = false;
};

/// A folder for kernels, there as long as this is.
class OwnDisk {
 public:
  OwnDisk() {
    std::string name = (std::filesystem::temp_directory_path() / "nestjit-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) base::resource("lookups: no folder {}", name);
    folder_ = name;
    setenv("NESTJIT_CACHE", "on", 1);
    setenv("NESTJIT_CACHE_DIR", name.c_str(), 1);
  }
  ~OwnDisk() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  OwnDisk(const OwnDisk&) = delete;
  OwnDisk& operator=(const OwnDisk&) = delete;

 private:
  std::filesystem::path folder_;
};

void row(const std::string& what, double value, const std::string& unit, double bar) {
  fmt::print("{:<46} {:>9.1f} {:<8} (bar {:g}){}\n", what, value, unit, bar,
             value > bar ? "  ABOVE" : "");
}

double median_ns(int rounds, int64_t batch, const std::function<void()>& work) {
  std::vector<double> ns;
  for (int round = 0; round < rounds; ++round) {
    const double start = now_ns();
    work();
    ns.push_back((now_ns() - start) / static_cast<double>(batch));
  }
  return tools::median(ns);
}

void measure_memory(int rounds) {
  const std::vector<ops::ConvProblem> all = many_problems(kernels);
  for (const ops::ConvProblem& problem : all) runtime::conv_kernel(problem);
  constexpr int64_t repeats = 5000;
  row("look-up, thread's own, one key",
      median_ns(rounds, repeats,
                [&] {
                  for (int64_t i = 0; i < repeats; ++i) runtime::conv_kernel(all[0]);
                }),
      "ns", 50);
  row("look-up, thread's own, keys in turn",
      median_ns(rounds, repeats,
                [&] {
                  for (int64_t i = 0; i < repeats; ++i)
                    runtime::conv_kernel(all[static_cast<size_t>(i) % keys_of_a_thread]);
                }),
      "ns", 50);
  for (const ops::ConvProblem& problem : all) runtime::conv_kernel(problem);
  const int64_t hits = statistics().thread_hits;
  row("look-up, shared map, 1000 keys in turn",
      median_ns(rounds, kernels,
                [&] {
                  for (const ops::ConvProblem& problem : all) runtime::conv_kernel(problem);
                }),
      "ns", 150);
  if (statistics().thread_hits != hits) base::internal("lookups: threads answered for the map");
}

void measure_disk(int rounds) {
  for (const char* text : {"conv_transpose1d l=128 ci=64 co=32 k=8 s=4 p=2",
                           "conv_transpose1d l=512 ci=256 co=128 k=16 s=8 p=4"}) {
    const ops::ConvProblem problem = ops::parse_problem(text);
    runtime::conv_kernel(problem);
    std::vector<double> us;
    for (int round = 0; round < rounds; ++round) {
      clear_kernels();
      const double start = now_ns();
      runtime::conv_kernel(problem);
      us.push_back((now_ns() - start) / 1e3);
      if (statistics().disk_hits != 1) base::internal("lookups: the disk did not answer");
    }
    row(fmt::format("from the disk, {} KiB of code", (statistics().code_bytes + 512) / 1024),
        tools::median(us), "us", 300);
  }
  const array x = array::zeros({1, 8, 16}), w = array::zeros({8, 4, 16});
  std::vector<double> us;
  for (int round = 0; round <= rounds; ++round) {
    clear_kernels();
    const double start = now_ns();
    const array y = conv_transpose1d(x, w, 2, 1);
    if (round > 0) us.push_back((now_ns() - start) / 1e3);
  }
  row("first call of a small problem, from the disk", tools::median(us), "us", 300);
}

void measure_processes(int rounds) {
  report_of(first_result);
  std::vector<double> ms;
  for (int round = 0; round < rounds; ++round) {
    const Report report = report_of(first_result);
    if (report.at("llvm") != 0 || report.at("disk_hits") != 1)
      base::internal("lookups: the process was not a warm one");
    ms.push_back((report.at("first") - report.at("spawned")) / 1e6);
  }
  row("process start to first result, no LLVM", tools::median(ms), "ms", 8);
}

/// Nothing is on the disk, and nothing is written: every round finds it as a new problem does.
void measure_background(int rounds) {
  for (const char* text : {"l=8 ci=16 co=8 k=4 s=2 p=1", "l=128 ci=64 co=32 k=8 s=4 p=2",
                           "l=128 ci=512 co=256 k=16 s=8 p=4"}) {
    const FirstResult r = first_result_in_background(
        ops::parse_problem(fmt::format("conv_transpose1d {}", text)), rounds);
    fmt::print("{}: generic kernel {:.3f} ms, first result of a call that waits {:.3f} ms\n", text,
               r.generic_ms, r.waited_ms);
    row("  first result in background beyond the generic", r.beyond_ms * 1e3, "us", 1000);
  }
  std::vector<double> ms;
  for (int round = 0; round < rounds; ++round) {
    const Report report = report_of(first_background);
    ms.push_back((report.at("first") - report.at("spawned")) / 1e6);
  }
  row("process start to first result in background", tools::median(ms), "ms", 8);
}

void measure_many(const std::string& name) {
  const Report report = report_of(many_kernels);
  row(fmt::format("1000 kernels, {}: mappings", name), report.at("mappings"), "", 8);
  row(fmt::format("1000 kernels, {}: memory beyond code", name),
      (report.at("rss") - report.at("code")) / kernels / 1024, "KiB each", 8);
}

int run(const LookupOptions& o) {
  if (o.first_result) return setenv("NESTJIT_CACHE", "on", 1), report_first_result(), 0;
  if (o.first_background) return setenv("NESTJIT_CACHE", "read", 1), report_first_background(), 0;
  if (o.many_kernels) return setenv("NESTJIT_CACHE", "on", 1), report_many_kernels(kernels), 0;
  const OwnDisk disk;
  measure_many("compiled");
  measure_many("from the disk");
  measure_memory(o.rounds);
  measure_disk(o.rounds);
  measure_processes(o.rounds);
  const OwnDisk empty;
  setenv("NESTJIT_CACHE", "read", 1);
  measure_background(o.rounds);
  return 0;
}

int parse_and_run(int argc, char** argv) {
  LookupOptions o;
  CLI::App app{"Measures what it costs to find and to hold a kernel", "nestjit-lookups"};
  app.add_option("--rounds", o.rounds, "rounds (default 51)")->check(CLI::Range(1, 100000));
  app.add_flag(first_result, o.first_result, "what a measured process does")->group("");
  app.add_flag(first_background, o.first_background, "what a measured process does")->group("");
  app.add_flag(many_kernels, o.many_kernels, "what a measured process does")->group("");
  return run_command(app, argc, argv, [&] { return run(o); });
}

}  // namespace
}  // namespace nestjit::bench

int main(int argc, char** argv) { return nestjit::bench::parse_and_run(argc, argv); }
