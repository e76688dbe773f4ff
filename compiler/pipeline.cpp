#include "compiler/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "base/env.h"
#include "base/error.h"
#include "compiler/lower.h"
#include "compiler/packing_aside.h"
#include "compiler/passes/workgroups.h"
#include "ir/evaluate.h"
#include "ir/print.h"
#include "ir/simplify.h"
#include "ir/verify.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

#ifdef NDEBUG
constexpr bool always_verify = false;
#else
constexpr bool always_verify = true;
#endif

double ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

/// Times the stages, keeps their texts, verifies and tells the observer.
class Recorder {
 public:
  Recorder(const CompileRequest& request, const CompileOptions& options)
      : request_(request),
        options_(options),
        dump_folder_(base::setting("NESTJIT_DUMP")) {}

  bool is_watched() const {
    return keeps_text() || options_.observer || options_.verify || always_verify;
  }
  bool keeps_text() const { return options_.keep_stages || dump_folder_.has_value(); }

  /// Runs one stage and records how long it took.
  template <class Work>
  auto stage(const std::string& name, Work&& work) {
    const auto start = std::chrono::steady_clock::now();
    auto result = work();
    times_.push_back({name, ms_since(start)});
    return result;
  }

  /// Verifies and shows a state within a stage: "schedule: split c by=32 -> c0 c1".
  void state(const std::string& name, const Scheduled& now, ir::Form form) const {
    if (always_verify || options_.verify) {
      ir::verify(now.kernel, name, form);
      for (const Packing& packing : now.packings) ir::verify(packing.kernel, name, form);
    }
    if (options_.observer) options_.observer(name, now);
  }

  void text(std::string_view file, std::string text) {
    if (keeps_text())
      texts_.push_back({fmt::format("{:02}-{}", texts_.size() + 1, file), std::move(text)});
  }
  /// Comment lines in front, then the kernel and its packing kernels.
  void text(std::string_view file, const Scheduled& now, const std::string& comment = {}) {
    if (!keeps_text()) return;
    std::string all;
    for (size_t at = 0, end; at < comment.size(); at = end + 1) {
      end = std::min(comment.find('\n', at), comment.size());
      all += "# " + comment.substr(at, end - at) + "\n";
    }
    all += ir::to_string(now.kernel);
    for (const Packing& packing : now.packings) all += "\n" + ir::to_string(packing.kernel);
    text(file, std::move(all));
  }

  /// What came through the door, as the stages codegen and jit. Loading the code generator, which
  /// happens once in a process, counts with codegen.
  void door(const CodegenReport& report, double elapsed_ms) {
    const double jit_ms = report.select_ms + report.link_ms;
    times_.push_back({"codegen", elapsed_ms - jit_ms});
    times_.push_back({"jit", jit_ms});
  }

  void code(const MachineCode& code) {
    text("codegen.ll", code.llvm_ir);
    text("jit.txt", fmt::format("{} kernels, {} bytes of code, {} bytes of stack\n"
                                "select {:.3f} ms, link {:.3f} ms\n",
                                code.entries.size(), code.code_bytes, code.stack_bytes,
                                code.select_ms, code.link_ms));
    text("kernel.s", code.assembly);
  }

  void finish(CompiledKernel& out) {
    for (const StageTime& t : times_) out.total_ms += t.ms;
    if (dump_folder_) base::write_stages(*dump_folder_, request_.title, texts_);
    if (options_.keep_stages) out.stages = std::move(texts_);
    out.times = std::move(times_);
    base::log("compile", fmt::format("{},{},{:.2f} ms,{} bytes", request_.title,
                                     request_.target.name(), out.total_ms, out.code.code_bytes));
  }

 private:
  const CompileRequest& request_;
  const CompileOptions& options_;
  std::optional<std::string> dump_folder_;
  std::vector<StageTime> times_;
  std::vector<base::StageText> texts_;
};

/// What a nest gets that nobody scheduled.
Schedule schedule_or_hints(const Schedule& schedule) {
  return schedule.steps.empty() ? Schedule().then("hint") : schedule;
}

std::string problem_text(const CompileRequest& request) {
  std::string text = request.title + "\ntarget " + request.target.name() + "\n";
  for (const auto& [name, value] : request.bindings)
    text += fmt::format("{} = {}\n", name, ir::to_string(value));
  return text;
}

/// A number that must be known once the kernel is specialised.
int64_t known(const ir::Expr& e, std::string_view what, const std::string& title) {
  const auto value = ir::constant_of(ir::simplify(e));
  if (!value)
    base::unsupported("compile: {}: the {} depends on an unbound symbol ({})", title, what,
                      ir::to_string(e));
  return *value;
}

/// The main kernel lowered; the observer sees it whole, with its packings, after every pass.
ir::Kernel lower_main(const ir::Kernel& kernel, const std::vector<Packing>& packings,
                      const Recorder& recorder) {
  if (!recorder.is_watched()) return lower(kernel);  // packings may be at work on their own thread
  return lower(kernel, [&](std::string_view pass, const ir::Kernel& now) {
    const bool last = pass == "expand_calls";
    recorder.state(fmt::format("lower: {}", pass), {now, packings, {}},
                   last ? ir::Form::lowered : ir::Form::nest);
  });
}

/// Whether a second thread pays. Whoever looks at the stages wants them in order.
bool packs_aside(const std::vector<Packing>& packings, const Recorder& recorder) {
  return !packings.empty() && !recorder.is_watched() && std::thread::hardware_concurrency() > 1;
}

std::vector<PackedOperand> packed_operands(const Scheduled& lowered, const MachineCode& code,
                                           const std::string& title) {
  std::vector<PackedOperand> packed;
  for (size_t i = 0; i < lowered.packings.size(); ++i) {
    const Packing& packing = lowered.packings[i];
    const ir::Buffer& buffer = *packing.kernel.params[1];
    if (!packing.kernel.symbols.empty())
      base::unsupported("compile: {}: what is packed depends on the unbound symbol {}", title,
                        packing.kernel.symbols[0].name);
    const int64_t elements = known(buffer.shape[0], "size of a packed buffer", title);
    packed.push_back({packing.source, elements * ir::byte_size(buffer.scalar), code.entries[i + 1],
                      known(workgroup_count(packing.kernel), "number of workgroups", title)});
  }
  return packed;
}

/// Which of the first `count` parameters a kernel reads or writes.
std::vector<bool> used_parameters(const ir::Kernel& kernel, size_t count) {
  std::vector<bool> used(count);
  const auto mark = [&](const ir::BufferRef& buffer) {
    for (size_t i = 0; i < count; ++i)
      if (kernel.params[i] == buffer) used[i] = true;
  };
  ir::walk_stmts(kernel.body, [&](const ir::Stmt& s) {
    if (const auto* store = s.as<ir::Store>()) mark(store->buffer);
  });
  ir::walk_exprs(kernel.body, [&](const ir::Expr& e) {
    if (const auto* load = e.as<ir::Load>()) mark(load->buffer);
  });
  return used;
}

}  // namespace

CompiledKernel compile(const CompileRequest& request, const CompileOptions& options) {
  const BudgetWatch budget(options.budgets ? *options.budgets : budgets_of_environment(),
                           request.title);
  Recorder recorder(request, options);
  recorder.text("problem.txt", problem_text(request));

  // define: the naive nest, as the operation gave it.
  const Scheduled defined{request.definition, {}, {}};
  recorder.state("define", defined, ir::Form::nest);
  recorder.text("define.nest", defined);

  // specialise: known symbols become constants.
  const Scheduled specialised = recorder.stage("specialise", [&] {
    return Scheduled{specialise(request.definition, request.bindings), {}, {}};
  });
  recorder.state("specialise", specialised, ir::Form::nest);
  recorder.text("specialise.nest", specialised);

  // schedule: the steps of the schedule, one primitive each.
  const Schedule schedule = schedule_or_hints(request.schedule);
  const Scheduled scheduled = recorder.stage("schedule", [&] {
    return apply_schedule(specialised.kernel, schedule, request.target,
                          [&](const Step& step, const Scheduled& now) {
                            recorder.state("schedule: " + to_string(step), now, ir::Form::nest);
                          });
  });
  recorder.text("schedule.nest", scheduled, to_string(schedule));
  budget.require_before_lowering(scheduled.kernel);

  // The packing kernels go through the remaining stages by themselves.
  Scheduled lowered{{}, scheduled.packings, {}};
  std::optional<PackingAside> aside;
  if (packs_aside(lowered.packings, recorder)) aside.emplace(lowered.packings, request.target);

  // lower: explicit vectors, flat addresses, one workgroup loop.
  lowered.kernel = recorder.stage("lower", [&] {
    if (!aside) lower_packings(lowered.packings);
    return lower_main(scheduled.kernel, lowered.packings, recorder);
  });
  recorder.text("lower.nest", lowered);
  budget.require_lowered(lowered.kernel);

  // codegen and jit: through the door to LLVM. Packing kernels are an image of their own.
  const CodegenOptions wanted{recorder.keeps_text(), recorder.keeps_text(), options.verify};
  const auto start = std::chrono::steady_clock::now();
  CompiledImage compiled = compile_to_image({lowered.kernel}, request.target, wanted);
  recorder.door(compiled, ms_since(start));
  if (!lowered.packings.empty()) {
    compiled.append(recorder.stage("packing", [&] {
      return aside ? aside->image() : compile_packings(lowered.packings, request.target, wanted);
    }));
  }
  budget.require_code(compiled.image.bytes.size(), compiled.stack_bytes);
  CompiledKernel out;
  out.code = place_image(std::move(compiled), request.title);
  recorder.code(out.code);

  out.entry = out.code.entries.front();
  out.symbols = lowered.kernel.symbols;
  out.workgroup_count = workgroup_count(lowered.kernel);
  out.workgroups = ir::constant_of(out.workgroup_count).value_or(0);
  out.uses = used_parameters(lowered.kernel, request.definition.params.size());
  out.packed = packed_operands(lowered, out.code, request.title);
  recorder.finish(out);
  return out;
}

int64_t CompiledKernel::workgroups_at(std::span<const int64_t> values) const {
  return symbols.empty() ? workgroups : ir::evaluate(workgroup_count, symbols, values);
}

}  // namespace nestjit::compiler
