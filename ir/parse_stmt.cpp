#include <algorithm>
#include <array>

#include "base/checked.h"
#include "ir/expr_parser.h"
#include "ir/verify.h"
#include "ir/visit.h"

namespace nestjit::ir {
namespace {

// Every let is a level of the tree although its text does not nest.
constexpr size_t most_open_lets = 2000;

template <class Enum, size_t n>
std::optional<Enum> one_named(std::string_view text, const std::array<Enum, n>& values) {
  const auto found = std::find_if(values.begin(), values.end(),
                                  [&](Enum value) { return name_of(value) == text; });
  return found == values.end() ? std::nullopt : std::optional(*found);
}

constexpr std::array roles{BufferRole::input, BufferRole::constant, BufferRole::output,
                           BufferRole::scratch, BufferRole::tile};
constexpr std::array loop_kinds{LoopKind::parallel, LoopKind::reduction};
constexpr std::array mappings{Mapping::serial, Mapping::hinted, Mapping::unrolled, Mapping::vector,
                              Mapping::workgroup};

/// The extent of [min, end); end is written min + extent where that is no constant.
Expr extent_of(const Expr& min, const Expr& end) {
  if (is_constant(min, 0)) return end;
  const auto* sum = end.as<Binary>();
  if (sum && sum->op == BinaryOp::add && equal(sum->a, min)) return sum->b;
  const auto a = constant_of(min), b = constant_of(end);
  const auto extent = a && b ? base::checked_sub(*b, *a) : std::nullopt;
  return extent ? Expr(*extent) : end - min;
}

class KernelParser : public ExprParser {
 public:
  explicit KernelParser(std::string_view text)
      : ExprParser(text, [this](std::string_view name) { return symbol(name); }, {}) {}

  Kernel kernel() {
    tokens_.expect("kernel");
    const Token& name = tokens_.peek();
    if (name.kind == TokenKind::quoted)
      tokens_.next();
    else
      tokens_.expect_name("the kernel's name");
    kernel_.name = name.text;
    parameters();
    kernel_.fused = !tokens_.accept("unfused");
    if (kernel_.fused) tokens_.accept("fused");
    kernel_.body = braces();
    tokens_.expect_end();
    return std::move(kernel_);
  }

 private:
  /// Shapes stand before the symbols they use: until those are declared, every name is one.
  Expr symbol(std::string_view name) const {
    const bool known = declaring_ || kernel_.find_symbol(name) != nullptr;
    return known ? Symbol::make(std::string(name)) : Expr();
  }

  void parameters() {
    std::vector<Token> names;
    declaring_ = true;
    tokens_.expect("(");
    while (!tokens_.at(")")) {
      names.push_back(tokens_.peek());
      buffers_.push_back(declaration());
      if (!is_parameter(buffers_.back()->role))
        fail_at(names.back(), "a parameter: input, constant or output",
                name_of(buffers_.back()->role));
      if (!tokens_.accept(",")) break;
    }
    tokens_.expect(")");
    declaring_ = false;
    kernel_.params = buffers_;
    symbols();
    for (size_t i = 0; i < names.size(); ++i)
      for (const auto& list : {buffers_[i]->shape, buffers_[i]->strides})
        for (const Expr& number : list)
          walk_exprs(number, [&](const Expr& e) { require_declared(e, names[i]); });
  }

  void symbols() {
    if (!tokens_.accept("symbols")) return;
    tokens_.expect("(");
    do {
      symbol_declaration();
    } while (tokens_.accept(","));
    tokens_.expect(")");
  }

  void symbol_declaration() {
    SymbolDecl symbol;
    symbol.name = tokens_.expect_name("a symbol's name").text;
    if (tokens_.accept(">=")) symbol.min = integer();
    if (tokens_.accept("in")) {
      tokens_.expect("[");
      symbol.min = integer();
      tokens_.expect(",");
      symbol.max = integer();
      tokens_.expect("]");
    }
    kernel_.symbols.push_back(std::move(symbol));
  }

  void require_declared(const Expr& e, const Token& buffer) const {
    const auto* symbol = e.as<Symbol>();
    if (symbol && !kernel_.find_symbol(symbol->name))
      fail_at(buffer, "declared symbols in the shape", fmt::format("'{}'", symbol->name));
  }

  /// name: scalar[shape] strides [list] role align bytes
  BufferRef declaration() {
    const Token& name = tokens_.expect_name("a buffer's name");
    tokens_.expect(":");
    const Scalar type = scalar();
    tokens_.expect("[");
    std::vector<Expr> shape;
    if (!tokens_.at("]")) shape = list();
    tokens_.expect("]");
    std::vector<Expr> strides;
    if (tokens_.accept("strides")) {
      tokens_.expect("[");
      strides = list();
      tokens_.expect("]");
    }
    const BufferRole role = one_of(roles, "a role: input, constant, output, scratch or tile");
    const int alignment = tokens_.accept("align") ? small_integer("an alignment") : 0;
    return built(name, [&] {
      return Buffer::make(std::string(name.text), type, std::move(shape), role, alignment,
                          std::move(strides));
    });
  }

  template <class Enum, size_t n>
  Enum one_of(const std::array<Enum, n>& values, std::string_view what) {
    const auto value = one_named(tokens_.peek().text, values);
    if (!value) tokens_.fail(what);
    tokens_.next();
    return *value;
  }

  Stmt braces() {
    const Nested nested(*this);
    const size_t variables = bound_.size();
    tokens_.expect("{");
    Stmt body = statements();
    tokens_.expect("}");
    bound_.resize(variables);
    return body;
  }

  /// Statements up to the closing brace. A let takes the rest of them as its body.
  Stmt statements() {
    struct OpenLet {
      std::vector<Stmt> before;
      Expr var, value;
    };
    std::vector<OpenLet> lets;
    std::vector<Stmt> stmts;
    while (!tokens_.at("}")) {
      if (!tokens_.accept("let")) {
        stmts.push_back(statement());
        continue;
      }
      Expr value;
      const Expr var = let_binding(value);
      lets.push_back({std::exchange(stmts, {}), var, value});
    }
    open_lets_ -= lets.size();
    for (; !lets.empty(); lets.pop_back()) {
      OpenLet& last = lets.back();
      last.before.push_back(Let::make(last.var, last.value, Block::make(std::move(stmts))));
      stmts = std::move(last.before);
    }
    return Block::make(std::move(stmts));
  }

  /// name: type = value
  Expr let_binding(Expr& value) {
    if (++open_lets_ > most_open_lets)
      tokens_.fail(fmt::format("at most {} lets inside one another", most_open_lets));
    const Token& name = tokens_.expect_name("a variable's name");
    std::string_view type;
    if (tokens_.accept(":")) type = tokens_.expect_name("a type, such as f32x16").text;
    const Token& where = tokens_.expect("=");
    value = expression();
    if (!type.empty() && type != to_string(value.type()))
      fail_at(where, fmt::format("a value of type {}", type),
              fmt::format("one of {}", to_string(value.type())));
    return bind(name, value.type());
  }

  Expr bind(const Token& name, Type type) {
    Expr var = Var::make(std::string(name.text), type);
    bound_.emplace_back(name.text, var);
    return var;
  }

  Stmt statement() {
    if (tokens_.at("{")) return braces();
    if (tokens_.accept("for")) return loop();
    if (tokens_.accept("allocate")) return allocation();
    if (tokens_.accept("if")) return guard();
    if (tokens_.accept("prefetch")) return prefetch();
    return store();
  }

  Stmt loop() {
    const Token& name = tokens_.expect_name("a loop's name");
    tokens_.expect("in");
    tokens_.expect("[");
    Expr min = expression();
    tokens_.expect(",");
    const Token& where = tokens_.peek();
    const Expr end = expression();
    Expr extent = built(where, [&] { return extent_of(min, end); });
    tokens_.expect(")");
    const LoopKind kind = one_of(loop_kinds, "a loop kind: parallel or reduction");
    const auto mapping = one_named(tokens_.peek().text, mappings);
    if (mapping) tokens_.next();
    const Expr var = bind(name, {});
    Stmt body = braces();
    bound_.pop_back();
    return built(name, [&] {
      return Loop::make(var, std::move(min), std::move(extent), kind,
                        mapping.value_or(Mapping::serial), std::move(body));
    });
  }

  Stmt allocation() {
    const Token& where = tokens_.peek();
    BufferRef buffer = declaration();
    buffers_.push_back(buffer);
    Stmt body = braces();
    buffers_.pop_back();
    return built(where, [&] { return Allocate::make(std::move(buffer), std::move(body)); });
  }

  Stmt guard() {
    const Token& where = tokens_.peek();
    Expr cond = expression();
    Stmt body = braces();
    return built(where, [&] { return If::make(std::move(cond), std::move(body)); });
  }

  Stmt prefetch() {
    const Token& name = tokens_.expect_name("a buffer");
    BufferRef buffer = buffer_named(name);
    tokens_.expect("+");
    Expr element = expression();
    return built(name, [&] { return Prefetch::make(std::move(buffer), std::move(element)); });
  }

  Stmt store() {
    const Token& name = tokens_.expect_name("a statement or '}'");
    Access place = access(name);
    tokens_.expect("=");
    Expr value = expression();
    return built(name, [&] {
      return Store::make(std::move(place.buffer), std::move(place.indices), std::move(value),
                         std::move(place.mask));
    });
  }

  Kernel kernel_;
  bool declaring_ = false;
  size_t open_lets_ = 0;
};

}  // namespace

Kernel parse_kernel_unverified(std::string_view text) { return KernelParser(text).kernel(); }

Kernel parse_kernel(std::string_view text) {
  Kernel kernel = parse_kernel_unverified(text);
  const auto found = violations(kernel);
  if (!found.empty()) base::invalid("IR text: kernel '{}': {}", kernel.name, to_string(found[0]));
  return kernel;
}

Expr parse_expr(std::string_view text, const NameLookup& lookup,
                std::span<const BufferRef> buffers) {
  ExprParser parser(text, lookup, buffers);
  Expr e = parser.expression();
  parser.expect_end();
  return e;
}

}  // namespace nestjit::ir
