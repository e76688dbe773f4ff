#include "ir/print.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "base/checked.h"
#include "base/error.h"
#include "ir/lexer.h"
#include "ir/precedence.h"
#include "ir/visit.h"

namespace nestjit::ir {
namespace {

template <class Float>
std::string shortest(Float value) {
  char digits[64];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
  std::string text(digits, end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string float_text(double value, Scalar scalar) {
  const std::string_view type = name_of(scalar);
  if (std::isnan(value)) return fmt::format("nan_{}", type);
  if (std::isinf(value)) return fmt::format("{}inf_{}", value < 0 ? "-" : "", type);
  if (scalar == Scalar::f64) return fmt::format("{}{}", shortest(value), type);
  return fmt::format("{}{}", shortest(static_cast<float>(value)), type);
}

/// Gives every variable and buffer of a text one name.
class Names {
 public:
  void reserve(const std::string& name) { used_.insert(name); }

  const std::string& of(const Var& var) {
    auto [place, is_new] = vars_.try_emplace(var.id);
    if (is_new) place->second = claim(var.name);
    return place->second;
  }

  const std::string& of(const Buffer& buffer) {
    auto [place, is_new] = buffers_.try_emplace(&buffer);
    if (is_new) place->second = claim(buffer.name);
    return place->second;
  }

 private:
  std::string claim(std::string name) {
    const auto odd = [](char c) { return !is_name(std::string("_") + c); };
    std::replace_if(name.begin(), name.end(), odd, '_');
    if (!is_name(name) && !is_reserved(name)) name.insert(0, 1, '_');
    if (!is_reserved(name) && used_.insert(name).second) return name;
    for (int& suffix = suffixes_[name];;) {
      std::string candidate = fmt::format("{}_{}", name, ++suffix);
      if (!is_reserved(candidate) && used_.insert(candidate).second) return candidate;
    }
  }

  std::unordered_set<std::string> used_;
  std::unordered_map<std::string, int> suffixes_;
  std::unordered_map<VarId, std::string> vars_;
  std::unordered_map<const Buffer*, std::string> buffers_;
};

class ExprPrinter final : public ExprVisitor<void> {
 public:
  ExprPrinter(Names& names, std::string& out) : names_(names), out_(out) {}

  /// Puts parentheses around what binds more weakly than `weakest`.
  void put(const Expr& e, Precedence weakest = Precedence::lor) {
    if (!e) {
      out_ += "<absent>";
      return;
    }
    const bool parentheses = precedence_of(e) < weakest;
    if (parentheses) out_ += '(';
    visit(e);
    if (parentheses) out_ += ')';
  }

  void put_list(const std::vector<Expr>& list) {
    for (size_t i = 0; i < list.size(); ++i) {
      if (i > 0) out_ += ", ";
      put(list[i]);
    }
  }

  void put_access(const Buffer& buffer, const std::vector<Expr>& indices, const Expr& mask) {
    out_ += names_.of(buffer);
    out_ += '[';
    put_list(indices);
    if (mask) {
      out_ += "; ";
      put(mask);
    }
    out_ += ']';
  }

 protected:
  void on(const IntImm& n) override { out_ += std::to_string(n.value); }
  void on(const FloatImm& n) override { out_ += float_text(n.value, n.type.scalar); }
  void on(const BoolImm& n) override { out_ += n.value ? "true" : "false"; }
  void on(const Symbol& n) override { out_ += n.name; }
  void on(const Var& n) override { out_ += names_.of(n); }
  void on(const Binary& n) override {
    const Precedence level = precedence_of(n.op);
    if (level == Precedence::primary) return call(name_of(n.op), {n.a, n.b});
    const std::string_view space = level == Precedence::product ? "" : " ";
    put(n.a, level);
    out_ += fmt::format("{}{}{}", space, name_of(n.op), space);
    put(n.b, tighter(level));
  }
  void on(const Compare& n) override {
    put(n.a, tighter(Precedence::compare));
    out_ += fmt::format(" {} ", name_of(n.op));
    put(n.b, tighter(Precedence::compare));
  }
  void on(const Not& n) override {
    out_ += "not ";
    put(n.a, Precedence::lnot);
  }
  void on(const Select& n) override { call("select", {n.cond, n.a, n.b}); }
  void on(const Cast& n) override {
    out_ += fmt::format("cast({}, ", name_of(n.type.scalar));
    put(n.a);
    out_ += ')';
  }
  void on(const Load& n) override { put_access(*n.buffer, n.indices, n.mask); }
  void on(const Broadcast& n) override { call("broadcast", {n.a, Expr(n.type.lanes)}); }
  void on(const Ramp& n) override { call("ramp", {n.base, Expr(n.stride), Expr(n.type.lanes)}); }
  void on(const Fma& n) override { call("fma", {n.a, n.b, n.c}); }
  void on(const Pair& n) override { call("pair", {n.a, n.b}); }
  void on(const Dot& n) override { call("dot", {n.a, n.b, n.c}); }
  void on(const Call& n) override { call(name_of(n.fn), {n.a}); }

 private:
  void call(std::string_view name, const std::vector<Expr>& arguments) {
    out_ += name;
    out_ += '(';
    put_list(arguments);
    out_ += ')';
  }

  Names& names_;
  std::string& out_;
};

/// Visiting a statement writes its first line, without indentation and brace, and returns the body
/// that belongs in braces; null for a store.
class StmtPrinter final : public StmtVisitor<const Stmt*> {
 public:
  Names names;
  std::string out;

  /// Names that nothing in the text binds come first, so that bound ones make way for them.
  void keep_free_names(const Stmt& root) {
    std::unordered_set<const Buffer*> allocated;
    std::vector<const Buffer*> accessed;
    walk_stmts(root, [&](const Stmt& s) {
      if (const auto* allocate = s.as<Allocate>()) allocated.insert(allocate->buffer.get());
      if (const auto* store = s.as<Store>()) accessed.push_back(store->buffer.get());
    });
    walk_exprs(root, [&](const Expr& e) { note_free(e, accessed); });
    for (const Buffer* buffer : accessed)
      if (!allocated.contains(buffer)) names.of(*buffer);
  }

  void keep_free_names(const Expr& root) {
    std::vector<const Buffer*> accessed;
    walk_exprs(root, [&](const Expr& e) { note_free(e, accessed); });
    for (const Buffer* buffer : accessed) names.of(*buffer);
  }

  ExprPrinter exprs() { return ExprPrinter(names, out); }

  void put_declaration(const Buffer& b) {
    out += fmt::format("{}: {}[", names.of(b), name_of(b.scalar));
    exprs().put_list(b.shape);
    out += ']';
    if (!b.strides.empty()) {
      out += " strides [";
      exprs().put_list(b.strides);
      out += ']';
    }
    out += fmt::format(" {}", name_of(b.role));
    if (b.alignment != byte_size(b.scalar)) out += fmt::format(" align {}", b.alignment);
  }

  /// What stands between two braces. The scope of a let reaches to the closing one.
  void put_body(const Stmt& body) {
    const Stmt* rest = &body;
    while (*rest) {
      if (const auto* block = rest->as<Block>()) {
        if (block->stmts.empty()) return;
        for (size_t i = 0; i + 1 < block->stmts.size(); ++i) put_statement(block->stmts[i]);
        rest = &block->stmts.back();
      } else if (rest->as<Let>()) {
        indent();
        rest = visit(*rest);
        out += '\n';
      } else {
        return put_statement(*rest);
      }
    }
  }

  void put_braces(const Stmt& body) {
    out += "{\n";
    ++depth_;
    put_body(body);
    --depth_;
    indent();
    out += "}\n";
  }

 protected:
  const Stmt* on(const Loop& n) override {
    // The bounds stand outside the loop, so they are named before its variable.
    std::string bounds;
    ExprPrinter printer(names, bounds);
    printer.put(n.min);
    bounds += ", ";
    put_end(printer, n, bounds);
    out +=
        fmt::format("for {} in [{}) {}", names.of(*n.var.as<Var>()), bounds, name_of(n.loop_kind));
    if (n.mapping != Mapping::serial) out += fmt::format(" {}", name_of(n.mapping));
    return &n.body;
  }

  const Stmt* on(const Block&) override {
    out += "block";
    return nullptr;
  }

  const Stmt* on(const Let& n) override {
    std::string value;
    ExprPrinter(names, value).put(n.value);
    out +=
        fmt::format("let {}: {} = {}", names.of(*n.var.as<Var>()), to_string(n.var.type()), value);
    return &n.body;
  }

  const Stmt* on(const Store& n) override {
    exprs().put_access(*n.buffer, n.indices, n.mask);
    out += " = ";
    exprs().put(n.value);
    return nullptr;
  }

  const Stmt* on(const Allocate& n) override {
    out += "allocate ";
    put_declaration(*n.buffer);
    return &n.body;
  }

  const Stmt* on(const Prefetch& n) override {
    out += fmt::format("prefetch {} + ", n.buffer->name);
    exprs().put(n.element);
    return nullptr;
  }

  const Stmt* on(const If& n) override {
    out += "if ";
    exprs().put(n.cond);
    return &n.body;
  }

 private:
  void indent() { out.append(2 * depth_, ' '); }

  void put_statement(const Stmt& s) {
    indent();
    // Siblings follow, so what would reach to the end of their braces gets braces of its own.
    if (s.as<Let>() || s.as<Block>()) return put_braces(s);
    if (const Stmt* body = visit(s)) {
      out += ' ';
      put_braces(*body);
    } else {
      out += '\n';
    }
  }

  void note_free(const Expr& e, std::vector<const Buffer*>& accessed) {
    if (const auto* symbol = e.as<Symbol>()) names.reserve(symbol->name);
    if (const auto* load = e.as<Load>()) accessed.push_back(load->buffer.get());
  }

  /// The end of [min, end), written so that the parser finds the extent again.
  static void put_end(ExprPrinter& printer, const Loop& n, std::string& text) {
    const auto min = constant_of(n.min), extent = constant_of(n.extent);
    if (min == 0) return printer.put(n.extent);
    const auto end = min && extent ? base::checked_add(*min, *extent) : std::nullopt;
    if (end) return printer.put(*end);
    printer.put(n.min, Precedence::sum);
    text += " + ";
    printer.put(n.extent, tighter(Precedence::sum));
  }

  size_t depth_ = 0;
};

std::string kernel_name(std::string name) {
  if (is_name(name)) return name;
  const auto odd = [](char c) { return c == '"' || static_cast<unsigned char>(c) < 0x20; };
  std::replace_if(name.begin(), name.end(), odd, '_');
  return '"' + name + '"';
}

std::string symbol_text(const SymbolDecl& symbol) {
  if (symbol == SymbolDecl{symbol.name}) return symbol.name;
  if (symbol.max == SymbolDecl{}.max) return fmt::format("{} >= {}", symbol.name, symbol.min);
  return fmt::format("{} in [{}, {}]", symbol.name, symbol.min, symbol.max);
}

}  // namespace

std::string to_string(const Kernel& kernel) {
  StmtPrinter printer;
  for (const SymbolDecl& symbol : kernel.symbols) printer.names.reserve(symbol.name);
  for (const BufferRef& buffer : kernel.params) printer.names.of(*buffer);
  if (kernel.body) printer.keep_free_names(kernel.body);
  printer.out = fmt::format("kernel {}(", kernel_name(kernel.name));
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    if (i > 0) printer.out += ", ";
    printer.put_declaration(*kernel.params[i]);
  }
  printer.out += ") ";
  for (size_t i = 0; i < kernel.symbols.size(); ++i)
    printer.out += (i == 0 ? "symbols(" : ", ") + symbol_text(kernel.symbols[i]);
  if (!kernel.symbols.empty()) printer.out += ") ";
  printer.out += kernel.fused ? "fused " : "unfused ";
  printer.put_braces(kernel.body);
  return std::move(printer.out);
}

std::string to_string(const Stmt& stmt) {
  StmtPrinter printer;
  if (stmt) printer.keep_free_names(stmt);
  printer.put_body(stmt);
  return std::move(printer.out);
}

std::string to_string(const Expr& expr) {
  StmtPrinter printer;
  if (expr) printer.keep_free_names(expr);
  printer.exprs().put(expr);
  return std::move(printer.out);
}

std::string headline(const Stmt& stmt) {
  StmtPrinter printer;
  if (stmt) printer.keep_free_names(stmt);
  if (stmt) printer.visit(stmt);
  return std::move(printer.out);
}

}  // namespace nestjit::ir
