#include "tests/compiler/primitives/step_checks.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "compiler/lower.h"
#include "tests/ir/elements.h"

namespace nestjit::compiler {
namespace {

using ir::Kernel;

/// One "=== input / step / expected" case of a golden file; the texts end with a newline.
struct Case {
  std::string input, step, expected;
};

std::vector<Case> read_cases(const std::string& path) {
  std::vector<Case> cases;
  std::string* part = nullptr;
  std::ifstream file(path);
  EXPECT_TRUE(file) << "cannot read " << path;
  for (std::string line; std::getline(file, line);) {
    if (line == "=== input") {
      part = &cases.emplace_back().input;
    } else if (line == "=== step" && !cases.empty()) {
      part = &cases.back().step;
    } else if (line == "=== expected" && !cases.empty()) {
      part = &cases.back().expected;
    } else if (part) {
      *part += line + "\n";
    } else {
      ADD_FAILURE() << path << " starts with \"" << line << "\", not with === input";
      break;
    }
  }
  return cases;
}

void write_cases(const std::string& path, const std::vector<Case>& cases) {
  std::ofstream file(path);
  for (const Case& c : cases)
    file << "=== input\n" << c.input << "=== step\n" << c.step << "=== expected\n" << c.expected;
  EXPECT_TRUE(file) << "cannot write " << path;
}

void expect_sound(const Kernel& kernel, ir::Form form) {
  for (const ir::Violation& v : ir::violations(kernel, form))
    ADD_FAILURE() << to_string(v) << "\n" << to_string(kernel);
}

using ir::Elements;
using Memory = std::vector<Elements>;

/// Small integers in every parameter, outputs included: what is not written must stay.
Memory small_integers(const Kernel& kernel, const Symbols& symbols) {
  Memory memory;
  uint32_t state = 12345;
  for (const ir::BufferRef& param : kernel.params) {
    Elements& elements = memory.emplace_back(param->scalar, element_count(*param, symbols));
    for (int64_t i = 0; i < elements.count(); ++i) {
      state = state * 1664525u + 1013904223u;
      elements.set(i, static_cast<int>(state >> 28) - 8);
    }
  }
  return memory;
}

void run(const Kernel& kernel, const std::vector<const Elements*>& memory, const Symbols& symbols,
         uint64_t shuffle_seed) {
  ir::Arguments arguments{{}, symbols};
  for (const Elements* m : memory) arguments.buffers.push_back(m->argument());
  ir::InterpretOptions options;
  options.shuffle_seed = shuffle_seed;
  ir::interpret(kernel, arguments, options);
}

/// What the unscheduled kernel's parameters hold after a run, as bits.
std::vector<std::vector<uint64_t>> bits_after(const Scheduled& s, size_t own_parameters,
                                              const Symbols& symbols, uint64_t shuffle_seed) {
  const Memory memory = small_integers(s.kernel, symbols);
  std::vector<const Elements*> all;
  for (const auto& m : memory) all.push_back(&m);
  for (size_t i = 0; i < s.packings.size(); ++i)
    run(s.packings[i].kernel, {all[s.packings[i].source], all[own_parameters + i]}, symbols,
        shuffle_seed);
  run(s.kernel, all, symbols, shuffle_seed);
  std::vector<std::vector<uint64_t>> bits;
  for (size_t i = 0; i < own_parameters; ++i) {
    bits.emplace_back();
    for (int64_t k = 0; k < memory[i].count(); ++k)
      bits.back().push_back(std::bit_cast<uint64_t>(memory[i].at(k)));
  }
  return bits;
}

Scheduled lowered(Scheduled s) {
  s.kernel = lower(s.kernel);
  for (Packing& packing : s.packings) packing.kernel = lower(packing.kernel);
  return s;
}

/// The least machine, with an instruction for `pair`.
Target with_dots() {
  Target target;
  target.has_bf16_dot = true;
  return target;
}

}  // namespace

Scheduled scheduled(std::string_view kernel, std::string_view steps) {
  const Scheduled s = apply_schedule(ir::parse_kernel(kernel), parse_schedule(steps), with_dots());
  expect_sound(s.kernel, ir::Form::nest);
  for (const Packing& packing : s.packings) expect_sound(packing.kernel, ir::Form::nest);
  return s;
}

std::string text_of(const Scheduled& scheduled) {
  std::string text = to_string(scheduled.kernel);
  for (const Packing& packing : scheduled.packings) text += to_string(packing.kernel);
  return text;
}

void expect_golden(const std::string& primitive) {
  const std::string path = NESTJIT_SOURCE_DIR "/tests/data/primitives/" + primitive + ".nest";
  std::vector<Case> cases = read_cases(path);
  const char* bless = std::getenv("BLESS");
  EXPECT_FALSE(cases.empty()) << path;
  for (Case& c : cases) {
    EXPECT_EQ(c.step.substr(0, c.step.find(' ')), primitive) << path;
    const std::string text = text_of(scheduled(c.input, c.step));
    if (bless && std::string_view(bless) == "1")
      c.expected = text;
    else
      EXPECT_EQ(text, c.expected) << c.step;
  }
  if (bless && std::string_view(bless) == "1") write_cases(path, cases);
}

void expect_same_bits(std::string_view kernel, std::string_view steps, const Symbols& symbols) {
  SCOPED_TRACE(fmt::format("{}\n{}", steps, kernel));
  const Kernel before = ir::parse_kernel(kernel);
  const Scheduled after = scheduled(kernel, steps);
  const size_t own = before.params.size();
  const auto expected = bits_after({before, {}, {}}, own, symbols, 0);
  for (const uint64_t seed : {0, 1, 2})
    EXPECT_EQ(bits_after(after, own, symbols, seed), expected) << text_of(after);
  const Scheduled low = lowered(after);
  expect_sound(low.kernel, ir::Form::lowered);
  for (const uint64_t seed : {0, 1})
    EXPECT_EQ(bits_after(low, own, symbols, seed), expected) << text_of(low);
}

void expect_refused(std::string_view kernel, std::string_view steps, const std::string& loop,
                    const std::string& reason) {
  const ir::Kernel nest = ir::parse_kernel(kernel);
  const Schedule schedule = parse_schedule(steps);
  const Step& last = schedule.steps.back();
  try {
    apply_schedule(nest, schedule, with_dots());
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_EQ(error.kind(), ErrorKind::invalid_argument) << text;
    const std::string start =
        fmt::format("schedule: {} of '{}': {}\n", last.primitive, loop, reason);
    EXPECT_EQ(text.substr(0, start.size()), start);
    expect_contains(text, fmt::format("\nstep: {}\nnest:\nkernel ", to_string(last)));
    return;
  }
  ADD_FAILURE() << "no error for\n" << steps << "\nexpected: " << reason;
}

std::string with(std::string text, const std::string& from, int64_t to) {
  const std::string value = std::to_string(to);
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at))
    text.replace(at, from.size(), value), at += value.size();
  return text;
}

}  // namespace nestjit::compiler
