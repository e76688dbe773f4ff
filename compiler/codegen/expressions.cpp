#include "compiler/codegen/expressions.h"

#include "base/error.h"
#include "compiler/codegen/invariants.h"
#include "compiler/codegen/memory.h"
#include "compiler/codegen/tiles.h"
#include "compiler/codegen/types.h"

namespace nestjit::compiler::codegen {
namespace {

void require_arithmetic(ir::Type type, std::string_view what) {
  if (type.is_float() && ir::byte_size(type.scalar) < 4)
    base::unsupported("codegen: {} of {} is not generated; convert to f32 first", what,
                      ir::to_string(type));
}

bool is_ordering(ir::CompareOp op) { return op >= ir::CompareOp::lt; }

// The common mask of a tail, base + stride*lane < bound or another ordering, as a comparison of
// constant lanes with one distance: 32-bit lanes instead of 64-bit ones. A distance beyond the
// lanes on either side is cut off there, which changes no lane. Null when the node has another
// shape.
llvm::Value* emit_lane_bound(Environment& env, const ir::Compare& node) {
  const auto* ramp = node.a.as<ir::Ramp>();
  const auto* bound = node.b.as<ir::Broadcast>();
  constexpr int64_t widest_stride = 1 << 16;
  if (!is_ordering(node.op) || ramp == nullptr || bound == nullptr || ramp->stride <= 0 ||
      ramp->stride > widest_stride)
    return nullptr;
  const auto lanes = static_cast<unsigned>(ramp->type.lanes);
  llvm::Value* first = env.expressions->value(ramp->base);
  llvm::Value* distance = env.ir.CreateSub(env.expressions->value(bound->a), first);
  const auto limit = static_cast<uint64_t>(ramp->stride) * lanes;
  distance = env.ir.CreateBinaryIntrinsic(llvm::Intrinsic::smax, distance, env.ir.getInt64(-1ULL));
  distance = env.ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, distance, env.ir.getInt64(limit));
  std::vector<uint32_t> offsets;
  for (unsigned lane = 0; lane < lanes; ++lane)
    offsets.push_back(static_cast<uint32_t>(ramp->stride) * lane);
  llvm::Value* narrow = env.ir.CreateTrunc(distance, env.ir.getInt32Ty());
  return emit_compare(env.ir, node, llvm::ConstantDataVector::get(env.ir.getContext(), offsets),
                      env.ir.CreateVectorSplat(lanes, narrow));
}

}  // namespace

llvm::Value* Expressions::value(const ir::Expr& e) {
  const bool is_mask = e.type().is_bool() && e.type().is_vector();
  if (!is_mask || e.kind() == ir::ExprKind::Var) return visit(e);
  return env_.invariants->value(e, [&] { return visit(e); });
}

llvm::Value* Expressions::on(const ir::IntImm& node) {
  return env_.ir.getInt64(static_cast<uint64_t>(node.value));
}

llvm::Value* Expressions::on(const ir::FloatImm& node) {
  return float_constant(env_.ir.getContext(), node.value, node.type.scalar);
}

llvm::Value* Expressions::on(const ir::BoolImm& node) { return env_.ir.getInt1(node.value); }

llvm::Value* Expressions::on(const ir::Symbol& node) {
  const auto found = env_.symbols.find(node.name);
  if (found == env_.symbols.end())
    base::internal("codegen: kernel {} uses symbol {} that it does not declare", env_.kernel.name,
                   node.name);
  return found->second;
}

llvm::Value* Expressions::on(const ir::Var& node) {
  const auto found = env_.vars.find(node.id);
  if (found == env_.vars.end())
    base::internal("codegen: kernel {} uses variable {} outside its scope", env_.kernel.name,
                   node.name);
  return found->second.value;
}

llvm::Value* Expressions::on(const ir::Binary& node) {
  require_arithmetic(node.type, name_of(node.op));
  llvm::Value* a = value(node.a);
  return emit_binary(env_.ir, node, a, value(node.b));
}

llvm::Value* Expressions::on(const ir::Compare& node) {
  require_arithmetic(node.a.type(), name_of(node.op));
  if (llvm::Value* mask = emit_lane_bound(env_, node)) return mask;
  llvm::Value* a = value(node.a);
  return emit_compare(env_.ir, node, a, value(node.b));
}

llvm::Value* Expressions::on(const ir::Not& node) { return env_.ir.CreateNot(value(node.a)); }

llvm::Value* Expressions::on(const ir::Select& node) {
  llvm::Value* cond = value(node.cond);
  llvm::Value* a = value(node.a);
  return env_.ir.CreateSelect(cond, a, value(node.b));
}

llvm::Value* Expressions::on(const ir::Cast& node) {
  return emit_cast(env_.ir, env_.target, node.a.type(), node.type, value(node.a));
}

llvm::Value* Expressions::on(const ir::Load& node) {
  return node.buffer->role == ir::BufferRole::tile ? env_.tiles->load(node)
                                                   : env_.memory->load(node);
}

llvm::Value* Expressions::on(const ir::Broadcast& node) {
  return env_.ir.CreateVectorSplat(static_cast<unsigned>(node.type.lanes), value(node.a));
}

llvm::Value* Expressions::on(const ir::Ramp& node) {
  llvm::Value* base =
      env_.ir.CreateVectorSplat(static_cast<unsigned>(node.type.lanes), value(node.base));
  return env_.ir.CreateNSWAdd(base, steps(env_.ir.getContext(), node.stride, node.type.lanes));
}

llvm::Value* Expressions::on(const ir::Fma& node) {
  require_arithmetic(node.type, "fma");
  llvm::Value* a = value(node.a);
  llvm::Value* b = value(node.b);
  llvm::Value* c = value(node.c);
  if (!env_.kernel.fused) return env_.ir.CreateFAdd(env_.ir.CreateFMul(a, b), c);
  // Without the instruction, LLVM would call the C library once a lane.
  if (!env_.target.has_fma)
    base::internal("codegen: kernel {} is fused, but {} has no fma instruction", env_.kernel.name,
                   env_.target.name());
  return env_.ir.CreateFMA(a, b, c);
}

llvm::Value* Expressions::on(const ir::Pair& node) {
  if (llvm::Value* both = env_.memory->load_pair(node)) return both;
  llvm::Value* first = value(node.a);
  return emit_pair(env_.ir, first, value(node.b));
}

llvm::Value* Expressions::on(const ir::Dot& node) {
  if (!env_.target.has_bf16_dot)
    base::internal("codegen: kernel {} has a dot product, and {} no instruction for it",
                   env_.kernel.name, env_.target.name());
  llvm::Value* a = value(node.a);
  llvm::Value* b = value(node.b);
  return emit_dot(env_.ir, a, b, value(node.c));
}

llvm::Value* Expressions::on(const ir::Call& node) {
  require_arithmetic(node.type, name_of(node.fn));
  return emit_call(env_.ir, env_.target, node, value(node.a));
}

}  // namespace nestjit::compiler::codegen
