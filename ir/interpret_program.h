// A kernel resolved for the interpreter: nodes in arrays, variables as numbered cells.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/kernel.h"

namespace nestjit::ir::interpreter {

/// Place of a node in its array; `none` for an absent one.
using Id = int32_t;
inline constexpr Id none = -1;

struct ExprCode {
  ExprKind kind = ExprKind::IntImm;
  uint8_t op = 0;                  // BinaryOp, CompareOp or Intrinsic
  Scalar scalar = Scalar::index;   // of the value
  Scalar operand = Scalar::index;  // of the operand a
  int32_t lanes = 1;
  Id a = none, b = none, c = none;  // operands; a Select's are condition, value, value
  int32_t cell = 0;                 // Var: cell of lane 0
  int32_t buffer = 0, indices = 0;  // Load: the indices stand at program.lists[indices...]
  union {
    int64_t integer = 0;  // IntImm, BoolImm, Symbol (its value), Ramp (stride)
    double real;          // FloatImm
  };
};

struct StmtCode {
  StmtKind kind = StmtKind::Block;
  LoopKind loop_kind = LoopKind::parallel;
  Mapping mapping = Mapping::serial;
  int32_t lanes = 1;                // Store, Let, If
  bool is_real = false;             // Let: a number or a pair
  Id a = none, b = none;            // Loop: min, extent. Let, Store: value. If: condition.
  Id mask = none;                   // Store
  Id body = none;                   // Loop, Let, Allocate, If; Block: first of program.lists
  int32_t count = 0;                // Block: statements
  int32_t cell = 0;                 // Loop, Let
  int32_t buffer = 0, indices = 0;  // Store, Allocate
};

struct BufferCode {
  BufferRef buffer;
  std::vector<Id> shape;
  std::vector<Id> strides;  // empty: row-major
};

struct Program {
  std::vector<ExprCode> exprs;
  std::vector<Expr> expr_sources;  // beside exprs, for error texts
  std::vector<StmtCode> stmts;
  std::vector<Stmt> stmt_sources;
  std::vector<Id> lists;            // indices of loads and stores, statements of blocks
  std::vector<BufferCode> buffers;  // parameters first
  int32_t cells = 0;
  int32_t max_lanes = 1;
  Id body = none;
};

/// Internal error for a variable, buffer or symbol that is not in scope.
Program compile(const Kernel& kernel, const std::map<std::string, int64_t>& symbols);

}  // namespace nestjit::ir::interpreter
