// The packing kernels of a request, compiled on a second thread.
#pragma once

#include <future>
#include <vector>

#include "compiler/machine_code.h"
#include "compiler/schedule.h"

namespace nestjit::compiler {

/// Replaces the kernels of the packings by their lowered forms.
void lower_packings(std::vector<Packing>& packings);

/// Compiles lowered packing kernels: always into an image of their own, so that the bytes do not
/// depend on who compiled them when.
CompiledImage compile_packings(const std::vector<Packing>& packings, const Target& target,
                               const CodegenOptions& options = {});

/// Lowers and compiles packing kernels on a thread of its own, while the calling thread is busy
/// with the main kernel, which takes longer.
class PackingAside {
 public:
  /// Both stay where they are until image() returns or this is destroyed, which waits.
  PackingAside(std::vector<Packing>& packings, const Target& target);

  /// Waits. Throws what lowering and compiling throw. To be called once.
  CompiledImage image() { return image_.get(); }

 private:
  std::future<CompiledImage> image_;
};

}  // namespace nestjit::compiler
