#include "compiler/packing_aside.h"

#include <system_error>

#include "compiler/lower.h"

namespace nestjit::compiler {

void lower_packings(std::vector<Packing>& packings) {
  for (Packing& packing : packings) packing.kernel = lower(packing.kernel);
}

CompiledImage compile_packings(const std::vector<Packing>& packings, const Target& target,
                               const CodegenOptions& options) {
  std::vector<ir::Kernel> kernels;
  for (const Packing& packing : packings) kernels.push_back(packing.kernel);
  return compile_to_image(kernels, target, options);
}

PackingAside::PackingAside(std::vector<Packing>& packings, const Target& target) {
  const auto work = [&packings, &target] {
    lower_packings(packings);
    return compile_packings(packings, target);
  };
  try {
    image_ = std::async(std::launch::async, work);
  } catch (const std::system_error&) {  // no thread to be had: done when it is asked for
    image_ = std::async(std::launch::deferred, work);
  }
}

}  // namespace nestjit::compiler
