#include "compiler/profile/profile.h"

#include <sys/auxv.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "base/forks.h"
#include "base/gdb_interface.h"
#include "compiler/profile/perf_files.h"
#include "compiler/profile/symbol_file.h"

namespace nestjit::compiler {
namespace {

using Functions = std::vector<NamedCode>;

ProfileSettings settings_of_environment() {
  if (getauxval(AT_SECURE) != 0) return {};  // somebody else may have chosen the environment
  ProfileSettings settings = parse_profile(base::setting("NESTJIT_PROFILE").value_or(""));
  settings.folder = base::setting("NESTJIT_PROFILE_DIR").value_or(settings.folder);
  return settings;
}

const ProfileSettings& settings() {
  static const ProfileSettings first = settings_of_environment();
  return first;
}

/// The files of this process, and what stands in them. A child of a fork gets files of its own as
/// soon as it has something to add; its parent's kernels, which it may run, come first.
class PerfFiles {
 public:
  void add(const Functions& functions) {
    const std::lock_guard lock(mutex_);
    live_.push_back(&functions);
    try {
      if (is_open_) return write(functions);
      open();
      for (const Functions* known : live_) write(*known);
    } catch (...) {  // no memory: whoever adds gives up
      std::erase(live_, &functions);
      throw;
    }
  }
  void remove(const Functions& functions) {
    const std::lock_guard lock(mutex_);
    std::erase(live_, &functions);
  }

  void before_fork() { mutex_.lock(); }
  void after_fork(base::ForkSide side) {
    if (side == base::ForkSide::child) {
      files_.clear();
      is_open_ = false;
    }
    mutex_.unlock();
  }

 private:
  void open() {
    is_open_ = true;
    const auto keep = [&](std::unique_ptr<PerfFile> file, const std::string& why) {
      if (file != nullptr)
        files_.push_back(std::move(file));
      else
        base::log("profile", "not written," + why);
    };
    std::string why;
    if (settings().perf) keep(open_jit_dump(settings().folder, why), why);
    if (settings().perf_map) keep(open_perf_map(why), why);
  }

  void write(const Functions& functions) {
    for (const NamedCode& function : functions)
      std::erase_if(files_, [&](const std::unique_ptr<PerfFile>& file) {
        std::string why;
        if (file->add(function, why)) return false;
        base::log("profile", "not written any more," + why);
        return true;
      });
  }

  std::mutex mutex_;
  std::vector<const Functions*> live_;
  std::vector<std::unique_ptr<PerfFile>> files_;
  bool is_open_ = false;
};

// Never destroyed: kernels may be released by the destructors of other globals.
PerfFiles& perf_files() {
  static PerfFiles* const shared = new PerfFiles();
  return *shared;
}

[[maybe_unused]] const bool held_at_forks =
    (base::at_fork(
         base::ForkStage::leaves, [] { perf_files().before_fork(); },
         [](base::ForkSide side) { perf_files().after_fork(side); }),
     true);

/// Code that tools know of. They hear of its end before the memory is free for other code.
class Announced {
 public:
  Announced(std::shared_ptr<const std::byte> code, Functions functions)
      : code_(std::move(code)),
        functions_(std::move(functions)) {
    if (settings().gdb) gdb_.emplace(symbol_file(functions_));
    if (in_files()) perf_files().add(functions_);
  }
  ~Announced() {
    if (in_files()) perf_files().remove(functions_);
  }
  Announced(const Announced&) = delete;
  Announced& operator=(const Announced&) = delete;

 private:
  static bool in_files() { return settings().perf || settings().perf_map; }

  std::shared_ptr<const std::byte> code_;
  Functions functions_;
  std::optional<base::GdbEntry> gdb_;
};

}  // namespace

ProfileSettings parse_profile(std::string_view list) {
  ProfileSettings settings;
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    const std::string_view word = list.substr(0, end);
    if (word == "perf")
      settings.perf = true;
    else if (word == "perf-map")
      settings.perf_map = true;
    else if (word == "gdb")
      settings.gdb = true;
    else
      base::invalid("NESTJIT_PROFILE must be a list of perf, perf-map and gdb, got {}", word);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return settings;
}

std::shared_ptr<const std::byte> announce(std::shared_ptr<const std::byte> code, size_t bytes,
                                          std::span<const uint32_t> entries,
                                          std::string_view title) {
  const ProfileSettings& wanted = settings();
  if (code == nullptr || entries.empty() || !(wanted.perf || wanted.perf_map || wanted.gdb))
    return code;
  Functions functions = named_code({code.get(), bytes}, entries, title);
  const std::byte* const place = code.get();
  const auto held = std::make_shared<const Announced>(std::move(code), std::move(functions));
  return {held, place};
}

}  // namespace nestjit::compiler
