#include "compiler/passes/straight_line.h"

#include <algorithm>

namespace nestjit::compiler {

using namespace ir;

namespace {

void append_items(const Stmt& s, std::vector<LineItem>& items) {
  if (const auto* block = s.as<Block>()) {
    for (const Stmt& inner : block->stmts) append_items(inner, items);
  } else if (const auto* let = s.as<Let>()) {
    items.push_back({{}, let->var, let->value});
    append_items(let->body, items);
  } else {
    items.push_back({s, {}, {}});
  }
}

}  // namespace

std::vector<LineItem> items_of(const Stmt& s) {
  std::vector<LineItem> items;
  append_items(s, items);
  return items;
}

Stmt stmt_of(const std::vector<LineItem>& items) {
  std::vector<Stmt> reversed;
  for (auto item = items.rbegin(); item != items.rend(); ++item) {
    if (!item->is_let()) {
      reversed.push_back(item->stmt);
      continue;
    }
    std::reverse(reversed.begin(), reversed.end());
    reversed = {Let::make(item->var, item->value, Block::make(std::move(reversed)))};
  }
  std::reverse(reversed.begin(), reversed.end());
  return Block::make(std::move(reversed));
}

}  // namespace nestjit::compiler
