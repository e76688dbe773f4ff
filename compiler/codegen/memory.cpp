#include "compiler/codegen/memory.h"

#include <llvm/IR/MDBuilder.h>

#include "base/error.h"
#include "compiler/codegen/addresses.h"
#include "compiler/codegen/expressions.h"
#include "compiler/codegen/types.h"
#include "ir/visit.h"

namespace nestjit::compiler::codegen {
namespace {

const ir::Expr& only_index(const std::vector<ir::Expr>& indices, const ir::Buffer& buffer) {
  if (indices.size() != 1)
    base::internal("codegen: buffer {} must be flattened to one dimension; it has {}", buffer.name,
                   indices.size());
  return indices.front();
}

llvm::Align element_align(const ir::Buffer& buffer) {
  return llvm::Align(static_cast<uint64_t>(ir::byte_size(buffer.scalar)));
}

}  // namespace

Memory::Memory(Environment& env) : env_(env) {
  std::vector<const ir::Buffer*> buffers;
  for (const ir::BufferRef& param : env.kernel.params) buffers.push_back(param.get());
  ir::walk_stmts(env.kernel.body, [&](const ir::Stmt& s) {
    const auto* made = s.as<ir::Allocate>();
    if (made && made->buffer->role == ir::BufferRole::scratch)
      buffers.push_back(made->buffer.get());
  });
  llvm::LLVMContext& context = env.ir.getContext();
  llvm::MDBuilder md(context);
  llvm::MDNode* domain = md.createAnonymousAliasScopeDomain(env.kernel.name);
  std::vector<llvm::MDNode*> scopes;
  for (const ir::Buffer* buffer : buffers)
    scopes.push_back(md.createAnonymousAliasScope(domain, buffer->name));
  for (size_t i = 0; i < buffers.size(); ++i) {
    std::vector<llvm::Metadata*> others;
    for (size_t j = 0; j < buffers.size(); ++j)
      if (j != i) others.push_back(scopes[j]);
    facts_[buffers[i]] = {llvm::MDNode::get(context, {scopes[i]}),
                          llvm::MDNode::get(context, others)};
  }
}

template <class Access>
Access* Memory::annotate(Access* access, const ir::Buffer& buffer, bool invariant) const {
  const Facts& facts = facts_.at(&buffer);
  access->setMetadata(llvm::LLVMContext::MD_alias_scope, facts.scope);
  access->setMetadata(llvm::LLVMContext::MD_noalias, facts.others);
  if (invariant && ir::is_read_only(buffer.role))
    access->setMetadata(llvm::LLVMContext::MD_invariant_load,
                        llvm::MDNode::get(access->getContext(), {}));
  return access;
}

// A masked scalar is a vector of one lane to LLVM's masked intrinsics.
llvm::Type* Memory::vector_type(ir::Type type) const {
  llvm::Type* element = type_of(env_.ir.getContext(), type.with_lanes(1));
  return llvm::FixedVectorType::get(element, static_cast<unsigned>(type.lanes));
}

llvm::Value* Memory::mask_of(const ir::Expr& mask) {
  llvm::Value* value = env_.expressions->value(mask);
  return value->getType()->isVectorTy() ? value : env_.ir.CreateVectorSplat(1, value);
}

llvm::Value* Memory::load(const ir::Load& load) {
  const ir::Expr& index = only_index(load.indices, *load.buffer);
  if (!index.type().is_vector()) return load_contiguous(load, env_.addresses->linear(index));
  const auto lanes = env_.addresses->affine(index);
  if (lanes && lanes->stride == 1) return load_contiguous(load, lanes->base);
  if (lanes && !load.mask) return load_lanes(load, lanes->base, lanes->stride);
  return load_gather(load);
}

llvm::Value* Memory::load_contiguous(const ir::Load& load, const ir::Linear& base) {
  const Address address = env_.addresses->at(*load.buffer, base);
  if (!load.mask) {
    llvm::Type* type = type_of(env_.ir.getContext(), load.type);
    return annotate(env_.ir.CreateAlignedLoad(type, address.pointer, address.align), *load.buffer,
                    true);
  }
  llvm::Type* type = vector_type(load.type);
  llvm::Value* value =
      annotate(env_.ir.CreateMaskedLoad(type, address.pointer, address.align, mask_of(load.mask),
                                        llvm::Constant::getNullValue(type)),
               *load.buffer);
  return load.type.is_vector() ? value : env_.ir.CreateExtractElement(value, uint64_t{0});
}

llvm::Value* Memory::load_pair(const ir::Pair& pair) {
  const auto *first = pair.a.as<ir::Load>(), *second = pair.b.as<ir::Load>();
  if (!first || !second || first->buffer != second->buffer || first->mask || second->mask ||
      first->buffer->role == ir::BufferRole::tile)
    return nullptr;
  const ir::Expr &at = only_index(first->indices, *first->buffer),
                 &next = only_index(second->indices, *second->buffer);
  const auto lanes_at = [&](const ir::Expr& index) -> std::optional<AffineLanes> {
    if (index.type().is_vector()) return env_.addresses->affine(index);
    return AffineLanes{env_.addresses->linear(index), 2};
  };
  const auto a = lanes_at(at), b = lanes_at(next);
  if (!a || !b || a->stride != 2 || b->stride != 2) return nullptr;
  const ir::Linear apart = b->base - a->base;
  if (!apart.is_constant() || apart.constant != 1) return nullptr;
  const Address address = env_.addresses->at(*first->buffer, a->base);
  llvm::Type* type = type_of(env_.ir.getContext(), pair.type);
  return annotate(env_.ir.CreateAlignedLoad(type, address.pointer, address.align), *first->buffer,
                  true);
}

// Without a mask, a load a lane at constant offsets beats a gather.
llvm::Value* Memory::load_lanes(const ir::Load& load, const ir::Linear& base, int64_t stride) {
  llvm::Type* element = type_of(env_.ir.getContext(), load.type.with_lanes(1));
  const auto load_one = [&](int64_t lane) {
    const Address address = env_.addresses->at(*load.buffer, base + ir::Linear(lane * stride));
    return annotate(env_.ir.CreateAlignedLoad(element, address.pointer, address.align),
                    *load.buffer, true);
  };
  if (stride == 0)
    return env_.ir.CreateVectorSplat(static_cast<unsigned>(load.type.lanes), load_one(0));
  llvm::Value* vector = llvm::PoisonValue::get(type_of(env_.ir.getContext(), load.type));
  for (int lane = 0; lane < load.type.lanes; ++lane)
    vector = env_.ir.CreateInsertElement(vector, load_one(lane), static_cast<uint64_t>(lane));
  return vector;
}

llvm::Value* Memory::load_gather(const ir::Load& load) {
  llvm::Value* pointers = lane_pointers(*load.buffer, load.indices.front());
  llvm::Type* type = type_of(env_.ir.getContext(), load.type);
  llvm::Value* mask = load.mask ? mask_of(load.mask) : nullptr;
  return annotate(env_.ir.CreateMaskedGather(type, pointers, element_align(*load.buffer), mask,
                                             llvm::Constant::getNullValue(type)),
                  *load.buffer);
}

llvm::Value* Memory::lane_pointers(const ir::Buffer& buffer, const ir::Expr& index) {
  llvm::Type* element = type_of(env_.ir.getContext(), {buffer.scalar, 1});
  if (const auto lanes = env_.addresses->affine(index)) {
    const Address first = env_.addresses->at(buffer, lanes->base);
    return env_.ir.CreateGEP(element, first.pointer,
                             steps(env_.ir.getContext(), lanes->stride, index.type().lanes));
  }
  return env_.ir.CreateGEP(element, env_.addresses->base(buffer), env_.expressions->value(index));
}

void Memory::prefetch(const ir::Buffer& buffer, const ir::Linear& element) {
  constexpr unsigned second_level = 2, data = 1;
  const unsigned writes = buffer.role == ir::BufferRole::output;
  const Address address = env_.addresses->at(buffer, element);
  env_.ir.CreateIntrinsic(llvm::Intrinsic::prefetch, {address.pointer->getType()},
                          {address.pointer, env_.ir.getInt32(writes),
                           env_.ir.getInt32(second_level), env_.ir.getInt32(data)});
}

void Memory::store(const ir::Store& store) {
  const ir::Expr& index = only_index(store.indices, *store.buffer);
  llvm::Value* value = env_.expressions->value(store.value);
  if (!index.type().is_vector())
    return store_contiguous(store, env_.addresses->linear(index), value);
  const auto lanes = env_.addresses->affine(index);
  if (lanes && lanes->stride == 1) return store_contiguous(store, lanes->base, value);
  if (lanes && !store.mask) return store_lanes(store, lanes->base, lanes->stride, value);
  store_scatter(store, value);
}

void Memory::store_contiguous(const ir::Store& store, const ir::Linear& base, llvm::Value* value) {
  const Address address = env_.addresses->at(*store.buffer, base);
  if (!store.mask) {
    annotate(env_.ir.CreateAlignedStore(value, address.pointer, address.align), *store.buffer);
    return;
  }
  if (!store.value.type().is_vector()) value = env_.ir.CreateVectorSplat(1, value);
  annotate(env_.ir.CreateMaskedStore(value, address.pointer, address.align, mask_of(store.mask)),
           *store.buffer);
}

void Memory::store_lanes(const ir::Store& store, const ir::Linear& base, int64_t stride,
                         llvm::Value* value) {
  for (int64_t lane = 0; lane < store.value.type().lanes; ++lane) {
    const Address address = env_.addresses->at(*store.buffer, base + ir::Linear(lane * stride));
    llvm::Value* element = env_.ir.CreateExtractElement(value, static_cast<uint64_t>(lane));
    annotate(env_.ir.CreateAlignedStore(element, address.pointer, address.align), *store.buffer);
  }
}

void Memory::store_scatter(const ir::Store& store, llvm::Value* value) {
  llvm::Value* pointers = lane_pointers(*store.buffer, store.indices.front());
  llvm::Value* mask = store.mask ? mask_of(store.mask) : nullptr;
  annotate(env_.ir.CreateMaskedScatter(value, pointers, element_align(*store.buffer), mask),
           *store.buffer);
}

}  // namespace nestjit::compiler::codegen
