// The verifier: what every kernel obeys, whoever built it.
//
// In every form:
//   1 complete          the kernel has a body
//   2 names             parameters and symbols have names of the text form, and no two the same
//   3 symbols           every symbol that is used is declared, with min <= max
//   4 scope             a variable is used only inside the body of the loop or let that binds it
//   5 binding           no variable is bound twice and no buffer is allocated twice
//   6 access            a buffer that is read or written is a parameter or inside its allocation;
//                       one that is prefetched is a parameter
//   7 roles             parameters are input, constant or output, allocated buffers scratch or
//                       tile; an input or constant is not stored to
//   8 rank              an access has one index for each dimension of its buffer
//   9 shapes            a parameter's shape uses only constants and symbols; an allocated buffer's
//                       shape is constant and not negative
//  10 conditions        guards, masks and selections are bool; masks and selections have the lanes
//                       of what they choose
//  11 divisors          floordiv and floormod divide by what is positive for all values of the
//                       symbols within their declared ranges, whatever the variables are
//  12 bounds            loop bounds are scalar indices and do not use the loop's own variable
//  13 extents           vector and unrolled loops have a constant extent
//  14 hinted            a hinted loop is not a reduction
//  15 workgroups        a workgroup loop stands only inside workgroup loops, lets and blocks
//  16 vectors           a vector loop does not stand inside another one
//  17 reductions        a reduction loop is not mapped vector or workgroup
// In Form::lowered also:
//  18 lowered mappings  no loop is mapped vector or unrolled
//  19 flat              every buffer has one dimension
//  20 tile subscripts   a tile is accessed at a constant, or at a ramp of constant base and
//                       stride 1; a load may also take other constant lanes
//  21 scalar guards     the condition of an `if` is a scalar
//  22 plain bounds      loop bounds load nothing
//  23 one workgroup     there is at most one workgroup loop
//  24 functions         no call of an elementary function
//
// Operand types of the remaining nodes are judged by the factories of ir/expr.h. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/kernel.h"

namespace nestjit::ir {

enum class Form : uint8_t { nest, lowered };

/// Numbered as above.
enum class Rule : uint8_t {
  complete = 1,
  names,
  symbols,
  scope,
  binding,
  access,
  roles,
  rank,
  shapes,
  conditions,
  divisors,
  bounds,
  extents,
  hinted,
  workgroups,
  vectors,
  reductions,
  lowered_mappings,
  flat,
  tile_subscripts,
  scalar_guards,
  plain_bounds,
  one_workgroup,
  functions,
};
/// The name as it stands in the list above.
std::string_view name_of(Rule rule);

struct Violation {
  Rule rule;
  std::string node;  // the statement or declaration, as text
  std::string what;
};
/// "rule N (<name>): <node>: <what>"
std::string to_string(const Violation& violation);

/// Every rule that is broken, in the order of the text; empty for a sound kernel.
std::vector<Violation> violations(const Kernel& kernel, Form form = Form::nest);

/// Throws an internal error "verify after <pass>: rule N (<name>): <node>: <what>" with the first
/// violation.
void verify(const Kernel& kernel, std::string_view pass, Form form = Form::nest);

}  // namespace nestjit::ir
