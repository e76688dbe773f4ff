// The command from outside: what it prints and with which status it ends.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>

namespace nestjit {
namespace {

namespace fs = std::filesystem;

struct Outcome {
  int status = -1;
  std::string out, err;
};

class CliTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() /
              ("nestjit-cli-" + std::to_string(getpid()) + "-" + info->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string file(const std::string& name) const { return (folder_ / name).string(); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name), std::ios::binary) << text;
    return file(name);
  }

  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  Outcome nestjit(const std::string& arguments, const std::string& environment = "") const {
    const std::string command = environment + " '" NESTJIT_TOOL "' " + arguments + " >'" +
                                file("out") + "' 2>'" + file("err") + "' </dev/null";
    const int result = std::system(command.c_str());
    return {WIFEXITED(result) ? WEXITSTATUS(result) : -1, read(file("out")), read(file("err"))};
  }

  fs::path folder_;
};

void expect_refusal(const Outcome& o, const std::string& start, const std::string& part) {
  EXPECT_EQ(o.status, 2) << o.out << o.err;
  EXPECT_EQ(o.err.rfind("nestjit: " + start, 0), 0u) << o.err;
  EXPECT_NE(o.err.find(part), std::string::npos) << o.err;
  EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
}

TEST_F(CliTest, RunChecksAndMeasures) {
  const Outcome o =
      nestjit("run 'conv_transpose1d l=16 ci=32 co=16 k=4 s=2 p=1' --check --threads 1");
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_NE(o.out.find("output    (1,32,16), checksum "), std::string::npos) << o.out;
  EXPECT_NE(o.out.find("check     ok: equal to the reference loops, bit for bit"),
            std::string::npos);
  EXPECT_NE(o.out.find("GFLOP/s"), std::string::npos);
}

TEST_F(CliTest, ChecksumsDependOnTheSeedAlone) {
  const std::string problem = "run 'conv_transpose1d l=9 ci=5 co=7 k=3 s=2'";
  const auto checksum = [&](const std::string& more, const std::string& environment = "") {
    std::smatch match;
    const Outcome o = nestjit(problem + more, environment);
    EXPECT_TRUE(std::regex_search(o.out, match, std::regex("checksum ([0-9a-f]{16})"))) << o.err;
    return match.str(1);
  };
  const std::string usual = checksum("");
  EXPECT_EQ(checksum(" --threads 2"), usual);
  EXPECT_EQ(checksum("", "NESTJIT_EXECUTOR=serial"), usual);
  EXPECT_EQ(checksum("", "NESTJIT_EXECUTOR=threads NESTJIT_THREADS=3"), usual);
  EXPECT_NE(checksum(" --seed 2"), usual);
}

TEST_F(CliTest, RunReadsAndWritesNpy) {
  const std::string y = file("y.npy"), again = file("again.npy");
  const std::string first = "run 'conv_transpose1d l=4 ci=3 co=3 k=1'";
  ASSERT_EQ(nestjit(first + " --output " + y).status, 0);
  ASSERT_EQ(read(y).rfind("\x93NUMPY", 0), 0u);
  EXPECT_EQ(nestjit(first + " --input " + y + " --output " + again + " --check").status, 0);
  expect_refusal(nestjit("run 'conv_transpose1d l=5 ci=3 co=3 k=1' --input " + y),
                 "invalid argument", "the input must have shape (1,5,3), the file holds (1,4,3)");
  expect_refusal(nestjit(first + " --weight " + write("w.npy", "not an array")), "invalid argument",
                 "w.npy");
  expect_refusal(nestjit(first + " --weight " + file("missing.npy")), "resource", "missing.npy");
}

TEST_F(CliTest, RunOfEmptyWork) {
  const Outcome o = nestjit("run 'conv_transpose1d l=0 ci=3 co=2 k=4' --check");
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_NE(o.out.find("(1,3,2)"), std::string::npos) << o.out;
}

TEST_F(CliTest, BadInputIsOneLineAndStatusTwo) {
  expect_refusal(nestjit("run 'conv_transpose1d l=16 ci=32 co=16 k=4 s=0'"), "invalid argument",
                 "stride");
  expect_refusal(nestjit("run 'conv_transpose1d l=16 ci=banana co=16 k=4'"), "invalid argument",
                 "column");
  expect_refusal(nestjit("run 'softmax l=16'"), "invalid argument", "softmax");
  expect_refusal(nestjit("run"), "invalid argument", "problem is required");
  expect_refusal(nestjit(""), "invalid argument", "subcommand");
  expect_refusal(nestjit("dance"), "invalid argument", "");
  expect_refusal(nestjit("check " + file("missing.jsonl")), "resource", "missing.jsonl");
  expect_refusal(nestjit("check " + write("bad.jsonl", "{\"id\": 3\n")), "invalid argument",
                 "bad.jsonl:1");
  const std::string good = "run 'conv_transpose1d l=4 ci=2 co=2 k=2'";
  expect_refusal(nestjit(good, "NESTJIT_THREADS=none"), "invalid argument", "NESTJIT_THREADS");
  expect_refusal(nestjit(good, "NESTJIT_EXECUTOR=magic"), "invalid argument", "magic");
  expect_refusal(nestjit(good, "NESTJIT_TARGET=z80"), "invalid argument", "z80");
  expect_refusal(
      nestjit("run 'conv_transpose1d l=1000000000 ci=1000 co=2 k=2'", "NESTJIT_MEMORY_LIMIT=64"),
      "resource", "NESTJIT_MEMORY_LIMIT");
}

TEST_F(CliTest, EpiloguesRunOnArraysByFormula) {
  const std::string run = "run 'conv_transpose1d l=16 ci=32 co=16 k=4 s=2 p=1 ";
  for (const std::string epilogue : {"act=tanh", "bias=1 act=snake", "dtype=f64 bias=1 residual=1",
                                     "dtype=bf16 act=snake residual=1"}) {
    const Outcome o = nestjit(run + epilogue + "' --check");
    EXPECT_EQ(o.status, 0) << o.err;
    EXPECT_NE(o.out.find("check     ok"), std::string::npos) << o.out;
  }
}

TEST_F(CliTest, CacheIsWarmedListedAndCleared) {
  const std::string on = "NESTJIT_CACHE=on NESTJIT_CACHE_DIR='" + file("cache") + "'";
  const std::string list = write("list.txt",
                                 "# three layers\n"
                                 "conv_transpose1d l=4 ci=3 co=3 k=1\n"
                                 "conv_transpose1d l=5 ci=3 co=3 k=1  # another length\n"
                                 "conv_transpose1d l=4 ci=3 co=3 k=4 s=2\n"
                                 "conv_transpose1d l=0 ci=3 co=3 k=1\n");
  EXPECT_EQ(nestjit("cache list", on).out, "");
  Outcome o = nestjit("cache warm --threads 2 '" + list + "'", on);
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_EQ(o.out.rfind("3 kernels: 3 compiled, 0 were there, 0 failed, ", 0), 0u) << o.out;
  o = nestjit("cache warm --symbolic '" + list + "'", on);
  EXPECT_EQ(o.out.rfind("5 kernels: 2 compiled, 3 were there", 0), 0u) << o.out;
  o = nestjit("cache list", on);
  EXPECT_NE(o.out.find("conv_transpose1d l=5 ci=3 co=3 k=1  [x86-64-"), std::string::npos);
  EXPECT_EQ(std::count(o.out.begin(), o.out.end(), '\n'), 5) << o.out;
  o = nestjit("cache stat", on);
  EXPECT_NE(o.out.find("kernels   5 of this build"), std::string::npos) << o.out;
  o = nestjit("run 'conv_transpose1d l=4 ci=3 co=3 k=4 s=2' --check", on);
  EXPECT_NE(o.out.find("load      "), std::string::npos) << o.out;
  EXPECT_NE(o.out.find("check     ok"), std::string::npos) << o.out;
  EXPECT_EQ(nestjit("cache prune", on).out.rfind("0 files of 0 bytes removed, 5 of ", 0), 0u);
  o = nestjit("cache prune", on + " NESTJIT_CACHE_LIMIT=0");
  EXPECT_EQ(o.out.rfind("5 files", 0), 0u) << o.out;
  EXPECT_EQ(nestjit("cache warm '" + list + "'", on).status, 0);
  EXPECT_EQ(nestjit("cache clear", on).out, "3 files removed\n");
  EXPECT_TRUE(fs::is_empty(file("cache")));
}

TEST_F(CliTest, CacheVerifyFindsBrokenFiles) {
  const std::string on = "NESTJIT_CACHE=on NESTJIT_CACHE_DIR='" + file("cache") + "'";
  const std::string list = write("list.txt", "conv_transpose1d l=4 ci=3 co=3 k=1\n");
  ASSERT_EQ(nestjit("cache warm '" + list + "'", on).status, 0);
  Outcome o = nestjit("cache verify", on);
  EXPECT_EQ(o.status, 0);
  EXPECT_EQ(o.out, "1 sound, 0 broken\n");
  const fs::path kernel = fs::directory_iterator(file("cache"))->path();
  const std::string text = read(kernel);
  std::ofstream(kernel, std::ios::binary) << text.substr(0, 200);
  o = nestjit("cache verify", on);
  EXPECT_EQ(o.status, 1);
  EXPECT_EQ(o.out, kernel.filename().string() +
                       ": its length is not the one it tells\n"
                       "0 sound, 1 broken\n");
  EXPECT_NE(nestjit("cache list", on).out.find("its length"), std::string::npos);
  o = nestjit("cache warm '" + list + "'", on);
  EXPECT_EQ(o.out.rfind("1 kernels: 1 compiled", 0), 0u) << o.out;
  EXPECT_EQ(nestjit("cache verify", on).out, "1 sound, 0 broken\n");
  EXPECT_NE(nestjit("cache stat", on).out.find("1 that are set aside"), std::string::npos);
}

TEST_F(CliTest, CacheRefusals) {
  const std::string list = write("list.txt", "conv_transpose1d l=4 ci=3 co=3 k=1\n");
  expect_refusal(nestjit("cache warm '" + list + "'", "NESTJIT_CACHE=off"), "unsupported",
                 "NESTJIT_CACHE");
  expect_refusal(nestjit("cache warm /nowhere"), "unsupported", "NESTJIT_CACHE");
  expect_refusal(nestjit("cache"), "invalid argument", "subcommand");
  expect_refusal(nestjit("cache list", "NESTJIT_CACHE_DIR=/dev/null"), "resource", "/dev/null");
  const std::string nowhere = "NESTJIT_CACHE=on NESTJIT_CACHE_DIR=/proc/nowhere";
  const Outcome o = nestjit("cache warm '" + list + "'", nowhere);
  EXPECT_EQ(o.status, 1);
  EXPECT_NE(o.err.find("not stored"), std::string::npos) << o.err;
}

TEST_F(CliTest, VerboseTellsWhichLevelAnswers) {
  const std::string on =
      "NESTJIT_VERBOSE=dispatch,cache NESTJIT_CACHE=on NESTJIT_CACHE_DIR='" + file("cache") + "'";
  const std::string run = "run 'conv_transpose1d l=4 ci=3 co=3 k=1'";
  const std::string key = "conv_transpose1d l=4 ci=3 co=3 k=1|default|direct|x86-64-";
  std::string err = nestjit(run, on).err;
  EXPECT_NE(err.find("nestjit,dispatch,compile," + key), std::string::npos) << err;
  EXPECT_NE(err.find(",no folder\n"), std::string::npos) << err;
  EXPECT_NE(err.find("nestjit,cache,stored,"), std::string::npos) << err;
  err = nestjit(run, on).err;
  EXPECT_EQ(err.rfind("nestjit,dispatch,disk," + key, 0), 0u) << err;
  const fs::path kernel = fs::directory_iterator(file("cache"))->path();
  std::ofstream(kernel, std::ios::binary) << "nothing";
  err = nestjit(run, on).err;
  EXPECT_NE(err.find("nestjit,cache,set aside,"), std::string::npos) << err;
  EXPECT_NE(err.find(",it is cut short\n"), std::string::npos) << err;
}

TEST_F(CliTest, CheckCountsOnItsLastLine) {
  const std::string good =
      R"({"id":"c0","kind":"fwd","op":"conv_transpose1d","dtype":"f32","gen":"q16","seed":1000,"x":[1,1,1],)"
      R"("w":[1,1,1],"stride":[1],"padding":[0],"dilation":[1],"output_padding":[0],"groups":1,)"
      R"("y_shape":[1,1,1],"enc":"q256","y":[-700]})";
  const std::string wrong = std::regex_replace(good, std::regex("-700"), "-701");
  const std::string other = std::regex_replace(good, std::regex("\"f32\""), "\"f64\"");
  Outcome o = nestjit("check " + write("good.jsonl", good + "\n" + other + "\n"));
  EXPECT_EQ(o.status, 0) << o.out << o.err;
  EXPECT_TRUE(o.out.ends_with("2 passed, 0 failed, 0 skipped\n")) << o.out;
  o = nestjit("check " + write("wrong.jsonl", good + "\n" + wrong + "\n"));
  EXPECT_EQ(o.status, 1);
  EXPECT_NE(o.out.find("wrong.jsonl:2: c0 FAILED: conv_transpose1d l=1"), std::string::npos)
      << o.out;
  EXPECT_TRUE(o.out.ends_with("\n1 passed, 1 failed, 0 skipped\n")) << o.out;
}

TEST_F(CliTest, GoldenCasesPass) {
  const Outcome o = nestjit("check '" NESTJIT_TEST_DATA "/cases.jsonl' '" NESTJIT_TEST_DATA
                            "/cases_mlx_gets_wrong.jsonl'");
  EXPECT_EQ(o.status, 0) << o.out << o.err;
  EXPECT_NE(o.out.find(" passed, 0 failed, "), std::string::npos) << o.out;
  EXPECT_EQ(o.out.find("\n0 passed"), std::string::npos) << o.out;
}

TEST_F(CliTest, EdgeCallsPassWithinALimitOfMemory) {
  const Outcome o =
      nestjit("check '" NESTJIT_TEST_DATA "/errors.jsonl'", "NESTJIT_MEMORY_LIMIT=1024");
  EXPECT_EQ(o.status, 0) << o.out << o.err;
  EXPECT_NE(o.out.find(" passed, 0 failed, "), std::string::npos) << o.out;
}

TEST_F(CliTest, ExplainShowsEveryStage) {
  const std::string explain = "explain 'conv_transpose1d l=32 ci=64 co=32 k=4 s=2 p=1'";
  const Outcome o = nestjit(explain);
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_NE(o.out.find("==== 01-"), std::string::npos) << o.out;
  EXPECT_NE(o.out.find("==== times"), std::string::npos);
  EXPECT_NE(o.out.find("the hot loop"), std::string::npos);
  const Outcome stage = nestjit(explain + " --stage 01-");
  EXPECT_EQ(stage.out.find("==== 02"), std::string::npos);
  EXPECT_LT(stage.out.size(), o.out.size());
  expect_refusal(nestjit(explain + " --stage nothing"), "invalid argument",
                 "no stage has \"nothing\"");
  expect_refusal(nestjit(explain + " --target z80"), "invalid argument", "z80");
  EXPECT_EQ(nestjit(explain + " --target x86-64-v1").status, 0);
}

TEST_F(CliTest, BudgetsLeadToSimplerSchedulesAndAreSpokenOf) {
  const std::string tiny = "NESTJIT_BUDGETS=code=100 ",
                    problem = "'conv_transpose1d l=9 ci=4 co=4 k=2'";
  Outcome o = nestjit("explain " + problem, tiny);
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_NE(o.out.find("==== falls back\ncompile: conv_transpose1d l=9 ci=4 co=4 k=2: "),
            std::string::npos)
      << o.out;
  EXPECT_NE(o.out.find("the budget is 100 (NESTJIT_BUDGETS, code=)\n"), std::string::npos) << o.out;
  EXPECT_EQ(nestjit("explain " + problem).out.find("falls back"), std::string::npos);
  expect_refusal(nestjit("explain " + problem + " --plan rows=2", tiny), "resource",
                 "bytes of machine code, the budget is 100 (NESTJIT_BUDGETS, code=)");
  expect_refusal(nestjit("run " + problem, "NESTJIT_BUDGETS=size=1"), "invalid argument",
                 "got size=1");
  const std::string on = tiny + "NESTJIT_CACHE=on NESTJIT_CACHE_DIR='" + file("cache") + "'";
  o = nestjit("run --check " + problem, on);
  EXPECT_NE(o.out.find("\nschedule  a simpler one than the default, "), std::string::npos) << o.out;
  EXPECT_NE(o.out.find("check     ok"), std::string::npos) << o.out;
  EXPECT_NE(nestjit("cache list", on).out.find(" ms, a simpler schedule]\n"), std::string::npos);
}

TEST_F(CliTest, ProfilesAreWrittenWhereTheSettingSays) {
  const std::string run = "run 'conv_transpose1d l=9 ci=4 co=4 k=2' --threads 1";
  const std::string folder = " NESTJIT_PROFILE_DIR='" + folder_.string() + "'";
  EXPECT_EQ(nestjit(run, "NESTJIT_PROFILE=perf,gdb" + folder).status, 0);
  std::string dump;
  for (const auto& entry : fs::directory_iterator(folder_))
    if (entry.path().extension() == ".dump") dump += read(entry.path());
  EXPECT_NE(dump.find(std::string("nestjit::conv_transpose1d/l=9/ci=4/co=4/k=2\0", 44)),
            std::string::npos);
  EXPECT_NE(dump.find("nestjit::conv_transpose1d/l=9/ci=4/co=4/k=2/pack"), std::string::npos);
  expect_refusal(nestjit(run, "NESTJIT_PROFILE=vtune"), "invalid argument",
                 "NESTJIT_PROFILE must be a list of perf, perf-map and gdb, got vtune");
}

TEST_F(CliTest, ExplainShowsTheRefusalOfAnIllegalSchedule) {
  const std::string schedule = write("illegal.txt", "split no_such_loop by=4 -> a b\n");
  const Outcome o = nestjit("explain 'conv_transpose1d l=8 ci=4 co=4 k=2' --schedule " + schedule);
  EXPECT_EQ(o.status, 2);
  EXPECT_EQ(o.err.rfind("nestjit: invalid argument: ", 0), 0u) << o.err;
  EXPECT_NE(o.err.find("no_such_loop"), std::string::npos) << o.err;
}

TEST_F(CliTest, InfoNamesTargetVersionsAndSettings) {
  const Outcome o = nestjit("info",
                            "NESTJIT_TARGET=x86-64-v1 NESTJIT_THREADS=3 NESTJIT_CACHE=on "
                            "NESTJIT_CACHE_DIR=/its/folder");
  EXPECT_EQ(o.status, 0) << o.err;
  for (const char* part :
       {"target      x86-64-v1", "LLVM        22.", "NESTJIT_THREADS         3", "3 threads",
        "NESTJIT_MEMORY_LIMIT    (unset)", "cache       /its/folder"}) {
    EXPECT_NE(o.out.find(part), std::string::npos) << part << "\n" << o.out;
  }
  EXPECT_EQ(nestjit("--version").out, "nestjit 0.1.0\n");
}

}  // namespace
}  // namespace nestjit
