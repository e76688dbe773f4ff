#include "compiler/passes/unroll.h"

#include "base/error.h"
#include "ir/print.h"
#include "ir/visit.h"

namespace nestjit::compiler {

using namespace ir;

namespace {

class Unroller final : public Rewriter {
 public:
  Expr rewrite(const Expr& e) override { return e; }
  Stmt rewrite(const Stmt& s) override {
    const Stmt inner = rewrite_children(s);  // bodies first: each is expanded once, then copied
    const auto* loop = inner.as<Loop>();
    return loop && loop->mapping == Mapping::unrolled ? expand(*loop) : inner;
  }

 private:
  static Stmt expand(const Loop& loop) {
    const auto extent = constant_of(loop.extent);
    if (!extent)
      base::internal("unroll: loop '{}' has the extent {}, it must be a constant", loop.name(),
                     to_string(loop.extent));
    std::vector<Stmt> copies;
    for (int64_t i = 0; i < *extent; ++i) {
      const Stmt body = substitute(loop.body, {{loop.id(), loop.min + i}});
      copies.push_back(i == 0 ? body : clone_fresh(body));
    }
    return Block::make(std::move(copies));
  }
};

}  // namespace

Kernel unroll(const Kernel& kernel) {
  const Stmt body = Unroller().rewrite(kernel.body);
  return kernel.with_body(body);
}

}  // namespace nestjit::compiler
