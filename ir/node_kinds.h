// The one list of node kinds. Enumerations, names, visitors and rewriters are made from it, so a
// kind that some visitor forgets does not compile.
#pragma once

#include <cstdint>
#include <string_view>

#define NESTJIT_EXPR_KINDS(X) \
  X(IntImm)                   \
  X(FloatImm)                 \
  X(BoolImm)                  \
  X(Symbol)                   \
  X(Var)                      \
  X(Binary)                   \
  X(Compare)                  \
  X(Not)                      \
  X(Select)                   \
  X(Cast)                     \
  X(Load)                     \
  X(Broadcast)                \
  X(Ramp)                     \
  X(Fma)                      \
  X(Pair)                     \
  X(Dot)                      \
  X(Call)

#define NESTJIT_STMT_KINDS(X) \
  X(Loop)                     \
  X(Block)                    \
  X(Let)                      \
  X(Store)                    \
  X(Allocate)                 \
  X(Prefetch)                 \
  X(If)

namespace nestjit::ir {

#define NESTJIT_ENUMERATOR(K) K,
enum class ExprKind : uint8_t { NESTJIT_EXPR_KINDS(NESTJIT_ENUMERATOR) };
enum class StmtKind : uint8_t { NESTJIT_STMT_KINDS(NESTJIT_ENUMERATOR) };
#undef NESTJIT_ENUMERATOR

#define NESTJIT_DECLARE(K) struct K;
NESTJIT_EXPR_KINDS(NESTJIT_DECLARE)
NESTJIT_STMT_KINDS(NESTJIT_DECLARE)
#undef NESTJIT_DECLARE

/// The kind's name as it stands in the list.
std::string_view name_of(ExprKind kind);
std::string_view name_of(StmtKind kind);

}  // namespace nestjit::ir
