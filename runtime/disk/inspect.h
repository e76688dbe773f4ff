// A look at everything that is stored, for tools.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/disk/entry.h"
#include "runtime/disk/folder.h"
#include "runtime/disk/settings.h"

namespace nestjit::runtime::disk {

struct Inspected {
  FileInfo file;
  std::optional<Entry> entry;  // where the file is one, also of another build; without its code
  std::string why;             // this process would not take it, where it would not
};

/// Every file of the folder, read whole; none where there is no folder. Throws a resource error for
/// a folder that cannot be opened or trusted.
std::vector<Inspected> inspect(const Settings& settings);

/// Removes every file, those that are being written included. How many there were. Throws likewise.
int64_t remove_all(const Settings& settings);

}  // namespace nestjit::runtime::disk
