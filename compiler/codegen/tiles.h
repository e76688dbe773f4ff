// Tile buffers: never memory, every slot is an SSA value.
//
// A slot is a constant first element and a number of lanes. All accesses of a tile must agree on
// its slots: the same start has the same lanes everywhere and no two slots overlap. Only a load may
// also read slots that follow one another column by column (ir/lanes.h): the first such load makes
// all vectors by shuffles, the others take theirs as long as the slots hold the same values.
// Anything else is an internal error, because it would need memory.
#pragma once

#include <map>
#include <utility>

#include "compiler/codegen/environment.h"

namespace nestjit::compiler::codegen {

class Tiles {
 public:
  /// A slot of a tile: the order of allocation and the first element. Sorted, hence deterministic.
  using Slot = std::pair<size_t, int64_t>;

  explicit Tiles(Environment& env) : env_(env) {}

  /// Opens the tile with the slots that `body` uses, unspecified at first.
  void enter(const ir::BufferRef& tile, const ir::Stmt& body);
  void leave(const ir::BufferRef& tile);

  llvm::Value* load(const ir::Load& load);
  void store(const ir::Store& store);

  /// The open slots that a statement stores to.
  std::vector<Slot> stored_in(const ir::Stmt& s) const;
  llvm::Value* get(const Slot& slot) const { return slots_.at(slot).value; }
  void set(const Slot& slot, llvm::Value* value) { slots_.at(slot).value = value; }

 private:
  struct Content {
    int lanes;
    llvm::Value* value;
  };
  struct Open {
    size_t number;
    int64_t elements;
  };

  struct Transposed {
    std::vector<llvm::Value*> rows, vectors;
    llvm::BasicBlock* block;  // where the vectors were made
  };

  Slot slot_of(const ir::BufferRef& tile, const std::vector<ir::Expr>& indices) const;
  void declare(const ir::BufferRef& tile, const std::vector<ir::Expr>& indices, int lanes);
  void check_overlap(const ir::BufferRef& tile) const;
  llvm::Value* read(const ir::Load& load);
  llvm::Value* read_columns(const ir::Load& load);
  const Transposed& transposed_rows(const Slot& first, const std::vector<llvm::Value*>& rows,
                                    int lanes);

  Environment& env_;
  std::unordered_map<const ir::Buffer*, Open> open_;
  std::map<Slot, Content> slots_;
  std::map<std::pair<Slot, size_t>, Transposed> transposed_;  // by first row and number of rows
  size_t opened_ = 0;
};

}  // namespace nestjit::compiler::codegen
