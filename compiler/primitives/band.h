// A band of parallel loops of constant extents, with lets between them.
#pragma once

#include <string>
#include <vector>

#include "compiler/schedule_state.h"
#include "ir/visit.h"

namespace nestjit::compiler {

class Band {
 public:
  /// The named loops, outermost first, each holding the next; between them only lets of indices
  /// that read no memory. Refuses anything else, a loop that is not parallel and an extent that is
  /// not a constant. The kernel must outlive the band.
  Band(const ScheduleState& state, const std::vector<std::string>& handles);

  const std::vector<const ir::Loop*>& loops() const { return loops_; }
  bool has_lets() const { return levels_.size() > loops_.size(); }
  /// What stands inside the innermost loop.
  const ir::Stmt& body() const { return loops_.back()->body; }

  /// The loops and lets around another body.
  ir::Stmt around(ir::Stmt body) const;
  /// Adds the loops and lets to what is known.
  void add_to(ir::Bounds& bounds) const;

  /// Whether an expression of the body uses a variable of the band, of a loop or of a let.
  bool reaches(const ir::Expr& e) const;

  /// The expression with the band's lets written out.
  ir::Expr without_lets(const ir::Expr& e) const;
  /// Whether an expression of the body takes several values in the band.
  bool varies(const ir::Expr& e) const;
  /// The least (op min) or largest (op max) value that an expression of the body takes in the band:
  /// that of one iteration where the expression is monotone, else the extremum over all of them.
  /// Absent when they are more than max_copies.
  ir::Expr extreme(const ir::Expr& e, ir::BinaryOp op, const ir::Bounds& around) const;

 private:
  std::vector<ir::Stmt> levels_;  // loops and lets, outermost first
  std::vector<const ir::Loop*> loops_;
};

}  // namespace nestjit::compiler
