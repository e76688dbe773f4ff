// What the parts of one function's emission share: the builder, what names stand for, and scopes.
//
// The work is split by node family: expressions, memory (parameters and scratch), addresses, tiles
// (buffers that are SSA values) and statements with loops. Each part reaches the others here.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "compiler/target.h"
#include "ir/kernel.h"
#include "ir/linear.h"

namespace nestjit::compiler::codegen {

/// Folds constants only. A folder that simplifies would look into the phis of loops that are not
/// finished and take their first value for the only one; function.cpp simplifies at the end.
using Builder = llvm::IRBuilder<>;

class Addresses;
class Expressions;
class Invariants;
class Memory;
class Tiles;

/// What a value of a scope was computed for: value_key and the number of an expression (see
/// Invariants), or the number of a buffer, and factor and number of all that is added to its
/// pointer (see Addresses).
using MemoKey = std::vector<int64_t>;
inline constexpr int64_t value_key = -1;

/// The function, a loop or a let: a place where values that depend on its variable, and on nothing
/// further inside, are computed once.
struct Scope {
  llvm::Instruction* setup_end;     // such values stand before it
  ir::VarId var = ir::VarId::none;  // what it binds

  /// Of a loop that holds no other loop: its pointers are bumped instead of computed anew.
  struct Bumping {
    ir::VarId var;
    llvm::Value* first;  // the variable's first value
    llvm::BasicBlock* preheader;
    llvm::BasicBlock* header;
    struct Pointer {
      llvm::PHINode* phi;
      llvm::Value* step;  // bytes an iteration
    };
    std::vector<Pointer> pointers;
  };
  std::optional<Bumping> bumping;

  std::map<MemoKey, llvm::Value*> memo;
};

/// A variable's value and the index of the scope that binds it.
struct Binding {
  llvm::Value* value;
  size_t scope;
};

struct Environment {
  const ir::Kernel& kernel;
  const Target& target;
  llvm::Function& function;
  Builder ir;

  std::vector<Scope> scopes;  // the function's own first
  std::unordered_map<ir::VarId, Binding> vars;
  std::unordered_map<ir::VarId, ir::Linear> linear_lets;  // sums of variables and symbols only
  std::unordered_map<std::string, llvm::Value*> symbols;

  Expressions* expressions = nullptr;
  Invariants* invariants = nullptr;
  Memory* memory = nullptr;
  Addresses* addresses = nullptr;
  Tiles* tiles = nullptr;

  Environment(const ir::Kernel& k, const Target& t, llvm::Function& f)
      : kernel(k),
        target(t),
        function(f),
        ir(f.getContext()) {}

  llvm::BasicBlock* new_block(const char* name) {
    return llvm::BasicBlock::Create(ir.getContext(), name, &function);
  }

  /// Opens a scope here and moves the builder behind its setup.
  void open_scope();
  /// Opens a scope whose setup is the rest of the builder's block; for loop headers.
  void open_scope_in_block();
  /// Ends the innermost scope and forgets its variable.
  void close_scope();

  /// Binds the innermost scope's variable.
  void bind(ir::VarId id, llvm::Value* value);
  /// The same for a let; `definition` says what it stands for.
  void bind(const ir::Expr& var, llvm::Value* value, const ir::Expr& definition);
};

}  // namespace nestjit::compiler::codegen
