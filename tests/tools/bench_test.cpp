// The benchmark from outside, on problems of a few microseconds.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace nestjit {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

class BenchTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  int bench(const std::string& arguments) const {
    const std::string command = "'" NESTJIT_BENCH_TOOL "' " + arguments + " >'" + out().string() +
                                "' 2>'" + err().string() + "' </dev/null";
    const int result = std::system(command.c_str());
    return WIFEXITED(result) ? WEXITSTATUS(result) : -1;
  }
  fs::path out() const { return folder_ / "out"; }
  fs::path err() const { return folder_ / "err"; }

  const fs::path folder_ =
      fs::temp_directory_path() / ("nestjit-bench-" + std::to_string(getpid()));
};

TEST_F(BenchTest, MeasuresFilesAndProblems) {
  std::ofstream(folder_ / "list.txt") << "# two\nconv_transpose1d l=8 ci=16 co=16 k=2\n\n"
                                         "conv_transpose1d l=9 ci=16 co=16 k=4 s=2 # the other\n";
  const fs::path json = folder_ / "out.json";
  ASSERT_EQ(bench((folder_ / "list.txt").string() + " 'conv_transpose1d l=10 ci=4 co=4 k=2 s=1' " +
                  "--rounds 2 --assembly --json " + json.string()),
            0)
      << read(err());
  const std::string table = read(out());
  EXPECT_NE(table.find("3 problems, 1 thread: geometric mean "), std::string::npos) << table;
  EXPECT_NE(table.find("nestjit_fma_peak:"), std::string::npos) << table;
  const auto list = nlohmann::json::parse(read(json));
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[1]["problem"], "conv_transpose1d l=9 ci=16 co=16 k=4 s=2");
  EXPECT_EQ(list[2]["problem"], "conv_transpose1d l=10 ci=4 co=4 k=2");
  for (const auto& row : list) {
    EXPECT_EQ(row["threads"], 1);
    for (const char* key : {"median_ms", "best_ms", "gflops", "peak_gflops", "peak_fraction",
                            "compile_ms", "pack_ms"}) {
      EXPECT_GT(row[key].get<double>(), 0) << key;
    }
    EXPECT_LE(row["best_ms"], row["median_ms"]);
  }
}

TEST_F(BenchTest, RefusesBadInput) {
  EXPECT_EQ(bench("'conv_transpose1d l=8 ci=16 co=16 k=0'"), 2);
  EXPECT_EQ(read(err()).rfind("nestjit-bench: invalid argument: ", 0), 0u) << read(err());
  EXPECT_EQ(bench("missing.txt"), 2);
  EXPECT_EQ(read(err()).rfind("nestjit-bench: resource: ", 0), 0u) << read(err());
  EXPECT_EQ(bench("--threads 0"), 2);
}

}  // namespace
}  // namespace nestjit
