#include "compiler/codegen/addresses.h"

#include <algorithm>
#include <tuple>

#include "base/checked.h"
#include "base/error.h"
#include "compiler/codegen/expressions.h"
#include "compiler/codegen/invariants.h"
#include "ir/visit.h"

namespace nestjit::compiler::codegen {
namespace {

int64_t in_bytes(int64_t elements, int64_t element_bytes) {
  const auto bytes = base::checked_mul(elements, element_bytes);
  if (!bytes) base::internal("codegen: a stride of {} elements leaves 64 bits", elements);
  return *bytes;
}

// The factor of a variable in an atom that is the variable (1) or its product with what does not
// use it; absent otherwise.
ir::Expr factor_of(const ir::Expr& atom, ir::VarId var) {
  const auto is_var = [var](const ir::Expr& e) {
    const auto* v = e.as<ir::Var>();
    return v != nullptr && v->id == var;
  };
  if (is_var(atom)) return 1;
  const auto* product = atom.as<ir::Binary>();
  if (product == nullptr || product->op != ir::BinaryOp::mul) return {};
  if (is_var(product->a) && !ir::uses(product->b, var)) return product->b;
  if (is_var(product->b) && !ir::uses(product->a, var)) return product->a;
  return {};
}

llvm::Align common_align(llvm::Align align, int64_t bytes) {
  return bytes == 0 ? align : llvm::commonAlignment(align, static_cast<uint64_t>(bytes));
}

}  // namespace

struct Addresses::Part {
  struct Term {
    int64_t number;  // of the atom
    ir::Expr atom;
    ir::Expr factor;  // of the loop's variable, where the part is bumped
    int64_t bytes;
  };
  size_t level;
  bool bumped;
  std::vector<Term> terms;
};

void Addresses::set_base(const ir::Buffer& buffer, llvm::Value* pointer, llvm::Align align) {
  bases_.insert_or_assign(&buffer, Base{pointer, align, bases_.size()});
}

const Addresses::Base& Addresses::entry(const ir::Buffer& buffer) const {
  const auto found = bases_.find(&buffer);
  if (found == bases_.end())
    base::internal("codegen: kernel {} uses buffer {} that is neither a parameter nor allocated",
                   env_.kernel.name, buffer.name);
  return found->second;
}

llvm::Value* Addresses::base(const ir::Buffer& buffer) const { return entry(buffer).pointer; }

ir::Linear Addresses::linear(const ir::Expr& index) const {
  const ir::Linear form = ir::Linear::of(index);
  ir::Linear out(form.constant);
  for (const ir::Linear::Term& term : form.terms) {
    const auto* var = term.atom.as<ir::Var>();
    const auto let = var ? env_.linear_lets.find(var->id) : env_.linear_lets.end();
    if (let != env_.linear_lets.end()) {
      out += let->second * term.coef;
    } else {
      out.add_term(term.atom, term.coef);
    }
  }
  return out;
}

std::optional<AffineLanes> Addresses::affine(const ir::Expr& index) const {
  if (const auto* ramp = index.as<ir::Ramp>()) return AffineLanes{linear(ramp->base), ramp->stride};
  if (const auto* splat = index.as<ir::Broadcast>()) return AffineLanes{linear(splat->a), 0};
  const auto* binary = index.as<ir::Binary>();
  if (binary == nullptr) return std::nullopt;
  const auto a = affine(binary->a), b = affine(binary->b);
  if (!a || !b) return std::nullopt;
  switch (binary->op) {
    case ir::BinaryOp::add: return AffineLanes{a->base + b->base, a->stride + b->stride};
    case ir::BinaryOp::sub: return AffineLanes{a->base - b->base, a->stride - b->stride};
    case ir::BinaryOp::mul:
      if (b->stride != 0 || !b->base.is_constant()) return std::nullopt;
      return AffineLanes{a->base * b->base.constant, a->stride * b->base.constant};
    default: return std::nullopt;
  }
}

Address Addresses::at(const ir::Buffer& buffer, const ir::Linear& index) {
  const Base& base = entry(buffer);
  const int64_t element = ir::byte_size(buffer.scalar);
  const std::vector<Part> parts = parts_of(index, element);
  llvm::Value* pointer = base.pointer;
  llvm::Align align = base.align;
  MemoKey key{static_cast<int64_t>(base.number)};
  for (const Part& part : parts) {
    for (const Part::Term& term : part.terms) align = common_align(align, term.bytes);
    if (part.level == Invariants::in_place) {
      pointer = env_.ir.CreatePtrAdd(pointer, offset_of(part));
      continue;
    }
    for (const Part::Term& term : part.terms) key.insert(key.end(), {term.bytes, term.number});
    llvm::Value*& known = env_.scopes[part.level].memo[key];
    if (known == nullptr) known = advance(pointer, part);
    pointer = known;
  }
  const int64_t rest = in_bytes(index.constant, element);
  pointer = env_.ir.CreatePtrAdd(pointer, env_.ir.getInt64(static_cast<uint64_t>(rest)));
  align = common_align(align, rest);
  return {pointer, std::max(align, llvm::Align(static_cast<uint64_t>(element)))};
}

std::vector<Addresses::Part> Addresses::parts_of(const ir::Linear& index, int64_t element_bytes) {
  std::vector<Part> parts;
  for (const ir::Linear::Term& term : index.terms) {
    const size_t level = env_.invariants->level_of(term.atom);
    Part::Term entry{
        env_.invariants->number_of(term.atom), term.atom, {}, in_bytes(term.coef, element_bytes)};
    if (level != Invariants::in_place && env_.scopes[level].bumping)
      entry.factor = factor_of(term.atom, env_.scopes[level].bumping->var);
    const bool bumped{entry.factor};
    const auto same = std::find_if(parts.begin(), parts.end(), [&](const Part& p) {
      return p.level == level && p.bumped == bumped;
    });
    Part& part = same != parts.end() ? *same : parts.emplace_back(Part{level, bumped, {}});
    part.terms.push_back(std::move(entry));
  }
  // Outermost first, the bumped part of a loop before what is computed in it; one order of terms.
  std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
    return std::tuple(a.level, !a.bumped) < std::tuple(b.level, !b.bumped);
  });
  for (Part& part : parts)
    std::sort(part.terms.begin(), part.terms.end(),
              [](const Part::Term& a, const Part::Term& b) { return a.number < b.number; });
  return parts;
}

llvm::Value* Addresses::advance(llvm::Value* pointer, const Part& part) {
  const llvm::IRBuilderBase::InsertPointGuard restore(env_.ir);
  Scope& scope = env_.scopes[part.level];
  if (part.bumped) return bump(pointer, part, scope);
  env_.ir.SetInsertPoint(scope.setup_end);
  return env_.ir.CreatePtrAdd(pointer, offset_of(part));
}

llvm::Value* Addresses::bump(llvm::Value* pointer, const Part& part, Scope& scope) {
  Scope::Bumping& loop = *scope.bumping;
  env_.ir.SetInsertPoint(loop.preheader->getTerminator());
  llvm::Value* step = env_.ir.getInt64(0);
  for (const Part::Term& term : part.terms) {
    llvm::Value* factor = env_.expressions->value(term.factor);
    step = env_.ir.CreateAdd(
        step, env_.ir.CreateMul(factor, env_.ir.getInt64(static_cast<uint64_t>(term.bytes))));
  }
  llvm::Value* start = env_.ir.CreatePtrAdd(pointer, env_.ir.CreateMul(step, loop.first));
  env_.ir.SetInsertPoint(loop.header, loop.header->begin());
  llvm::PHINode* phi = env_.ir.CreatePHI(env_.ir.getPtrTy(), 2, "moving");
  phi->addIncoming(start, loop.preheader);
  loop.pointers.push_back({phi, step});
  return phi;
}

llvm::Value* Addresses::offset_of(const Part& part) {
  llvm::Value* offset = env_.ir.getInt64(0);
  for (const Part::Term& term : part.terms) {
    llvm::Value* value =
        env_.invariants->value(term.atom, [&] { return env_.expressions->value(term.atom); });
    offset = env_.ir.CreateAdd(
        offset, env_.ir.CreateMul(value, env_.ir.getInt64(static_cast<uint64_t>(term.bytes))));
  }
  return offset;
}

}  // namespace nestjit::compiler::codegen
