#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "ir/element.h"
#include "ir/expr_parser.h"

namespace nestjit::ir {
namespace {

constexpr int deepest_nesting = 200;
// A chain a + b + c + ... is a tree as deep as it is long, and trees are walked by recursion.
constexpr int most_operators = 2000;

std::optional<BinaryOp> binary_named(std::string_view text) {
  for (int i = 0; i <= static_cast<int>(BinaryOp::logical_or); ++i)
    if (name_of(static_cast<BinaryOp>(i)) == text) return static_cast<BinaryOp>(i);
  return std::nullopt;
}

std::optional<CompareOp> compare_named(std::string_view text) {
  for (int i = 0; i <= static_cast<int>(CompareOp::ge); ++i)
    if (name_of(static_cast<CompareOp>(i)) == text) return static_cast<CompareOp>(i);
  return std::nullopt;
}

/// Operands of the functions that are no binary operators; 0 for other words.
int arity_of(std::string_view name) {
  if (name == "select" || name == "fma" || name == "dot") return 3;
  if (name == "cast" || name == "broadcast" || name == "ramp" || name == "pair") return 2;
  return intrinsic_named(name) ? 1 : 0;
}

/// f32 is read directly: by way of f64 a few texts would round twice.
std::optional<double> read_float(std::string_view digits, Scalar scalar) {
  const char* const end = digits.data() + digits.size();
  if (scalar == Scalar::f32) {
    float value = 0;
    if (std::from_chars(digits.data(), end, value).ec != std::errc()) return std::nullopt;
    return value;
  }
  double value = 0;
  if (std::from_chars(digits.data(), end, value).ec != std::errc()) return std::nullopt;
  value = round_to(scalar, value);
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

}  // namespace

ExprParser::Nested::Nested(ExprParser& parser) : parser_(parser) {
  if (parser.depth_ == deepest_nesting)
    fail_at(parser.tokens_.peek(), fmt::format("at most {} levels of nesting", deepest_nesting),
            "one more");
  ++parser.depth_;
}

void ExprParser::count_operator() {
  if (++operators_ > most_operators)
    fail_at(tokens_.peek(), fmt::format("at most {} operators in an expression", most_operators),
            "one more");
}

Expr ExprParser::expression() {
  operators_ = 0;
  return at_level(Precedence::lor);
}

Expr ExprParser::argument() { return at_level(Precedence::lor); }

Expr ExprParser::at_level(Precedence level) {
  if (level == Precedence::primary) return primary();
  if (level == Precedence::compare) return comparison();
  if (level == Precedence::lnot) {
    const Token& where = tokens_.peek();
    if (!tokens_.accept("not")) return at_level(Precedence::compare);
    const Nested nested(*this);
    Expr a = at_level(Precedence::lnot);
    return built(where, [&] { return Not::make(std::move(a)); });
  }
  Expr left = at_level(tighter(level));
  for (;;) {
    const Token& where = tokens_.peek();
    const auto op = binary_named(where.text);
    if (where.kind == TokenKind::quoted || !op || precedence_of(*op) != level) return left;
    tokens_.next();
    count_operator();
    Expr right = at_level(tighter(level));
    left = built(where, [&] { return Binary::make(*op, std::move(left), std::move(right)); });
  }
}

Expr ExprParser::comparison() {
  Expr left = at_level(Precedence::sum);
  const Token& where = tokens_.peek();
  const auto op = compare_named(where.text);
  if (where.kind != TokenKind::punct || !op) return left;
  tokens_.next();
  Expr right = at_level(Precedence::sum);
  return built(where, [&] { return Compare::make(*op, std::move(left), std::move(right)); });
}

Expr ExprParser::primary() {
  const bool negative = tokens_.accept("-");
  const Token& token = tokens_.peek();
  if (token.kind == TokenKind::number) return number(negative);
  if (token.kind == TokenKind::name && is_reserved(token.text) &&
      (token.text.starts_with("inf_") || token.text.starts_with("nan_")))
    return special_float(negative);
  if (negative) tokens_.fail("a number after '-'");
  if (tokens_.accept("(")) {
    const Nested nested(*this);
    Expr e = argument();
    tokens_.expect(")");
    return e;
  }
  if (tokens_.accept("true")) return BoolImm::make(true);
  if (tokens_.accept("false")) return BoolImm::make(false);
  if (token.kind != TokenKind::name) tokens_.fail("an expression");
  return is_reserved(token.text) ? call() : named();
}

Expr ExprParser::named() {
  const Token token = tokens_.next();
  if (tokens_.at("[")) {
    Access a = access(token);
    return built(token, [&] {
      return Load::make(std::move(a.buffer), std::move(a.indices), std::move(a.mask));
    });
  }
  for (size_t i = bound_.size(); i-- > 0;)
    if (bound_[i].first == token.text) return bound_[i].second;
  if (Expr e = lookup_(token.text)) return e;
  fail_at(token, "a variable or symbol that is declared", fmt::format("'{}'", token.text));
}

BufferRef ExprParser::buffer_named(const Token& name) const {
  for (size_t i = buffers_.size(); i-- > 0;)
    if (buffers_[i]->name == name.text) return buffers_[i];
  fail_at(name, "a buffer that is declared", fmt::format("'{}'", name.text));
}

ExprParser::Access ExprParser::access(const Token& name) {
  const Nested nested(*this);
  Access result;
  result.buffer = buffer_named(name);
  tokens_.expect("[");
  if (!tokens_.at("]") && !tokens_.at(";")) result.indices = list();
  if (tokens_.accept(";")) result.mask = argument();
  tokens_.expect("]");
  return result;
}

std::vector<Expr> ExprParser::list() {
  std::vector<Expr> items{argument()};
  while (tokens_.accept(",")) items.push_back(argument());
  return items;
}

Expr ExprParser::call() {
  const Token& name = tokens_.peek();
  const auto op = binary_named(name.text);
  const bool known = (op && precedence_of(*op) == Precedence::primary) || arity_of(name.text) > 0;
  if (!known) tokens_.fail("an expression");
  tokens_.next();
  const Nested nested(*this);
  tokens_.expect("(");
  Expr result = op ? binary_call(*op, name) : other_call(name);
  tokens_.expect(")");
  return result;
}

Expr ExprParser::binary_call(BinaryOp op, const Token& name) {
  Expr a = argument();
  tokens_.expect(",");
  Expr b = argument();
  return built(name, [&] { return Binary::make(op, std::move(a), std::move(b)); });
}

Expr ExprParser::other_call(const Token& name) {
  if (name.text == "cast") {
    const Scalar type = scalar();
    tokens_.expect(",");
    Expr a = argument();
    return built(name, [&] { return Cast::make(type, std::move(a)); });
  }
  if (name.text == "broadcast" || name.text == "ramp") return vector_call(name);
  std::vector<Expr> x{argument()};
  for (int i = 1; i < arity_of(name.text); ++i) {
    tokens_.expect(",");
    x.push_back(argument());
  }
  return built(name, [&] {
    if (name.text == "select") return Select::make(x[0], x[1], x[2]);
    if (name.text == "fma") return Fma::make(x[0], x[1], x[2]);
    if (name.text == "pair") return Pair::make(x[0], x[1]);
    if (name.text == "dot") return Dot::make(x[0], x[1], x[2]);
    return Call::make(*intrinsic_named(name.text), x[0]);
  });
}

Expr ExprParser::vector_call(const Token& name) {
  Expr a = argument();
  tokens_.expect(",");
  const bool is_ramp = name.text == "ramp";
  const int64_t stride = is_ramp ? integer() : 0;
  if (is_ramp) tokens_.expect(",");
  const int lanes = small_integer("a number of lanes");
  return built(name, [&] {
    return is_ramp ? Ramp::make(std::move(a), stride, lanes) : Broadcast::make(std::move(a), lanes);
  });
}

Expr ExprParser::number(bool negative) {
  const Token& token = tokens_.peek();
  if (token.digits == token.text.size() && token.text.find_first_of(".e") == token.text.npos)
    return unsigned_integer(negative);
  const std::string_view suffix = token.text.substr(token.digits);
  const auto type = scalar_named(suffix);
  if (!type || !is_float(*type)) tokens_.fail("a number with its type, such as 0.5f32");
  const auto value = read_float(token.text.substr(0, token.digits), *type);
  if (!value) tokens_.fail(fmt::format("a number within the range of {}", name_of(*type)));
  tokens_.next();
  return FloatImm::make(negative ? -*value : *value, *type);
}

Expr ExprParser::special_float(bool negative) {
  const std::string_view word = tokens_.next().text;
  const double value = word.starts_with("inf_") ? std::numeric_limits<double>::infinity()
                                                : std::numeric_limits<double>::quiet_NaN();
  return FloatImm::make(negative ? -value : value, *scalar_named(word.substr(4)));
}

int64_t ExprParser::unsigned_integer(bool negative) {
  const Token& token = tokens_.peek();
  uint64_t magnitude = 0;
  const char* const end = token.text.data() + token.text.size();
  const auto read = std::from_chars(token.text.data(), end, magnitude);
  if (token.kind != TokenKind::number || read.ptr != end) tokens_.fail("an integer");
  constexpr uint64_t largest = INT64_MAX;
  if (read.ec != std::errc() || magnitude > largest + (negative ? 1 : 0))
    tokens_.fail("an integer of 64 bits");
  tokens_.next();
  return static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
}

int64_t ExprParser::integer() {
  const bool negative = tokens_.accept("-");
  return unsigned_integer(negative);
}

int ExprParser::small_integer(std::string_view what) {
  const Token& token = tokens_.peek();
  const int64_t value = integer();
  if (value < 0 || value > INT32_MAX)
    fail_at(token, fmt::format("{} of at most {}", what, INT32_MAX), fmt::format("{}", value));
  return static_cast<int>(value);
}

Scalar ExprParser::scalar() {
  const auto type = scalar_named(tokens_.peek().text);
  if (!type) tokens_.fail("a type: bool, index, f16, bf16, f32 or f64");
  tokens_.next();
  return *type;
}

}  // namespace nestjit::ir
