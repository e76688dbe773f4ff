// The functions whose errors `nestjit ulp` measures.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ir/expr.h"

namespace nestjit::tools {

/// y = f(x, a); most functions have no use for a.
struct UlpRow {
  std::string name;
  std::function<ir::Expr(const ir::Expr& x, const ir::Expr& a)> formula;
  std::function<double(double, double)> exact;  // in the next wider arithmetic each
  std::function<long double(long double, long double)> exact_long;
  double stated;  // the largest error that the documentation admits
  /// Largest |x|, or |a*x| where a matters, for which that holds: of f32 and f64, fused and not.
  struct Limits {
    double f32, f64, f32_unfused, f64_unfused;
  } limits;
  bool uses_a = false;

  double limit(ir::Scalar scalar, bool fused) const {
    if (scalar == ir::Scalar::f32) return fused ? limits.f32 : limits.f32_unfused;
    return fused ? limits.f64 : limits.f64_unfused;
  }
};

/// Elementary functions first, then activations.
std::vector<UlpRow> ulp_rows();

}  // namespace nestjit::tools
