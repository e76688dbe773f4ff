// Straight-line code as a list, and back.
#pragma once

#include <vector>

#include "ir/stmt.h"

namespace nestjit::compiler {

/// One statement of a block, or one let without its body. A let's scope is the rest of the list.
struct LineItem {
  ir::Stmt stmt;  // a store, loop, allocation or guard; absent for a let
  ir::Expr var, value;

  bool is_let() const { return !stmt; }
};

/// The statements of a block, or the one statement, in order. Lets whose bodies end before the
/// block does are opened as well: ids are unique, so a longer scope changes nothing.
std::vector<LineItem> items_of(const ir::Stmt& s);

ir::Stmt stmt_of(const std::vector<LineItem>& items);

}  // namespace nestjit::compiler
