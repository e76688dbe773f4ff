#include "ir/verify.h"

#include <array>
#include <unordered_set>

#include "base/error.h"
#include "ir/bounds.h"
#include "ir/lanes.h"
#include "ir/lexer.h"
#include "ir/print.h"
#include "ir/visit.h"

namespace nestjit::ir {
namespace {

bool is_bool(const Expr& e, int lanes) { return e.type() == Type{Scalar::boolean, lanes}; }

bool loads(const Expr& root) {
  bool found = false;
  walk_exprs(root, [&](const Expr& e) { found = found || e.as<Load>(); });
  return found;
}

bool is_tile_subscript(const Expr& index, bool is_load) {
  if (is_load) return constant_lanes(index).has_value();
  if (const auto* ramp = index.as<Ramp>()) return constant_of(ramp->base) && ramp->stride == 1;
  return constant_of(index).has_value();
}

class Verifier final : private StmtVisitor<void> {
 public:
  Verifier(const Kernel& kernel, Form form) : kernel_(kernel), form_(form) {}

  std::vector<Violation> run() {
    check_names();
    for (const BufferRef& buffer : kernel_.params) check_parameter(*buffer);
    if (kernel_.body)
      check(kernel_.body);
    else
      add(Rule::complete, "kernel " + kernel_.name, "the body is absent");
    return std::move(found_);
  }

 private:
  void add(Rule rule, std::string node, std::string what) {
    found_.push_back({rule, std::move(node), std::move(what)});
  }
  /// A violation in the statement that is being looked at.
  void add(Rule rule, std::string what) { add(rule, headline(*here_), std::move(what)); }

  void check_names() {
    std::unordered_set<std::string_view> seen;
    const auto check_name = [&](const std::string& name) {
      if (!is_name(name)) add(Rule::names, name, "not a name of the text form");
      if (!seen.insert(name).second) add(Rule::names, name, "declared twice");
    };
    for (const SymbolDecl& symbol : kernel_.symbols) {
      check_name(symbol.name);
      if (symbol.min > symbol.max)
        add(Rule::symbols, symbol.name,
            fmt::format("no value from {} to {}", symbol.min, symbol.max));
    }
    for (const BufferRef& buffer : kernel_.params) check_name(buffer->name);
  }

  void check_parameter(const Buffer& buffer) {
    if (!accessible_.insert(&buffer).second)
      add(Rule::binding, buffer.name, "the buffer is a parameter twice");
    if (!is_parameter(buffer.role))
      add(Rule::roles, buffer.name, fmt::format("a parameter of role {}", name_of(buffer.role)));
    for (const Expr& extent : buffer.shape)
      walk_exprs(extent, [&](const Expr& e) { check_extent(buffer, e); });
    for (const Expr& stride : buffer.strides) {
      walk_exprs(stride, [&](const Expr& e) { check_extent(buffer, e); });
      if (!constant_of(stride) && bounds_of(kernel_).range(stride).min < 0)
        add(Rule::shapes, buffer.name,
            fmt::format("the stride {} may be negative and is no constant", to_string(stride)));
    }
    check_flat(buffer, buffer.name);
  }

  void check_extent(const Buffer& buffer, const Expr& e) {
    if (e.as<Var>() || e.as<Load>())
      add(Rule::shapes, buffer.name, fmt::format("the shape uses {}", to_string(e)));
    const auto* symbol = e.as<Symbol>();
    if (symbol && !kernel_.find_symbol(symbol->name))
      add(Rule::symbols, buffer.name, fmt::format("symbol '{}' is not declared", symbol->name));
  }

  void check_flat(const Buffer& buffer, std::string node) {
    if (form_ == Form::lowered && !buffer.strides.empty())
      add(Rule::flat, node, fmt::format("buffer '{}' has strides", buffer.name));
    if (form_ == Form::lowered && buffer.rank() != 1)
      add(Rule::flat, std::move(node),
          fmt::format("buffer '{}' has {} dimensions", buffer.name, buffer.rank()));
  }

  void check(const Stmt& s) {
    here_ = &s;
    visit(s);
  }

  void check(const Expr& root) {
    walk_exprs(root, [&](const Expr& e) { check_node(e); });
  }

  void check_node(const Expr& e) {
    if (const auto* var = e.as<Var>()) check_use(*var);
    if (const auto* symbol = e.as<Symbol>(); symbol && !kernel_.find_symbol(symbol->name))
      add(Rule::symbols, fmt::format("symbol '{}' is not declared", symbol->name));
    if (const auto* binary = e.as<Binary>()) check_divisor(*binary);
    if (const auto* load = e.as<Load>())
      check_access(*load->buffer, load->indices, load->mask, load->type.lanes, true);
    if (const auto* select = e.as<Select>(); select && !is_bool(select->cond, select->type.lanes))
      add(Rule::conditions, fmt::format("a selection by {}", to_string(select->cond.type())));
    if (const auto* call = e.as<Call>(); call && form_ == Form::lowered && is_elementary(call->fn))
      add(Rule::functions, fmt::format("a call of {}", name_of(call->fn)));
  }

  void check_use(const Var& var) {
    if (in_scope_.contains(var.id)) return;
    if (var.id == own_)
      add(Rule::bounds, fmt::format("the bounds use '{}' itself", var.name));
    else
      add(Rule::scope, fmt::format("variable '{}' is used outside its binding", var.name));
  }

  void check_divisor(const Binary& n) {
    if (n.op != BinaryOp::floordiv && n.op != BinaryOp::floormod) return;
    if (!is_positive(n.b))
      add(Rule::divisors, fmt::format("{} by {}", name_of(n.op), to_string(n.b)));
  }

  /// The ranges of the symbols decide; those of variables are not looked at.
  bool is_positive(const Expr& e) const {
    if (const auto* broadcast = e.as<Broadcast>()) return is_positive(broadcast->a);
    if (e.type() != Type{Scalar::index, 1}) return false;
    return symbols_.range(e).min > 0;
  }

  void check_access(const Buffer& buffer, const std::vector<Expr>& indices, const Expr& mask,
                    int lanes, bool is_load) {
    if (!accessible_.contains(&buffer))
      add(Rule::access,
          fmt::format("buffer '{}' is no parameter and not allocated here", buffer.name));
    if (static_cast<int>(indices.size()) != buffer.rank())
      add(Rule::rank, fmt::format("{} indices for the {} dimensions of '{}'", indices.size(),
                                  buffer.rank(), buffer.name));
    if (mask && !is_bool(mask, lanes))
      add(Rule::conditions, fmt::format("a mask of {} for {} lanes of '{}'", to_string(mask.type()),
                                        lanes, buffer.name));
    if (form_ != Form::lowered || buffer.role != BufferRole::tile) return;
    for (const Expr& index : indices)
      if (!is_tile_subscript(index, is_load))
        add(Rule::tile_subscripts, fmt::format("tile '{}' at {}", buffer.name, to_string(index)));
  }

  void on(const Loop& n) override {
    check_bounds(n);
    check_mapping(n);
    if (n.mapping == Mapping::workgroup) check_workgroup();
    if (n.mapping == Mapping::vector && vector_depth_ > 0)
      add(Rule::vectors, "a vector loop inside another vector loop");
    const int inside = n.mapping == Mapping::workgroup ? 0 : 1;
    const int vector = n.mapping == Mapping::vector ? 1 : 0;
    bind(n.var);
    inside_ += inside;
    vector_depth_ += vector;
    check(n.body);
    vector_depth_ -= vector;
    inside_ -= inside;
    in_scope_.erase(n.id());
  }

  void check_bounds(const Loop& n) {
    own_ = n.id();
    for (const Expr* bound : {&n.min, &n.extent}) {
      check(*bound);
      if (bound->type() != Type{Scalar::index, 1})
        add(Rule::bounds, fmt::format("a bound of type {}", to_string(bound->type())));
      if (form_ == Form::lowered && loads(*bound))
        add(Rule::plain_bounds, fmt::format("the bound {} loads", to_string(*bound)));
    }
    own_ = VarId::none;
  }

  void check_mapping(const Loop& n) {
    const bool repeated = n.mapping == Mapping::vector || n.mapping == Mapping::unrolled;
    if (repeated && !constant_of(n.extent))
      add(Rule::extents, fmt::format("the extent {} is not constant", to_string(n.extent)));
    if (repeated && form_ == Form::lowered)
      add(Rule::lowered_mappings, fmt::format("a loop mapped {}", name_of(n.mapping)));
    if (n.loop_kind != LoopKind::reduction) return;
    if (n.mapping == Mapping::hinted) add(Rule::hinted, "a reduction is mapped hinted");
    if (n.mapping == Mapping::vector || n.mapping == Mapping::workgroup)
      add(Rule::reductions, fmt::format("a reduction is mapped {}", name_of(n.mapping)));
  }

  void check_workgroup() {
    if (inside_ > 0)
      add(Rule::workgroups, "a workgroup loop inside a guard, an allocation or another loop");
    if (++workgroup_loops_ > 1 && form_ == Form::lowered)
      add(Rule::one_workgroup, fmt::format("this is workgroup loop number {}", workgroup_loops_));
  }

  void on(const Block& n) override {
    for (const Stmt& s : n.stmts) check(s);
  }

  void on(const Let& n) override {
    check(n.value);
    bind(n.var);
    check(n.body);
    in_scope_.erase(id_of(n.var));
  }

  void on(const Store& n) override {
    for (const Expr& index : n.indices) check(index);
    check(n.value);
    if (n.mask) check(n.mask);
    check_access(*n.buffer, n.indices, n.mask, n.value.type().lanes, false);
    if (is_read_only(n.buffer->role))
      add(Rule::roles,
          fmt::format("a store to the {} '{}'", name_of(n.buffer->role), n.buffer->name));
  }

  void on(const Allocate& n) override {
    const Buffer& buffer = *n.buffer;
    if (is_parameter(buffer.role))
      add(Rule::roles, fmt::format("an allocation of role {}", name_of(buffer.role)));
    if (!allocated_.insert(&buffer).second || accessible_.contains(&buffer))
      add(Rule::binding, fmt::format("buffer '{}' exists already", buffer.name));
    for (const Expr& extent : buffer.shape)
      if (constant_of(extent).value_or(-1) < 0)
        add(Rule::shapes, fmt::format("the extent {} of '{}'", to_string(extent), buffer.name));
    check_flat(buffer, headline(*here_));
    const bool is_new = accessible_.insert(&buffer).second;
    ++inside_;
    check(n.body);
    --inside_;
    if (is_new) accessible_.erase(&buffer);
  }

  void on(const Prefetch& n) override {
    check(n.element);
    if (!accessible_.contains(n.buffer.get()))
      add(Rule::access, fmt::format("buffer '{}' is not a parameter", n.buffer->name));
  }

  void on(const If& n) override {
    check(n.cond);
    if (!n.cond.type().is_bool())
      add(Rule::conditions, fmt::format("a guard of type {}", to_string(n.cond.type())));
    if (form_ == Form::lowered && n.cond.type().is_vector())
      add(Rule::scalar_guards, fmt::format("a guard of type {}", to_string(n.cond.type())));
    ++inside_;
    check(n.body);
    --inside_;
  }

  void bind(const Expr& var) {
    const VarId id = id_of(var);
    if (!bound_.insert(id).second)
      add(Rule::binding, fmt::format("variable '{}' is bound twice", var.as<Var>()->name));
    in_scope_.insert(id);
  }

  const Kernel& kernel_;
  const Bounds symbols_ = bounds_of(kernel_);
  const Form form_;
  std::vector<Violation> found_;
  const Stmt* here_ = nullptr;
  std::unordered_set<VarId> in_scope_, bound_;
  std::unordered_set<const Buffer*> accessible_, allocated_;
  VarId own_ = VarId::none;  // of the loop whose bounds are being looked at
  int inside_ = 0;           // enclosing statements that a workgroup loop may not have
  int vector_depth_ = 0;
  int workgroup_loops_ = 0;
};

}  // namespace

std::string_view name_of(Rule rule) {
  static constexpr std::array<std::string_view, 24> names{"complete",      "names",
                                                          "symbols",       "scope",
                                                          "binding",       "access",
                                                          "roles",         "rank",
                                                          "shapes",        "conditions",
                                                          "divisors",      "bounds",
                                                          "extents",       "hinted",
                                                          "workgroups",    "vectors",
                                                          "reductions",    "lowered mappings",
                                                          "flat",          "tile subscripts",
                                                          "scalar guards", "plain bounds",
                                                          "one workgroup", "functions"};
  return names[static_cast<size_t>(rule) - 1];
}

std::string to_string(const Violation& v) {
  return fmt::format("rule {} ({}): {}: {}", static_cast<int>(v.rule), name_of(v.rule), v.node,
                     v.what);
}

std::vector<Violation> violations(const Kernel& kernel, Form form) {
  return Verifier(kernel, form).run();
}

void verify(const Kernel& kernel, std::string_view pass, Form form) {
  const auto found = violations(kernel, form);
  if (!found.empty()) base::internal("verify after {}: {}", pass, to_string(found.front()));
}

}  // namespace nestjit::ir
