// nestjit-make-generic FILE: compiles the generic kernels of all levels and writes them as C++ for
// the library, which is built after this program. What a level has beyond the machine at hand is
// compiled, not run.
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "ops/conv/generic.h"
#include "runtime/disk/kernel_entry.h"

namespace nestjit::runtime {
namespace {

constexpr compiler::Level levels[] = {compiler::Level::x86_64_v1, compiler::Level::x86_64_v3,
                                      compiler::Level::x86_64_v4};

std::vector<std::byte> make_entry(const ops::GenericForm& form, compiler::Level level) {
  const compiler::CompileRequest request = ops::generic_request(form, compiler::target_of(level));
  const compiler::CompiledKernel kernel = compiler::compile(request);
  if (!kernel.packed.empty()) base::internal("{}: it packs operands", request.title);
  disk::Entry entry = disk::entry_of(kernel, request.schedule, request.target);
  entry.problem = request.title;
  entry.key = request.title + "|" + request.target.name();
  entry.compile_ms = 0;  // the same sources give the same bytes
  return disk::write_entry(entry);
}

std::string array_text(const std::string& name, const std::vector<std::byte>& bytes) {
  std::string text = fmt::format("constexpr unsigned char {}[] = {{", name);
  for (size_t i = 0; i < bytes.size(); ++i)
    text += fmt::format("{}{},", i % 32 == 0 ? "\n" : "", static_cast<unsigned>(bytes[i]));
  return text + "};\n";
}

std::string source_text() {
  std::string arrays, rows;
  for (const compiler::Level level : levels)
    for (const ops::GenericForm& form : ops::generic_forms) {
      const size_t number = ops::index_of(form);
      const std::string name = fmt::format("kernel_{}_{}", static_cast<int>(level), number);
      arrays += array_text(name, make_entry(form, level));
      rows += fmt::format("    {{static_cast<compiler::Level>({}), {}, {}}},\n",
                          static_cast<int>(level), number, name);
    }
  return fmt::format(
      "// Written by nestjit-make-generic.\n"
      "#include \"runtime/generic/stored_kernels.h\"\n\n"
      "namespace nestjit::runtime {{\nnamespace {{\n\n{}\n"
      "constexpr StoredGenericKernel all[] = {{\n{}}};\n\n}}  // namespace\n\n"
      "std::span<const StoredGenericKernel> stored_generic_kernels() {{ return all; }}\n\n"
      "}}  // namespace nestjit::runtime\n",
      arrays, rows);
}

int run(int argc, char** argv) {
  if (argc != 2) base::invalid("nestjit-make-generic: expected a file, got {} arguments", argc - 1);
  const std::string text = source_text();
  std::ofstream file(argv[1], std::ios::binary);
  file << text;
  file.close();
  if (!file) base::resource("nestjit-make-generic: {} cannot be written", argv[1]);
  return 0;
}

}  // namespace
}  // namespace nestjit::runtime

int main(int argc, char** argv) {
  try {
    return nestjit::runtime::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
