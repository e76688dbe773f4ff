// Questions about loop nests, and small edits, that the primitives and passes share.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ir/bounds.h"
#include "ir/kernel.h"
#include "ir/linear.h"

namespace nestjit::compiler {

/// The loop with this id below the statement, or null.
const ir::Loop* find_loop(const ir::Stmt& root, ir::VarId id);

/// The same loop as a statement; absent when it is not there.
ir::Stmt find_loop_stmt(const ir::Stmt& root, ir::VarId id);

/// The statement with the loop replaced by what `edit` makes of it. Siblings are shared.
ir::Stmt replace_loop(const ir::Stmt& root, ir::VarId id,
                      const std::function<ir::Stmt(const ir::Loop&)>& edit);

/// Bounds of the kernel's symbols and of everything bound around the loop, without the loop itself.
ir::Bounds bounds_around(const ir::Kernel& kernel, ir::VarId loop);
/// Bounds of the kernel's symbols, everything around the loop, the loop, and all bound inside it.
ir::Bounds bounds_throughout(const ir::Kernel& kernel, ir::VarId loop);

/// Whether the loop, or one around it, has a constant extent of zero or less.
bool never_runs(const ir::Stmt& root, ir::VarId loop);

/// The loops from the given one down as long as each holds exactly the next one and nothing else.
std::vector<const ir::Loop*> perfect_band(const ir::Loop& outermost);

/// Copies of the loops in the given order around a body.
ir::Stmt wrap_in_loops(const std::vector<const ir::Loop*>& loops, ir::Stmt body);

/// The loop with another body.
ir::Stmt with_body(const ir::Loop& loop, ir::Stmt body);

/// Guards what stands inside the loop's perfect band of loops and lets of the same kind: the guard
/// goes to the leaf, so that bands stay perfect. It stays outside of a let and of a guard that
/// reads memory: the read may be sound only where the new guard holds.
ir::Stmt guard_leaf(const ir::Stmt& s, ir::LoopKind kind, const ir::Expr& cond);

/// Why the mappings of a nest cannot be carried out, or an empty text: vectorised and unrolled
/// loops need constant extents, inner bounds must be the same for all lanes, vectorised loops are
/// not nested, and workgroup loops enclose the whole kernel without a gap, with extents that do not
/// depend on one another.
std::string mapping_objection(const ir::Stmt& body);

/// The first loop inside the given one whose bounds depend on its variable, directly or through
/// lets; null when there is none.
const ir::Loop* dependent_loop(const ir::Loop& loop);

/// Whether the expression uses a variable that a loop or let of the statement binds.
bool binds_any_of(const ir::Stmt& s, const ir::Expr& e);

/// The form with what the statement binds replaced by its least value; nothing when that is
/// unbounded. What is bound outside stays as it is. `bounds` know all that is bound inside.
std::optional<ir::Linear> least_inside(const ir::Linear& form, const ir::Stmt& body,
                                       const ir::Bounds& bounds);

/// The conjuncts of a condition, in order.
std::vector<ir::Expr> conjuncts(const ir::Expr& cond);
/// The conjunction of conditions; absent when there are none.
ir::Expr conjunction(const std::vector<ir::Expr>& conds);

/// A scalar index comparison as "form >= 0", or nothing for other conditions (==, !=, vectors).
std::optional<ir::Linear> nonnegative_form(const ir::Expr& cond);

}  // namespace nestjit::compiler
