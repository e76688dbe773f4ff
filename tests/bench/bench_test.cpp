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
  EXPECT_NE(table.find("list: 2 problems, 1 thread: "), std::string::npos) << table;
  EXPECT_NE(table.find("\n1 problem, 1 thread: "), std::string::npos) << table;
  EXPECT_NE(table.find("nestjit_fma_peak:"), std::string::npos) << table;
  const auto all = nlohmann::json::parse(read(json));
  const auto& list = all["results"];
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0]["list"], "list");
  EXPECT_EQ(list[1]["problem"], "conv_transpose1d l=9 ci=16 co=16 k=4 s=2");
  EXPECT_EQ(list[2]["problem"], "conv_transpose1d l=10 ci=4 co=4 k=2");
  for (const auto& row : list) {
    EXPECT_EQ(row["threads"], 1);
    EXPECT_EQ(row["compute_bound"], false);
    for (const char* key : {"median_ms", "best_ms", "gflops", "peak_gflops", "peak_fraction",
                            "compile_ms", "compile_best_ms", "compile_worst_ms", "pack_ms"}) {
      EXPECT_GT(row[key].get<double>(), 0) << key;
    }
    EXPECT_LE(row["best_ms"], row["median_ms"]);
    EXPECT_LE(row["compile_best_ms"], row["compile_ms"]);
    EXPECT_LE(row["compile_ms"], row["compile_worst_ms"]);
    EXPECT_GT(row["memory"]["times_memory"].get<double>(), 0);
    EXPECT_EQ(row["peers"].size(), 0u);
  }
  EXPECT_EQ(list[0]["memory"]["output_bytes"], 4 * 9 * 16);
  EXPECT_EQ(all["summaries"].size(), 3u);
  for (const char* key : {"date", "machine", "target", "llvm"}) {
    EXPECT_FALSE(all["context"][key].get<std::string>().empty()) << key;
  }
}

TEST_F(BenchTest, ComparesWithOneThread) {
  const fs::path json = folder_ / "out.json";
  ASSERT_EQ(bench("'conv_transpose1d l=8 ci=16 co=16 k=2' --threads 2 --rounds 2 --compiles 1 "
                  "--json " +
                  json.string()),
            0)
      << read(err());
  EXPECT_NE(read(out()).find("x 1 thread"), std::string::npos) << read(out());
  const auto row = nlohmann::json::parse(read(json))["results"][0];
  EXPECT_EQ(row["threads"], 2);
  EXPECT_GT(row["one_thread"]["speed_up"].get<double>(), 0);
}

TEST_F(BenchTest, ComparesStridedOperandsWithRowMajorOnes) {
  const fs::path json = folder_ / "out.json";
  ASSERT_EQ(bench("'conv_transpose1d l=8 ci=16 co=16 k=2' --with xorder=0,2,1 --rounds 2 "
                  "--compiles 1 --json " +
                  json.string()),
            0)
      << read(err());
  EXPECT_NE(read(out()).find("x row-major"), std::string::npos) << read(out());
  const auto row = nlohmann::json::parse(read(json))["results"][0];
  EXPECT_GT(row["row_major"]["times_row_major"].get<double>(), 0);
}

TEST_F(BenchTest, MeasuresCompilesAlone) {
  const fs::path json = folder_ / "out.json";
  ASSERT_EQ(bench("'conv_transpose1d l=8 ci=16 co=16 k=2' --compile --compiles 2 --json " +
                  json.string()),
            0)
      << read(err());
  EXPECT_EQ(read(out()).find("median ms"), std::string::npos) << read(out());
  const auto row = nlohmann::json::parse(read(json))["results"][0];
  EXPECT_GT(row["compile_ms"].get<double>(), 0);
  EXPECT_FALSE(row.contains("median_ms"));
}

// With the libraries installed they take part and are right; without them the run says so.
TEST_F(BenchTest, PeersAreMeasuredOrMissed) {
  const fs::path json = folder_ / "out.json";
  ASSERT_EQ(bench("'conv_transpose1d l=50 ci=16 co=16 k=5 s=3 p=1' --peers --rounds 2 "
                  "--compiles 1 --json " +
                  json.string()),
            0)
      << read(err()) << read(out());
  const auto all = nlohmann::json::parse(read(json));
  const auto& peers = all["results"][0]["peers"];
  EXPECT_EQ(peers.size(), all["context"]["peers"].size());
  EXPECT_GE(peers.size() + all["context"]["missing_peers"].size(), 2u);
  for (const auto& peer : peers) {
    EXPECT_GT(peer["peak_fraction"].get<double>(), 0) << peer;
    EXPECT_GT(peer["times_ours"].get<double>(), 0) << peer;
    EXPECT_FALSE(peer.contains("wrong")) << peer;
  }
}

TEST_F(BenchTest, RefusesBadInput) {
  EXPECT_EQ(bench("'conv_transpose1d l=8 ci=16 co=16 k=0'"), 2);
  EXPECT_EQ(read(err()).rfind("nestjit-bench: invalid argument: ", 0), 0u) << read(err());
  EXPECT_EQ(bench("missing.txt"), 2);
  EXPECT_EQ(read(err()).rfind("nestjit-bench: resource: ", 0), 0u) << read(err());
  EXPECT_EQ(bench("--threads 0"), 2);
  EXPECT_EQ(bench("--compiles 0"), 2);
  EXPECT_EQ(bench("'conv_transpose1d l=8 ci=4 co=4 k=2' --rounds 1 --compiles 1 --json "
                  "/nowhere/out.json"),
            2);
  EXPECT_EQ(read(err()).rfind("nestjit-bench: resource: ", 0), 0u) << read(err());
}

}  // namespace
}  // namespace nestjit
