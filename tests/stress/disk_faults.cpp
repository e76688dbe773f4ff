// The cache folder on bad days. Every fault is followed by a call, whose result has to be right and
// not to come from what is broken.
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <functional>
#include <new>
#include <random>
#include <span>
#include <vector>

#include "nestjit/statistics.h"
#include "runtime/background.h"
#include "runtime/disk/entry.h"
#include "runtime/disk/inspect.h"
#include "runtime/disk/store.h"
#include "tests/runtime/disk/temporary_folder.h"
#include "tests/stress/small_calls.h"
#include "tests/stress/stress.h"
#include "tests/stress/system_faults.h"

namespace nestjit::stress {
namespace {

using runtime::disk::content;
using runtime::disk::Entry;
using runtime::disk::Environment;
using runtime::disk::put;
using runtime::disk::TemporaryFolder;

constexpr size_t the_call = 2 * 256 + 3 * 64 + 16 + 7;

/// In memory that children share, so that those that crash have counted until then.
struct Tally {
  int64_t faults, wrong, crashes, errors, unusable;
};

class Faults {
 public:
  explicit Faults(Tally& tally) : tally_(tally) {}

  /// Calls with whatever the folder holds. Says what the disk answered.
  bool call(size_t which = the_call) {
    clear_kernels();
    try {
      if (!small_call_is_right(which)) ++tally_.wrong;
    } catch (const std::exception& error) {
      fmt::print("an error: {}\n", error.what());
      ++tally_.errors;
    }
    runtime::finish_background();
    return statistics().disk_hits > 0;
  }
  /// A call after a fault of what would answer it.
  void fault() {
    ++tally_.faults;
    if (call()) ++tally_.wrong;
  }
  /// The file of the call, sound.
  std::string stored() {
    call();
    if (!call()) ++tally_.unusable;
    for (const std::string& name : root_.names("cache"))
      if (name.ends_with(".kernel")) return root_ / "cache/" + name;
    ++tally_.unusable;
    return root_ / "cache/none";
  }

  void truncations(int64_t count);
  void flips(int64_t count);
  void garbage(int64_t count);
  void strangers(int64_t count);
  void system_calls(int64_t count);
  void kills(int64_t count);

  std::string folder() const { return root_ / "cache"; }

 private:
  Entry entry(const std::string& file) const {
    const std::string text = content(file);
    std::string reason;
    return runtime::disk::read_entry(std::as_bytes(std::span(text)), reason).value_or(Entry{});
  }
  static void write(const std::string& file, const Entry& entry) {
    const std::vector<std::byte> bytes = runtime::disk::write_entry(entry);
    put(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }

  Tally& tally_;
  const TemporaryFolder root_;
  const Environment on_{"NESTJIT_CACHE", "on"}, place_{"NESTJIT_CACHE_DIR", folder()};
};

/// Places spread over a file; all of them when there are as many faults.
size_t place(int64_t i, int64_t count, size_t size) {
  return static_cast<size_t>(i) * size / static_cast<size_t>(count);
}

void Faults::truncations(int64_t count) {
  const std::string file = stored(), whole = content(file);
  if (count == 0) count = static_cast<int64_t>(whole.size());
  for (int64_t i = 0; i < count; ++i) {
    put(file, whole.substr(0, place(i, count, whole.size())));
    fault();
  }
}

void Faults::flips(int64_t count) {
  const std::string file = stored(), whole = content(file);
  if (count == 0) count = static_cast<int64_t>(whole.size());
  for (int64_t i = 0; i < count; ++i) {
    std::string flipped = whole;
    flipped[place(i, count, whole.size())] ^= static_cast<char>(1 << i % 8);
    put(file, flipped);
    fault();
  }
}

void Faults::garbage(int64_t count) {
  const std::string file = stored(), whole = content(file);
  std::mt19937 random(7);
  for (int64_t i = 0; i < count; ++i) {
    std::string text(random() % (2 * whole.size()), '\0');
    for (char& c : text) c = static_cast<char>(random());
    if (i % 2 == 0) text = whole.substr(0, random() % whole.size()) + text;
    put(file, text);
    fault();
  }
}

/// Entries and files of somebody else: sound, but not what this process asks for.
void Faults::strangers(int64_t count) {
  const std::string file = stored();
  const Entry sound = entry(file);
  const std::string elsewhere = root_ / "elsewhere";
  write(elsewhere, sound);
  const std::vector<std::function<void()>> ways{
      [&] { (void)(chmod(file.c_str(), 0666)); },
      [&] { std::filesystem::remove(file), std::filesystem::create_symlink(elsewhere, file); },
      [&] { std::filesystem::remove(file), (void)mkfifo(file.c_str(), 0600); },
      [&] { std::filesystem::remove(file), std::filesystem::create_directory(file); },
      [&] {
        Entry e = sound;
        e.target += "+amx";
        write(file, e);
      },
      [&] {
        Entry e = sound;
        e.build += "1";
        write(file, e);
      },
      [&] {
        Entry e = sound;
        e.key += "1";
        write(file, e);
      },
      [&] {
        Entry e = sound;
        e.uses.push_back(true);
        write(file, e);
      },
      [&] {
        Entry e = sound;
        e.image.entries = {UINT32_MAX};
        write(file, e);
      },
      [&] {
        if (chown(file.c_str(), 4321, 4321) != 0) std::filesystem::remove(file);
      },
  };
  for (int64_t i = 0; i < count; ++i) {
    ways[static_cast<size_t>(i) % ways.size()]();
    fault();
    if (std::filesystem::is_directory(file)) std::filesystem::remove(file);
    stored();
  }
}

/// Every system call that finding and storing takes, one after the other.
void Faults::system_calls(int64_t count) {
  constexpr std::array errors{ENOSPC, EROFS, EIO, EACCES, EMFILE, EDQUOT};
  const std::string file = stored(), whole = content(file);
  for (int64_t done = 0, n = 1; done < count; ++done, ++n) {
    const bool there = done % 2 == 0;
    if (!there) std::filesystem::remove(file);
    if (there) put(file, whole);
    clear_kernels();
    fail_system_call(n, errors[static_cast<size_t>(done) % errors.size()], done % 3 == 0);
    ++tally_.faults;
    call();  // may come from the disk, where another call failed
    if (!system_calls_work_again()) n = 0;
  }
  for (const std::string& name : root_.names("cache"))
    std::filesystem::remove(root_ / "cache/" + name);  // what could not be removed when it failed
}

[[noreturn]] void write_for_ever(std::vector<Entry> entries, size_t first) {
  const runtime::disk::Settings settings = runtime::disk::settings();
  for (size_t i = first;; ++i) {
    runtime::disk::keep(settings, entries[i % entries.size()]);
    if (getppid() == 1) _exit(0);
  }
}

/// Four writers, of which one after the other is killed at a random point.
void Faults::kills(int64_t count) {
  std::vector<Entry> entries;
  for (size_t i = 0; i < 8; ++i) {
    std::filesystem::remove_all(folder());
    call(the_call + i);
    for (const std::string& name : root_.names("cache"))
      entries.push_back(entry(root_ / "cache/" + name));
  }
  const runtime::disk::Settings settings = runtime::disk::settings();
  std::mt19937 random(11);
  std::array<pid_t, 4> writers{};
  const auto start = [&](size_t i) {
    if ((writers[i] = fork()) == 0) write_for_ever(entries, random() % entries.size());
  };
  const auto end = [&](size_t i) {
    int status = 0;
    kill(writers[i], SIGKILL);
    waitpid(writers[i], &status, 0);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) ++tally_.crashes;
  };
  for (size_t i = 0; i < writers.size(); ++i) start(i);
  for (int64_t i = 0; i < count; ++i) {
    usleep(static_cast<useconds_t>(random() % 4000));
    const size_t which = static_cast<size_t>(i) % writers.size();
    end(which);
    ++tally_.faults;
    call(the_call + static_cast<size_t>(i) % entries.size());
    for (const runtime::disk::Inspected& file : runtime::disk::inspect(settings))
      if (file.file.name.ends_with(".kernel") && !file.entry) ++tally_.wrong;
    start(which);
  }
  for (size_t i = 0; i < writers.size(); ++i) end(i);
}

/// Runs one kind of fault in a process of its own.
void in_child(Tally& tally, const char* name, const std::function<void(Faults&)>& body) {
  const int64_t before = tally.faults;
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    {
      Faults faults(tally);
      body(faults);
      faults.stored();
    }
    std::fflush(stdout);
    _exit(0);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0) ++tally.crashes;
  fmt::print("{:>6} {}\n", tally.faults - before, name);
}

}  // namespace

bool disk_faults(int64_t count) {
  void* const shared =
      mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) throw std::bad_alloc();
  Tally& t = *new (shared) Tally{};
  const bool all = count >= 10'000;
  const int64_t share = all ? 0 : count / 5;
  in_child(t, "truncations", [&](Faults& f) { f.truncations(share); });
  in_child(t, "flipped bits", [&](Faults& f) { f.flips(share); });
  const int64_t rest = std::max<int64_t>(count - t.faults, 8);
  in_child(t, "kills", [&](Faults& f) { f.kills(rest / 4); });
  in_child(t, "failing system calls", [&](Faults& f) { f.system_calls(rest / 4); });
  in_child(t, "strangers", [&](Faults& f) { f.strangers(rest / 4); });
  in_child(t, "garbage", [&](Faults& f) { f.garbage(rest - rest / 4 * 3); });
  if (t.unusable > 0) fmt::print("{} times, the cache was of no use afterwards\n", t.unusable);
  fmt::print("{} faults, {} wrong results, {} crashes, {} errors\n", t.faults, t.wrong, t.crashes,
             t.errors);
  return t.wrong + t.crashes + t.errors + t.unusable == 0;
}

}  // namespace nestjit::stress
