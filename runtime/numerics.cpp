#include "nestjit/numerics.h"

#include <optional>

#include "base/boundary.h"
#include "base/env.h"
#include "base/error.h"
#include "runtime/numerics.h"

namespace nestjit {
namespace {

thread_local std::optional<Numerics> scoped;

Numerics setting() {
  const std::string value = base::setting("NESTJIT_NUMERICS").value_or("direct");
  const auto numerics = ops::numerics_named(value);
  if (!numerics) base::invalid("NESTJIT_NUMERICS must be direct or bf16_dot, got {}", value);
  return *numerics == ops::Numerics::direct ? Numerics::direct : Numerics::bf16_dot;
}

}  // namespace

Numerics runtime::default_numerics() {
  static const Numerics otherwise = setting();
  return otherwise;
}

Numerics current_numerics() try {
  return scoped ? *scoped : runtime::default_numerics();
} catch (...) {
  base::rethrow_as_error("current_numerics");
}

NumericsScope::NumericsScope(Numerics numerics)
    : had_outer_(scoped.has_value()),
      outer_(scoped.value_or(numerics)) {
  scoped = numerics;
}

NumericsScope::~NumericsScope() {
  if (had_outer_)
    scoped = outer_;
  else
    scoped.reset();
}

ops::ConvProblem runtime::with_current_numerics(ops::ConvProblem problem) {
  if (current_numerics() == Numerics::direct) return problem;
  problem.numerics = ops::Numerics::bf16_dot;
  return ops::on_target(problem, compiler::host_target());
}

}  // namespace nestjit
