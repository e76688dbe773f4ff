#include "ir/interpret_machine.h"

#include <fmt/ranges.h>

#include <cmath>

#include "base/checked.h"
#include "base/error.h"
#include "ir/element.h"
#include "ir/elementary.h"
#include "ir/pair.h"
#include "ir/print.h"

namespace nestjit::ir::interpreter {
namespace {

template <class T>
bool holds(CompareOp op, T a, T b) {
  switch (op) {
    case CompareOp::eq: return a == b;
    case CompareOp::ne: return a != b;
    case CompareOp::lt: return a < b;
    case CompareOp::le: return a <= b;
    case CompareOp::gt: return a > b;
    case CompareOp::ge: return a >= b;
  }
  return false;
}

}  // namespace

Machine::Machine(const Kernel& kernel, const Program& program)
    : cells(static_cast<size_t>(program.cells)),
      memory(program.buffers.size()),
      kernel_(kernel),
      program_(program) {}

int64_t Machine::index(Id e, int lane) {
  const ExprCode& code = program_.exprs[e];
  switch (code.kind) {
    case ExprKind::IntImm:
    case ExprKind::Symbol: return code.integer;
    case ExprKind::Var: return cells[code.cell + (code.lanes > 1 ? lane : 0)].integer;
    case ExprKind::Binary: return index_binary(code, e, lane);
    case ExprKind::Select: {
      const int64_t a = index(code.b, lane), b = index(code.c, lane);
      return truth(code.a, lane) ? a : b;
    }
    case ExprKind::Broadcast: return index(code.a, 0);
    case ExprKind::Ramp: {
      const int64_t base = index(code.a, 0);
      int64_t step, sum;
      if (__builtin_mul_overflow(code.integer, int64_t{lane}, &step))
        overflow(e, code.integer, lane);
      if (__builtin_add_overflow(base, step, &sum)) overflow(e, base, step);
      return sum;
    }
    default: fail("an index expression of kind " + std::string(name_of(code.kind)));
  }
}

int64_t Machine::index_binary(const ExprCode& code, Id e, int lane) {
  const int64_t a = index(code.a, lane), b = index(code.b, lane);
  int64_t r = 0;
  bool wraps = false;
  switch (static_cast<BinaryOp>(code.op)) {
    case BinaryOp::add: wraps = __builtin_add_overflow(a, b, &r); break;
    case BinaryOp::sub: wraps = __builtin_sub_overflow(a, b, &r); break;
    case BinaryOp::mul: wraps = __builtin_mul_overflow(a, b, &r); break;
    case BinaryOp::min: return a < b ? a : b;
    case BinaryOp::max: return a > b ? a : b;
    case BinaryOp::floordiv:
    case BinaryOp::floormod:
      if (b <= 0)
        fail(fmt::format("the divisor of {} must be positive, it is {}",
                         to_string(program_.expr_sources[e]), b));
      return static_cast<BinaryOp>(code.op) == BinaryOp::floordiv ? base::floor_div(a, b)
                                                                  : base::floor_mod(a, b);
    default: fail("an index operation that is not one");
  }
  if (wraps) overflow(e, a, b);
  return r;
}

double Machine::real(Id e, int lane) {
  const ExprCode& code = program_.exprs[e];
  switch (code.kind) {
    case ExprKind::FloatImm: return code.real;
    case ExprKind::Var: return cells[code.cell + (code.lanes > 1 ? lane : 0)].real;
    case ExprKind::Binary: return real_binary(code, lane);
    case ExprKind::Select: {
      // Both sides are evaluated: their loads count as accesses.
      const double a = real(code.b, lane), b = real(code.c, lane);
      return truth(code.a, lane) ? a : b;
    }
    case ExprKind::Cast: return round_to(code.scalar, real(code.a, lane));
    case ExprKind::Load: {
      if (code.c != none && !truth(code.c, lane)) return 0.0;
      const int64_t i = element(code.buffer, code.indices, lane);
      return read_element(code.scalar, memory[code.buffer].data, i);
    }
    case ExprKind::Broadcast: return real(code.a, 0);
    case ExprKind::Fma: return fma(code, lane);
    case ExprKind::Pair: return pair_of(real(code.a, lane), real(code.b, lane));
    case ExprKind::Dot: {
      const double a = real(code.a, lane), b = real(code.b, lane);
      return pair_dot(pair_bits(a), pair_bits(b), static_cast<float>(real(code.c, lane)));
    }
    case ExprKind::Call: return call(code, e, real(code.a, lane));
    default: fail("a floating-point expression of kind " + std::string(name_of(code.kind)));
  }
}

double Machine::real_binary(const ExprCode& code, int lane) {
  const double a = real(code.a, lane), b = real(code.b, lane);
  switch (static_cast<BinaryOp>(code.op)) {
    case BinaryOp::add: return round_to(code.scalar, a + b);
    case BinaryOp::sub: return round_to(code.scalar, a - b);
    case BinaryOp::mul: return round_to(code.scalar, a * b);
    case BinaryOp::div: return round_to(code.scalar, a / b);
    case BinaryOp::min: return a < b ? a : b;
    case BinaryOp::max: return a > b ? a : b;
    case BinaryOp::copysign: return std::copysign(a, b);
    default: fail("a floating-point operation that is not one");
  }
}

double Machine::fma(const ExprCode& code, int lane) {
  const double a = real(code.a, lane), b = real(code.b, lane), c = real(code.c, lane);
  if (kernel_.fused) return fused(code.scalar, a, b, c);
  return round_to(code.scalar, round_to(code.scalar, a * b) + c);
}

double Machine::call(const ExprCode& code, Id e, double a) {
  const auto fn = static_cast<Intrinsic>(code.op);
  const bool is_f32 = code.scalar == Scalar::f32;
  switch (fn) {
    case Intrinsic::sqrt: return round_to(code.scalar, std::sqrt(a));
    case Intrinsic::abs: return std::abs(a);
    case Intrinsic::pow2:
      if (std::isnan(a)) return a;
      if (a != std::nearbyint(a) || a < (is_f32 ? -126 : -1022) || a > (is_f32 ? 127 : 1023))
        fail(fmt::format("the exponent of {} must be that of a normal number, it is {}",
                         to_string(program_.expr_sources[e]), a));
      return std::ldexp(1.0, static_cast<int>(a));
    default: break;
  }
  return is_f32 ? evaluate_elementary(fn, static_cast<float>(a), kernel_.fused)
                : evaluate_elementary(fn, a, kernel_.fused);
}

bool Machine::truth(Id e, int lane) {
  const ExprCode& code = program_.exprs[e];
  switch (code.kind) {
    case ExprKind::BoolImm: return code.integer != 0;
    case ExprKind::Var: return cells[code.cell + (code.lanes > 1 ? lane : 0)].integer != 0;
    case ExprKind::Binary: {
      const bool a = truth(code.a, lane), b = truth(code.b, lane);
      return static_cast<BinaryOp>(code.op) == BinaryOp::logical_and ? a && b : a || b;
    }
    case ExprKind::Compare: return compare(code, lane);
    case ExprKind::Not: return !truth(code.a, lane);
    case ExprKind::Select: {
      const bool a = truth(code.b, lane), b = truth(code.c, lane);
      return truth(code.a, lane) ? a : b;
    }
    case ExprKind::Broadcast: return truth(code.a, 0);
    default: fail("a truth value of kind " + std::string(name_of(code.kind)));
  }
}

bool Machine::compare(const ExprCode& code, int lane) {
  const auto op = static_cast<CompareOp>(code.op);
  if (code.operand == Scalar::index) return holds(op, index(code.a, lane), index(code.b, lane));
  return holds(op, real(code.a, lane), real(code.b, lane));
}

int64_t Machine::element(int32_t buffer, int32_t indices, int lane) {
  const Memory& m = memory[buffer];
  int64_t offset = m.origin;
  for (size_t d = 0; d < m.shape.size(); ++d) {
    const int64_t i = index(program_.lists[indices + d], lane);
    if (i < 0 || i >= m.shape[d]) outside(buffer, indices, lane);
    offset += i * m.strides[d];
  }
  return offset;
}

void Machine::overflow(Id e, int64_t a, int64_t b) const {
  fail(fmt::format("index arithmetic leaves 64 bits in {}, where the operands are {} and {}",
                   to_string(program_.expr_sources[e]), a, b));
}

void Machine::outside(int32_t buffer, int32_t indices, int lane) {
  const Memory& m = memory[buffer];
  std::vector<int64_t> values;
  for (size_t d = 0; d < m.shape.size(); ++d)
    values.push_back(index(program_.lists[indices + d], lane));
  fail(fmt::format("access to {}[{}] is outside its shape [{}] in lane {}",
                   program_.buffers[buffer].buffer->name, fmt::join(values, ", "),
                   fmt::join(m.shape, ", "), lane));
}

void Machine::fail(const std::string& what) const {
  std::string where;
  for (const Id s : enclosing) {
    const Stmt& source = program_.stmt_sources[s];
    const auto* loop = source.as<Loop>();
    const std::string& name = loop ? loop->name() : source.as<Let>()->var.as<Var>()->name;
    where += fmt::format("{}{} = {}", where.empty() ? "" : ", ", name,
                         cells[program_.stmts[s].cell].integer);
  }
  base::internal("interpreter: kernel '{}': {}\n  in: {}\n  where: {}", kernel_.name, what,
                 running == none ? "(none)" : headline(program_.stmt_sources[running]),
                 where.empty() ? "no loop around it" : where);
}

}  // namespace nestjit::ir::interpreter
