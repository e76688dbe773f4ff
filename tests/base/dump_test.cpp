#include "base/dump.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/expect_error.h"

namespace nestjit::base {
namespace {

namespace fs = std::filesystem;

/// A folder of its own for a test; removed with what is in it.
class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "nestjit-dump-XXXXXX").string();
    const char* made = mkdtemp(pattern.data());
    if (made == nullptr) throw std::runtime_error("no temporary folder");
    path_ = made;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string read(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

TEST(Dump, WritesEveryStageIntoTheFolderOfItsTitle) {
  const Folder root;
  const std::string folder =
      write_stages(root.path().string(), "conv l=8/x *", {{"01-a.txt", "one\n"}, {"02-b.txt", ""}});
  EXPECT_EQ(folder, (root.path() / "conv_l=8_x__").string());
  EXPECT_EQ(read(fs::path(folder) / "01-a.txt"), "one\n");
  EXPECT_TRUE(fs::exists(fs::path(folder) / "02-b.txt"));
}

TEST(Dump, OverwritesAnEarlierDump) {
  const Folder root;
  write_stages(root.path().string(), "k", {{"01-a.txt", "a longer text"}});
  const std::string folder = write_stages(root.path().string(), "k", {{"01-a.txt", "short"}});
  EXPECT_EQ(read(fs::path(folder) / "01-a.txt"), "short");
}

TEST(Dump, AFileInTheWayIsAResourceError) {
  const Folder root;
  std::ofstream(root.path() / "file") << "x";
  const std::string inside = (root.path() / "file").string();
  expect_error(ErrorKind::resource, "dump: cannot create folder " + inside,
               [&] { write_stages(inside, "k", {}); });
  fs::create_directories(root.path() / "k" / "01-a.txt");
  expect_error(ErrorKind::resource, "dump: cannot write",
               [&] { write_stages(root.path().string(), "k", {{"01-a.txt", "x"}}); });
}

}  // namespace
}  // namespace nestjit::base
