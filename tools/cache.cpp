// nestjit cache: the kernels on disk.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <string>

#include "base/error.h"
#include "compiler/build_id.h"
#include "runtime/disk/inspect.h"
#include "runtime/disk/prune.h"
#include "tools/commands.h"
#include "tools/warm.h"

namespace nestjit::tools {
namespace {

namespace disk = runtime::disk;

/// The settings, with the folder also where NESTJIT_CACHE is off: asking about it is no use of it.
disk::Settings settings() {
  disk::Settings settings = disk::settings();
  settings.folder = disk::folder_of_environment();
  if (settings.folder.empty())
    base::unsupported("cache: no folder is known; NESTJIT_CACHE_DIR names one");
  return settings;
}

/// "3 min", "2 h", "5 d": since a kernel was last used.
std::string age_text(const timespec& used) {
  const int64_t seconds = std::max<int64_t>(0, std::time(nullptr) - used.tv_sec);
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} d", seconds / 86400);
}

void list() {
  const disk::Settings s = settings();
  std::vector<disk::Inspected> all = disk::inspect(s);
  std::ranges::sort(all, {}, [](const disk::Inspected& i) {
    return std::pair(-i.file.used.tv_sec, i.file.name);
  });
  for (const disk::Inspected& i : all) {
    if (!i.entry) {
      fmt::print("{:>7} {:>8}  {}: {}\n", i.file.bytes, age_text(i.file.used), i.file.name, i.why);
      continue;
    }
    fmt::print("{:>7} {:>8}  {}  [{}{}, {:.1f} ms{}]\n", i.file.bytes, age_text(i.file.used),
               i.entry->problem, i.entry->target, i.why.empty() ? "" : ", another build",
               i.entry->compile_ms,
               i.entry->schedule.starts_with('#') ? ", a simpler schedule" : "");
  }
}

void stat() {
  const disk::Settings s = settings();
  int64_t ready = 0, others = 0, aside = 0, bytes = 0;
  double ms = 0;
  for (const disk::Inspected& i : disk::inspect(s)) {
    bytes += i.file.bytes;
    if (!i.entry) {
      ++aside;
    } else if (!i.why.empty()) {
      ++others;
    } else {
      ++ready;
      ms += i.entry->compile_ms;
    }
  }
  fmt::print("folder    {}\n", s.folder);
  fmt::print("kernels   {} of this build, {:.0f} ms to compile\n", ready, ms);
  fmt::print("others    {} of other builds, {} that are set aside or unfinished\n", others, aside);
  fmt::print("bytes     {} of {} MiB\n", bytes, s.most_bytes >> 20);
  fmt::print("limits    {} days unused\n", s.most_seconds / 86400);
  fmt::print("build     {}\n", compiler::build_id());
}

int verify() {
  int64_t sound = 0, broken = 0;
  for (const disk::Inspected& i : disk::inspect(settings())) {
    if (i.entry) {
      ++sound;
    } else if (i.file.name.ends_with(".kernel")) {
      ++broken;
      fmt::print("{}: {}\n", i.file.name, i.why);
    }
  }
  fmt::print("{} sound, {} broken\n", sound, broken);
  return broken == 0 ? 0 : 1;
}

void prune() {
  const disk::Settings s = settings();
  std::string reason;
  const auto folder = disk::Folder::open(s.folder, false, reason);
  if (!folder && !reason.empty()) base::resource("cache: {}", reason);
  const disk::Pruned pruned = folder ? disk::prune(*folder, s) : disk::Pruned{};
  fmt::print("{} files of {} bytes removed, {} of {} bytes left\n", pruned.files, pruned.bytes,
             pruned.files_left, pruned.bytes_left);
}

void clear() { fmt::print("{} files removed\n", disk::remove_all(settings())); }

}  // namespace

void add_cache(CLI::App& app, int& status) {
  CLI::App* cache = app.add_subcommand("cache", "the kernels on disk: see, check, remove, prepare");
  cache->require_subcommand(1);
  cache->add_subcommand("list", "every kernel: bytes, last use, problem [target, compile time]")
      ->callback([] { list(); });
  cache->add_subcommand("stat", "how many there are, what they take, the limits")->callback([] {
    stat();
  });
  cache->add_subcommand("verify", "read every kernel whole; exit status 1 if one is broken")
      ->callback([&status] { status = verify(); });
  cache->add_subcommand("prune", "apply the limits now")->callback([] { prune(); });
  cache->add_subcommand("clear", "remove everything")->callback([] { clear(); });
  add_warm(*cache, status);
}

}  // namespace nestjit::tools
