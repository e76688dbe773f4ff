// Tests neither read nor write the user's kernels: those that want a disk name a folder of theirs.
#include <cstdlib>

namespace {
[[maybe_unused]] const int no_disk = setenv("NESTJIT_CACHE", "off", /*overwrite=*/0);
}  // namespace
