#include "bench/lookup_process.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/error.h"
#include "nestjit/conv.h"
#include "nestjit/statistics.h"
#include "runtime/dispatch.h"

namespace nestjit::bench {
namespace {

std::string content(const char* file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

double mappings() {
  const std::string maps = content("/proc/self/maps");
  return static_cast<double>(std::ranges::count(maps, '\n'));
}

double resident_bytes() {
  std::istringstream statm(content("/proc/self/statm"));
  double total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

Report parsed(std::FILE* from) {
  Report report;
  char name[64];
  for (double value; std::fscanf(from, "%63s %lf", name, &value) == 2;) report[name] = value;
  return report;
}

void print(const Report& report) {
  for (const auto& [name, value] : report) fmt::print("{} {:.0f}\n", name, value);
}

}  // namespace

double now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

Report report_of(const std::string& argument) {
  int ends[2];
  if (pipe(ends) != 0) base::resource("lookups: no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  std::string name = "nestjit-lookups", copy = argument;
  char* const arguments[] = {name.data(), copy.data(), nullptr};
  pid_t process = 0;
  const double spawned = now_ns();
  const int failed = posix_spawn(&process, "/proc/self/exe", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (failed != 0) base::resource("lookups: no process");
  std::FILE* const from = fdopen(ends[0], "r");
  Report report = parsed(from);
  std::fclose(from);
  int status = 0;
  waitpid(process, &status, 0);
  if (status != 0) base::internal("lookups: {} failed", argument);
  report["spawned"] = spawned;
  return report;
}

void report_first_result() {
  array x = array::zeros({1, 128, 64}), w = array::zeros({32, 8, 64});
  const array y = conv_transpose1d(x, w, 4, 2);
  Report report{{"first", now_ns()}};
  report["llvm"] = content("/proc/self/maps").find("libLLVM") != std::string::npos;
  report["disk_hits"] = static_cast<double>(statistics().disk_hits);
  print(report);
}

std::vector<ops::ConvProblem> many_problems(int64_t count) {
  std::vector<ops::ConvProblem> problems;
  for (int64_t i = 0; i < count; ++i)
    problems.push_back(ops::parse_problem(
        fmt::format("conv_transpose1d l={} ci={} co=8 k=4 s=2", 1 + i / 40, 1 + i % 40)));
  return problems;
}

void report_many_kernels(int64_t count) {
  const std::vector<ops::ConvProblem> problems = many_problems(count + 1);
  runtime::conv_kernel(problems.back());  // brings all that comes once
  const double mappings_before = mappings(), bytes_before = resident_bytes();
  for (int64_t i = 0; i < count; ++i) runtime::conv_kernel(problems[static_cast<size_t>(i)]);
  print({{"mappings", mappings() - mappings_before},
         {"rss", resident_bytes() - bytes_before},
         {"code", static_cast<double>(statistics().code_bytes)},
         {"disk_hits", static_cast<double>(statistics().disk_hits)}});
}

}  // namespace nestjit::bench
