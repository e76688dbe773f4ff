// nestjit info: what this build and this machine are.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/env.h"
#include "compiler/machine_code.h"
#include "compiler/target.h"
#include "nestjit/version.h"
#include "runtime/executor.h"
#include "runtime/memory.h"
#include "tools/commands.h"

namespace nestjit::tools {
namespace {

std::string cache_folder() {
  if (const auto folder = base::setting("NESTJIT_CACHE_DIR")) return *folder;
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg != nullptr && *xdg == '/') {
    return std::filesystem::path(xdg) / "nestjit";
  }
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr ? home : "/tmp") / ".cache" / "nestjit";
}

void print_target(const compiler::Target& t) {
  fmt::print("target      {} ({}-bit vectors, {} registers{}{})\n", t.name(), 8 * t.vector_bytes,
             t.vector_registers, t.has_fma ? ", fma" : "", t.has_lane_masks ? ", lane masks" : "");
  fmt::print("caches      L1d {} KiB, L2 {} KiB, L3 {} KiB\n", t.l1d_bytes / 1024,
             t.l2_bytes / 1024, t.l3_bytes / 1024);
  fmt::print("cores       {}\n", t.cores);
}

void print_info() {
  const std::string llvm = compiler::llvm_version();
  fmt::print("nestjit     {}\n", version());
  fmt::print("LLVM        {}\n",
             llvm.empty() ? "the code generator library cannot be loaded" : llvm);
  print_target(compiler::host_target());
  const runtime::Executor& executor = runtime::default_executor();
  fmt::print("executor    {}, {} threads\n", executor.name(), executor.concurrency());
  fmt::print("memory      {} MiB available\n", runtime::available_memory() >> 20);
  fmt::print("cache       {} (kernels are kept in memory; this build writes none to disk)\n",
             cache_folder());
  fmt::print("\nsettings of the environment\n");
  for (const base::Setting& s : base::settings()) {
    fmt::print("  {:<24}{}\n  {:<24}{}\n", s.name, base::setting(s.name).value_or("(unset)"), "",
               s.meaning);
  }
}

}  // namespace

void add_info(CLI::App& app, int&) {
  app.add_subcommand("info", "print the target, versions, settings and folders")->callback([] {
    print_info();
  });
}

}  // namespace nestjit::tools
