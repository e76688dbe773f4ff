#include "runtime/disk/store.h"

#include <fmt/format.h>

#include <atomic>

#include "base/env.h"
#include "compiler/build_id.h"
#include "runtime/disk/digest.h"
#include "runtime/disk/folder.h"
#include "runtime/disk/prune.h"

namespace nestjit::runtime::disk {
namespace {

constexpr const char* aside_ending = ".aside";
constexpr size_t digest_bytes_of_name = 16;
constexpr uint64_t entries_between_prunings = 64;

/// Why a sound entry is not the one that was asked for, or an empty text.
std::string mismatch(const Entry& entry, const std::string& key, const std::string& target) {
  if (entry.build != compiler::build_id()) return fmt::format("it is of build {}", entry.build);
  if (entry.target != target)
    return fmt::format("it needs {}, this process makes code for {}", entry.target, target);
  if (entry.key != key) return "it is another kernel";
  return {};
}

void put_aside(const Folder& folder, const std::string& name, const std::string& why) {
  base::log("cache", fmt::format("set aside,{},{}", name, why));
  if (!folder.rename(name, name + aside_ending)) folder.remove(name);
}

}  // namespace

std::string file_name(const std::string& key) {
  return hex(sha256(std::as_bytes(std::span(key))), digest_bytes_of_name) + entry_ending;
}

Found find(const Settings& settings, const std::string& key, const std::string& target) {
  Found found;
  std::string why;
  const std::optional<Folder> folder = Folder::open(settings.folder, false, why);
  if (!folder) {
    if (!why.empty()) base::log("cache", fmt::format("not read,{}", why));
    found.why = why.empty() ? "no folder" : why;
    return found;
  }
  const std::string name = file_name(key);
  const FileContent file = folder->read(name);
  if (!file.bytes) {
    found.why = file.why.empty() ? "no entry" : file.why;
    if (!file.why.empty() && !file.bad)
      base::log("cache", fmt::format("not read,{},{}", name, file.why));
    if (!file.bad) return found;
  } else {
    found.entry = read_entry(*file.bytes, found.why);
    if (found.entry) found.why = mismatch(*found.entry, key, target);
    if (found.why.empty()) return found;
  }
  found.entry.reset();
  found.rejected = true;
  if (settings.mode == Mode::read)
    base::log("cache", fmt::format("not used,{},{}", name, found.why));
  else
    put_aside(*folder, name, found.why);
  return found;
}

void set_aside(const Settings& settings, const std::string& key, const std::string& why) {
  std::string reason;
  if (settings.mode == Mode::read) return;
  if (const auto folder = Folder::open(settings.folder, false, reason))
    put_aside(*folder, file_name(key), why);
}

bool keep(const Settings& settings, const Entry& entry) {
  std::string why;
  const std::string name = file_name(entry.key);
  const std::optional<Folder> folder = Folder::open(settings.folder, true, why);
  if (!folder || !folder->write(name, write_entry(entry), why)) {
    base::log("cache", fmt::format("not stored,{},{}", name, why));
    return false;
  }
  base::log("cache", fmt::format("stored,{},{} bytes", name, entry.image.bytes.size()));
  static std::atomic<uint64_t> kept{0};
  if (kept.fetch_add(1, std::memory_order_relaxed) % entries_between_prunings == 0) {
    const Pruned pruned = prune(*folder, settings);
    if (pruned.files > 0)
      base::log("cache", fmt::format("pruned,{} files,{} bytes", pruned.files, pruned.bytes));
  }
  return true;
}

}  // namespace nestjit::runtime::disk
