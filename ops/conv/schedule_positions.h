// The schedule for few output columns: lanes run over positions.
#pragma once

#include <optional>

#include "compiler/schedule.h"
#include "ops/conv/problem.h"

namespace nestjit::ops {

/// Steps for a problem whose columns (residue, output channel) fill at most half of a vector, so
/// that lanes over columns would be idle: the input of a block of positions is transposed into a
/// scratch buffer, channel by channel, and a lane is a position. Nothing where that has no use or
/// no form here: more columns, fewer positions than lanes, fewer channels than a 128-bit vector
/// holds, a dilation together with a stride, taps that the stride does not divide, blocks beyond
/// the scratch memory of a thread, channels that are added in pairs.
std::optional<compiler::Schedule> positions_schedule(const ConvProblem& problem,
                                                     const compiler::Target& target);

}  // namespace nestjit::ops
