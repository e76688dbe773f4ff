#include "runtime/kernel_source.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <new>
#include <optional>

#include "base/env.h"
#include "base/forks.h"
#include "nestjit/error.h"
#include "ops/conv/compile.h"
#include "ops/conv/fallbacks.h"
#include "ops/conv/polymorphic.h"
#include "runtime/background.h"
#include "runtime/disk/kernel_entry.h"
#include "runtime/disk/store.h"
#include "runtime/memory.h"
#include "runtime/process_end.h"

namespace nestjit::runtime {
namespace {

struct Counts {
  std::mutex mutex;
  SourceCounts counts;
};

constinit Counts all_counts;
Counts& shared_counts() { return all_counts; }

[[maybe_unused]] const bool held_at_forks =
    (base::at_fork(
         base::ForkStage::leaves, [] { shared_counts().mutex.lock(); },
         [](base::ForkSide) { shared_counts().mutex.unlock(); }),
     true);

template <class Change>
void count(const Change& change) {
  const std::lock_guard lock(shared_counts().mutex);
  change(shared_counts().counts);
}

class Stopwatch {
 public:
  double ms() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_)
        .count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Counts the compiles under way. LLVM ends the process where it finds no memory, so each looks for
/// what it may need before LLVM is entered.
class UnderWay {
 public:
  UnderWay() : count_(++compiles) {}
  ~UnderWay() { --compiles; }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;

  void expect_memory() const {
    const int64_t library = compiler::code_generator_loaded() ? 0 : bytes_of_library;
    expect_available(count_ * bytes_of_compile + library, "compile");
  }

 private:
  // The kernels of bench/problems take 4 MiB at most; loading libLLVM takes 57.
  static constexpr int64_t bytes_of_compile = int64_t{32} << 20;
  static constexpr int64_t bytes_of_library = int64_t{64} << 20;
  static inline std::atomic<int64_t> compiles{0};

  int64_t count_;
};

/// The problem that the kernel is of.
ops::ConvProblem problem_of(const KernelRequest& r) {
  return r.any_length ? ops::lengthless(r.problem) : r.problem;
}

/// A schedule that was asked for is not replaced by another one.
ops::ResolvedKernel resolve(const KernelRequest& r, const compiler::Target& target) {
  if (r.any_length) return ops::compile_polymorphic_within_budgets(r.problem, target);
  if (r.schedule == nullptr) return ops::compile_within_budgets(r.problem, target);
  return {.code = ops::compile_conv(r.problem, *r.schedule, target), .schedule = *r.schedule};
}

struct Compiled {
  std::shared_ptr<const ConvKernel> kernel;
  compiler::Schedule schedule;
  std::string fallback;  // why it is a simpler one than the default
  bool repeatable;       // by another compile
};

Compiled compile(const KernelRequest& r) {
  const UnderWay under_way;
  under_way.expect_memory();
  const Stopwatch watch;
  ops::ResolvedKernel made = resolve(r, compiler::host_target());
  auto kernel = std::make_shared<const ConvKernel>(problem_of(r), std::move(made.code));
  settle_code_generator();
  count([&](SourceCounts& c) {
    ++c.compiles;
    c.fallbacks += !made.fallback.empty();
    c.compile_ms += watch.ms();
  });
  return {std::move(kernel), std::move(made.schedule), std::move(made.fallback), made.repeatable};
}

disk::Entry entry_of(const KernelRequest& r, const std::string& key, const Compiled& compiled) {
  disk::Entry entry =
      disk::entry_of(compiled.kernel->code(), compiled.schedule, compiler::host_target());
  entry.key = key;
  if (!compiled.fallback.empty())
    entry.schedule = fmt::format("# falls back: {}\n{}", compiled.fallback, entry.schedule);
  entry.problem = r.any_length ? ops::lengthless_text(r.problem) : ops::to_string(r.problem);
  return entry;
}

/// Never throws: nobody has to have a file, least of all a background thread.
bool store_now(const disk::Settings& settings, const disk::Entry& entry) noexcept {
  try {
    if (!disk::keep(settings, entry)) return false;
  } catch (...) {
    return false;
  }
  count([](SourceCounts& c) { ++c.disk_stores; });
  return true;
}

bool store(const disk::Settings& settings, const KernelRequest& r, const std::string& key,
           const Compiled& compiled, Storing storing) {
  // Time that was short once is no reason for other processes to go without the better kernel.
  if (settings.mode == disk::Mode::read || !compiled.repeatable) return false;
  try {
    const disk::Entry entry = entry_of(r, key, compiled);
    if (storing == Storing::now) return store_now(settings, entry);
    run_in_background([settings, entry] { store_now(settings, entry); });
  } catch (const std::bad_alloc&) {  // then it is compiled again
  }
  return false;
}

/// A found entry made ready to run; null, with the reason, when it is no kernel of the request.
std::shared_ptr<const ConvKernel> ready(const KernelRequest& r, const disk::Entry& entry,
                                        std::string& why) {
  try {
    return std::make_shared<const ConvKernel>(problem_of(r), disk::restore(entry));
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::resource) throw;  // a compile would need the memory, too
    why = error.what();
    return nullptr;
  }
}

/// A kernel from the disk, compiled again.
std::shared_ptr<const ConvKernel> compared(const KernelRequest& r, const disk::Settings& settings,
                                           const disk::Entry& found) {
  const Compiled compiled = compile(r);
  const disk::Entry again = entry_of(r, found.key, compiled);
  if (compiled.repeatable && !again.same_kernel(found)) {
    count([](SourceCounts& c) { ++c.disk_differences; });
    // Asked for by the setting, whatever is verbose.
    const std::string line = fmt::format("nestjit,cache,differs from a new compile,{},{}\n",
                                         disk::file_name(found.key), found.problem);
    std::fwrite(line.data(), 1, line.size(), stderr);
    disk::set_aside(settings, found.key, "it differs from a new compile");
    store_now(settings, again);
  }
  return compiled.kernel;
}

disk::Found find_on_disk(const disk::Settings& settings, const std::string& key) {
  try {
    return disk::find(settings, key, compiler::host_target().name());
  } catch (const std::bad_alloc&) {
    disk::Found none;
    none.why = "no memory";
    return none;
  }
}

std::shared_ptr<const ConvKernel> from_disk(const KernelRequest& r, const disk::Settings& settings,
                                            const std::string& key, std::string& why) {
  const Stopwatch watch;
  disk::Found found = find_on_disk(settings, key);
  std::shared_ptr<const ConvKernel> kernel;
  if (found.entry) {
    kernel = ready(r, *found.entry, found.why);
    if (kernel == nullptr) {
      found.rejected = true;
      if (settings.mode != disk::Mode::read) disk::set_aside(settings, key, found.why);
    }
  }
  why = found.why;
  count([&](SourceCounts& c) {
    c.disk_ms += watch.ms();
    c.disk_hits += kernel != nullptr;
    c.disk_rejected += found.rejected;
  });
  if (kernel != nullptr && settings.mode == disk::Mode::verify)
    return compared(r, settings, *found.entry);
  return kernel;
}

/// Who wants to see compiles gets them.
disk::Settings settings_now() {
  disk::Settings settings = disk::settings();
  if (base::setting("NESTJIT_DUMP")) settings.mode = disk::Mode::off;
  return settings;
}

}  // namespace

MadeKernel make_kernel(const KernelRequest& r, Storing storing) {
  const disk::Settings settings = settings_now();
  if (settings.mode == disk::Mode::off)
    return {.kernel = compile(r).kernel, .why = "the disk is off"};
  const std::string key = disk_key(r);
  MadeKernel made;
  made.kernel = from_disk(r, settings, key, made.why);
  made.from_disk = made.kernel != nullptr;
  if (made.from_disk) return made;
  const Compiled compiled = compile(r);
  made.kernel = compiled.kernel;
  made.stored = store(settings, r, key, compiled, storing);
  return made;
}

std::shared_ptr<const ConvKernel> read_kernel(const KernelRequest& r) {
  const disk::Settings settings = settings_now();
  if (settings.mode == disk::Mode::off || settings.mode == disk::Mode::verify) return nullptr;
  std::string why;
  return from_disk(r, settings, disk_key(r), why);
}

bool disk_has_kernel(const KernelRequest& r) {
  const disk::Settings settings = disk::settings();
  if (settings.mode == disk::Mode::off) return false;
  return disk::find(settings, disk_key(r), compiler::host_target().name()).entry.has_value();
}

SourceCounts source_counts() {
  const std::lock_guard lock(shared_counts().mutex);
  return shared_counts().counts;
}

void clear_source_counts() {
  count([](SourceCounts& c) { c = {}; });
}

}  // namespace nestjit::runtime
