#include "compiler/codegen/tiles.h"

#include <algorithm>

#include "base/error.h"
#include "compiler/codegen/addresses.h"
#include "compiler/codegen/expressions.h"
#include "compiler/codegen/transpose.h"
#include "compiler/codegen/types.h"
#include "ir/lanes.h"
#include "ir/visit.h"

namespace nestjit::compiler::codegen {
namespace {

// A load whose lanes are not consecutive; whether they are columns is seen when it is emitted.
bool reads_columns(const ir::Load& load) {
  const auto lanes = ir::constant_lanes(load.indices.front());
  return lanes && lanes->size() > 1 && (*lanes)[1] != (*lanes)[0] + 1;
}

// Whether a block is entered through the other one only. Edges that are still to come lead back
// to loops, and change nothing.
bool comes_from(const llvm::BasicBlock* block, const llvm::BasicBlock* other) {
  while (block != nullptr && block != other) block = block->getSinglePredecessor();
  return block == other;
}

}  // namespace

void Tiles::enter(const ir::BufferRef& tile, const ir::Stmt& body) {
  int64_t elements = 1;
  for (const ir::Expr& extent : tile->shape) elements *= ir::constant_of(extent).value_or(0);
  open_[tile.get()] = {opened_++, elements};
  ir::walk_stmts(body, [&](const ir::Stmt& s) {
    const auto* store = s.as<ir::Store>();
    if (store && store->buffer == tile) declare(tile, store->indices, store->value.type().lanes);
  });
  ir::walk_exprs(body, [&](const ir::Expr& e) {
    const auto* load = e.as<ir::Load>();
    if (load && load->buffer == tile && !reads_columns(*load))
      declare(tile, load->indices, load->type.lanes);
  });
  check_overlap(tile);
}

void Tiles::leave(const ir::BufferRef& tile) {
  const size_t number = open_.at(tile.get()).number;
  std::erase_if(slots_, [number](const auto& entry) { return entry.first.first == number; });
  std::erase_if(transposed_, [number](const auto& t) { return t.first.first.first == number; });
  open_.erase(tile.get());
}

Tiles::Slot Tiles::slot_of(const ir::BufferRef& tile, const std::vector<ir::Expr>& indices) const {
  const auto open = open_.find(tile.get());
  if (open == open_.end())
    base::internal("codegen: tile {} is used outside its allocation", tile->name);
  if (indices.size() != 1)
    base::internal("codegen: tile {} must be flattened to one dimension", tile->name);
  const ir::Expr& index = indices.front();
  ir::Linear first;
  if (index.type().is_vector()) {
    const auto lanes = env_.addresses->affine(index);
    if (!lanes || lanes->stride != 1)
      base::internal("codegen: tile {} needs consecutive lanes in every access", tile->name);
    first = lanes->base;
  } else {
    first = env_.addresses->linear(index);
  }
  if (!first.is_constant())
    base::internal("codegen: tile {} needs a constant subscript in every access", tile->name);
  if (first.constant < 0 || first.constant + index.type().lanes > open->second.elements)
    base::internal("codegen: tile {} has {} elements; an access of {} lanes starts at {}",
                   tile->name, open->second.elements, index.type().lanes, first.constant);
  return {open->second.number, first.constant};
}

void Tiles::declare(const ir::BufferRef& tile, const std::vector<ir::Expr>& indices, int lanes) {
  llvm::Type* type = type_of(env_.ir.getContext(), {tile->scalar, lanes});
  const Slot slot = slot_of(tile, indices);
  const auto [entry, is_new] =
      slots_.try_emplace(slot, Content{lanes, llvm::PoisonValue::get(type)});
  if (!is_new && entry->second.lanes != lanes)
    base::internal("codegen: tile {} is accessed with {} and with {} lanes at element {}",
                   tile->name, entry->second.lanes, lanes, slot.second);
}

void Tiles::check_overlap(const ir::BufferRef& tile) const {
  const size_t number = open_.at(tile.get()).number;
  int64_t end = 0;
  for (auto it = slots_.lower_bound({number, 0}); it != slots_.end() && it->first.first == number;
       ++it) {
    if (it->first.second < end)
      base::internal("codegen: tile {}: accesses overlap at element {}", tile->name,
                     it->first.second);
    end = it->first.second + it->second.lanes;
  }
}

llvm::Value* Tiles::load(const ir::Load& load) {
  llvm::Value* value = read(load);
  if (!load.mask) return value;
  return env_.ir.CreateSelect(env_.expressions->value(load.mask), value,
                              llvm::Constant::getNullValue(value->getType()));
}

llvm::Value* Tiles::read(const ir::Load& load) {
  return reads_columns(load) ? read_columns(load) : get(slot_of(load.buffer, load.indices));
}

llvm::Value* Tiles::read_columns(const ir::Load& load) {
  const std::vector<int64_t> lanes = ir::constant_lanes(load.indices.front()).value();
  const size_t number = open_.at(load.buffer.get()).number;
  const auto after = slots_.upper_bound({number, lanes.front()});
  const Slot first = after == slots_.begin() ? Slot{} : std::prev(after)->first;
  const auto columns = ir::column_read(lanes, first.second);
  std::vector<llvm::Value*> rows;
  for (int i = 0; columns && i < columns->rows; ++i) {
    const auto row = slots_.find({number, first.second + int64_t{i} * columns->width});
    if (row == slots_.end() || row->second.lanes != columns->width) break;
    rows.push_back(row->second.value);
  }
  if (!columns || rows.size() != static_cast<size_t>(columns->rows))
    base::internal("codegen: tile {} needs lanes that are consecutive, or columns of its rows",
                   load.buffer->name);
  const int64_t part = columns->column * columns->rows / load.type.lanes;
  return transposed_rows(first, rows, load.type.lanes).vectors[static_cast<size_t>(part)];
}

const Tiles::Transposed& Tiles::transposed_rows(const Slot& first,
                                                const std::vector<llvm::Value*>& rows, int lanes) {
  Transposed& known = transposed_[{first, rows.size()}];
  if (known.rows != rows || !comes_from(env_.ir.GetInsertBlock(), known.block))
    known = {rows, transposed(env_.ir, rows, lanes), env_.ir.GetInsertBlock()};
  return known;
}

void Tiles::store(const ir::Store& store) {
  const Slot slot = slot_of(store.buffer, store.indices);
  llvm::Value* value = env_.expressions->value(store.value);
  if (store.mask)
    value = env_.ir.CreateSelect(env_.expressions->value(store.mask), value, get(slot));
  set(slot, value);
}

std::vector<Tiles::Slot> Tiles::stored_in(const ir::Stmt& s) const {
  std::vector<Slot> slots;
  ir::walk_stmts(s, [&](const ir::Stmt& inner) {
    const auto* store = inner.as<ir::Store>();
    if (store && open_.contains(store->buffer.get()))
      slots.push_back(slot_of(store->buffer, store->indices));
  });
  std::sort(slots.begin(), slots.end());
  slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  return slots;
}

}  // namespace nestjit::compiler::codegen
