#include "compiler/passes/demote_tiles.h"

#include <map>
#include <optional>

#include "ir/visit.h"

namespace nestjit::compiler {

using namespace ir;

namespace {

constexpr int scratch_alignment = 64;  // bytes: the widest vector

/// First element and lanes of a constant place.
struct Place {
  int64_t start;
  int lanes;
};

std::optional<Place> place_of(const std::vector<Expr>& indices) {
  if (indices.size() != 1) return std::nullopt;
  if (const auto start = constant_of(indices[0])) return Place{*start, 1};
  const auto* ramp = indices[0].as<Ramp>();
  const auto base = ramp && ramp->stride == 1 ? constant_of(ramp->base) : std::nullopt;
  if (!base) return std::nullopt;
  return Place{*base, ramp->type.lanes};
}

/// The places of one tile; false as soon as one is not a register of its own.
class Registers {
 public:
  bool add(const std::optional<Place>& place) {
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

 private:
  std::map<int64_t, int> places_;  // start -> lanes
};

bool fits_registers(const Buffer& tile, const Stmt& body) {
  Registers registers;
  bool fits = true;
  walk_stmts(body, [&](const Stmt& s) {
    const auto* store = s.as<Store>();
    if (store && store->buffer.get() == &tile)
      fits = fits && registers.add(place_of(store->indices));
  });
  walk_exprs(body, [&](const Expr& e) {
    const auto* load = e.as<Load>();
    if (load && load->buffer.get() == &tile) fits = fits && registers.add(place_of(load->indices));
  });
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
