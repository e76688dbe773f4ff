// The leaf that `accumulate` takes apart, and the rewriting of what it reads.
#pragma once

#include <string>
#include <vector>

#include "compiler/schedule_state.h"
#include "ir/bounds.h"
#include "ir/visit.h"

namespace nestjit::compiler {

/// One element of an output: initialised, then updated in a nest of reductions, then stored where
/// it was added up in an accumulator of its own.
struct Leaf {
  ir::Expr guard;  // absent where there is none
  ir::Expr fresh;  // where the output's first store runs; absent: everywhere
  const ir::Store* init = nullptr;
  ir::Stmt reduction;                 // a loop
  const ir::Store* finish = nullptr;  // null where the output itself is the accumulator
  ir::Expr finish_guard;              // of that store alone; absent where there is none
  const ir::Store* first = nullptr;   // of the output, before its accumulator is made

  /// Around the stores of finished elements.
  ir::Expr stored_where() const { return ir::both(guard, finish_guard); }
  const ir::Loop& outermost() const { return *reduction.as<ir::Loop>(); }
  const ir::BufferRef& accumulator() const { return init->buffer; }
};

/// Reads the leaf at the loop `handle`, whose body is given and outlives the leaf. Without `init`
/// where there is no reduction; refuses other shapes, and masks on the stores.
Leaf leaf_of(const ScheduleState& state, const std::string& handle, const ir::Stmt& body);

/// The store of the finished element, with a value for its sum. `fresh` says that what the output
/// held before is the value of the leaf's first store.
ir::Stmt finished_leaf(const ScheduleState& state, const std::string& handle, const Leaf& leaf,
                       const ir::Expr& sum, bool fresh);

/// Whether two accesses to one buffer have equal indices.
bool same_place(const std::vector<ir::Expr>& a, const std::vector<ir::Expr>& b);

/// Reads whose indices the bounds do not prove to lie inside their buffer, clamped to it.
class ClampedReads : public ir::Rewriter {
 public:
  /// Without bounds, reads stay as they are.
  ClampedReads(const ScheduleState& state, const std::string& handle, const ir::Bounds* bounds)
      : state_(state),
        handle_(handle),
        bounds_(bounds) {}
  using Rewriter::rewrite;

  ir::Expr rewrite(const ir::Expr& e) override {
    const auto* load = e.as<ir::Load>();
    return load && bounds_ ? clamped(*load) : rewrite_children(e);
  }

 protected:
  const ScheduleState& state_;
  const std::string& handle_;

 private:
  ir::Expr clamped(const ir::Load& load);

  const ir::Bounds* bounds_;
};

/// The same, with reads of the sum replaced by a value. Refuses reads of the sum under a mask, and
/// of its buffer at another element.
class SumReads final : public ClampedReads {
 public:
  SumReads(const ScheduleState& state, const std::string& handle, const ir::Store& init,
           ir::Expr value, const ir::Bounds* bounds)
      : ClampedReads(state, handle, bounds),
        init_(init),
        value_(std::move(value)) {}
  using Rewriter::rewrite;

  ir::Expr rewrite(const ir::Expr& e) override;

 private:
  const ir::Store& init_;
  ir::Expr value_;
};

/// Statements in which reads of the sum and stores to it become those of an element of a tile.
/// Refuses accesses under a mask and at another element.
class SumAccesses final : public ir::Rewriter {
 public:
  SumAccesses(const ScheduleState& state, const std::string& handle, const ir::Store& init,
              ir::BufferRef tile, std::vector<ir::Expr> place)
      : init_(init),
        tile_(std::move(tile)),
        place_(std::move(place)),
        state_(state),
        handle_(handle),
        reads_(state, handle, init, ir::Load::make(tile_, place_), nullptr) {}

  ir::Expr rewrite(const ir::Expr& e) override { return reads_.rewrite(e); }
  ir::Stmt rewrite(const ir::Stmt& s) override;

 private:
  const ir::Store& init_;
  ir::BufferRef tile_;
  std::vector<ir::Expr> place_;
  const ScheduleState& state_;
  const std::string& handle_;
  SumReads reads_;
};

}  // namespace nestjit::compiler
