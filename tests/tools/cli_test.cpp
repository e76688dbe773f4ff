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

TEST_F(CliTest, ExplainShowsTheRefusalOfAnIllegalSchedule) {
  const std::string schedule = write("illegal.txt", "split no_such_loop by=4 -> a b\n");
  const Outcome o = nestjit("explain 'conv_transpose1d l=8 ci=4 co=4 k=2' --schedule " + schedule);
  EXPECT_EQ(o.status, 2);
  EXPECT_EQ(o.err.rfind("nestjit: invalid argument: ", 0), 0u) << o.err;
  EXPECT_NE(o.err.find("no_such_loop"), std::string::npos) << o.err;
}

TEST_F(CliTest, InfoNamesTargetVersionsAndSettings) {
  const Outcome o = nestjit("info", "NESTJIT_TARGET=x86-64-v1 NESTJIT_THREADS=3");
  EXPECT_EQ(o.status, 0) << o.err;
  for (const char* part : {"target      x86-64-v1", "LLVM        22.", "NESTJIT_THREADS         3",
                           "3 threads", "NESTJIT_MEMORY_LIMIT    (unset)", "/nestjit"}) {
    EXPECT_NE(o.out.find(part), std::string::npos) << part << "\n" << o.out;
  }
  EXPECT_EQ(nestjit("--version").out, "nestjit 0.1.0\n");
}

}  // namespace
}  // namespace nestjit
