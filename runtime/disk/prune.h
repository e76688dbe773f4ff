// Keeping the folder within its limits.
#pragma once

#include <cstdint>

#include "runtime/disk/folder.h"
#include "runtime/disk/settings.h"

namespace nestjit::runtime::disk {

struct Pruned {
  int64_t files = 0, bytes = 0;  // removed
  int64_t files_left = 0, bytes_left = 0;
};

/// Removes what was not used for too long, then what was not used for longest until the rest fits,
/// and unfinished files that nobody can still be writing. Other processes may do the same
/// meanwhile.
Pruned prune(const Folder& folder, const Settings& settings);

}  // namespace nestjit::runtime::disk
