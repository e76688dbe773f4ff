#include "compiler/primitives/part_names.h"

namespace nestjit::compiler {
namespace {

std::string local_part(const std::string& name) {
  const size_t slash = name.find('/');
  return slash == std::string::npos ? name : name.substr(slash + 1);
}

}  // namespace

PartNames::PartNames(ScheduleState& state, const std::string& target, const ir::Loop& loop)
    : state_(state),
      below_(state.handles_below(loop.body)) {
  state.unbind(target);
  for (const auto& [name, id] : below_) state.unbind(name);
}

void PartNames::bind(const std::string& part, const ir::Expr& var,
                     const ir::Substitution& renamed) {
  state_.bind(part, id_of(var));
  std::map<std::string, int> uses;
  for (const auto& [name, id] : below_) ++uses[local_part(name)];
  for (const auto& [name, id] : below_) {
    const std::string local = local_part(name);
    state_.bind(part + "/" + (uses[local] > 1 ? name : local), id_of(renamed.at(id)));
  }
}

}  // namespace nestjit::compiler
