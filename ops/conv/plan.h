// The choices that a schedule of the convolution template is made of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nestjit::ops {

/// Which values stand side by side in a vector.
enum class Lanes : uint8_t {
  columns,    // outputs of one row: (residue, channel), or channels of a group
  channels,   // depthwise: channels of neighbouring groups
  positions,  // rows; for few columns. The other members of a plan do not matter
  inputs,     // of a weight gradient: input channels of a group; rows are output channels
  outputs,    // of a weight gradient: output channels of a group; rows are input channels
};

/// What a weight gradient copies side by side before it multiplies: for so many positions, the rows
/// of so many tiles, for so many panels of vectors. Nothing where `positions` is 0.
struct Copies {
  int64_t tiles = 0;
  int64_t panels = 0;
  int64_t positions = 0;

  bool operator==(const Copies&) const = default;
};

/// What may vary between two schedules of one problem. Every plan gives the same bits. A weight
/// gradient has lanes=inputs, outputs or channels, and of the rest rows, vectors, row_block, its
/// taps a workgroup, and copies alone matter; with copies, row_block does not.
struct Plan {
  Lanes lanes = Lanes::columns;
  int64_t rows = 1;             // rows of the register tile
  int64_t vectors = 1;          // vectors of columns of the register tile
  int64_t edge_rows = 1;        // rows of the tile that serves edge rows and what is left over;
                                // 0: there is one tile, of all rows, with a body a tap
  int64_t row_block = 0;        // rows a workgroup; 0: all of them
  int64_t depth_block = 0;      // steps of the reduction before the sums go through memory; 0: all
  bool rows_outermost = false;  // a block of rows meets all panels before the next block does
  bool fetch_rows = false;      // ask for the next tile's rows of the input ahead of time
  bool fetch_panels = false;    // ask for the next panel of packed weights ahead of time
  bool fetch_output = false;    // ask for the output's lines ahead of time, where rows lie apart
  Copies copies = {};           // of a weight gradient's operands

  bool operator==(const Plan&) const = default;
};

/// "lanes=columns rows=13 vectors=2 edge=6 block=208 outer=rows fetch=rows+panels", and with copies
/// "copies=16x24x128": tiles, panels, positions. Deterministic.
std::string to_string(const Plan& plan);
/// Parses the text form; keys that are left out keep their defaults. Throws invalid argument.
Plan parse_plan(std::string_view text);

}  // namespace nestjit::ops
