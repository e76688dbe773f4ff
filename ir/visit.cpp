#include "ir/visit.h"

#include <algorithm>
#include <optional>

namespace nestjit::ir {
namespace {

/// The nodes rewritten, or nothing when none of them changes.
template <class Node>
std::optional<std::vector<Node>> rewritten(Rewriter& r, const std::vector<Node>& nodes) {
  std::optional<std::vector<Node>> out;
  for (size_t i = 0; i < nodes.size(); ++i) {
    Node node = r.rewrite(nodes[i]);
    if (!out && node.same_as(nodes[i])) continue;
    if (!out) {
      out.emplace(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(i));
      out->reserve(nodes.size());
    }
    out->push_back(std::move(node));
  }
  return out;
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
    auto indices = rewritten(rewriter_, n.indices);
    Expr mask = n.mask ? go(n.mask) : Expr();
    if (!indices && mask.same_as(n.mask)) return self_;
    return Load::make(n.buffer, indices ? std::move(*indices) : n.indices, std::move(mask));
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
  Expr on(const Pair& n) override {
    Expr a = go(n.a), b = go(n.b);
    if (a.same_as(n.a) && b.same_as(n.b)) return self_;
    return Pair::make(std::move(a), std::move(b));
  }
  Expr on(const Dot& n) override {
    Expr a = go(n.a), b = go(n.b), c = go(n.c);
    if (a.same_as(n.a) && b.same_as(n.b) && c.same_as(n.c)) return self_;
    return Dot::make(std::move(a), std::move(b), std::move(c));
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
    auto stmts = rewritten(rewriter_, n.stmts);
    return stmts ? Block::make(std::move(*stmts)) : self_;
  }
  Stmt on(const Let& n) override {
    Expr value = go(n.value);
    Stmt body = go(n.body);
    if (value.same_as(n.value) && body.same_as(n.body)) return self_;
    return Let::make(n.var, std::move(value), std::move(body));
  }
  Stmt on(const Store& n) override {
    auto indices = rewritten(rewriter_, n.indices);
    Expr value = go(n.value);
    Expr mask = n.mask ? go(n.mask) : Expr();
    if (!indices && value.same_as(n.value) && mask.same_as(n.mask)) return self_;
    return Store::make(n.buffer, indices ? std::move(*indices) : n.indices, std::move(value),
                       std::move(mask));
  }
  Stmt on(const Allocate& n) override {
    Stmt body = go(n.body);
    return body.same_as(n.body) ? self_ : Allocate::make(n.buffer, std::move(body));
  }
  Stmt on(const Prefetch& n) override {
    Expr element = go(n.element);
    return element.same_as(n.element) ? self_ : Prefetch::make(n.buffer, std::move(element));
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

/// Calls `visit` on what stands directly below a node, until it says stop by returning false;
/// says whether all was visited.
template <class Visit>
class ExprChildren final : public ExprVisitor<bool> {
 public:
  explicit ExprChildren(const Visit& visit) : visit_(visit) {}

 protected:
  bool on(const IntImm&) override { return true; }
  bool on(const FloatImm&) override { return true; }
  bool on(const BoolImm&) override { return true; }
  bool on(const Symbol&) override { return true; }
  bool on(const Var&) override { return true; }
  bool on(const Binary& n) override { return visit_(n.a) && visit_(n.b); }
  bool on(const Compare& n) override { return visit_(n.a) && visit_(n.b); }
  bool on(const Not& n) override { return visit_(n.a); }
  bool on(const Select& n) override { return visit_(n.cond) && visit_(n.a) && visit_(n.b); }
  bool on(const Cast& n) override { return visit_(n.a); }
  bool on(const Load& n) override {
    return std::all_of(n.indices.begin(), n.indices.end(), visit_) && (!n.mask || visit_(n.mask));
  }
  bool on(const Broadcast& n) override { return visit_(n.a); }
  bool on(const Ramp& n) override { return visit_(n.base); }
  bool on(const Fma& n) override { return visit_(n.a) && visit_(n.b) && visit_(n.c); }
  bool on(const Pair& n) override { return visit_(n.a) && visit_(n.b); }
  bool on(const Dot& n) override { return visit_(n.a) && visit_(n.b) && visit_(n.c); }
  bool on(const Call& n) override { return visit_(n.a); }

 private:
  const Visit& visit_;
};

/// The same for statements: `visit` takes the expressions and the statements below one.
template <class Visit>
class StmtChildren final : public StmtVisitor<bool> {
 public:
  explicit StmtChildren(const Visit& visit) : visit_(visit) {}

 protected:
  bool on(const Loop& n) override { return visit_(n.min) && visit_(n.extent) && visit_(n.body); }
  bool on(const Block& n) override { return std::all_of(n.stmts.begin(), n.stmts.end(), visit_); }
  bool on(const Let& n) override { return visit_(n.value) && visit_(n.body); }
  bool on(const Store& n) override {
    return std::all_of(n.indices.begin(), n.indices.end(), visit_) && visit_(n.value) &&
           (!n.mask || visit_(n.mask));
  }
  bool on(const Allocate& n) override { return visit_(n.body); }
  bool on(const Prefetch& n) override { return visit_(n.element); }
  bool on(const If& n) override { return visit_(n.cond) && visit_(n.body); }

 private:
  const Visit& visit_;
};

/// Parents first, until `fn` returns false.
template <class Fn>
bool each_expr(const Expr& e, const Fn& fn) {
  const auto below = [&fn](const Expr& x) { return each_expr(x, fn); };
  return fn(e) && ExprChildren(below).visit(e);
}

template <class Fn>
struct EachExprBelow {
  const Fn& fn;
  bool operator()(const Expr& e) const { return each_expr(e, fn); }
  bool operator()(const Stmt& s) const { return StmtChildren(*this).visit(s); }
};

template <class Fn>
struct EachStmt {
  const Fn& fn;
  bool operator()(const Expr&) const { return true; }
  bool operator()(const Stmt& s) const { return fn(s) && StmtChildren(*this).visit(s); }
};

/// What a walk to the end does.
template <class Node>
auto to_the_end(const std::function<void(const Node&)>& fn) {
  return [&fn](const Node& node) {
    fn(node);
    return true;
  };
}

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
    if (const auto* prefetch = out.as<Prefetch>()) {
      const auto found = map_.find(prefetch->buffer.get());
      return found == map_.end() ? out : Prefetch::make(found->second, prefetch->element);
    }
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
  const auto visit = to_the_end(fn);
  EachStmt{visit}(root);
}

void walk_exprs(const Stmt& root, const std::function<void(const Expr&)>& fn) {
  const auto visit = to_the_end(fn);
  EachExprBelow{visit}(root);
}

void walk_exprs(const Expr& root, const std::function<void(const Expr&)>& fn) {
  each_expr(root, to_the_end(fn));
}

const Stmt* find_stmt(const Stmt& root, const std::function<bool(const Stmt&)>& wanted) {
  const Stmt* found = nullptr;
  const auto visit = [&](const Stmt& s) {
    if (wanted(s)) found = &s;
    return found == nullptr;
  };
  EachStmt{visit}(root);
  return found;
}

bool contains(const Stmt& root, const std::function<bool(const Expr&)>& wanted) {
  const auto visit = [&](const Expr& e) { return !wanted(e); };
  return !EachExprBelow{visit}(root);
}

bool contains(const Expr& root, const std::function<bool(const Expr&)>& wanted) {
  return !each_expr(root, [&](const Expr& e) { return !wanted(e); });
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

namespace {

auto is_variable(VarId id) {
  return [id](const Expr& e) {
    const auto* var = e.as<Var>();
    return var && var->id == id;
  };
}

}  // namespace

bool uses(const Expr& e, VarId id) { return contains(e, is_variable(id)); }
bool uses(const Stmt& s, VarId id) { return contains(s, is_variable(id)); }

bool reads_memory(const Expr& e) {
  return contains(e, [](const Expr& x) { return x.as<Load>() != nullptr; });
}

}  // namespace nestjit::ir
