#include "ir/stmt.h"

#include <array>

#include "base/error.h"
#include "ir/kernel.h"

namespace nestjit::ir {
namespace {

template <class Node, class... Args>
Stmt node(Args&&... args) {
  return Stmt(std::make_shared<const Node>(std::forward<Args>(args)...));
}

void require(bool ok, std::string_view factory, std::string_view rule) {
  if (!ok) base::internal("ir: {}: {}", factory, rule);
}

}  // namespace

std::string_view name_of(StmtKind kind) {
#define NESTJIT_NAME(K) std::string_view(#K),
  static constexpr std::array names{NESTJIT_STMT_KINDS(NESTJIT_NAME)};
#undef NESTJIT_NAME
  return names[static_cast<size_t>(kind)];
}

std::string_view name_of(LoopKind kind) {
  return kind == LoopKind::parallel ? "parallel" : "reduction";
}

std::string_view name_of(Mapping mapping) {
  static constexpr std::array<std::string_view, 5> names{"serial", "hinted", "unrolled", "vector",
                                                         "workgroup"};
  return names[static_cast<size_t>(mapping)];
}

Loop::Loop(Expr v, Expr m, Expr e, LoopKind k, Mapping p, Stmt b)
    : StmtNode(node_kind),
      var(std::move(v)),
      min(std::move(m)),
      extent(std::move(e)),
      loop_kind(k),
      mapping(p),
      body(std::move(b)) {}
Block::Block(std::vector<Stmt> s) : StmtNode(node_kind), stmts(std::move(s)) {}
Let::Let(Expr v, Expr x, Stmt b)
    : StmtNode(node_kind),
      var(std::move(v)),
      value(std::move(x)),
      body(std::move(b)) {}
Store::Store(BufferRef b, std::vector<Expr> i, Expr v, Expr m)
    : StmtNode(node_kind),
      buffer(std::move(b)),
      indices(std::move(i)),
      value(std::move(v)),
      mask(std::move(m)) {}
Allocate::Allocate(BufferRef b, Stmt s)
    : StmtNode(node_kind),
      buffer(std::move(b)),
      body(std::move(s)) {}
Prefetch::Prefetch(BufferRef b, Expr e)
    : StmtNode(node_kind),
      buffer(std::move(b)),
      element(std::move(e)) {}
If::If(Expr c, Stmt b) : StmtNode(node_kind), cond(std::move(c)), body(std::move(b)) {}

Stmt Loop::make(Expr var, Expr min, Expr extent, LoopKind kind, Mapping mapping, Stmt body) {
  const Type index{Scalar::index, 1};
  require(var.as<Var>() != nullptr && var.type() == index, "Loop",
          "the loop variable must be a variable of type index");
  require(min && min.type() == index && extent && extent.type() == index, "Loop",
          "bounds must be scalar indices");
  require(static_cast<bool>(body), "Loop", "a body is needed");
  return node<Loop>(std::move(var), std::move(min), std::move(extent), kind, mapping,
                    std::move(body));
}

Stmt Block::make(std::vector<Stmt> stmts) {
  std::vector<Stmt> flat;
  flat.reserve(stmts.size());
  for (Stmt& s : stmts) {
    require(static_cast<bool>(s), "Block", "a statement is absent");
    if (const auto* inner = s.as<Block>())
      flat.insert(flat.end(), inner->stmts.begin(), inner->stmts.end());
    else
      flat.push_back(std::move(s));
  }
  if (flat.size() == 1) return flat.front();
  return node<Block>(std::move(flat));
}

Stmt Let::make(Expr var, Expr value, Stmt body) {
  require(var.as<Var>() != nullptr, "Let", "the left side must be a variable");
  require(value && var.type() == value.type(), "Let", "variable and value must have one type");
  require(static_cast<bool>(body), "Let", "a body is needed");
  return node<Let>(std::move(var), std::move(value), std::move(body));
}

Stmt Store::make(BufferRef buffer, std::vector<Expr> indices, Expr value, Expr mask) {
  // A load of the same place has the type that the stored value must have.
  const Expr place = Load::make(buffer, indices, {});
  require(value && value.type() == place.type(), "Store",
          "the value must have the buffer's type and the index's lanes");
  if (mask)
    require(mask.type() == Type{Scalar::boolean, value.type().lanes}, "Store",
            "the mask must be bool with the value's lanes");
  require(!is_read_only(buffer->role), "Store", "an input or constant is never written");
  return node<Store>(std::move(buffer), std::move(indices), std::move(value), std::move(mask));
}

Stmt Allocate::make(BufferRef buffer, Stmt body) {
  require(buffer && !is_parameter(buffer->role), "Allocate",
          "the buffer must be scratch or a tile");
  for (const Expr& extent : buffer->shape)
    require(constant_of(extent).value_or(-1) >= 0, "Allocate", "the shape must be constant");
  require(static_cast<bool>(body), "Allocate", "a body is needed");
  return node<Allocate>(std::move(buffer), std::move(body));
}

Stmt Prefetch::make(BufferRef buffer, Expr element) {
  require(buffer && is_parameter(buffer->role), "Prefetch", "the buffer must be a parameter");
  require(element && element.type() == Type{}, "Prefetch", "the element must be a scalar index");
  return node<Prefetch>(std::move(buffer), std::move(element));
}

Stmt If::make(Expr cond, Stmt body) {
  require(cond && cond.type().is_bool(), "If", "the condition must be bool");
  require(static_cast<bool>(body), "If", "a body is needed");
  return node<If>(std::move(cond), std::move(body));
}

const SymbolDecl* Kernel::find_symbol(std::string_view symbol) const {
  for (const SymbolDecl& s : symbols)
    if (s.name == symbol) return &s;
  return nullptr;
}

Kernel Kernel::with_body(Stmt new_body) const {
  Kernel k = *this;
  k.body = std::move(new_body);
  return k;
}

}  // namespace nestjit::ir
