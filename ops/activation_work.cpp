#include "ops/activation_work.h"

#include <unordered_set>

#include "compiler/passes/expand_calls.h"
#include "ir/ir.h"
#include "ir/visit.h"

namespace nestjit::ops {
namespace {

using ir::Expr;

bool is_minus_one(const Expr& e) {
  const auto* imm = e.as<ir::FloatImm>();
  return imm && imm->value == -1;
}

/// Counts the operations of a chain of lets and the store inside of them.
class Counter {
 public:
  explicit Counter(const Expr& value) { of_value_.insert(id_of(value)); }

  void count(const ir::Stmt& s) {
    if (const auto* let = s.as<ir::Let>()) {
      count(let->value);
      if (depends(let->value)) of_value_.insert(id_of(let->var));
      count(let->body);
    } else {
      count(s.as<ir::Store>()->value);
    }
  }

  ActivationWork work;

 private:
  bool depends(const Expr& e) const {
    return ir::contains(e, [&](const Expr& part) {
      const auto* var = part.as<ir::Var>();
      return var && of_value_.contains(var->id);
    });
  }

  void count(const Expr& root) {
    ir::walk_exprs(root, [&](const Expr& e) {
      int* const kind = kind_of(e);
      if (kind != nullptr) ++*(depends(e) ? kind : &work.channel);
    });
  }

  /// Where an operation is counted; null for what is none.
  int* kind_of(const Expr& e) {
    if (e.as<ir::Fma>()) return &work.products;
    if (e.as<ir::Compare>() || e.as<ir::Select>() || e.as<ir::Call>() || e.as<ir::Cast>())
      return &work.others;
    const auto* binary = e.as<ir::Binary>();
    if (!binary) return nullptr;
    if (binary->op == ir::BinaryOp::div) return &work.divisions;
    if (binary->op != ir::BinaryOp::mul) return &work.others;
    return is_minus_one(binary->b) ? nullptr : &work.products;
  }

  std::unordered_set<ir::VarId> of_value_;  // variables that depend on the value
};

}  // namespace

ActivationWork work_of(const Activation& activation, ir::Scalar scalar, bool fused) {
  const Expr value = ir::Var::make("value", {scalar, 1});
  const Expr channel = ir::Var::make("channel", {scalar, 1});
  const ir::BufferRef y = ir::Buffer::make("y", scalar, {1}, ir::BufferRole::output);
  ir::Kernel kernel;
  kernel.fused = fused;
  kernel.body = ir::Store::make(
      y, {0}, activate(activation, value, activation.per_channel() ? channel : Expr()));
  Counter counter(value);
  counter.count(compiler::expand_calls(kernel).body);
  return counter.work;
}

}  // namespace nestjit::ops
