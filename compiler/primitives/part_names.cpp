#include "compiler/primitives/part_names.h"

namespace nestjit::compiler {

PartNames::PartNames(ScheduleState& state, const std::string& target, const ir::Loop& loop)
    : state_(state), below_(state.handles_below(loop.body)) {
  state.unbind(target);
  for (const auto& [name, id] : below_) state.unbind(name);
}

void PartNames::bind(const std::string& part, const ir::Expr& var,
                     const ir::Substitution& renamed) {
  state_.bind(part, id_of(var));
  for (const auto& [name, id] : below_) {
    const size_t slash = name.find('/');
    const std::string local = slash == std::string::npos ? name : name.substr(slash + 1);
    state_.bind(part + "/" + local, id_of(renamed.at(id)));
  }
}

}  // namespace nestjit::compiler
