// Arrays to and from DLPack, the structure in which libraries hand tensors to one another.
//
// Memory is shared in both directions, never copied; strides, zero and negative ones included,
// survive. Whoever uses a DLManagedTensor includes <dlpack/dlpack.h>, whatever its version from 0.3
// on; nestjit does not install it. Bool is type code 6 with 8 bits, as DLPack has it since 0.8.
#pragma once

#include "nestjit/array.h"

struct DLManagedTensor;

namespace nestjit {

/// The array as a tensor on the CPU. The memory stays alive until the caller, or whoever it hands
/// the tensor to, calls the tensor's deleter, from any thread. Waits for operations on streams that
/// still write the elements; the tensor's user knows nothing of those that are called later.
///
/// Throws invalid_argument for a read-only array, which the structure cannot express, and what
/// array::wait() throws. Thread-safe.
DLManagedTensor* to_dlpack(const array& a);

/// An array on the tensor's memory, of its shape, strides (row-contiguous where it has none) and
/// element type. Takes the tensor over: its deleter, if it has one, is called once, when the last
/// array and the last operation that use the memory let go of it, in whichever thread that is, a
/// stream's own included. When this throws, the tensor still belongs to the caller.
///
/// Throws Error:
///   invalid_argument  null tensor; ndim below 0; no shape; a negative extent; no data where there
///                     are elements; data that is not aligned to its element type; sizes or offsets
///                     that do not fit 64 bits
///   unsupported       memory of another device than the CPU, an element type that Dtype does not
///                     have, elements of several lanes
/// Thread-safe for different tensors.
array from_dlpack(DLManagedTensor* tensor);

}  // namespace nestjit
