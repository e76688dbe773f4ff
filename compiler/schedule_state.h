// A kernel while its schedule is applied: the nest, the handles and the packings made so far.
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "compiler/schedule.h"
#include "ir/simplify.h"

namespace nestjit::compiler {

/// Largest value of an integer option.
inline constexpr int64_t most_int_option = int64_t{1} << 31;

class ScheduleState {
 public:
  ScheduleState(const ir::Kernel& kernel, const Target& target);

  const Target& target() const { return target_; }
  const ir::Kernel& kernel() const { return scheduled_.kernel; }
  const Scheduled& scheduled() const { return scheduled_; }
  /// The nest after a primitive; it is simplified. Refuses a nest whose mappings could not be
  /// carried out (mapping_objection()).
  void set_body(ir::Stmt body, const ir::SimplifyOptions& options = {});
  /// Appends a packed buffer: a parameter of the kernel and the kernel that fills it.
  void add_packing(ir::BufferRef buffer, Packing packing);

  /// Starts a step: refusals speak of it.
  void begin(const Step& step) { step_ = &step; }
  const Step& step() const { return *step_; }

  /// The loop a handle stands for. Refuses an unknown handle; the text lists the known ones.
  const ir::Loop& loop(std::string_view handle) const;
  ir::VarId id(std::string_view handle) const { return loop(handle).id(); }
  /// Names a loop. Refuses a name that is taken.
  void bind(const std::string& handle, ir::VarId loop);
  void unbind(std::string_view handle);
  /// Handles of the loops below a statement: handle -> id.
  std::map<std::string, ir::VarId> handles_below(const ir::Stmt& s) const;

  /// Option of the current step as text; refuses when it is absent and no default is given.
  std::string option(std::string_view key, const char* fallback = nullptr) const;
  /// Option as an integer from `least` to 2^31, so that sums and products of options stay in 64
  /// bits.
  int64_t int_option(std::string_view key, int64_t least) const;
  /// Refuses when the step has other options than these, or another number of targets or results;
  /// a count of -1 means "one or more".
  void expect_form(int targets, std::initializer_list<std::string_view> options, int results) const;

  /// Throws invalid argument: "schedule: <primitive> of '<loop>': <reason>", the step and the nest.
  template <class... Args>
  [[noreturn]] void refuse(std::string_view loop, fmt::format_string<Args...> reason,
                           Args&&... args) const {
    refuse_text(loop, fmt::format(reason, std::forward<Args>(args)...));
  }

 private:
  [[noreturn]] void refuse_text(std::string_view loop, const std::string& reason) const;

  Scheduled scheduled_;
  ir::SimplifyMemo simple_;
  Target target_;
  const Step* step_ = nullptr;
};

}  // namespace nestjit::compiler
