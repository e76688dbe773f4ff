// Statements of the interpreter, on top of the machine's expressions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ir/interpret.h"
#include "ir/interpret_machine.h"

namespace nestjit::ir::interpreter {

/// splitmix64: small, and the same everywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t below(uint64_t n) {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % n;
  }

 private:
  uint64_t state_;
};

class Runner : public Machine {
 public:
  Runner(const Kernel& kernel, const Program& program, const InterpretOptions& options)
      : Machine(kernel, program),
        options_(options),
        random_(options.shuffle_seed),
        values_(static_cast<size_t>(program.max_lanes)),
        places_(static_cast<size_t>(program.max_lanes)),
        storage_(program.buffers.size()),
        orders_(program.stmts.size()) {
    if (options.max_steps > 0) steps_left_ = options.max_steps;
  }

  void run_kernel();
  void set_shape(int32_t buffer);

 private:
  void run(Id s);
  void loop(Id s, const StmtCode& code);
  void iterate(Id s, const StmtCode& code, int64_t min, int64_t extent);
  void store(const StmtCode& code);
  void let(Id s, const StmtCode& code);
  void allocate(const StmtCode& code);
  void guard(const StmtCode& code);
  void step();
  bool active(int lane) const { return lanes_on_.empty() || lanes_on_[lane]; }

  const InterpretOptions& options_;
  Random random_;
  int64_t steps_left_ = INT64_MAX;
  bool in_workgroup_loop_ = false;
  std::vector<Cell> values_;                     // of the vector statement that runs
  std::vector<int64_t> places_;                  // elements it writes, -1 for masked lanes
  std::vector<bool> lanes_on_;                   // under a vector condition
  std::vector<std::vector<std::byte>> storage_;  // of allocated buffers
  std::vector<std::vector<int64_t>> orders_;     // of shuffled loops
};

}  // namespace nestjit::ir::interpreter
