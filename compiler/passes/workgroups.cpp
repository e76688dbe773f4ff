#include "compiler/passes/workgroups.h"

#include "base/error.h"
#include "ir/print.h"
#include "ir/simplify.h"
#include "ir/visit.h"

namespace nestjit::compiler {

using namespace ir;

namespace {

/// The statements from the root down to the innermost workgroup loop, each the only one in its
/// parent, and what stands below them.
struct Chain {
  std::vector<Stmt> stmts;
  std::vector<const Loop*> loops;
  Stmt body;
};

bool is_workgroup_loop(const Stmt& s) {
  const auto* loop = s.as<Loop>();
  return loop && loop->mapping == Mapping::workgroup;
}

bool holds_workgroup_loop(const Stmt& s) {
  bool found = false;
  walk_stmts(s, [&](const Stmt& inner) { found = found || is_workgroup_loop(inner); });
  return found;
}

Stmt only_child(const Stmt& s) {
  if (is_workgroup_loop(s)) return s.as<Loop>()->body;
  if (const auto* let = s.as<Let>()) return let->body;
  if (const auto* allocate = s.as<Allocate>()) return allocate->body;
  if (const auto* guard = s.as<If>()) return guard->body;
  base::internal("workgroups: a workgroup loop stands below {}, it must enclose the whole kernel",
                 headline(s));
}

Chain chain_of(const Kernel& kernel) {
  Chain chain;
  Stmt at = kernel.body;
  while (holds_workgroup_loop(at)) {
    chain.stmts.push_back(at);
    if (is_workgroup_loop(at)) chain.loops.push_back(at.as<Loop>());
    at = only_child(at);
  }
  chain.body = at;
  return chain;
}

/// An extent in terms of symbols alone: lets on the way are written out.
Expr extent_of(const Chain& chain, const Loop& loop) {
  Expr extent = loop.extent;
  for (auto s = chain.stmts.rbegin(); s != chain.stmts.rend(); ++s)
    if (const auto* let = s->as<Let>())
      extent = substitute(extent, {{id_of(let->var), let->value}});
  walk_exprs(extent, [&](const Expr& e) {
    if (e.as<Var>())
      base::internal("workgroups: the extent {} of loop '{}' depends on the loop '{}' around it",
                     to_string(loop.extent), loop.name(), to_string(e));
  });
  return maximum(extent, 0);
}

std::vector<Expr> extents_of(const Kernel& kernel, const Chain& chain) {
  std::vector<Expr> extents;
  for (const Loop* loop : chain.loops)
    extents.push_back(simplify(extent_of(chain, *loop), bounds_of(kernel)));
  return extents;
}

Expr product_of(const Kernel& kernel, const std::vector<Expr>& extents) {
  Expr product = 1;
  for (const Expr& e : extents) product = product * e;
  return simplify(product, bounds_of(kernel));
}

/// The workgroup's position along each loop, counted from 0: mixed-radix digits, last loop fastest.
std::vector<Expr> digits_of(const Expr& workgroup, const std::vector<Expr>& extents) {
  std::vector<Expr> digits(extents.size());
  Expr left = workgroup;
  for (size_t i = extents.size(); i-- > 0;) {
    // Nothing runs when an extent is 0, yet a divisor has to be positive on its own account.
    const Expr radix = maximum(extents[i], 1);
    digits[i] = i == 0 ? left : floormod(left, radix);
    left = floordiv(left, radix);
  }
  return digits;
}

Stmt rebuilt(const Stmt& s, const Expr& digit, Stmt body) {
  if (const auto* loop = s.as<Loop>()) return Let::make(loop->var, loop->min + digit, body);
  if (const auto* let = s.as<Let>()) return Let::make(let->var, let->value, body);
  if (const auto* allocate = s.as<Allocate>()) return Allocate::make(allocate->buffer, body);
  return If::make(s.as<If>()->cond, body);
}

}  // namespace

Kernel workgroups(const Kernel& kernel) {
  const Chain chain = chain_of(kernel);
  if (chain.loops.empty()) return kernel;
  const std::vector<Expr> extents = extents_of(kernel, chain);
  const Expr wg = Var::make("wg");
  const std::vector<Expr> digits = digits_of(wg, extents);
  Stmt body = chain.body;
  size_t loop = digits.size();
  for (size_t i = chain.stmts.size(); i-- > 0;) {
    const Expr digit = chain.stmts[i].as<Loop>() ? digits[--loop] : Expr();
    body = rebuilt(chain.stmts[i], digit, std::move(body));
  }
  const Stmt one =
      Loop::make(wg, 0, product_of(kernel, extents), LoopKind::parallel, Mapping::workgroup, body);
  return simplify(kernel.with_body(one));
}

Expr workgroup_count(const Kernel& kernel) {
  return product_of(kernel, extents_of(kernel, chain_of(kernel)));
}

}  // namespace nestjit::compiler
