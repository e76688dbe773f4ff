#include "compiler/passes/expand_calls.h"

#include "ir/elementary.h"
#include "ir/visit.h"

namespace nestjit::compiler {

using namespace ir;

namespace {

class Expander final : public Rewriter {
 public:
  explicit Expander(bool fused) : fused_(fused) {}

  Expr rewrite(const Expr& e) override {
    const Expr out = rewrite_children(e);
    const auto* call = out.as<Call>();
    if (!call || !is_elementary(call->fn)) return out;
    return expand_elementary(call->fn, call->a, fused_, lets_);
  }

  Stmt rewrite(const Stmt& s) override {
    Lets outer = std::exchange(lets_, {});
    Stmt out = rewrite_children(s);
    for (auto let = lets_.rbegin(); let != lets_.rend(); ++let)
      out = Let::make(let->first, let->second, out);
    lets_ = std::move(outer);
    return out;
  }

 private:
  bool fused_;
  Lets lets_;  // of the statement that is rewritten
};

}  // namespace

Kernel expand_calls(const Kernel& kernel) {
  const Stmt body = Expander(kernel.fused).rewrite(kernel.body);
  return body.same_as(kernel.body) ? kernel : kernel.with_body(body);
}

}  // namespace nestjit::compiler
