#include "compiler/codegen/environment.h"

#include "compiler/codegen/addresses.h"

namespace nestjit::compiler::codegen {
namespace {

bool only_names(const ir::Linear& form) {
  for (const ir::Linear::Term& term : form.terms)
    if (term.atom.kind() != ir::ExprKind::Var && term.atom.kind() != ir::ExprKind::Symbol)
      return false;
  return true;
}

}  // namespace

void Environment::open_scope() {
  llvm::BasicBlock* setup = new_block("setup");
  ir.CreateBr(setup);
  ir.SetInsertPoint(setup);
  open_scope_in_block();
}

void Environment::open_scope_in_block() {
  llvm::BasicBlock* body = new_block("body");
  scopes.push_back({ir.CreateBr(body), ir::VarId::none, std::nullopt, {}});
  ir.SetInsertPoint(body);
}

void Environment::close_scope() {
  vars.erase(scopes.back().var);
  linear_lets.erase(scopes.back().var);
  scopes.pop_back();
}

void Environment::bind(ir::VarId id, llvm::Value* value) {
  scopes.back().var = id;
  vars[id] = {value, scopes.size() - 1};
}

void Environment::bind(const ir::Expr& var, llvm::Value* value, const ir::Expr& definition) {
  const ir::VarId id = ir::id_of(var);
  bind(id, value);
  if (var.type() != ir::Type{}) return;
  if (ir::Linear form = addresses->linear(definition); only_names(form))
    linear_lets[id] = std::move(form);
}

}  // namespace nestjit::compiler::codegen
