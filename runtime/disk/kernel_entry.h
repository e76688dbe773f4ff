// Kernels to entries and back.
#pragma once

#include "compiler/pipeline.h"
#include "runtime/disk/entry.h"

namespace nestjit::runtime::disk {

/// All of an entry but key and problem.
Entry entry_of(const compiler::CompiledKernel& kernel, const compiler::Schedule& schedule,
               const compiler::Target& target);

/// The kernel of an entry, its code in executable memory. Throws a resource error when there is no
/// memory for it, and invalid argument when the number of workgroups is no expression.
compiler::CompiledKernel restore(const Entry& entry);

}  // namespace nestjit::runtime::disk
