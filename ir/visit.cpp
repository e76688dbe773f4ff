#include "ir/visit.h"

namespace nestjit::ir {
namespace {

bool changed(const std::vector<Expr>& before, const std::vector<Expr>& after) {
  for (size_t i = 0; i < before.size(); ++i)
    if (!before[i].same_as(after[i])) return true;
  return false;
}

/// Rebuilds one expression node from rewritten children.
class ExprRebuild final : public ExprVisitor<Expr> {
 public:
  ExprRebuild(Rewriter& r, const Expr& self) : rewriter_(r), self_(self) {}

 protected:
  Expr on(const IntImm&) override { return self_; }
  Expr on(const FloatImm&) override { return self_; }
  Expr on(const BoolImm&) override { return self_; }
  Expr on(const Symbol&) override { return self_; }
  Expr on(const Var&) override { return self_; }
  Expr on(const Binary& n) override {
    Expr a = go(n.a), b = go(n.b);
    if (a.same_as(n.a) && b.same_as(n.b)) return self_;
    return Binary::make(n.op, std::move(a), std::move(b));
  }
  Expr on(const Compare& n) override {
    Expr a = go(n.a), b = go(n.b);
    if (a.same_as(n.a) && b.same_as(n.b)) return self_;
    return Compare::make(n.op, std::move(a), std::move(b));
  }
  Expr on(const Not& n) override {
    Expr a = go(n.a);
    return a.same_as(n.a) ? self_ : Not::make(std::move(a));
  }
  Expr on(const Select& n) override {
    Expr c = go(n.cond), a = go(n.a), b = go(n.b);
    if (c.same_as(n.cond) && a.same_as(n.a) && b.same_as(n.b)) return self_;
    return Select::make(std::move(c), std::move(a), std::move(b));
  }
  Expr on(const Cast& n) override {
    Expr a = go(n.a);
    return a.same_as(n.a) ? self_ : Cast::make(n.type.scalar, std::move(a));
  }
  Expr on(const Load& n) override {
    std::vector<Expr> indices;
    for (const Expr& i : n.indices) indices.push_back(go(i));
    Expr mask = n.mask ? go(n.mask) : Expr();
    if (!changed(n.indices, indices) && mask.same_as(n.mask)) return self_;
    return Load::make(n.buffer, std::move(indices), std::move(mask));
  }
  Expr on(const Broadcast& n) override {
    Expr a = go(n.a);
    return a.same_as(n.a) ? self_ : Broadcast::make(std::move(a), n.type.lanes);
  }
  Expr on(const Ramp& n) override {
    Expr base = go(n.base);
    return base.same_as(n.base) ? self_ : Ramp::make(std::move(base), n.stride, n.type.lanes);
  }
  Expr on(const Fma& n) override {
    Expr a = go(n.a), b = go(n.b), c = go(n.c);
    if (a.same_as(n.a) && b.same_as(n.b) && c.same_as(n.c)) return self_;
    return Fma::make(std::move(a), std::move(b), std::move(c));
  }
  Expr on(const Call& n) override {
    Expr a = go(n.a);
    return a.same_as(n.a) ? self_ : Call::make(n.fn, std::move(a));
  }

 private:
  Expr go(const Expr& e) { return rewriter_.rewrite(e); }
  Rewriter& rewriter_;
  const Expr& self_;
};

class StmtRebuild final : public StmtVisitor<Stmt> {
 public:
  StmtRebuild(Rewriter& r, const Stmt& self) : rewriter_(r), self_(self) {}

 protected:
  Stmt on(const Loop& n) override {
    Expr min = go(n.min), extent = go(n.extent);
    Stmt body = go(n.body);
    if (min.same_as(n.min) && extent.same_as(n.extent) && body.same_as(n.body)) return self_;
    return Loop::make(n.var, std::move(min), std::move(extent), n.loop_kind, n.mapping,
                      std::move(body));
  }
  Stmt on(const Block& n) override {
    std::vector<Stmt> stmts;
    bool same = true;
    for (const Stmt& s : n.stmts) {
      stmts.push_back(go(s));
      same = same && stmts.back().same_as(s);
    }
    return same ? self_ : Block::make(std::move(stmts));
  }
  Stmt on(const Let& n) override {
    Expr value = go(n.value);
    Stmt body = go(n.body);
    if (value.same_as(n.value) && body.same_as(n.body)) return self_;
    return Let::make(n.var, std::move(value), std::move(body));
  }
  Stmt on(const Store& n) override {
    std::vector<Expr> indices;
    for (const Expr& i : n.indices) indices.push_back(go(i));
    Expr value = go(n.value);
    Expr mask = n.mask ? go(n.mask) : Expr();
    if (!changed(n.indices, indices) && value.same_as(n.value) && mask.same_as(n.mask))
      return self_;
    return Store::make(n.buffer, std::move(indices), std::move(value), std::move(mask));
  }
  Stmt on(const Allocate& n) override {
    Stmt body = go(n.body);
    return body.same_as(n.body) ? self_ : Allocate::make(n.buffer, std::move(body));
  }
  Stmt on(const If& n) override {
    Expr cond = go(n.cond);
    Stmt body = go(n.body);
    if (cond.same_as(n.cond) && body.same_as(n.body)) return self_;
    return If::make(std::move(cond), std::move(body));
  }

 private:
  Expr go(const Expr& e) { return rewriter_.rewrite(e); }
  Stmt go(const Stmt& s) { return rewriter_.rewrite(s); }
  Rewriter& rewriter_;
  const Stmt& self_;
};

/// A rewriter that changes nothing and reports every node it meets.
class Walk final : public Rewriter {
 public:
  std::function<void(const Stmt&)> on_stmt;
  std::function<void(const Expr&)> on_expr;
  Expr rewrite(const Expr& e) override {
    if (!on_expr) return e;
    on_expr(e);
    return rewrite_children(e);
  }
  Stmt rewrite(const Stmt& s) override {
    if (on_stmt) on_stmt(s);
    return rewrite_children(s);
  }
};

class VarSubstitution final : public Rewriter {
 public:
  explicit VarSubstitution(const Substitution& map) : map_(map) {}
  using Rewriter::rewrite;
  Expr rewrite(const Expr& e) override {
    if (const auto* var = e.as<Var>()) {
      const auto found = map_.find(var->id);
      return found == map_.end() ? e : found->second;
    }
    return rewrite_children(e);
  }

 private:
  const Substitution& map_;
};

class SymbolSubstitution final : public Rewriter {
 public:
  explicit SymbolSubstitution(const std::unordered_map<std::string, Expr>& map) : map_(map) {}
  using Rewriter::rewrite;
  Expr rewrite(const Expr& e) override {
    if (const auto* symbol = e.as<Symbol>()) {
      const auto found = map_.find(symbol->name);
      return found == map_.end() ? e : found->second;
    }
    return rewrite_children(e);
  }

 private:
  const std::unordered_map<std::string, Expr>& map_;
};

class BufferSubstitution final : public Rewriter {
 public:
  explicit BufferSubstitution(const std::unordered_map<const Buffer*, BufferRef>& map)
      : map_(map) {}
  Expr rewrite(const Expr& e) override {
    const Expr out = rewrite_children(e);
    const auto* load = out.as<Load>();
    if (!load) return out;
    const auto found = map_.find(load->buffer.get());
    return found == map_.end() ? out : Load::make(found->second, load->indices, load->mask);
  }
  Stmt rewrite(const Stmt& s) override {
    const Stmt out = rewrite_children(s);
    const auto* store = out.as<Store>();
    if (!store) return out;
    const auto found = map_.find(store->buffer.get());
    return found == map_.end()
               ? out
               : Store::make(found->second, store->indices, store->value, store->mask);
  }

 private:
  const std::unordered_map<const Buffer*, BufferRef>& map_;
};

class FreshClone final : public Rewriter {
 public:
  Substitution vars;
  std::unordered_map<const Buffer*, BufferRef> buffers;

  Expr rewrite(const Expr& e) override {
    if (const auto* var = e.as<Var>()) {
      const auto found = vars.find(var->id);
      return found == vars.end() ? e : found->second;
    }
    return rewrite_children(e);
  }

  Stmt rewrite(const Stmt& s) override {
    if (const auto* loop = s.as<Loop>()) {
      const Expr var = renew(loop->var);
      return Loop::make(var, rewrite(loop->min), rewrite(loop->extent), loop->loop_kind,
                        loop->mapping, rewrite(loop->body));
    }
    if (const auto* let = s.as<Let>()) {
      Expr value = rewrite(let->value);
      const Expr var = renew(let->var);
      return Let::make(var, std::move(value), rewrite(let->body));
    }
    if (const auto* allocate = s.as<Allocate>()) {
      auto copy = std::make_shared<const Buffer>(*allocate->buffer);
      buffers[allocate->buffer.get()] = copy;
      return Allocate::make(copy, substitute_buffers(rewrite(allocate->body), buffers));
    }
    return rewrite_children(s);
  }

 private:
  Expr renew(const Expr& var) {
    const Expr copy = Var::make(var.as<Var>()->name, var.type());
    vars[id_of(var)] = copy;
    return copy;
  }
};

}  // namespace

Expr Rewriter::rewrite_children(const Expr& e) { return ExprRebuild(*this, e).visit(e); }
Stmt Rewriter::rewrite_children(const Stmt& s) { return StmtRebuild(*this, s).visit(s); }

void walk_stmts(const Stmt& root, const std::function<void(const Stmt&)>& fn) {
  Walk walk;
  walk.on_stmt = fn;
  walk.rewrite(root);
}

void walk_exprs(const Stmt& root, const std::function<void(const Expr&)>& fn) {
  Walk walk;
  walk.on_expr = fn;
  walk.rewrite(root);
}

void walk_exprs(const Expr& root, const std::function<void(const Expr&)>& fn) {
  Walk walk;
  walk.on_expr = fn;
  walk.rewrite(root);
}

Expr substitute(const Expr& e, const Substitution& map) {
  return map.empty() ? e : VarSubstitution(map).rewrite(e);
}

Stmt substitute(const Stmt& s, const Substitution& map) {
  return map.empty() ? s : VarSubstitution(map).rewrite(s);
}

Stmt substitute_symbols(const Stmt& s, const std::unordered_map<std::string, Expr>& map) {
  return SymbolSubstitution(map).rewrite(s);
}

Expr substitute_symbols(const Expr& e, const std::unordered_map<std::string, Expr>& map) {
  return SymbolSubstitution(map).rewrite(e);
}

Stmt substitute_buffers(const Stmt& s, const std::unordered_map<const Buffer*, BufferRef>& map) {
  return BufferSubstitution(map).rewrite(s);
}

Stmt clone_fresh(const Stmt& s, Substitution* renamed) {
  FreshClone clone;
  Stmt out = clone.rewrite(s);
  if (renamed) *renamed = std::move(clone.vars);
  return out;
}

bool uses(const Expr& e, VarId id) {
  bool found = false;
  walk_exprs(e, [&](const Expr& x) {
    if (const auto* var = x.as<Var>()) found = found || var->id == id;
  });
  return found;
}

bool uses(const Stmt& s, VarId id) {
  bool found = false;
  walk_exprs(s, [&](const Expr& x) {
    if (const auto* var = x.as<Var>()) found = found || var->id == id;
  });
  return found;
}

}  // namespace nestjit::ir
