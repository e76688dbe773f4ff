#include "ops/conv/problem_keys.h"

#include <array>

namespace nestjit::ops {
namespace {

using Kind = ConvDoor::Kind;
using Numbers = ProblemNumbers;

constexpr uint8_t bit(Kind kind) { return static_cast<uint8_t>(1u << static_cast<int>(kind)); }
constexpr uint8_t general = bit(Kind::general), transposed = bit(Kind::transposed);
constexpr uint8_t symmetric = bit(Kind::convolution) | transposed;
constexpr uint8_t all = symmetric | general;

constexpr std::array keys{
    ProblemKey{"l", &Numbers::l, "a non-negative integer", 0, true, true, all},
    ProblemKey{"ci", &Numbers::ci, "a non-negative integer", 0, false, true, all},
    ProblemKey{"co", &Numbers::co, "a non-negative integer", 0, false, true, all},
    ProblemKey{"k", &Numbers::k, "a positive integer", 1, true, true, all},
    ProblemKey{"s", &Numbers::s, "a positive integer", 1, true, false, all},
    ProblemKey{"p", &Numbers::p, "an integer", 0, true, false, symmetric},
    ProblemKey{"plo", &Numbers::plo, "an integer", 0, true, false, general},
    ProblemKey{"phi", &Numbers::phi, "an integer", 0, true, false, general},
    ProblemKey{"d", &Numbers::d, "a positive integer", 1, true, false, all},
    ProblemKey{"op", &Numbers::op, "an integer", 0, true, false, transposed},
    ProblemKey{"id", &Numbers::id, "a positive integer", 1, true, false, general},
    ProblemKey{"flip", &Numbers::flip, "0 or 1", 0, false, false, general},
    ProblemKey{"g", &Numbers::g, "a positive integer", 1, false, false, all},
    ProblemKey{"n", &Numbers::n, "a non-negative integer", 1, false, false, all},
};

}  // namespace

std::span<const ProblemKey> problem_keys() { return keys; }

std::string problem_key_list(Kind kind) {
  std::string list;
  for (const ProblemKey& key : keys)
    if (key.belongs_to(kind)) list += std::string(key.name) + ", ";
  return list +
         "dtype, xdtype, wdtype, bias, act, residual, numerics, grad, xstrides, wstrides, xorder, "
         "worder";
}

}  // namespace nestjit::ops
