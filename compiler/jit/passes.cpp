#include "compiler/jit/passes.h"

#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/CodeGen/MachineModuleInfo.h>
#include <llvm/CodeGen/Passes.h>
#include <llvm/CodeGen/TargetPassConfig.h>
#include <llvm/Transforms/Scalar.h>

#include "base/error.h"

namespace nestjit::compiler::jit {
namespace {

/// What the target inserts by itself has no public name.
struct TargetHooks : llvm::TargetPassConfig {
  using llvm::TargetPassConfig::addPreEmitPass;
  using llvm::TargetPassConfig::addPreRegAlloc;
  using llvm::TargetPassConfig::addPreSched2;
};

class FinalFormPasses {
 public:
  FinalFormPasses(llvm::legacy::PassManager& passes, llvm::TargetMachine& machine)
      : passes_(passes),
        machine_(machine),
        config_(*machine.createPassConfig(passes)) {
    passes_.add(&config_);
    passes_.add(llvm::createTargetTransformInfoWrapperPass(machine.getTargetIRAnalysis()));
  }

  void add_all(llvm::raw_pwrite_stream& out, llvm::CodeGenFileType type) {
    auto* machine_module = new llvm::MachineModuleInfoWrapperPass(&machine_);
    passes_.add(machine_module);
    select_instructions();
    improve_ssa_form();
    allocate_registers();
    finish_functions();
    config_.setInitialized();
    if (machine_.addAsmPrinter(passes_, out, nullptr, type, machine_module->getMMI().getContext()))
      base::internal("jit: LLVM cannot emit a file of this kind");
    passes_.add(llvm::createFreeMachineFunctionPass());
  }

 private:
  void select_instructions() {
    // Masked accesses that the target has no instruction for become branches.
    passes_.add(llvm::createScalarizeMaskedMemIntrinLegacyPass());
    if (config_.addInstSelector()) base::internal("jit: LLVM has no instruction selector");
    add({&llvm::FinalizeISelID});
  }

  /// Blocks are selected one by one: what they share and what is invariant is found here.
  void improve_ssa_form() {
    add({&llvm::DeadMachineInstructionElimID, &llvm::EarlyMachineLICMID, &llvm::MachineCSELegacyID,
         &llvm::MachineSinkingLegacyID, &llvm::PeepholeOptimizerLegacyID,
         &llvm::DeadMachineInstructionElimID});
    (config_.*&TargetHooks::addPreRegAlloc)();  // copies of flags become instructions
  }

  void allocate_registers() {
    add({&llvm::DetectDeadLanesID, &llvm::InitUndefID, &llvm::ProcessImplicitDefsID,
         &llvm::UnreachableMachineBlockElimID, &llvm::LiveVariablesID, &llvm::PHIEliminationID,
         &llvm::TwoAddressInstructionPassID, &llvm::RegisterCoalescerID,
         &llvm::RenameIndependentSubregsID, &llvm::MachineSchedulerID, &llvm::RAGreedyLegacyID,
         &llvm::VirtRegRewriterID, &llvm::StackSlotColoringID, &llvm::MachineCopyPropagationID,
         &llvm::MachineLICMID});
  }

  void finish_functions() {
    add({&llvm::PrologEpilogCodeInserterID, &llvm::BranchFolderPassID,
         &llvm::ExpandPostRAPseudosID});
    (config_.*&TargetHooks::addPreSched2)();  // the target's own pseudo instructions
    add({&llvm::MachineBlockPlacementID});
    (config_.*&TargetHooks::addPreEmitPass)();  // vzeroupper, and the shortest encodings
  }

  void add(std::initializer_list<llvm::AnalysisID> ids) {
    for (const llvm::AnalysisID id : ids) passes_.add(llvm::Pass::createPass(id));
  }

  llvm::legacy::PassManager& passes_;
  llvm::TargetMachine& machine_;
  llvm::TargetPassConfig& config_;
};

}  // namespace

void add_passes(llvm::legacy::PassManager& passes, llvm::TargetMachine& machine, PassList list,
                llvm::raw_pwrite_stream& out, llvm::CodeGenFileType type) {
  if (list == PassList::final_form) return FinalFormPasses(passes, machine).add_all(out, type);
  if (machine.addPassesToEmitFile(passes, out, nullptr, type))
    base::internal("jit: LLVM cannot emit a file of this kind");
}

}  // namespace nestjit::compiler::jit
