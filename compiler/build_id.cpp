#include "compiler/build_id.h"

#include "compiler/door.h"
#include "source_id.h"

namespace nestjit::compiler {

const std::string& build_id() {
  // Never destroyed: a kernel may be looked up while the process ends.
  static const std::string& id = *new std::string(
      std::string(NESTJIT_BUILD) + "-" + NESTJIT_SOURCE_ID + "-" + std::to_string(door_layout()));
  return id;
}

}  // namespace nestjit::compiler
