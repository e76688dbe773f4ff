#include "runtime/disk/inspect.h"

#include "base/error.h"
#include "compiler/build_id.h"
#include "runtime/disk/store.h"

namespace nestjit::runtime::disk {
namespace {

std::optional<Folder> opened(const Settings& settings) {
  std::string reason;
  std::optional<Folder> folder = Folder::open(settings.folder, false, reason);
  if (!folder && !reason.empty()) base::resource("cache: {}", reason);
  return folder;
}

Inspected inspect(const Folder& folder, const FileInfo& file) {
  Inspected result{file, std::nullopt, {}};
  if (!file.name.ends_with(entry_ending)) {
    result.why = file.name.front() == '.' ? "unfinished" : "set aside";
    return result;
  }
  const FileContent content = folder.read(file.name, Folder::Note::none);
  result.why = content.why;
  if (!content.bytes) return result;
  result.entry = read_entry(*content.bytes, result.why);
  if (!result.entry) return result;
  if (file_name(result.entry->key) != file.name) {
    result.why = "its name is that of another kernel";
    result.entry.reset();
    return result;
  }
  if (result.entry->build != compiler::build_id()) result.why = "it is of another build";
  result.entry->image.bytes = {};
  return result;
}

}  // namespace

std::vector<Inspected> inspect(const Settings& settings) {
  std::vector<Inspected> all;
  if (const auto folder = opened(settings))
    for (const FileInfo& file : folder->files()) all.push_back(inspect(*folder, file));
  return all;
}

int64_t remove_all(const Settings& settings) {
  int64_t removed = 0;
  if (const auto folder = opened(settings))
    for (const FileInfo& file : folder->files()) removed += folder->remove(file.name);
  return removed;
}

}  // namespace nestjit::runtime::disk
