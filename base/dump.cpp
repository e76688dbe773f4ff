#include "base/dump.h"

#include <cctype>
#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace nestjit::base {
namespace {

std::string file_name_of(std::string_view title) {
  std::string name;
  for (const char c : title) {
    const bool plain =
        std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '=' || c == '.';
    name += plain ? c : '_';
  }
  return name;
}

}  // namespace

std::string write_stages(const std::string& root, std::string_view title,
                         const std::vector<StageText>& stages) {
  const std::filesystem::path folder = std::filesystem::path(root) / file_name_of(title);
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) resource("dump: cannot create folder {}: {}", folder.string(), code.message());
  for (const StageText& stage : stages) {
    std::ofstream out(folder / stage.file, std::ios::binary);
    out << stage.text;
    if (!out.flush()) resource("dump: cannot write {}", (folder / stage.file).string());
  }
  return folder.string();
}

}  // namespace nestjit::base
