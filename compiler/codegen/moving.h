// The end of a loop's body: its pointers move, and the loop is counted.
//
// A pointer is moved by a sum of its own. Pointers of one step may share an offset instead, that
// moves for all of them: an access reads base + offset at no cost, and one sum does for all. Where
// nothing else asks for the counter, such an offset also counts the loop, on its way up to zero:
//
//   p = x, q = w; loop { load p; load q; p += 4; q += 64; ++i != n }
//   p = x + 4*n, o = -4*n, q = w; loop { load p + o; load q; q += 64; (o += 4) != 0 }
//
// An address of a base and an offset is only free in the block that computes it: loops of several
// blocks keep pointers and counter.
#pragma once

#include "compiler/codegen/environment.h"

namespace nestjit::compiler::codegen {

/// What a loop counts: its variable, from first up to end.
struct Counting {
  llvm::PHINode* counter;
  llvm::Value* first;
  llvm::Value* end;
};

/// Emits, where the builder stands, the moves and the count; returns whether another iteration
/// follows. `may_share` is false where the loop must keep the form with one counter.
llvm::Value* finish_iteration(Builder& ir, Scope& scope, const Counting& counting, bool may_share);

}  // namespace nestjit::compiler::codegen
