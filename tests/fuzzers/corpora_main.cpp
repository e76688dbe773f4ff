// nestjit-corpora FOLDER: every target reads every file of its corpus, and what becomes of it when
// it is cut or a byte changes. The same every time, with any compiler.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "tests/fuzzers/targets.h"

namespace {

namespace fs = std::filesystem;
using nestjit::fuzzers::Target;

constexpr int changes_a_file = 50;

std::vector<uint8_t> bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void read_with_changes(const Target& target, const std::vector<uint8_t>& bytes) {
  target.read(bytes);
  std::mt19937 random(1);
  for (int i = 0; i < changes_a_file && !bytes.empty(); ++i) {
    std::vector<uint8_t> changed = bytes;
    changed[random() % changed.size()] = static_cast<uint8_t>(random());
    if (i % 4 == 0) changed.resize(random() % changed.size());
    target.read(changed);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  bool all = true;
  for (const Target& target : nestjit::fuzzers::targets) {
    int files = 0;
    std::error_code none;
    for (const auto& file : fs::directory_iterator(fs::path(argv[1]) / target.name, none)) {
      read_with_changes(target, bytes_of(file.path()));
      ++files;
    }
    std::printf("%s: %d files\n", target.name, files);
    all = all && files > 0;
  }
  return all ? 0 : 1;
}
