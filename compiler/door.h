// The C entry point of the code generator library, seen from both sides of the door.
//
// The library exports one symbol, a DoorFunction. Requests and results are C++ objects, which is
// sound because both sides are built together; build_id refuses any other pairing before the first
// object crosses. No exception crosses: a failure is returned as kind and text. The library is
// never unloaded, so objects made inside may live as long as they like. Inside, no variable is
// created: the counter of variable ids exists once on each side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/hash.h"
#include "compiler/machine_code.h"
#include "nestjit/error.h"

namespace nestjit::compiler {

struct DoorRequest {
  const ir::Kernel* kernels;
  size_t kernel_count;
  const Target* target;
  const CodegenOptions* options;
};

struct DoorResult {
  CompiledImage code;  // when ok
  bool ok = false;
  ErrorKind kind = ErrorKind::internal;
  std::string error;  // when not ok
};

struct DoorTable {
  uint32_t abi_version;
  const char* build_id;
  const char* llvm_version;
  void (*compile)(const DoorRequest* request, DoorResult* result) noexcept;
};

/// Null where there is no memory for it.
using DoorFunction = const DoorTable* (*)() noexcept;
inline constexpr const char* door_symbol = "nestjit_codegen_door";

/// Part of build_id(): a number that changes when a node kind or the size of a structure that
/// crosses the door does.
constexpr uint64_t door_layout() {
  uint64_t hash = base::hash_text("layout");
  const auto add = [&hash](std::string_view name, size_t size) {
    hash = base::hash_text(name, hash) ^ size;
  };
#define NESTJIT_ADD(K) add(#K, sizeof(ir::K));
  NESTJIT_EXPR_KINDS(NESTJIT_ADD)
  NESTJIT_STMT_KINDS(NESTJIT_ADD)
#undef NESTJIT_ADD
  add("Buffer", sizeof(ir::Buffer));
  add("Kernel", sizeof(ir::Kernel));
  add("Target", sizeof(Target));
  add("Frame", sizeof(Frame));
  add("CompiledImage", sizeof(CompiledImage));
  add("DoorResult", sizeof(DoorResult));
  return hash;
}

}  // namespace nestjit::compiler
