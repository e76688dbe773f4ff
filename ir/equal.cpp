#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "ir/visit.h"

namespace nestjit::ir {
namespace {

bool same_constant(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

/// A one-to-one map between what two trees bind.
template <class Key>
class Pairing {
 public:
  void bind(Key a, Key b) {
    to_[a] = b;
    from_[b] = a;
    trivial_ = trivial_ && a == b;
  }
  bool bound(Key a, Key b) const { return to_.contains(a) || from_.contains(b); }
  bool paired(Key a, Key b) const {
    const auto found = to_.find(a);
    return found != to_.end() && found->second == b && from_.at(b) == a;
  }
  /// Whether everything is bound to itself, so that a shared subtree needs no look.
  bool trivial() const { return trivial_; }

 private:
  std::unordered_map<Key, Key> to_, from_;
  bool trivial_ = true;
};

/// Compares the visited node with `other`, which is of the same kind and type.
template <class Rules>
class ExprCompare final : public ExprVisitor<bool> {
 public:
  ExprCompare(const Rules& c, const Expr& other) : c_(c), other_(other) {}

 protected:
  bool on(const IntImm& a) override { return a.value == of(a).value; }
  bool on(const FloatImm& a) override { return same_constant(a.value, of(a).value); }
  bool on(const BoolImm& a) override { return a.value == of(a).value; }
  bool on(const Symbol& a) override { return a.name == of(a).name; }
  bool on(const Var& a) override { return c_.same(a.id, of(a).id); }
  bool on(const Binary& a) override {
    return a.op == of(a).op && c_.same(a.a, of(a).a) && c_.same(a.b, of(a).b);
  }
  bool on(const Compare& a) override {
    return a.op == of(a).op && c_.same(a.a, of(a).a) && c_.same(a.b, of(a).b);
  }
  bool on(const Not& a) override { return c_.same(a.a, of(a).a); }
  bool on(const Select& a) override {
    return c_.same(a.cond, of(a).cond) && c_.same(a.a, of(a).a) && c_.same(a.b, of(a).b);
  }
  bool on(const Cast& a) override { return c_.same(a.a, of(a).a); }
  bool on(const Load& a) override {
    return c_.same(*a.buffer, *of(a).buffer) && c_.same(a.indices, of(a).indices) &&
           c_.same(a.mask, of(a).mask);
  }
  bool on(const Broadcast& a) override { return c_.same(a.a, of(a).a); }
  bool on(const Ramp& a) override {
    return a.stride == of(a).stride && c_.same(a.base, of(a).base);
  }
  bool on(const Fma& a) override {
    return c_.same(a.a, of(a).a) && c_.same(a.b, of(a).b) && c_.same(a.c, of(a).c);
  }
  bool on(const Pair& a) override { return c_.same(a.a, of(a).a) && c_.same(a.b, of(a).b); }
  bool on(const Dot& a) override {
    return c_.same(a.a, of(a).a) && c_.same(a.b, of(a).b) && c_.same(a.c, of(a).c);
  }
  bool on(const Call& a) override { return a.fn == of(a).fn && c_.same(a.a, of(a).a); }

 private:
  template <class Node>
  const Node& of(const Node&) const {
    return *other_.as<Node>();
  }
  const Rules& c_;
  const Expr& other_;
};

/// Nothing is bound: variables are equal when their ids are, buffers when they are one.
struct SameScope {
  bool same(const Expr& a, const Expr& b) const {
    if (a.same_as(b)) return true;
    if (!a || !b || a.kind() != b.kind() || a.type() != b.type()) return false;
    return ExprCompare(*this, b).visit(a);
  }
  bool same(const std::vector<Expr>& a, const std::vector<Expr>& b) const {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [this](const Expr& x, const Expr& y) { return same(x, y); });
  }
  bool same(VarId a, VarId b) const { return a == b; }
  bool same(const Buffer& a, const Buffer& b) const { return &a == &b; }
};

class Comparison {
 public:
  Pairing<VarId> vars;
  Pairing<const Buffer*> buffers;

  bool same(const Expr& a, const Expr& b) const {
    if (a.same_as(b) && vars.trivial() && buffers.trivial()) return true;
    if (!a || !b) return !a && !b;
    return a.kind() == b.kind() && a.type() == b.type() && ExprCompare(*this, b).visit(a);
  }

  bool same(const std::vector<Expr>& a, const std::vector<Expr>& b) const {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [this](const Expr& x, const Expr& y) { return same(x, y); });
  }

  bool same(const Stmt& a, const Stmt& b) {
    if (a.same_as(b) && vars.trivial() && buffers.trivial()) return true;
    if (!a || !b) return !a && !b;
    return a.kind() == b.kind() && StmtCompare(*this, b).visit(a);
  }

  bool same(VarId a, VarId b) const { return vars.bound(a, b) ? vars.paired(a, b) : a == b; }

  bool same(const Buffer& a, const Buffer& b) const {
    if (buffers.bound(&a, &b)) return buffers.paired(&a, &b);
    return &a == &b || (a.name == b.name && same_layout(a, b));
  }

  bool same_layout(const Buffer& a, const Buffer& b) const {
    return a.scalar == b.scalar && a.role == b.role && a.alignment == b.alignment &&
           same(a.shape, b.shape) && same(a.strides, b.strides);
  }

 private:
  class StmtCompare final : public StmtVisitor<bool> {
   public:
    StmtCompare(Comparison& c, const Stmt& other) : c_(c), other_(other) {}

   protected:
    bool on(const Loop& a) override {
      const Loop& b = *other_.as<Loop>();
      if (a.loop_kind != b.loop_kind || a.mapping != b.mapping || !c_.same(a.min, b.min) ||
          !c_.same(a.extent, b.extent))
        return false;
      c_.vars.bind(a.id(), b.id());
      return c_.same(a.body, b.body);
    }
    bool on(const Block& a) override {
      const Block& b = *other_.as<Block>();
      if (a.stmts.size() != b.stmts.size()) return false;
      for (size_t i = 0; i < a.stmts.size(); ++i)
        if (!c_.same(a.stmts[i], b.stmts[i])) return false;
      return true;
    }
    bool on(const Let& a) override {
      const Let& b = *other_.as<Let>();
      if (!c_.same(a.value, b.value)) return false;
      c_.vars.bind(id_of(a.var), id_of(b.var));
      return c_.same(a.body, b.body);
    }
    bool on(const Store& a) override {
      const Store& b = *other_.as<Store>();
      return c_.same(*a.buffer, *b.buffer) && c_.same(a.indices, b.indices) &&
             c_.same(a.value, b.value) && c_.same(a.mask, b.mask);
    }
    bool on(const Allocate& a) override {
      const Allocate& b = *other_.as<Allocate>();
      if (!c_.same_layout(*a.buffer, *b.buffer)) return false;
      c_.buffers.bind(a.buffer.get(), b.buffer.get());
      return c_.same(a.body, b.body);
    }
    bool on(const Prefetch& a) override {
      const Prefetch& b = *other_.as<Prefetch>();
      return c_.same(*a.buffer, *b.buffer) && c_.same(a.element, b.element);
    }
    bool on(const If& a) override {
      const If& b = *other_.as<If>();
      return c_.same(a.cond, b.cond) && c_.same(a.body, b.body);
    }

   private:
    Comparison& c_;
    const Stmt& other_;
  };
};

}  // namespace

bool equal(const Expr& a, const Expr& b) { return SameScope().same(a, b); }

bool equal(const Stmt& a, const Stmt& b) { return Comparison().same(a, b); }

bool equal(const Kernel& a, const Kernel& b) {
  if (a.name != b.name || a.symbols != b.symbols || a.fused != b.fused ||
      a.params.size() != b.params.size())
    return false;
  Comparison comparison;
  for (size_t i = 0; i < a.params.size(); ++i) {
    const Buffer &p = *a.params[i], &q = *b.params[i];
    if (p.name != q.name || !comparison.same_layout(p, q)) return false;
    comparison.buffers.bind(&p, &q);
  }
  return comparison.same(a.body, b.body);
}

}  // namespace nestjit::ir
