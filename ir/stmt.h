// Statements: loops, blocks, lets, stores, allocations, prefetches and guards.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ir/buffer.h"
#include "ir/expr.h"

namespace nestjit::ir {

struct StmtNode {
  StmtKind kind;

 protected:
  explicit StmtNode(StmtKind k) : kind(k) {}
  ~StmtNode() = default;
};

/// A shared handle to an immutable statement.
class Stmt {
 public:
  Stmt() = default;
  explicit Stmt(std::shared_ptr<const StmtNode> node) : node_(std::move(node)) {}

  explicit operator bool() const { return node_ != nullptr; }
  StmtKind kind() const { return node_->kind; }
  const StmtNode* get() const { return node_.get(); }
  template <class T>
  const T* as() const {
    return node_ && node_->kind == T::node_kind ? static_cast<const T*>(node_.get()) : nullptr;
  }
  bool same_as(const Stmt& other) const { return node_ == other.node_; }

 private:
  std::shared_ptr<const StmtNode> node_;
};

/// What is known of a loop's iterations (see "Order" in ir/ir.h).
enum class LoopKind : uint8_t {
  parallel,   // independent of one another
  reduction,  // carries accumulated values, in order
};
std::string_view name_of(LoopKind kind);

/// How a loop is to be executed.
enum class Mapping : uint8_t {
  serial,     // a plain loop
  hinted,     // a plain loop that LLVM's own vectoriser may transform; never a reduction
  unrolled,   // repeated in the code; constant extent
  vector,     // one lane an iteration; constant extent
  workgroup,  // distributed by the executor; outermost loops only
};
std::string_view name_of(Mapping mapping);

/// for var in [min, min + extent): body
struct Loop : StmtNode {
  static constexpr StmtKind node_kind = StmtKind::Loop;
  Expr var;  // a Var of type index, bound here and nowhere else
  Expr min, extent;
  LoopKind loop_kind;
  Mapping mapping;
  Stmt body;
  static Stmt make(Expr var, Expr min, Expr extent, LoopKind kind, Mapping mapping, Stmt body);
  Loop(Expr v, Expr m, Expr e, LoopKind k, Mapping p, Stmt b);
  VarId id() const { return id_of(var); }
  const std::string& name() const { return var.as<Var>()->name; }
};

/// Statements one after the other. An empty block does nothing.
struct Block : StmtNode {
  static constexpr StmtKind node_kind = StmtKind::Block;
  std::vector<Stmt> stmts;
  /// Nested blocks are spliced; a single statement is returned as it is.
  static Stmt make(std::vector<Stmt> stmts);
  explicit Block(std::vector<Stmt> s);
};

/// let var = value in body
struct Let : StmtNode {
  static constexpr StmtKind node_kind = StmtKind::Let;
  Expr var, value;
  Stmt body;
  static Stmt make(Expr var, Expr value, Stmt body);
  Let(Expr v, Expr x, Stmt b);
};

/// buffer[indices] = value, where mask is true.
struct Store : StmtNode {
  static constexpr StmtKind node_kind = StmtKind::Store;
  BufferRef buffer;
  std::vector<Expr> indices;
  Expr value;
  Expr mask;  // absent, or bool with the value's lanes
  static Stmt make(BufferRef buffer, std::vector<Expr> indices, Expr value, Expr mask = {});
  Store(BufferRef b, std::vector<Expr> i, Expr v, Expr m);
};

/// A scratch or tile buffer that exists during body. Constant shape.
struct Allocate : StmtNode {
  static constexpr StmtKind node_kind = StmtKind::Allocate;
  BufferRef buffer;
  Stmt body;
  static Stmt make(BufferRef buffer, Stmt body);
  Allocate(BufferRef b, Stmt s);
};

/// Asks for the cache line of an element of a parameter ahead of time. Changes no value; the
/// element may lie outside of the buffer.
struct Prefetch : StmtNode {
  static constexpr StmtKind node_kind = StmtKind::Prefetch;
  BufferRef buffer;
  Expr element;  // its place in the buffer's memory, counted from the lowest element
  static Stmt make(BufferRef buffer, Expr element);
  Prefetch(BufferRef b, Expr e);
};

/// if cond: body. A vector condition guards lane by lane and is turned into masks when lowered.
struct If : StmtNode {
  static constexpr StmtKind node_kind = StmtKind::If;
  Expr cond;
  Stmt body;
  static Stmt make(Expr cond, Stmt body);
  If(Expr c, Stmt b);
};

}  // namespace nestjit::ir
