// The packing kernels of a request, compiled on a second thread.
#pragma once

#include <future>
#include <vector>

#include "compiler/machine_code.h"
#include "compiler/schedule.h"

namespace nestjit::compiler {

/// Replaces the kernels of the packings by their lowered forms.
void lower_packings(std::vector<Packing>& packings);

/// Lowers and compiles packing kernels on a thread of its own, while the calling thread is busy
/// with the main kernel, which takes longer. A kernel's code is the same alone and in company.
class PackingAside {
 public:
  /// Both stay where they are until append_to() returns or this is destroyed, which waits.
  PackingAside(std::vector<Packing>& packings, const Target& target);

  /// Waits; puts the code after the main kernel's. Throws what lowering and compiling throw.
  void append_to(MachineCode& main);

 private:
  std::future<MachineCode> code_;
};

}  // namespace nestjit::compiler
