// What holds at a place inside a tile's allocation, in terms of the tile's elements.
#pragma once

#include <optional>
#include <unordered_set>
#include <vector>

#include "ir/visit.h"

namespace nestjit::compiler {

/// An access to a tile: its element by dimension, and a way to speak of guards as functions of it.
struct TileElement {
  std::vector<ir::Expr> place;  // a constant, a ramp from a constant, or the dimension's variable
  ir::Substitution to_element;  // loop variable -> expression over the dimension's variable
};

enum class Overlap : uint8_t { none, same, unknown };
/// How the elements of two accesses to one tile relate.
Overlap overlap(const TileElement& a, const TileElement& b);

/// Loops, lets and guards between a tile's allocation and a statement. A value type: copied on the
/// way down.
class TileScope {
 public:
  /// One variable a dimension of the tile stands for "this element's index".
  explicit TileScope(const ir::Buffer& tile);

  void enter(const ir::Loop& loop) { inner_.insert(loop.id()); }
  void enter(const ir::Let& let);
  void guard(const ir::Expr& cond);

  /// Nothing when an index is not one loop variable, a constant or a ramp from a constant.
  std::optional<TileElement> element(const std::vector<ir::Expr>& indices) const;
  /// The condition as a function of the element alone, or absent when it also depends on something
  /// else that is bound inside the allocation.
  ir::Expr condition(const ir::Expr& cond, const TileElement& element) const;
  /// The guards so far, where condition() has a form for them.
  std::vector<ir::Expr> conditions(const TileElement& element) const;

 private:
  bool depends_on_inner(const ir::Expr& e) const;

  std::vector<ir::Expr> dims_;
  std::unordered_set<ir::VarId> inner_;
  ir::Substitution lets_;
  std::vector<ir::Expr> guards_;
};

}  // namespace nestjit::compiler
