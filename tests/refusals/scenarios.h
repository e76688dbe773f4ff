// What is done while memory and threads are refused.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "nestjit/array.h"
#include "nestjit/epilogue.h"
#include "nestjit/stream.h"

namespace nestjit::refusals {

/// All that the actions need, made beforehand: only what the library takes is refused.
struct Operands {
  explicit Operands(std::string folder_for_kernels);

  /// Makes again what an action moves from.
  void refill();
  /// Forgets the operations that were to read arrays of these.
  void let_go();

  std::string folder;         // of the kernels on disk
  std::string first_problem;  // a file of it
  std::string problems;       // a file of that and another one
  array x, w, strided, integers, cotangent, residual;
  array one, large_x, large_w;
  Epilogue epilogue;
  std::vector<float> values;
  std::vector<int64_t> x_shape;
  std::vector<int> numbers{1};
  std::vector<Shape> shapes;  // to be moved from
};

/// Room for as many results as an action has.
class Results {
 public:
  Results() { all_.reserve(most); }
  void add(array&& result) { all_.push_back(std::move(result)); }
  const std::vector<array>& all() const { return all_; }

 private:
  static constexpr size_t most = 16;
  std::vector<array> all_;
};

struct Scenario {
  const char* name;
  const char* executor;  // NESTJIT_EXECUTOR
  bool fresh;            // each request in a process of its own, which has done nothing yet
  /// Before every action.
  void (*prepare)(Operands& operands);
  /// Has to have the same results every time. Throws Error and nothing else.
  void (*act)(Operands& operands, Results& results);
  /// Objects that come and go with what was done last, in threads that stay.
  int64_t passing_objects = 0;
};

std::span<const Scenario> scenarios();

}  // namespace nestjit::refusals
