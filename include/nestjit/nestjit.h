// Everything of the public interface.
//
//   #include <nestjit/nestjit.h>
//
// array.h         arrays: shape, strides, memory of their own or somebody else's
// conv.h          the transposed convolution, called directly or bound to its weights
// convolutions.h  the other members of the convolution family
// dlpack.h        arrays to and from DLPack tensors
// dtype.h         element types
// epilogue.h      convolutions with bias, activation and residual fused in
// error.h         the one exception type and its four kinds
// gradients.h     their gradients
// numerics.h      how sums of products are made, where a caller has a choice
// policy.h        whether calls wait for their kernels
// statistics.h    where kernels came from
// stream.h        devices and streams, the `stream` argument of every operation
// version.h       version numbers
#pragma once

#include "nestjit/array.h"
#include "nestjit/conv.h"
#include "nestjit/convolutions.h"
#include "nestjit/dlpack.h"
#include "nestjit/dtype.h"
#include "nestjit/epilogue.h"
#include "nestjit/error.h"
#include "nestjit/gradients.h"
#include "nestjit/numerics.h"
#include "nestjit/policy.h"
#include "nestjit/statistics.h"
#include "nestjit/stream.h"
#include "nestjit/version.h"
