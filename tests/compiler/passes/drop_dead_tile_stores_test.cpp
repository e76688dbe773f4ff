#include "compiler/passes/drop_dead_tile_stores.h"

#include "tests/compiler/passes/run_kernel.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

int tile_stores(const Kernel& k) {
  return count_stmts(k, [](const Stmt& s) {
    const auto* store = s.as<Store>();
    return store && store->buffer->role == BufferRole::tile;
  });
}

/// Statements around a tile of 8 elements.
Kernel kernel_of(const std::string& body) {
  return parse_kernel(
      "kernel k(x: f32[16] input, y: f32[16] output) symbols(n in [0, 8]) {\n"
      "allocate acc: f32[8] tile {\n" +
      body + "\n}\n}");
}

TEST(DropDeadTileStores, StoredAgainBeforeItIsRead) {
  const Kernel k = kernel_of(R"(
    acc[0] = x[0]
    acc[0] = x[1]
    y[0] = acc[0]
    acc[0] = x[2])");
  const Kernel dropped = drop_dead_tile_stores(k);
  EXPECT_EQ(tile_stores(dropped), 1);
  EXPECT_EQ(count_loads(dropped, "x"), 1);
  expect_same(k, dropped, {{"n", 8}});
}

TEST(DropDeadTileStores, UpdatesThatOnlyUpdatesRead) {
  const Kernel k = kernel_of(R"(
    acc[0] = 0.0f32
    acc[1] = 0.0f32
    for i in [0, 8) reduction {
      acc[0] = fma(x[i], x[i], acc[0])
      acc[1] = fma(x[i], x[0], acc[1])
    }
    y[1] = acc[1]
    acc[0] = 0.0f32
    for j in [0, 8) reduction {
      acc[0] = fma(x[j], x[1], acc[0])
      acc[1] = fma(x[j], x[1], acc[1])
    }
    y[0] = acc[0])");
  const Kernel dropped = drop_dead_tile_stores(k);
  EXPECT_EQ(tile_stores(dropped), 4);
  expect_same(k, dropped, {{"n", 8}});
}

// The next iteration reads what this one stores.
TEST(DropDeadTileStores, LoopsCarryWhatTheyRead) {
  const Kernel k = kernel_of(R"(
    acc[0] = x[0]
    acc[1] = x[1]
    for i in [0, 8) reduction {
      y[i] = acc[0]
      acc[0] = acc[1]
      acc[1] = x[i]
    })");
  EXPECT_EQ(to_string(drop_dead_tile_stores(k)), to_string(k));
}

// A store that may not happen, or not everywhere, leaves the one before alive.
TEST(DropDeadTileStores, GuardsAndMasksKeepWhatWasThere) {
  for (const std::string store :
       {"if x[1] < x[2] {\n acc[0] = x[3]\n}", "for i in [0, n) reduction {\n acc[0] = x[i]\n}"}) {
    const Kernel k = kernel_of("acc[0] = x[0]\n" + store + "\ny[0] = acc[0]");
    EXPECT_EQ(tile_stores(drop_dead_tile_stores(k)), 2) << store;
    expect_same(k, drop_dead_tile_stores(k), {{"n", 0}});
  }
  const Kernel masked = kernel_of(R"(
    acc[ramp(0, 1, 4)] = x[ramp(0, 1, 4)]
    acc[ramp(0, 1, 4); ramp(0, 1, 4) < broadcast(2, 4)] = x[ramp(4, 1, 4)]
    y[ramp(0, 1, 4)] = acc[ramp(0, 1, 4)])");
  EXPECT_EQ(to_string(drop_dead_tile_stores(masked)), to_string(masked));
}

TEST(DropDeadTileStores, ReadsOfOtherShapesReadEverything) {
  const Kernel k = kernel_of(R"(
    acc[ramp(0, 1, 4)] = x[ramp(0, 1, 4)]
    acc[ramp(4, 1, 4)] = x[ramp(4, 1, 4)]
    y[ramp(0, 1, 2)] = acc[ramp(0, 4, 2)])");
  EXPECT_EQ(to_string(drop_dead_tile_stores(k)), to_string(k));
}

TEST(DropDeadTileStores, OverlappingOrUnknownPlacesStay) {
  for (const std::string body :
       {"acc[ramp(0, 1, 4)] = x[ramp(0, 1, 4)]\nacc[2] = x[5]\nacc[2] = x[6]\ny[0] = acc[0]",
        "for i in [0, 4) parallel {\n acc[i] = x[i]\n acc[i] = x[i + 1]\n y[i] = acc[i]\n}"}) {
    const Kernel k = kernel_of(body);
    EXPECT_EQ(to_string(drop_dead_tile_stores(k)), to_string(k));
  }
}

}  // namespace
}  // namespace nestjit::compiler
