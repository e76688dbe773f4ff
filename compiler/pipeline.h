// From a definition and a schedule to machine code: the pipeline, in one call.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/dump.h"
#include "compiler/budget.h"
#include "compiler/machine_code.h"
#include "compiler/schedule.h"
#include "compiler/specialise.h"

namespace nestjit::compiler {

/// What is to be compiled.
struct CompileRequest {
  std::string title;      // names the kernel in dumps and errors: problem string
  ir::Kernel definition;  // the naive nest, with symbols
  Bindings bindings;      // symbols that are known, or follow from others
  Schedule schedule;      // empty: LLVM's own vectoriser looks at the innermost parallel loops
  Target target;
};

/// Called after every stage, and after every step and pass within one, with the kernel as it
/// stands. Stages before lowering have no packings; see Scheduled.
using StageObserver = std::function<void(const std::string& stage, const Scheduled& state)>;

struct CompileOptions {
  bool keep_stages = false;  // fill CompiledKernel::stages
  bool verify = false;  // run the IR verifier after every step and pass (always in debug builds)
  StageObserver observer;
  std::optional<Budgets> budgets;  // absent: those of NESTJIT_BUDGETS
};

/// One constant operand that is repacked once. Run `entry` with a frame of {operand, packed
/// buffer}.
struct PackedOperand {
  size_t source;  // index among the definition's parameters
  int64_t bytes;  // of the packed buffer, which is 64-byte aligned
  KernelFunction entry;
  int64_t workgroups;
};

struct StageTime {
  std::string stage;
  double ms;
};

/// Ready to run: buffers are the definition's parameters in order, then the packed buffers.
/// A parameter that the kernel does not use itself (see `uses`) may be null when it runs.
struct CompiledKernel {
  KernelFunction entry = nullptr;
  int64_t workgroups = 1;    // run workgroup_begin..end over [0, workgroups), in any order; 0 where
                             // their number depends on symbols: see workgroups_at()
  ir::Expr workgroup_count;  // the number of workgroups over `symbols`
  std::vector<ir::SymbolDecl> symbols;  // unbound, in the order of the frame's values
  std::vector<PackedOperand> packed;
  std::vector<bool>
      uses;  // one a parameter of the definition: read or written by the kernel itself
  MachineCode code;
  std::vector<StageTime> times;         // in the order of the stages
  std::vector<base::StageText> stages;  // 01-problem.txt ... 08-kernel.s, where asked for
  double total_ms = 0;

  /// How many workgroups there are for values of `symbols`, in their order. Allocates nothing.
  int64_t workgroups_at(std::span<const int64_t> values) const;
};

/// Runs the stages specialise, schedule, lower, codegen, jit in order; packing kernels may be
/// compiled on a second thread meanwhile, and what is left of that is the stage `packing`.
/// Thread-safe. Honours
/// NESTJIT_DUMP. Throws invalid argument for an illegal schedule, OverBudget for one whose kernel
/// exceeds a budget, unsupported without the code generator library, internal when a verifier
/// objects.
CompiledKernel compile(const CompileRequest& request, const CompileOptions& options = {});

}  // namespace nestjit::compiler
