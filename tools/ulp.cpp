// nestjit ulp: errors of elementary functions and activations, of machine code of one level.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "compiler/lower.h"
#include "compiler/machine_code.h"
#include "ir/ir.h"
#include "tools/commands.h"
#include "tools/ulp_error.h"
#include "tools/ulp_inputs.h"
#include "tools/ulp_rows.h"

namespace nestjit::tools {
namespace {

using ir::Expr;

constexpr int64_t block = 4096;  // elements of one call

struct UlpOptions {
  std::vector<std::string> names;
  std::string target, type = "both";
  bool exhaustive = false;
  int64_t count = 0;
};

/// y[i] = f(x[i], a[i]) for one block.
ir::Kernel kernel_of(const UlpRow& row, ir::Scalar scalar, const compiler::Target& target) {
  const auto buffer = [&](const char* name, ir::BufferRole role) {
    return ir::Buffer::make(name, scalar, {block}, role);
  };
  const ir::BufferRef x = buffer("x", ir::BufferRole::input),
                      a = buffer("a", ir::BufferRole::input);
  const ir::BufferRef y = buffer("y", ir::BufferRole::output);
  const int lanes = target.lanes(scalar);
  const Expr i = ir::Var::make("i");
  const std::vector<Expr> at{ir::Ramp::make(i * lanes, 1, lanes)};
  const Expr value = ir::Var::make("value", {scalar, lanes});
  const ir::Stmt store = ir::Store::make(y, at, row.formula(value, ir::Load::make(a, at)));
  ir::Kernel kernel;
  kernel.name = "ulp";
  kernel.params = {x, a, y};
  kernel.fused = target.has_fma;
  kernel.body = ir::Loop::make(i, 0, block / lanes, ir::LoopKind::parallel, ir::Mapping::workgroup,
                               ir::Let::make(value, ir::Load::make(x, at), store));
  return kernel;
}

struct Found {
  double worst = 0, worst_x = 0, worst_a = 0;
  int64_t judged = 0, above_one = 0, beyond = 0;
  uint64_t digest = 14695981039346656037u;  // FNV-1a of the results
};

/// Bits of a result; NaNs are all one.
template <class T>
uint64_t bits_of(T y) {
  if (y != y) return 1;
  if constexpr (sizeof(T) == 4)
    return std::bit_cast<uint32_t>(y);
  else
    return std::bit_cast<uint64_t>(y);
}

double exact_of(const UlpRow& row, float x, float a) { return row.exact(x, a); }
long double exact_of(const UlpRow& row, double x, double a) { return row.exact_long(x, a); }

template <class T>
void judge(const UlpRow& row, double limit, T x, T a, T y, Found& found) {
  found.digest = (found.digest ^ bits_of(y)) * 1099511628211u;
  const double size = std::abs(row.uses_a ? double{x} * a : double{x});
  if (size > limit && !std::isinf(x)) {
    ++found.beyond;
    return;
  }
  const double error = ulp_error(y, exact_of(row, x, a));
  ++found.judged;
  found.above_one += error > 1;
  if (error > found.worst) {
    found.worst = error;
    found.worst_x = x;
    found.worst_a = a;
  }
}

template <class T>
Found measure(const UlpRow& row, const compiler::Target& target, const UlpOptions& options) {
  constexpr ir::Scalar scalar = sizeof(T) == 4 ? ir::Scalar::f32 : ir::Scalar::f64;
  const compiler::MachineCode code =
      compiler::compile_to_machine_code({compiler::lower(kernel_of(row, scalar, target))}, target);
  UlpInputs<T> inputs(options.exhaustive, options.count);
  std::vector<T> x(block), a(block), y(block);
  void* const buffers[] = {x.data(), a.data(), y.data()};
  const compiler::Frame frame{buffers, nullptr, 0, block / target.lanes(scalar)};
  const double limit = row.limit(scalar, target.has_fma);
  Found found;
  while (const int64_t count = inputs.next(x, a)) {
    if (code.entries.front()(&frame) != 0) base::internal("ulp: the kernel of {} failed", row.name);
    for (size_t i = 0; i < static_cast<size_t>(count); ++i)
      judge(row, limit, x[i], a[i], y[i], found);
  }
  return found;
}

bool report(const UlpRow& row, const char* type, const Found& found) {
  const bool within = found.worst <= row.stated;
  const std::string where = row.uses_a
                                ? fmt::format("x={:.9g} a={:.9g}", found.worst_x, found.worst_a)
                                : fmt::format("x={:.17g}", found.worst_x);
  fmt::print("{:<18}{:<5}{:>8.3f}{:>8.1f}{:>12.4f} %{:>14}{:>14}  {:016x}  {}{}\n", row.name, type,
             found.worst, row.stated,
             100.0 * static_cast<double>(found.above_one) / static_cast<double>(found.judged),
             found.judged, found.beyond, found.digest, where, within ? "" : "  ABOVE");
  std::fflush(stdout);
  return within;
}

int measure_all(const UlpOptions& options) {
  const compiler::Target& host = compiler::host_target();
  const compiler::Target target =
      options.target.empty() ? host : compiler::forced_down(host, options.target);
  std::vector<UlpRow> rows = ulp_rows();
  for (const std::string& name : options.names)
    if (std::none_of(rows.begin(), rows.end(), [&](const UlpRow& r) { return r.name == name; }))
      base::invalid("ulp: no function is called '{}'", name);
  fmt::print("{}, {}\n{:<18}{:<5}{:>8}{:>8}{:>14}{:>14}{:>14}  {:<16}  {}\n", target.name(),
             target.has_fma ? "fused" : "not fused", "function", "type", "worst", "stated",
             "above 1 ulp", "judged", "beyond", "digest", "worst at");
  bool within = true;
  for (const UlpRow& row : rows) {
    if (!options.names.empty() &&
        std::find(options.names.begin(), options.names.end(), row.name) == options.names.end())
      continue;
    if (options.type != "f64") within &= report(row, "f32", measure<float>(row, target, options));
    if (options.type != "f32") within &= report(row, "f64", measure<double>(row, target, options));
  }
  fmt::print("{}\n",
             within ? "all errors are within what is stated" : "errors above what is stated");
  return within ? 0 : 1;
}

}  // namespace

void add_ulp(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("ulp", "errors of elementary functions and activations");
  auto options = std::make_shared<UlpOptions>();
  command->add_option("names", options->names, "functions or activations; all when absent");
  command->add_flag("--exhaustive", options->exhaustive, "every f32 number instead of a sample");
  command->add_option("--count", options->count, "numbers of a sample (default 16 million, f64 1)")
      ->check(CLI::PositiveNumber);
  command->add_option("--target", options->target, "x86-64-v1, x86-64-v3 or x86-64-v4");
  command->add_option("--type", options->type, "f32, f64 or both")
      ->check(CLI::IsMember({"f32", "f64", "both"}));
  command->callback([options, &status] { status = measure_all(*options); });
}

}  // namespace nestjit::tools
