// The running state of the interpreter: cells, memory and the evaluation of expressions.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ir/interpret_program.h"

namespace nestjit::ir::interpreter {

union Cell {
  int64_t integer;
  double real;
};

struct Memory {
  void* data = nullptr;
  Scalar scalar = Scalar::f32;
  std::vector<int64_t> shape, strides;
  int64_t origin = 0;    // element number of indices 0, 0, ...
  int64_t elements = 0;  // of memory, from the lowest to the highest
};

/// Evaluates expressions lane by lane. A scalar operand gives the same for every lane.
class Machine {
 public:
  Machine(const Kernel& kernel, const Program& program);

  int64_t index(Id e, int lane);
  /// A number, or the bits of a pair as one (ir/element.h).
  double real(Id e, int lane);
  bool truth(Id e, int lane);
  /// Element number of an access; reports an index outside the shape.
  int64_t element(int32_t buffer, int32_t indices, int lane);

  /// Internal error with the kernel, the statement that runs and the enclosing variables.
  [[noreturn]] void fail(const std::string& what) const;

  std::vector<Cell> cells;
  std::vector<Memory> memory;  // beside program.buffers
  std::vector<Id> enclosing;   // loops and lets around the statement that runs
  Id running = none;           // the statement that runs

 protected:
  const Kernel& kernel_;
  const Program& program_;

 private:
  int64_t index_binary(const ExprCode& code, Id e, int lane);
  double real_binary(const ExprCode& code, int lane);
  double fma(const ExprCode& code, int lane);
  double call(const ExprCode& code, Id e, double a);
  bool compare(const ExprCode& code, int lane);
  [[noreturn]] void overflow(Id e, int64_t a, int64_t b) const;
  [[noreturn]] void outside(int32_t buffer, int32_t indices, int lane);
};

}  // namespace nestjit::ir::interpreter
