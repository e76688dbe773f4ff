// Schedules are data: a list of small steps that print, parse, hash and replay.
//
// Text form, one step a line ('#' starts a comment):
//
//   split c by=32 tail=guard -> c0 c1
//
// that is: the primitive, the loops (or buffer) it works on, key=value options, and after "->" the
// names of what it makes. Names are handles: a table from names to loop ids is built while the
// steps are applied, starting from the loops of the nest. compiler/primitives/ has a file for each
// primitive with its options, its legality rule and its refusals.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/target.h"
#include "ir/kernel.h"

namespace nestjit::compiler {

struct Step {
  std::string primitive;
  std::vector<std::string> targets;
  std::map<std::string, std::string> options;
  std::vector<std::string> results;

  bool operator==(const Step&) const = default;
};

/// "split c by=32 tail=guard -> c0 c1"
std::string to_string(const Step& step);

struct Schedule {
  std::vector<Step> steps;

  bool operator==(const Schedule&) const = default;
  /// Appends a step given in its text form.
  Schedule& then(std::string_view step_text);
};

/// One step a line.
std::string to_string(const Schedule& schedule);

/// Parses the text form. Throws invalid argument with line, column and what was expected.
Schedule parse_schedule(std::string_view text);

/// A constant operand that the scheduled kernel reads in a new layout. The packing kernel has two
/// parameters: the operand and the packed buffer.
struct Packing {
  size_t source;  // index of the operand among the kernel's parameters
  ir::Kernel kernel;
};

struct Scheduled {
  ir::Kernel kernel;              // parameters: the nest's own, then the packed buffers in order
  std::vector<Packing> packings;  // one a packed buffer
  std::map<std::string, ir::VarId, std::less<>> handles;  // names of the kernel's loops
};

/// Called after every step with the step and the kernel so far.
using StepObserver = std::function<void(const Step&, const Scheduled&)>;

/// Applies the steps in order. An illegal step throws invalid argument; the text names the
/// primitive, the loop and the reason, and ends with the nest as it stood.
Scheduled apply_schedule(const ir::Kernel& kernel, const Schedule& schedule, const Target& target,
                         const StepObserver& observer = {});

}  // namespace nestjit::compiler
