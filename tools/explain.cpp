// nestjit explain PROBLEM: every stage of a compile, from the mathematics to the machine code.
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <string>

#include "base/error.h"
#include "compiler/target.h"
#include "ir/print.h"
#include "ops/conv/candidates.h"
#include "ops/conv/compile.h"
#include "ops/conv/cost_model.h"
#include "ops/conv/fallbacks.h"
#include "ops/conv/numerics.h"
#include "ops/conv/polymorphic.h"
#include "ops/conv/schedule.h"
#include "runtime/dispatch.h"
#include "tools/commands.h"
#include "tools/hot_loop.h"
#include "tools/read_file.h"

namespace nestjit::tools {
namespace {

struct ExplainOptions {
  std::string problem, stage, schedule_file, target, plan;
  bool symbolic = false;
};

void print_stage(const base::StageText& stage, bool whole) {
  const bool assembly = stage.file.size() > 2 && stage.file.substr(stage.file.size() - 2) == ".s";
  const std::string loop = assembly && !whole ? hot_loop(stage.text) : std::string();
  fmt::print("==== {}{}\n{}\n", stage.file,
             loop.empty() ? "" : " (the hot loop; --stage .s prints all of it)",
             loop.empty() ? stage.text : loop);
}

void print_stages(const compiler::CompiledKernel& code, const std::string& wanted) {
  bool found = false;
  std::string names;
  for (const base::StageText& stage : code.stages) {
    names += (names.empty() ? "" : ", ") + stage.file;
    if (stage.file.find(wanted) == std::string::npos) continue;
    found = true;
    print_stage(stage, !wanted.empty());
  }
  if (!found) {
    base::invalid("explain: no stage has \"{}\" in its name; the stages are {}", wanted, names);
  }
}

void print_times(const compiler::CompiledKernel& code) {
  fmt::print("==== times\n");
  for (const compiler::StageTime& time : code.times)
    fmt::print("{:<24}{:>9.3f} ms\n", time.stage, time.ms);
  fmt::print("{:<24}{:>9.3f} ms, {} bytes of code, {} workgroups\n", "total", code.total_ms,
             code.code.code_bytes,
             code.workgroup_count ? ir::to_string(code.workgroup_count) : "no");
}

/// A plan or a schedule that was asked for is kept, whatever the budgets; the default one is not.
ops::ResolvedKernel compile(const ExplainOptions& o, const ops::ConvProblem& problem,
                            const ops::Plan& plan, const compiler::Target& target,
                            const compiler::CompileOptions& options) {
  if (o.plan.empty() && o.schedule_file.empty())
    return o.symbolic ? ops::compile_polymorphic_within_budgets(problem, target, options)
                      : ops::compile_within_budgets(problem, target, options);
  compiler::CompileRequest request =
      o.symbolic ? ops::polymorphic_request(problem, plan, target)
                 : ops::compile_request(problem, ops::schedule_of(problem, target, plan), target);
  if (!o.schedule_file.empty())
    request.schedule = compiler::parse_schedule(read_file(o.schedule_file));
  return {.code = compiler::compile(request, options), .schedule = request.schedule};
}

void explain(const ExplainOptions& o) {
  ops::ConvProblem problem = ops::parse_problem(o.problem);
  const compiler::Target target = o.target.empty()
                                      ? compiler::host_target()
                                      : compiler::forced_down(compiler::host_target(), o.target);
  switch (runtime::work_of(problem)) {
    case runtime::Work::none:
      return fmt::print("{}: the output is empty, nothing is compiled\n", o.problem);
    case runtime::Work::zeros: return fmt::print("{}: zeros, nothing is compiled\n", o.problem);
    case runtime::Work::kernel: break;
  }
  if (o.symbolic) problem = ops::lengthless(problem);
  const auto start = std::chrono::steady_clock::now();
  const ops::Plan plan = !o.plan.empty() ? ops::parse_plan(o.plan)
                         : o.symbolic    ? ops::polymorphic_plan(problem, target)
                                         : ops::default_plan(problem, target);
  const double ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  if (o.stage.empty() && o.schedule_file.empty())
    fmt::print("==== plan (chosen in {:.3f} ms)\nnumerics: {}\n{}\n", ms,
               ops::explain_numerics(problem, target), ops::explain_plan(problem, target, plan));
  compiler::CompileOptions options;
  options.keep_stages = true;
  const ops::ResolvedKernel made = compile(o, problem, plan, target, options);
  if (!made.fallback.empty()) fmt::print("==== falls back\n{}\n", made.fallback);
  print_stages(made.code, o.stage);
  if (o.stage.empty()) print_times(made.code);
}

}  // namespace

void add_explain(CLI::App& app, int&) {
  auto o = std::make_shared<ExplainOptions>();
  CLI::App* sub = app.add_subcommand("explain", "print every stage of a compile and its time");
  sub->add_option("problem", o->problem, "\"conv_transpose1d l=128 ci=512 co=256 k=16 s=8 p=4\"")
      ->required();
  sub->add_option("--stage", o->stage, "only stages with this in their name, in full");
  sub->add_option("--schedule", o->schedule_file, "a schedule's steps from a file, one a line");
  sub->add_option("--plan", o->plan, "another plan for the schedule, \"rows=13 vectors=2 edge=4\"");
  sub->add_flag("--symbolic", o->symbolic, "the kernel that serves every batch and length");
  sub->add_option("--target", o->target, "x86-64-v1, x86-64-v3 or x86-64-v4, up to the machine's");
  sub->callback([o] { explain(*o); });
}

}  // namespace nestjit::tools
