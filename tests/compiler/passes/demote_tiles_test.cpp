#include "compiler/passes/demote_tiles.h"

#include "tests/compiler/passes/run_kernel.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

/// Two rows of four lanes are stored, then the statements run.
Kernel rows(const std::string& statements, const std::string& scalar = "f32") {
  return parse_kernel("kernel k(x: " + scalar + "[8] input, y: " + scalar + R"([8] output) {
      allocate t: )" + scalar +
                      R"([8] tile {
        t[ramp(0, 1, 4)] = x[ramp(0, 1, 4)]
        t[ramp(4, 1, 4)] = x[ramp(4, 1, 4)]
        )" + statements +
                      "\n}\n}");
}

/// Whether the tile stays in registers; either way the kernel does the same.
bool stays(const Kernel& kernel) {
  const Kernel after = demote_tiles(kernel);
  expect_same(kernel, after, {}, Form::lowered);
  return count_stmts(after, [](const Stmt& s) {
           const auto* allocate = s.as<Allocate>();
           return allocate && allocate->buffer->role == BufferRole::tile;
         }) == 1;
}

constexpr const char* interleaved =
    "floormod(ramp(0, 1, 4), broadcast(2, 4))*broadcast(4, 4) + "
    "floordiv(ramp(0, 1, 4), broadcast(2, 4))";

TEST(DemoteTiles, RowsAndTheirColumnsAreRegisters) {
  EXPECT_TRUE(stays(rows("y[ramp(0, 1, 4)] = t[ramp(4, 1, 4)]")));
  EXPECT_TRUE(stays(rows(std::string("y[ramp(0, 1, 4)] = t[") + interleaved + "]")));
}

TEST(DemoteTiles, OtherReadsNeedMemory) {
  EXPECT_FALSE(stays(rows("y[ramp(0, 1, 4)] = t[ramp(1, 1, 4)]")));
  EXPECT_FALSE(stays(rows("y[ramp(0, 1, 4)] = t[ramp(0, 2, 4)]")));
  EXPECT_FALSE(stays(rows("y[0] = t[3]")));
  EXPECT_FALSE(stays(rows("y[ramp(0, 1, 2)] = t[ramp(1, 4, 2)]")));  // not a whole vector of rows
  EXPECT_FALSE(stays(rows("for i in [0, 8) parallel { y[i] = t[i] }")));
}

TEST(DemoteTiles, ColumnsOfARowThatIsNotStored) {
  EXPECT_FALSE(stays(parse_kernel(R"(
    kernel k(x: f32[8] input, y: f32[8] output) {
      allocate t: f32[16] tile {
        t[ramp(0, 1, 4)] = x[ramp(0, 1, 4)]
        for i in [0, 1) parallel { t[i + 4] = x[i] }
        t[ramp(4, 1, 4)] = x[ramp(0, 1, 4)]
        y[ramp(0, 1, 4)] = t[floormod(ramp(0, 1, 4), broadcast(2, 4))*broadcast(4, 4) + floordiv(ramp(0, 1, 4), broadcast(2, 4))]
      }
    })")));
}

TEST(DemoteTiles, HalvesAreNotShuffled) {
  const Kernel k =
      demote_tiles(rows(std::string("y[ramp(0, 1, 4)] = t[") + interleaved + "]", "bf16"));
  expect_contains(to_string(k), "allocate t: bf16[8] scratch");
}

}  // namespace
}  // namespace nestjit::compiler
