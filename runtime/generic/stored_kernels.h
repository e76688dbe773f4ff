// The generic kernels that were compiled when the library was built.
#pragma once

#include <cstddef>
#include <span>

#include "compiler/target.h"

namespace nestjit::runtime {

/// One kernel as an entry of runtime/disk/entry.h: kernels of the disk and of the library have one
/// form.
struct StoredGenericKernel {
  compiler::Level level;
  size_t form;  // of ops::generic_forms
  std::span<const unsigned char> entry;
};

/// A kernel for every level and form. Written by make_kernels.cpp.
std::span<const StoredGenericKernel> stored_generic_kernels();

}  // namespace nestjit::runtime
