#include "compiler/machine_code.h"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <new>

#include "base/env.h"
#include "base/error.h"
#include "compiler/build_id.h"
#include "compiler/door.h"
#include "compiler/executable_memory.h"
#include "compiler/profile/profile.h"

namespace nestjit::compiler {
namespace {

namespace fs = std::filesystem;

constexpr const char* library_file = "libnestjit-codegen.so";

// The folder of the binary that holds this code: an executable or a shared library.
fs::path own_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&own_folder), &info) == 0 || info.dli_fname == nullptr)
    return {};
  std::error_code ignored;
  const fs::path file = fs::canonical(info.dli_fname, ignored);
  return ignored ? fs::path() : file.parent_path();
}

std::vector<fs::path> candidates() {
  if (const auto named = base::setting("NESTJIT_CODEGEN_LIBRARY")) return {*named};
  std::vector<fs::path> files;
  if (const fs::path own = own_folder(); !own.empty()) {
    files.push_back(own / library_file);
    files.push_back(own.parent_path() / "lib" / library_file);
    files.push_back(own.parent_path() / "lib" / "nestjit" / library_file);
  }
  files.push_back(fs::path(NESTJIT_INSTALLED_LIBRARY_FOLDER) / library_file);
  files.push_back(fs::path(NESTJIT_BUILT_LIBRARY_FOLDER) / library_file);
  return files;
}

// The library's table, or null with the reason.
const DoorTable* open_door(const fs::path& file, std::string& reason) {
  // A name without a slash would make the loader search its own folders.
  void* handle = dlopen(fs::absolute(file).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    reason = dlerror();
    return nullptr;
  }
  // From here on the library stays: closing it would run LLVM's destructors.
  const auto door = reinterpret_cast<DoorFunction>(dlsym(handle, door_symbol));
  if (door == nullptr) {
    reason = fmt::format("{}: not a code generator of nestjit", file.string());
    return nullptr;
  }
  const DoorTable* table = door();
  if (table == nullptr) throw std::bad_alloc();
  if (table->abi_version != abi_version || table->build_id != build_id()) {
    reason = fmt::format("{}: made by another build ({}, this is {})", file.string(),
                         table->build_id, build_id());
    return nullptr;
  }
  return table;
}

std::atomic<const DoorTable*> loaded_table{nullptr};

const DoorTable& load_door() {
  if (const DoorTable* table = loaded_table.load(std::memory_order_acquire)) return *table;
  static std::mutex loading;
  const std::lock_guard lock(loading);
  if (const DoorTable* table = loaded_table.load(std::memory_order_acquire)) return *table;
  std::string reasons;
  for (const fs::path& file : candidates()) {
    std::string reason;
    if (const DoorTable* table = open_door(file, reason)) {
      base::log("compile",
                fmt::format("loaded {} with LLVM {}", file.string(), table->llvm_version));
      loaded_table.store(table, std::memory_order_release);
      return *table;
    }
    reasons += "\n  " + reason;
  }
  base::unsupported("compile: the code generator library cannot be loaded; tried{}", reasons);
}

}  // namespace

void CompiledImage::append(const CompiledImage& other) {
  image.append(other.image);
  llvm_ir += other.llvm_ir;
  assembly += other.assembly;
  stack_bytes = std::max(stack_bytes, other.stack_bytes);
}

MachineCode place_image(const CodeImage& image, std::string_view title) {
  MachineCode code;
  code.owner = announce(place_code(image.bytes), image.bytes.size(), image.entries, title);
  code.code_bytes = image.bytes.size();
  for (const uint32_t entry : image.entries)
    code.entries.push_back(
        reinterpret_cast<KernelFunction>(reinterpret_cast<uintptr_t>(code.owner.get()) + entry));
  return code;
}

MachineCode place_image(CompiledImage compiled, std::string_view title) {
  MachineCode code = place_image(compiled.image, title);
  static_cast<CodegenReport&>(code) = std::move(static_cast<CodegenReport&>(compiled));
  return code;
}

CompiledImage compile_to_image(const std::vector<ir::Kernel>& kernels, const Target& target,
                               const CodegenOptions& options) {
  const DoorRequest request{kernels.data(), kernels.size(), &target, &options};
  DoorResult result;
  load_door().compile(&request, &result);
  if (!result.ok) throw Error(result.kind, result.error);
  return std::move(result.code);
}

MachineCode compile_to_machine_code(const std::vector<ir::Kernel>& kernels, const Target& target,
                                    const CodegenOptions& options) {
  return place_image(compile_to_image(kernels, target, options),
                     kernels.empty() ? std::string_view() : kernels.front().name);
}

std::string llvm_version() {
  try {
    return load_door().llvm_version;
  } catch (const Error&) {
    return {};
  }
}

bool code_generator_loaded() { return loaded_table.load(std::memory_order_acquire) != nullptr; }

}  // namespace nestjit::compiler
