#include "compiler/passes/demote_tiles.h"

#include <map>
#include <optional>

#include "compiler/passes/tile_place.h"
#include "ir/lanes.h"
#include "ir/visit.h"

namespace nestjit::compiler {

using namespace ir;

namespace {

constexpr int scratch_alignment = 64;  // bytes: the widest vector

/// What code generation has shuffles for: elements of 32 or 64 bits in rows as long as the vectors
/// that are read, or as a 128-bit piece of them when a vector is a column.
bool has_network(const ColumnRead& read, int lanes, int64_t element_bytes) {
  if (element_bytes < 4) return false;
  const bool is_piece = read.width < lanes && read.width * element_bytes == 16;
  return read.width == lanes || (is_piece && read.rows == lanes);
}

/// The places of one tile; false as soon as one is not a register of its own.
class Registers {
 public:
  bool add(const std::optional<TilePlace>& place) {
    if (!place) return false;
    const auto next = places_.lower_bound(place->start);
    if (next != places_.end() && next->first == place->start) return next->second == place->lanes;
    if (next != places_.end() && next->first < place->start + place->lanes) return false;
    if (next != places_.begin()) {
      const auto before = std::prev(next);
      if (before->first + before->second > place->start) return false;
    }
    places_[place->start] = place->lanes;
    return true;
  }

  /// Whether the index reads registers that are there, column by column.
  bool holds_columns(const Expr& index, int64_t element_bytes) const {
    const auto lanes = constant_lanes(index);
    const auto next = lanes ? places_.upper_bound(lanes->front()) : places_.begin();
    if (next == places_.begin()) return false;
    const int64_t start = std::prev(next)->first;
    const auto read = column_read(*lanes, start);
    if (!read || !has_network(*read, index.type().lanes, element_bytes)) return false;
    for (int64_t i = 0; i < read->rows; ++i) {
      const auto place = places_.find(start + i * read->width);
      if (place == places_.end() || place->second != read->width) return false;
    }
    return true;
  }

 private:
  std::map<int64_t, int64_t> places_;  // start -> lanes
};

bool fits_registers(const Buffer& tile, const Stmt& body) {
  Registers registers;
  bool fits = true;
  walk_stmts(body, [&](const Stmt& s) {
    const auto* store = s.as<Store>();
    if (store && store->buffer.get() == &tile)
      fits = fits && registers.add(tile_place(store->indices));
  });
  std::vector<Expr> transposed;
  walk_exprs(body, [&](const Expr& e) {
    const auto* load = e.as<Load>();
    if (!load || load->buffer.get() != &tile) return;
    const auto place = tile_place(load->indices);
    if (place)
      fits = fits && registers.add(place);
    else
      transposed.insert(transposed.end(), load->indices.begin(), load->indices.end());
  });
  for (const Expr& index : transposed)
    fits = fits && registers.holds_columns(index, byte_size(tile.scalar));
  return fits;
}

class Demoter final : public Rewriter {
 public:
  Expr rewrite(const Expr& e) override { return e; }
  Stmt rewrite(const Stmt& s) override {
    const Stmt out = rewrite_children(s);
    const auto* allocate = out.as<Allocate>();
    if (!allocate || allocate->buffer->role != BufferRole::tile) return out;
    const BufferRef& tile = allocate->buffer;
    if (fits_registers(*tile, allocate->body)) return out;
    const BufferRef memory =
        Buffer::make(tile->name, tile->scalar, tile->shape, BufferRole::scratch, scratch_alignment);
    return Allocate::make(memory, substitute_buffers(allocate->body, {{tile.get(), memory}}));
  }
};

}  // namespace

Kernel demote_tiles(const Kernel& kernel) {
  return kernel.with_body(Demoter().rewrite(kernel.body));
}

}  // namespace nestjit::compiler
