#include "ir/simplify.h"

#include <numeric>
#include <utility>

#include "base/checked.h"
#include "ir/visit.h"

namespace nestjit::ir {
namespace {

bool is_scalar_index(const Expr& e) { return e.type() == Type{Scalar::index, 1}; }

bool is_bool(const Expr& e, bool value) {
  const auto* imm = e.as<BoolImm>();
  return imm && imm->value == value;
}

/// Terms of the form that are whole multiples of c, divided by it, and the rest. The constant is
/// split so that the rest's lies in [0, c).
std::pair<Linear, Linear> split_multiples(const Linear& form, int64_t c) {
  Linear quotient(base::floor_div(form.constant, c)), rest(base::floor_mod(form.constant, c));
  for (const Linear::Term& t : form.terms) {
    if (t.coef % c == 0)
      quotient.terms.push_back({t.atom, t.coef / c});
    else
      rest.terms.push_back(t);
  }
  return {quotient, rest};
}

int64_t common_divisor(const Linear& form, int64_t start = 0) {
  int64_t g = start;
  for (const Linear::Term& t : form.terms) g = std::gcd(g, t.coef);
  return g;
}

/// Divides coefficients by g and the constant by g toward minus infinity.
Linear divided(const Linear& form, int64_t g) {
  Linear out(base::floor_div(form.constant, g));
  for (const Linear::Term& t : form.terms) out.terms.push_back({t.atom, t.coef / g});
  return out;
}

class ExprSimplifier final : public Rewriter {
 public:
  explicit ExprSimplifier(const Bounds& bounds) : bounds_(bounds) {}
  using Rewriter::rewrite;

  Expr rewrite(const Expr& e) override {
    if (is_sum(e)) {
      try {
        const Expr out = simplified_sum(e).expr();
        return equal(out, e) ? e : out;
      } catch (const LinearOverflow&) {  // as far as it goes, below
      }
    }
    const Expr out = rewrite_children(e);
    try {
      return folded(out);
    } catch (const LinearOverflow&) {
      return out;
    }
  }

 private:
  /// The expression, whose operands are simplified already, by the rule of its own node.
  Expr folded(const Expr& e) {
    if (const auto* binary = e.as<Binary>()) return binary_op(e, *binary);
    if (const auto* compare = e.as<Compare>())
      return is_scalar_index(compare->a) ? comparison(e, *compare) : e;
    if (const auto* negation = e.as<Not>()) return logical_not(e, *negation);
    if (const auto* select = e.as<Select>()) return selection(e, *select);
    if (e.as<Var>() && is_scalar_index(e)) return point_or(e);
    return e;
  }

  /// A node that linear forms see through.
  static bool is_sum(const Expr& e) {
    const auto* b = e.as<Binary>();
    return b && is_scalar_index(e) &&
           (b->op == BinaryOp::add || b->op == BinaryOp::sub || b->op == BinaryOp::mul);
  }

  /// The form of what the expression simplifies to, with its terms in the order in which they are
  /// written: a positive one first. Builds no expression for the sums within a sum.
  Linear simplified_sum(const Expr& e) {
    if (!is_sum(e)) return Linear::of(rewrite(e));
    const auto& b = *e.as<Binary>();
    Linear form = simplified_sum(b.a);
    const Linear right = simplified_sum(b.b);
    if (b.op == BinaryOp::add)
      form += right;
    else if (b.op == BinaryOp::sub)
      form += right * -1;
    else
      form = product(form, right, e);
    form = recombined(std::move(form));
    form.start_positive();
    return form;
  }

  static Linear product(const Linear& x, const Linear& y, const Expr& e) {
    if (y.is_constant()) return x * y.constant;
    if (x.is_constant()) return y * x.constant;
    const Expr out = x.expr() * y.expr();
    Linear form;
    form.add_term(equal(out, e) ? e : out, 1);
    return form;
  }

  Expr point_or(const Expr& e) {
    const Interval r = bounds_.range(e);
    return r.is_point() ? Expr(r.min) : e;
  }

  Expr binary_op(const Expr& e, const Binary& b) {
    switch (b.op) {
      case BinaryOp::logical_and: return logical(e, b, false);
      case BinaryOp::logical_or: return logical(e, b, true);
      default: break;
    }
    if (b.type.is_index() && b.type.is_vector()) return vector_sum(e, b);
    if (!is_scalar_index(e)) return e;
    switch (b.op) {
      case BinaryOp::add:
      case BinaryOp::sub:
      case BinaryOp::mul: return canonical(e, Linear::of(e));
      case BinaryOp::floordiv: return quotient(e, b);
      case BinaryOp::floormod: return remainder(e, b);
      case BinaryOp::min:
      case BinaryOp::max: return extremum(e, b);
      default: return e;
    }
  }

  /// The form as an expression; `e` itself where that says the same.
  Expr canonical(const Expr& e, const Linear& form) {
    Expr out = recombined(form).expr();
    return equal(out, e) ? e : out;
  }

  /// a*floordiv(x, c) + b*floormod(x, c) is b*x where a = b*c.
  static Linear recombined(Linear form) {
    for (const Linear::Term& m : form.terms) {
      const auto* mod = m.atom.as<Binary>();
      if (!mod || mod->op != BinaryOp::floormod) continue;
      const auto c = constant_of(mod->b);
      if (!c) continue;
      for (const Linear::Term& q : form.terms) {
        const auto* div = q.atom.as<Binary>();
        if (!div || div->op != BinaryOp::floordiv) continue;
        if (base::checked_mul(m.coef, *c) != q.coef) continue;
        if (!equal(div->a, mod->a) || !equal(div->b, mod->b)) continue;
        Linear out = form;
        out.add_term(m.atom, -m.coef);
        out.add_term(q.atom, -q.coef);
        return recombined(out + Linear::of(mod->a) * m.coef);
      }
    }
    return form;
  }

  Expr quotient(const Expr& e, const Binary& b) {
    const auto c = constant_of(b.b);
    return c && *c > 0 ? canonical(e, quotient(Linear::of(b.a), *c)) : e;
  }

  Linear quotient(const Linear& form, int64_t c) {
    const auto [whole, rest] = split_multiples(form, c);
    if (const auto value = constant_quotient(rest, c)) return whole + Linear(*value);
    const int64_t g = common_divisor(rest, c), divisor = c / g;
    const Expr numerator = divided(rest, g).expr();
    if (const auto* inner = numerator.as<Binary>(); inner && inner->op == BinaryOp::floordiv) {
      // floordiv(floordiv(x, a), b) = floordiv(x, a*b)
      const auto a = constant_of(inner->b);
      const auto product = a ? base::checked_mul(*a, divisor) : std::nullopt;
      if (product) return whole + quotient(Linear::of(inner->a), *product);
    }
    return whole + Linear::of(floordiv(numerator, divisor));
  }

  /// floordiv(form, c) where it is one number for all values in scope.
  std::optional<int64_t> constant_quotient(const Linear& form, int64_t c) {
    const Interval r = bounds_.range(form);
    if (r.min == Interval::min_value || r.max == Interval::max_value) return std::nullopt;
    const int64_t q = base::floor_div(r.min, c);
    return q == base::floor_div(r.max, c) ? std::optional(q) : std::nullopt;
  }

  Expr remainder(const Expr& e, const Binary& b) {
    const auto c = constant_of(b.b);
    if (!c || *c <= 0) return e;
    const Linear rest = split_multiples(Linear::of(b.a), *c).second;
    if (const auto turns = constant_quotient(rest, *c))
      return canonical(e, rest - Linear(*turns) * *c);
    // floormod(g*x + r, g*m) = g*floormod(x, m) + r for 0 <= r < g
    const int64_t g = common_divisor(rest, *c);
    Linear out(base::floor_mod(rest.constant, g));
    out.add_term(floormod(divided(rest, g).expr(), *c / g), g);
    return canonical(e, out);
  }

  Expr extremum(const Expr& e, const Binary& b) {
    const bool is_min = b.op == BinaryOp::min;
    if (bounds_.proves_le(b.a, b.b)) return is_min ? b.a : b.b;
    if (bounds_.proves_le(b.b, b.a)) return is_min ? b.b : b.a;
    return e;
  }

  Expr logical(const Expr& e, const Binary& b, bool absorbing) {
    if (is_bool(b.a, absorbing) || is_bool(b.b, absorbing))
      return b.type.is_vector() ? e : BoolImm::make(absorbing);
    if (is_bool(b.a, !absorbing) || equal(b.a, b.b)) return b.b;
    return is_bool(b.b, !absorbing) ? b.a : e;
  }

  Expr logical_not(const Expr& e, const Not& n) {
    if (const auto* imm = n.a.as<BoolImm>()) return BoolImm::make(!imm->value);
    if (const auto* inner = n.a.as<Not>()) return inner->a;
    return e;
  }

  Expr selection(const Expr& e, const Select& s) {
    if (is_bool(s.cond, true) || equal(s.a, s.b)) return s.a;
    return is_bool(s.cond, false) ? s.b : e;
  }

  Expr comparison(const Expr& e, const Compare& c) {
    const Linear difference = Linear::of(c.a) - Linear::of(c.b);
    switch (c.op) {
      case CompareOp::eq: return equality(e, difference, true);
      case CompareOp::ne: return equality(e, difference, false);
      case CompareOp::lt: return nonnegative(e, difference * -1 + Linear(-1));
      case CompareOp::le: return nonnegative(e, difference * -1);
      case CompareOp::gt: return nonnegative(e, difference + Linear(-1));
      case CompareOp::ge: return nonnegative(e, difference);
    }
    return e;
  }

  Expr equality(const Expr& e, const Linear& sides, bool wanted) {
    const Linear difference = recombined(sides);
    const Interval r = bounds_.range(difference);
    if (r.min == 0 && r.max == 0) return BoolImm::make(wanted);
    if (r.min > 0 || r.max < 0) return BoolImm::make(!wanted);
    const int64_t g = common_divisor(difference);
    if (g != 0 && difference.constant % g != 0) return BoolImm::make(!wanted);
    return e;
  }

  /// given >= 0, decided by the bounds or written as "negative terms <= positive terms".
  Expr nonnegative(const Expr& e, const Linear& given) {
    const Linear form = without_divisions(given);
    if (bounds_.proves_nonnegative(form)) return BoolImm::make(true);
    if (bounds_.proves_nonnegative(form * -1 + Linear(-1))) return BoolImm::make(false);
    Linear left, right;
    for (const Linear::Term& t : form.terms)
      (t.coef > 0 ? right : left).add_term(t.atom, t.coef > 0 ? t.coef : -t.coef);
    // The constant goes where it reads best: positive, or alone on its side.
    if (right.terms.empty() || (form.constant >= 0 && !left.terms.empty()))
      right.constant = form.constant;
    else
      left.constant = -form.constant;
    const Expr out = left.expr() <= right.expr();
    return equal(out, e) ? e : out;
  }

  /// A form that is >= 0 exactly when the given one is: common divisors taken out, bounds on
  /// quotients turned into bounds on what is divided.
  static Linear without_divisions(Linear form) {
    while (true) {
      form = recombined(form);
      if (const int64_t g = common_divisor(form); g > 1) form = divided(form, g);
      const auto undivided = without_division(form);
      if (!undivided) return form;
      form = *undivided;
    }
  }

  /// floordiv(x, c) >= r says x >= c*r, and floordiv(x, c) <= r says x <= c*r + c - 1.
  static std::optional<Linear> without_division(const Linear& form) {
    for (const Linear::Term& t : form.terms) {
      const auto* binary = t.atom.as<Binary>();
      if (!binary || binary->op != BinaryOp::floordiv || (t.coef != 1 && t.coef != -1)) continue;
      const auto c = constant_of(binary->b);
      if (!c || *c <= 0) continue;
      Linear rest = form;
      rest.add_term(t.atom, -t.coef);
      Linear out = rest * *c + Linear::of(binary->a) * t.coef;
      return t.coef > 0 ? out : out + Linear(*c - 1);
    }
    return std::nullopt;
  }

  /// Sums and products of ramps and broadcasts that are ramps again.
  Expr vector_sum(const Expr& e, const Binary& b) {
    const auto parts = [](const Expr& x) -> std::optional<std::pair<Expr, int64_t>> {
      if (const auto* ramp = x.as<Ramp>()) return std::pair{ramp->base, ramp->stride};
      if (const auto* splat = x.as<Broadcast>()) return std::pair{splat->a, int64_t{0}};
      return std::nullopt;
    };
    const auto x = parts(b.a), y = parts(b.b);
    if (!x || !y) return e;
    const int lanes = b.type.lanes;
    const auto ramp = [&](const Expr& base, std::optional<int64_t> stride) {
      if (!stride) return e;
      const Expr first = rewrite(base);
      return *stride == 0 ? Broadcast::make(first, lanes) : Ramp::make(first, *stride, lanes);
    };
    if (b.op == BinaryOp::add)
      return ramp(x->first + y->first, base::checked_add(x->second, y->second));
    if (b.op == BinaryOp::sub)
      return ramp(x->first - y->first, base::checked_sub(x->second, y->second));
    const auto cx = constant_of(x->first), cy = constant_of(y->first);
    if (b.op == BinaryOp::mul && y->second == 0 && cy)
      return ramp(x->first * y->first, base::checked_mul(x->second, *cy));
    if (b.op == BinaryOp::mul && x->second == 0 && cx)
      return ramp(x->first * y->first, base::checked_mul(y->second, *cx));
    if (x->second == 0 && y->second == 0) return ramp(Binary::make(b.op, x->first, y->first), 0);
    return e;
  }

  const Bounds& bounds_;
};

class StmtSimplifier final : public Rewriter {
 public:
  StmtSimplifier(Bounds bounds, const SimplifyOptions& options, SimplifyMemo* memo = nullptr)
      : bounds_(std::move(bounds)),
        options_(options),
        memo_(memo) {}

  Expr rewrite(const Expr& e) override { return simplify(e, bounds_); }

  Stmt rewrite(const Stmt& s) override {
    if (!memo_) return simplified(s);
    if (memo_->knows(s, scope_)) return s;
    Stmt out = simplified(s);
    memo_->learn(out, scope_);
    return out;
  }

 private:
  Stmt simplified(const Stmt& s) {
    if (const auto* loop = s.as<Loop>()) return loop_stmt(s, *loop);
    if (const auto* let = s.as<Let>()) return let_stmt(s, *let);
    if (const auto* guard = s.as<If>()) return if_stmt(s, *guard);
    const Stmt out = rewrite_children(s);
    if (const auto* allocate = out.as<Allocate>(); allocate && is_empty(allocate->body))
      return allocate->body;
    return block(out);
  }

  /// Simplifies what stands in the scope of a variable.
  Stmt inside(VarId var, const Expr& first, const Expr& second, const Stmt& body) {
    const size_t outer = scope_;
    if (memo_) scope_ = memo_->scope_of(outer, var, first, second);
    Stmt out = rewrite(body);
    scope_ = outer;
    return out;
  }

  static bool is_empty(const Stmt& s) {
    const auto* block = s.as<Block>();
    return block && block->stmts.empty();
  }

  static Stmt block(const Stmt& s) {
    const auto* b = s.as<Block>();
    if (!b) return s;
    std::vector<Stmt> kept;
    for (const Stmt& inner : b->stmts)
      if (!is_empty(inner)) kept.push_back(inner);
    return kept.size() == b->stmts.size() ? s : Block::make(std::move(kept));
  }

  Stmt loop_stmt(const Stmt& s, const Loop& loop) {
    const Expr min = rewrite(loop.min), extent = rewrite(loop.extent);
    if (options_.drop_dead_code && bounds_.range(extent).max <= 0) return Block::make({});
    if (options_.drop_dead_code && is_constant(extent, 1))
      return rewrite(substitute(loop.body, {{loop.id(), min}}));
    if (options_.use_ranges) bounds_.add(loop.id(), min, rewrite(min + extent - 1));
    const Stmt body = inside(loop.id(), min, extent, loop.body);
    if (is_empty(body) && options_.drop_dead_code) return body;
    if (min.same_as(loop.min) && extent.same_as(loop.extent) && body.same_as(loop.body)) return s;
    return Loop::make(loop.var, min, extent, loop.loop_kind, loop.mapping, body);
  }

  Stmt let_stmt(const Stmt& s, const Let& let) {
    const Expr value = rewrite(let.value);
    if (value.as<IntImm>() || value.as<Var>())
      return rewrite(substitute(let.body, {{id_of(let.var), value}}));
    if (options_.use_ranges && value.type() == Type{Scalar::index, 1})
      bounds_.add(id_of(let.var), value, value);
    const Stmt body = inside(id_of(let.var), value, value, let.body);
    if (is_empty(body)) return body;
    if (value.same_as(let.value) && body.same_as(let.body)) return s;
    return Let::make(let.var, value, body);
  }

  Stmt if_stmt(const Stmt& s, const If& guard) {
    const Expr cond = rewrite(guard.cond);
    if (is_bool(cond, false) && options_.drop_dead_code) return Block::make({});
    const Stmt body = rewrite(guard.body);
    if (is_bool(cond, true) || is_empty(body)) return body;
    // Both sides of a conjunction are evaluated: a read that this guard protects stays below it.
    const auto* inner = body.as<If>();
    if (inner && inner->cond.type() == cond.type() && !reads_memory(inner->cond))
      return If::make(rewrite(both(cond, inner->cond)), inner->body);
    if (cond.same_as(guard.cond) && body.same_as(guard.body)) return s;
    return If::make(cond, body);
  }

  Bounds bounds_;
  SimplifyOptions options_;
  SimplifyMemo* memo_;
  size_t scope_ = 0;
};

}  // namespace

Expr simplify(const Expr& e, const Bounds& bounds) { return ExprSimplifier(bounds).rewrite(e); }

Stmt simplify(const Stmt& s, const Bounds& bounds, const SimplifyOptions& options) {
  return StmtSimplifier(bounds, options).rewrite(s);
}

size_t SimplifyMemo::scope_of(size_t outer, VarId var, const Expr& first, const Expr& second) {
  const auto [scope, is_new] =
      scopes_.try_emplace(Binding{outer, var, first.get(), second.get()}, scopes_.size() + 1);
  if (is_new) bounds_.insert(bounds_.end(), {first, second});
  return scope->second;
}

bool SimplifyMemo::knows(const Stmt& s, size_t scope) const {
  const auto known = known_.find(s.get());
  return known != known_.end() && known->second.scope == scope;
}

void SimplifyMemo::learn(const Stmt& s, size_t scope) {
  known_.insert_or_assign(s.get(), Known{s, scope});
}

Kernel simplify(const Kernel& kernel, SimplifyMemo& memo, const SimplifyOptions& options) {
  return kernel.with_body(StmtSimplifier(bounds_of(kernel), options, &memo).rewrite(kernel.body));
}

Kernel simplify(const Kernel& kernel, const SimplifyOptions& options) {
  return kernel.with_body(simplify(kernel.body, bounds_of(kernel), options));
}

}  // namespace nestjit::ir
