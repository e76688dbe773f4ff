#include "compiler/schedule_state.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "compiler/nest.h"
#include "ir/print.h"
#include "ir/visit.h"

namespace nestjit::compiler {

ScheduleState::ScheduleState(const ir::Kernel& kernel, const Target& target)
    : scheduled_{kernel, {}, {}},
      target_(target) {
  // The nest's own names are the first handles; a name used twice gets a number, as when printed.
  ir::walk_stmts(kernel.body, [&](const ir::Stmt& s) {
    const auto* loop = s.as<ir::Loop>();
    if (!loop) return;
    std::string handle = loop->name();
    for (int n = 1; scheduled_.handles.contains(handle); ++n)
      handle = fmt::format("{}_{}", loop->name(), n);
    scheduled_.handles[handle] = loop->id();
  });
}

void ScheduleState::set_body(ir::Stmt body, const ir::SimplifyOptions& options) {
  const ir::Kernel changed = scheduled_.kernel.with_body(std::move(body));
  // The memo is of the default options; what a step leaves unsimplified is not in it.
  ir::Kernel next = options == ir::SimplifyOptions{} ? ir::simplify(changed, simple_)
                                                     : ir::simplify(changed, options);
  const std::string objection = mapping_objection(next.body);
  if (!objection.empty()) refuse(step_->targets.front(), "then {}", objection);
  scheduled_.kernel = std::move(next);
}

void ScheduleState::add_packing(ir::BufferRef buffer, Packing packing) {
  scheduled_.kernel.params.push_back(std::move(buffer));
  scheduled_.packings.push_back(std::move(packing));
}

const ir::Loop& ScheduleState::loop(std::string_view handle) const {
  const auto found = scheduled_.handles.find(handle);
  const ir::Loop* loop =
      found == scheduled_.handles.end() ? nullptr : find_loop(kernel().body, found->second);
  if (loop) return *loop;
  std::string known;
  for (const auto& [name, id] : scheduled_.handles) known += (known.empty() ? "" : ", ") + name;
  refuse(handle, "there is no loop of that name; known: {}", known);
}

void ScheduleState::bind(const std::string& handle, ir::VarId loop) {
  if (!scheduled_.handles.emplace(handle, loop).second)
    refuse(handle, "the name is taken; choose another after '->'");
}

void ScheduleState::unbind(std::string_view handle) {
  const auto found = scheduled_.handles.find(handle);
  if (found != scheduled_.handles.end()) scheduled_.handles.erase(found);
}

std::map<std::string, ir::VarId> ScheduleState::handles_below(const ir::Stmt& s) const {
  std::map<std::string, ir::VarId> below;
  for (const auto& [name, id] : scheduled_.handles)
    if (find_loop(s, id)) below[name] = id;
  return below;
}

std::string ScheduleState::option(std::string_view key, const char* fallback) const {
  const auto found = step_->options.find(std::string(key));
  if (found != step_->options.end()) return found->second;
  if (fallback) return fallback;
  refuse(step_->targets.front(), "the option {}= is missing", key);
}

int64_t ScheduleState::int_option(std::string_view key, int64_t least) const {
  const std::string text = option(key);
  int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size())
    refuse(step_->targets.front(), "{}= takes an integer, got '{}'", key, text);
  if (value < least)
    refuse(step_->targets.front(), "{}= must be at least {}, got {}", key, least, value);
  if (value > most_int_option)
    refuse(step_->targets.front(), "{}= must be at most {}, got {}", key, most_int_option, value);
  return value;
}

void ScheduleState::expect_form(int targets, std::initializer_list<std::string_view> options,
                                int results) const {
  const std::string first = step_->targets.empty() ? "" : step_->targets.front();
  const auto count = [&](const std::vector<std::string>& given, int wanted, std::string_view what) {
    const int n = static_cast<int>(given.size());
    if (wanted >= 0 ? n != wanted : n == 0)
      refuse(first, "expected {} {}, got {}", wanted < 0 ? "one or more" : std::to_string(wanted),
             what, n);
  };
  count(step_->targets, targets, "loops before the options");
  count(step_->results, results, "names after '->'");
  for (const auto& [key, value] : step_->options)
    if (std::find(options.begin(), options.end(), key) == options.end())
      refuse(first, "there is no option {}=", key);
}

void ScheduleState::refuse_text(std::string_view loop, const std::string& reason) const {
  base::invalid("schedule: {} of '{}': {}\nstep: {}\nnest:\n{}", step_->primitive, loop, reason,
                to_string(*step_), ir::to_string(kernel()));
}

}  // namespace nestjit::compiler
