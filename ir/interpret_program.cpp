#include "ir/interpret_program.h"

#include <algorithm>

#include "base/error.h"
#include "ir/visit.h"

namespace nestjit::ir::interpreter {
namespace {

/// Symbols, variables and buffers by what stands for them in the program.
struct Scope {
  const Kernel& kernel;
  const std::map<std::string, int64_t>& symbols;
  std::unordered_map<VarId, int32_t> cells;
  std::unordered_map<const Buffer*, int32_t> buffers;
};

class ExprCompiler final : public ExprVisitor<ExprCode> {
 public:
  ExprCompiler(Program& program, const Scope& scope) : program_(program), scope_(scope) {}

  Id add(const Expr& e) {
    if (!e) return none;
    ExprCode code = visit(e);
    code.kind = e.kind();
    code.scalar = e.type().scalar;
    code.lanes = e.type().lanes;
    program_.max_lanes = std::max(program_.max_lanes, code.lanes);
    const Id id = static_cast<Id>(program_.exprs.size());
    program_.exprs.push_back(code);
    program_.expr_sources.push_back(e);
    return id;
  }

  int32_t add_list(const std::vector<Expr>& list) {
    std::vector<Id> ids;
    for (const Expr& e : list) ids.push_back(add(e));
    const auto first = static_cast<int32_t>(program_.lists.size());
    program_.lists.insert(program_.lists.end(), ids.begin(), ids.end());
    return first;
  }

  int32_t buffer(const BufferRef& b) const {
    const auto found = scope_.buffers.find(b.get());
    if (found == scope_.buffers.end())
      base::internal(
          "interpreter: kernel '{}': buffer '{}' is neither a parameter nor allocated here",
          scope_.kernel.name, b->name);
    return found->second;
  }

 protected:
  ExprCode on(const IntImm& n) override { return integer(n.value); }
  ExprCode on(const BoolImm& n) override { return integer(n.value); }
  ExprCode on(const FloatImm& n) override {
    ExprCode code;
    code.real = n.value;
    return code;
  }
  ExprCode on(const Symbol& n) override {
    const auto found = scope_.symbols.find(n.name);
    if (found == scope_.symbols.end())
      base::internal("interpreter: kernel '{}': symbol '{}' is not declared", scope_.kernel.name,
                     n.name);
    return integer(found->second);
  }
  ExprCode on(const Var& n) override {
    const auto found = scope_.cells.find(n.id);
    if (found == scope_.cells.end())
      base::internal("interpreter: kernel '{}': variable '{}' is used outside its scope",
                     scope_.kernel.name, n.name);
    ExprCode code;
    code.cell = found->second;
    return code;
  }
  ExprCode on(const Binary& n) override { return operands(n.a, n.b, {}, n.op); }
  ExprCode on(const Compare& n) override { return operands(n.a, n.b, {}, n.op); }
  ExprCode on(const Not& n) override { return operands(n.a, {}, {}); }
  ExprCode on(const Select& n) override { return operands(n.cond, n.a, n.b); }
  ExprCode on(const Cast& n) override { return operands(n.a, {}, {}); }
  ExprCode on(const Broadcast& n) override { return operands(n.a, {}, {}); }
  ExprCode on(const Fma& n) override { return operands(n.a, n.b, n.c); }
  ExprCode on(const Pair& n) override { return operands(n.a, n.b, {}); }
  ExprCode on(const Dot& n) override { return operands(n.a, n.b, n.c); }
  ExprCode on(const Call& n) override { return operands(n.a, {}, {}, n.fn); }
  ExprCode on(const Ramp& n) override {
    ExprCode code = operands(n.base, {}, {});
    code.integer = n.stride;
    return code;
  }
  ExprCode on(const Load& n) override {
    ExprCode code;
    code.c = add(n.mask);
    code.indices = add_list(n.indices);
    code.buffer = buffer(n.buffer);
    return code;
  }

 private:
  static ExprCode integer(int64_t value) {
    ExprCode code;
    code.integer = value;
    return code;
  }

  template <class Op = int>
  ExprCode operands(const Expr& a, const Expr& b, const Expr& c, Op op = {}) {
    ExprCode code;
    code.op = static_cast<uint8_t>(op);
    code.operand = a.type().scalar;
    code.a = add(a);
    code.b = add(b);
    code.c = add(c);
    return code;
  }

  Program& program_;
  const Scope& scope_;
};

class StmtCompiler final : public StmtVisitor<StmtCode> {
 public:
  StmtCompiler(Program& program, Scope& scope)
      : program_(program),
        scope_(scope),
        exprs_(program, scope) {}

  Id add(const Stmt& s) {
    StmtCode code = visit(s);
    code.kind = s.kind();
    program_.stmts.push_back(code);
    program_.stmt_sources.push_back(s);
    return static_cast<Id>(program_.stmts.size()) - 1;
  }

  int32_t add_buffer(const BufferRef& buffer) {
    BufferCode code{buffer, {}, {}};
    for (const Expr& extent : buffer->shape) code.shape.push_back(exprs_.add(extent));
    for (const Expr& stride : buffer->strides) code.strides.push_back(exprs_.add(stride));
    program_.buffers.push_back(std::move(code));
    return scope_.buffers[buffer.get()] = static_cast<int32_t>(program_.buffers.size()) - 1;
  }

 protected:
  StmtCode on(const Loop& n) override {
    StmtCode code;
    code.loop_kind = n.loop_kind;
    code.mapping = n.mapping;
    code.a = exprs_.add(n.min);
    code.b = exprs_.add(n.extent);
    code.cell = bind(n.var);
    code.body = add(n.body);
    scope_.cells.erase(n.id());
    return code;
  }
  StmtCode on(const Block& n) override {
    std::vector<Id> ids;
    for (const Stmt& s : n.stmts) ids.push_back(add(s));
    StmtCode code;
    code.body = static_cast<Id>(program_.lists.size());
    code.count = static_cast<int32_t>(ids.size());
    program_.lists.insert(program_.lists.end(), ids.begin(), ids.end());
    return code;
  }
  StmtCode on(const Let& n) override {
    StmtCode code;
    code.a = exprs_.add(n.value);
    code.lanes = n.value.type().lanes;
    code.is_real = !n.value.type().is_index() && !n.value.type().is_bool();
    code.cell = bind(n.var);
    code.body = add(n.body);
    scope_.cells.erase(id_of(n.var));
    return code;
  }
  StmtCode on(const Store& n) override {
    StmtCode code;
    code.a = exprs_.add(n.value);
    code.mask = exprs_.add(n.mask);
    code.lanes = n.value.type().lanes;
    code.buffer = exprs_.buffer(n.buffer);
    code.indices = exprs_.add_list(n.indices);
    return code;
  }
  StmtCode on(const Allocate& n) override {
    StmtCode code;
    code.buffer = add_buffer(n.buffer);
    code.body = add(n.body);
    scope_.buffers.erase(n.buffer.get());
    return code;
  }
  StmtCode on(const Prefetch&) override { return {}; }
  StmtCode on(const If& n) override {
    StmtCode code;
    code.a = exprs_.add(n.cond);
    code.lanes = n.cond.type().lanes;
    code.body = add(n.body);
    return code;
  }

 private:
  int32_t bind(const Expr& var) {
    const int32_t cell = program_.cells;
    program_.cells += var.type().lanes;
    scope_.cells[id_of(var)] = cell;
    return cell;
  }

  Program& program_;
  Scope& scope_;
  ExprCompiler exprs_;
};

}  // namespace

Program compile(const Kernel& kernel, const std::map<std::string, int64_t>& symbols) {
  Program program;
  Scope scope{kernel, symbols, {}, {}};
  StmtCompiler compiler(program, scope);
  for (const BufferRef& param : kernel.params) compiler.add_buffer(param);
  program.body = compiler.add(kernel.body);
  return program;
}

}  // namespace nestjit::ir::interpreter
