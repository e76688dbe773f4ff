#include "compiler/schedule.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "compiler/primitives/primitives.h"
#include "ir/parse.h"
#include "ir/print.h"
#include "ir/visit.h"
#include "tests/expect_error.h"

namespace nestjit::compiler {
namespace {

constexpr const char* nest = R"(
  kernel nest(x: f32[8] input, y: f32[4, 8] output) {
    for q in [0, 4) parallel {
      for c in [0, 8) parallel {
        y[q, c] = x[c]
      }
    }
  })";

Scheduled applied(std::string_view kernel, std::string_view steps,
                  const StepObserver& observer = {}) {
  return apply_schedule(ir::parse_kernel(kernel), parse_schedule(steps), Target{}, observer);
}

void expect_malformed(std::string_view text, const std::string& error) {
  expect_error(ErrorKind::invalid_argument, "schedule: " + error, [&] { parse_schedule(text); });
}

TEST(ScheduleText, RoundTrip) {
  const char* text =
      "shift o by=-3\n"
      "split c by=32 tail=guard -> c0 c1\n"
      "peel q at=1,7 -> head main/part tail\n"
      "reorder a b c\n"
      "primitive\n";
  const Schedule schedule = parse_schedule(text);
  EXPECT_EQ(to_string(schedule), text);
  EXPECT_EQ(parse_schedule(to_string(schedule)), schedule);
  ASSERT_EQ(schedule.steps.size(), 5u);
  const Step expected{"split", {"c"}, {{"by", "32"}, {"tail", "guard"}}, {"c0", "c1"}};
  EXPECT_EQ(schedule.steps[1], expected);
  EXPECT_EQ(to_string(schedule.steps[4]), "primitive");
}

TEST(ScheduleText, OptionsPrintInOneOrder) {
  const Schedule a = parse_schedule("split c tail=guard by=4 -> c0 c1");
  const Schedule b = parse_schedule("split c by=4 tail=guard -> c0 c1");
  EXPECT_EQ(a, b);
  EXPECT_EQ(base::hash_text(to_string(a)), base::hash_text(to_string(b)));
}

TEST(ScheduleText, CommentsAndSpace) {
  const Schedule schedule = parse_schedule(
      "# a comment line\n\n \t \r\n\tshift  o\tby=1   # why\r\n#\nunroll q#tight\nunroll c");
  EXPECT_EQ(to_string(schedule), "shift o by=1\nunroll q\nunroll c\n");
  EXPECT_TRUE(parse_schedule("").steps.empty());
  EXPECT_TRUE(parse_schedule("# nothing").steps.empty());
  EXPECT_EQ(to_string(Schedule{}), "");
}

TEST(ScheduleText, EveryPartDistinguishesSteps) {
  const Step step = parse_schedule("split c by=4 -> c0 c1").steps[0];
  for (const char* other :
       {"splits c by=4 -> c0 c1", "split d by=4 -> c0 c1", "split c by=5 -> c0 c1",
        "split c at=4 -> c0 c1", "split c by=4 -> c0 c2", "split c by=4", "split by=4 -> c0 c1"}) {
    EXPECT_NE(parse_schedule(other).steps[0], step) << other;
    EXPECT_NE(to_string(parse_schedule(other)), to_string(step) + "\n") << other;
  }
}

TEST(ScheduleText, ThenAppends) {
  Schedule schedule;
  schedule.then("shift o by=1").then("unroll o\nunroll c");
  EXPECT_EQ(schedule, parse_schedule("shift o by=1\nunroll o\nunroll c"));
  expect_error(ErrorKind::invalid_argument, "schedule: line 1, column 7",
               [&] { schedule.then("split c0="); });
  EXPECT_EQ(schedule.steps.size(), 3u);
}

TEST(ScheduleText, MalformedLines) {
  expect_malformed("split c by=4 ->",
                   "line 1, column 14: expected a name after '->', got 'the end of the line'");
  expect_malformed("split c -> a -> b", "line 1, column 14: expected a name, got 'a second '->''");
  expect_malformed("unroll q\n\n  split c by=4 d -> a",
                   "line 3, column 16: expected key=value or '->', got 'd'");
  expect_malformed("split c =4", "line 1, column 9: expected key=value, got '=4'");
  expect_malformed("split c by=", "line 1, column 9: expected key=value, got 'by='");
  expect_malformed("split c by=4 by=5", "line 1, column 14: expected each option once, got 'by=5'");
  expect_malformed("split c -> c0 by=4", "line 1, column 15: expected a name, got 'by=4'");
  expect_malformed("-> a", "line 1, column 1: expected a primitive, got '->'");
  expect_malformed("# c\n by=4", "line 2, column 2: expected a primitive, got 'by=4'");
}

TEST(ApplySchedule, AnEmptyScheduleChangesNothing) {
  const ir::Kernel kernel = ir::parse_kernel(nest);
  const Scheduled s = apply_schedule(kernel, {}, Target{});
  EXPECT_TRUE(s.kernel.body.same_as(kernel.body));
  EXPECT_TRUE(s.packings.empty());
}

TEST(ApplySchedule, UnknownPrimitive) {
  expect_error(ErrorKind::invalid_argument,
               "schedule: there is no primitive 'tile'; known: shift, residue_split, tighten, "
               "split, peel, fuse, reorder, vectorize, unroll, accumulate, pack, parallel",
               [] { applied(nest, "unroll c\ntile q"); });
}

TEST(ApplySchedule, EveryPrimitiveIsListed) {
  for (const Primitive* p : primitives()) {
    EXPECT_EQ(p->form.substr(0, p->form.find(' ')), p->name);
    EXPECT_FALSE(p->summary.empty()) << p->name;
    // Each one answers a wrong call with its own name.
    expect_error(ErrorKind::invalid_argument, fmt::format("schedule: {} of '", p->name),
                 [&] { applied(nest, fmt::format("{} nowhere", p->name)); });
  }
}

TEST(ApplySchedule, UnknownLoopListsTheKnownOnes) {
  expect_error(ErrorKind::invalid_argument,
               "schedule: unroll of 'k': there is no loop of that name; known: c, q\n"
               "step: unroll k\nnest:\nkernel nest(",
               [] { applied(nest, "unroll k"); });
  // A loop that was split is known by its parts.
  expect_error(ErrorKind::invalid_argument,
               "schedule: unroll of 'c': there is no loop of that name; known: c0, c1, q\n",
               [] { applied(nest, "split c by=4 -> c0 c1\nunroll c"); });
}

TEST(ApplySchedule, TheNestOfAnErrorIsTheOneBeforeTheStep) {
  expect_error(ErrorKind::invalid_argument, "for c0 in [0, 2) parallel {\n      for c1",
               [] { applied(nest, "split c by=4 -> c0 c1\nsplit q by=3 -> q0 q1"); });
}

TEST(ApplySchedule, ANameMayBeUsedAgainOnceItsLoopIsGone) {
  const Scheduled s = applied(nest, "split c by=4 -> d c\nsplit c by=2 -> c e\nunroll c e");
  EXPECT_NE(to_string(s.kernel).find("for e in [0, 2) parallel unrolled"), std::string::npos);
  expect_error(ErrorKind::invalid_argument,
               "schedule: split of 'q': the name is taken; choose another after '->'",
               [] { applied(nest, "split c by=4 -> c q"); });
}

TEST(ApplySchedule, LoopsOfOneNameGetNumbers) {
  const char* twice = R"(
    kernel k(y: f32[4] output, z: f32[4] output, a: f32[4] output) {
      for q in [0, 4) parallel {
        y[q] = 0.0f32
      }
      for q in [0, 3) parallel {
        z[q] = 0.0f32
      }
      for q in [0, 2) parallel {
        a[q] = 0.0f32
      }
    })";
  const std::string text = to_string(applied(twice, "unroll q_1\nvectorize q_2").kernel);
  EXPECT_NE(text.find("for q in [0, 4) parallel {"), std::string::npos) << text;
  EXPECT_NE(text.find("for q_1 in [0, 3) parallel unrolled"), std::string::npos) << text;
  EXPECT_NE(text.find("for q_2 in [0, 2) parallel vector"), std::string::npos) << text;
}

TEST(ApplySchedule, TheObserverSeesEveryStep) {
  std::vector<std::string> seen;
  const Scheduled s = applied(nest, "split c by=4 -> c0 c1\nunroll q\nvectorize c1",
                              [&](const Step& step, const Scheduled& now) {
                                int mapped = 0;
                                ir::walk_stmts(now.kernel.body, [&](const ir::Stmt& stmt) {
                                  const auto* loop = stmt.as<ir::Loop>();
                                  mapped += loop && loop->mapping != ir::Mapping::serial;
                                });
                                seen.push_back(fmt::format("{}: {}", to_string(step), mapped));
                              });
  const std::vector<std::string> expected{"split c by=4 -> c0 c1: 0", "unroll q: 1",
                                          "vectorize c1: 2"};
  EXPECT_EQ(seen, expected);
}

TEST(ApplySchedule, TheObserverStopsAtARefusal) {
  int steps = 0;
  expect_error(ErrorKind::invalid_argument, "schedule: split of 'q'", [&] {
    applied(nest, "unroll q\nsplit q by=3 -> a b\nunroll c",
            [&](const Step&, const Scheduled&) { ++steps; });
  });
  EXPECT_EQ(steps, 1);
}

TEST(ApplySchedule, TheSameScheduleGivesTheSameText) {
  const char* steps = "split c by=4 -> c0 c1\nreorder c0 q c1\nvectorize c1\nparallel c0";
  EXPECT_EQ(to_string(applied(nest, steps).kernel), to_string(applied(nest, steps).kernel));
}

TEST(ApplySchedule, HandlesNameTheLoopsOfTheResult) {
  const Scheduled s = applied(nest, "split c by=3 tail=peel -> c0 c1 rest");
  std::vector<std::string> names;
  for (const auto& [name, id] : s.handles) names.push_back(name);
  const std::vector<std::string> expected{"c0", "c1", "q", "rest"};
  EXPECT_EQ(names, expected);
}

}  // namespace
}  // namespace nestjit::compiler
