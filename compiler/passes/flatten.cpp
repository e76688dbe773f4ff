#include "compiler/passes/flatten.h"

#include <unordered_map>

#include "compiler/passes/access.h"
#include "ir/simplify.h"
#include "ir/visit.h"

namespace nestjit::compiler {

using namespace ir;

namespace {

Expr times(const Expr& a, const Expr& b) { return is_constant(b, 1) ? a : a * b; }

/// The sum of index * stride, scalars gathered first so that ramps stay ramps.
Expr offset_of(const std::vector<Expr>& indices, const Buffer& buffer, int lanes) {
  const std::vector<Expr> strides = buffer.memory_strides();
  Expr scalar = buffer.origin(), vector;
  int64_t ramp_stride = 0;
  for (size_t d = 0; d < indices.size(); ++d) {
    const auto* ramp = indices[d].as<Ramp>();
    const auto stride = constant_of(strides[d]);
    if (!indices[d].type().is_vector()) {
      scalar = scalar + times(indices[d], strides[d]);
    } else if (ramp && stride) {
      scalar = scalar + ramp->base * *stride;
      ramp_stride += ramp->stride * *stride;
    } else {
      const Expr term = times(
          indices[d], is_constant(strides[d], 1) ? strides[d] : Broadcast::make(strides[d], lanes));
      vector = vector ? vector + term : term;
    }
  }
  if (lanes == 1) return scalar;
  const Expr rest =
      ramp_stride == 0 ? Broadcast::make(scalar, lanes) : Ramp::make(scalar, ramp_stride, lanes);
  return vector ? vector + rest : rest;
}

class Flattener final : public Rewriter {
 public:
  Flattener(Bounds bounds, bool allocated) : bounds_(std::move(bounds)), allocated_(allocated) {}

  bool stays(const Buffer& buffer) const {
    const bool is_flat = buffer.rank() == 1 && buffer.strides.empty();
    return is_flat || (!allocated_ && !is_parameter(buffer.role));
  }

  BufferRef flat(const BufferRef& buffer) {
    if (stays(*buffer)) return buffer;
    BufferRef& out = flat_[buffer.get()];
    if (!out) {
      out =
          Buffer::make(buffer->name, buffer->scalar, {simplify(buffer->memory_elements(), bounds_)},
                       buffer->role, buffer->alignment);
    }
    return out;
  }

  Expr rewrite(const Expr& e) override {
    const Expr out = rewrite_children(e);
    const auto* load = out.as<Load>();
    if (!load || stays(*load->buffer)) return out;
    return Load::make(flat(load->buffer), place(load->indices, *load->buffer, load->type.lanes),
                      load->mask);
  }

  Stmt rewrite(const Stmt& s) override {
    if (const auto* allocate = s.as<Allocate>()) {
      const Stmt body = rewrite(allocate->body);
      const BufferRef buffer = flat(allocate->buffer);
      return body.same_as(allocate->body) && buffer == allocate->buffer
                 ? s
                 : Allocate::make(buffer, body);
    }
    const Stmt out = rewrite_children(s);
    if (const auto* prefetch = out.as<Prefetch>())
      return Prefetch::make(flat(prefetch->buffer), prefetch->element);
    const auto* store = out.as<Store>();
    if (!store || stays(*store->buffer)) return out;
    return Store::make(flat(store->buffer),
                       place(store->indices, *store->buffer, store->value.type().lanes),
                       store->value, store->mask);
  }

 private:
  std::vector<Expr> place(const std::vector<Expr>& indices, const Buffer& buffer, int lanes) const {
    return {simplify(offset_of(indices, buffer, lanes), bounds_)};
  }

  Bounds bounds_;
  bool allocated_;  // tiles and scratch too
  std::unordered_map<const Buffer*, BufferRef> flat_;
};

Kernel flattened(const Kernel& kernel, bool allocated) {
  Flattener flattener(bounds_everywhere(kernel), allocated);
  Kernel out = kernel;
  for (BufferRef& param : out.params) param = flattener.flat(param);
  out.body = flattener.rewrite(kernel.body);
  return out;
}

}  // namespace

Kernel flatten_parameters(const Kernel& kernel) { return flattened(kernel, false); }
Kernel flatten(const Kernel& kernel) { return flattened(kernel, true); }

}  // namespace nestjit::compiler
