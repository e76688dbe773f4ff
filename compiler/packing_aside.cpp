#include "compiler/packing_aside.h"

#include <system_error>
#include <utility>

#include "compiler/lower.h"

namespace nestjit::compiler {
namespace {

MachineCode compile_packings(std::vector<Packing>& packings, const Target& target) {
  lower_packings(packings);
  std::vector<ir::Kernel> kernels;
  for (const Packing& packing : packings) kernels.push_back(packing.kernel);
  return compile_to_machine_code(kernels, target);
}

}  // namespace

void lower_packings(std::vector<Packing>& packings) {
  for (Packing& packing : packings) packing.kernel = lower(packing.kernel);
}

PackingAside::PackingAside(std::vector<Packing>& packings, const Target& target) {
  const auto work = [&packings, &target] { return compile_packings(packings, target); };
  try {
    code_ = std::async(std::launch::async, work);
  } catch (const std::system_error&) {  // no thread to be had: done when it is asked for
    code_ = std::async(std::launch::deferred, work);
  }
}

void PackingAside::append_to(MachineCode& main) {
  MachineCode packing = code_.get();
  main.entries.insert(main.entries.end(), packing.entries.begin(), packing.entries.end());
  main.code_bytes += packing.code_bytes;
  using Owners = std::pair<std::shared_ptr<const void>, std::shared_ptr<const void>>;
  main.owner = std::make_shared<const Owners>(std::move(main.owner), std::move(packing.owner));
}

}  // namespace nestjit::compiler
