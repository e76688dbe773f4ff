// Stored kernels by key: what runs first when memory has no kernel, and last when one was compiled.
//
// Nothing here fails: a kernel that cannot be had from the disk is compiled, one that cannot be put
// there is compiled again by the next process. Why, the verbose topic `cache` says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/disk/entry.h"
#include "runtime/disk/settings.h"

namespace nestjit::runtime::disk {

/// Ending of the files that hold kernels.
inline constexpr const char* entry_ending = ".kernel";

/// File name of a key's entry.
std::string file_name(const std::string& key);

/// What a look-up came to. Without an entry, `why` says what stood against it.
struct Found {
  std::optional<Entry> entry;
  std::string why;
  bool rejected = false;  // there was a file
};

/// The entry of a key that code for `target` may come from; a file that is no such entry is set
/// aside. Thread-safe, also among processes.
Found find(const Settings& settings, const std::string& key, const std::string& target);

/// Sets the key's file aside, for a reason found by looking closer.
void set_aside(const Settings& settings, const std::string& key, const std::string& why);

/// Stores an entry and now and then keeps the folder within its limits. False, with a line in the
/// log, where that is not possible.
bool keep(const Settings& settings, const Entry& entry);

}  // namespace nestjit::runtime::disk
