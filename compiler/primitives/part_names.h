// Handles when a loop is cut into parts: each part has a copy of the loops below.
#pragma once

#include <map>
#include <string>

#include "compiler/schedule_state.h"
#include "ir/visit.h"

namespace nestjit::compiler {

/// Takes the handle of a loop and those of the loops below it out of the state, and gives them out
/// again for each part: a loop that was "c1" or "qm/c1" becomes "<part>/c1". Where two loops would
/// get one name ("a/t" and "b/t"), they keep the old name whole: "<part>/a/t".
class PartNames {
 public:
  PartNames(ScheduleState& state, const std::string& target, const ir::Loop& loop);

  /// `renamed` maps the ids below the loop to those of the part's copy.
  void bind(const std::string& part, const ir::Expr& var, const ir::Substitution& renamed);

 private:
  ScheduleState& state_;
  std::map<std::string, ir::VarId> below_;
};

}  // namespace nestjit::compiler
