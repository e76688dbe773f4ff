// nestjit info: what this build and this machine are.
#include <fmt/format.h>

#include <string>

#include "base/env.h"
#include "compiler/machine_code.h"
#include "compiler/target.h"
#include "nestjit/version.h"
#include "runtime/disk/settings.h"
#include "runtime/executor.h"
#include "runtime/memory.h"
#include "tools/commands.h"

namespace nestjit::tools {
namespace {

std::string cache_text() {
  const runtime::disk::Settings s = runtime::disk::settings();
  switch (s.mode) {
    case runtime::disk::Mode::off: return "off";
    case runtime::disk::Mode::on: return s.folder;
    case runtime::disk::Mode::read: return s.folder + " (nothing is written)";
    case runtime::disk::Mode::verify: return s.folder + " (every hit is compiled again)";
  }
  return {};
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
  fmt::print("cache       {}\n", cache_text());
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
