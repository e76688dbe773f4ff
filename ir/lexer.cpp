#include "ir/lexer.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "ir/expr.h"

namespace nestjit::ir {
namespace {

// The locale must not decide what a letter is.
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_char(char c) { return is_letter(c) || is_digit(c) || c == '.'; }

std::string quoted(std::string_view text) {
  constexpr size_t longest = 40;
  std::string out = "'";
  for (const char c : text.substr(0, longest)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte >= 0x7f ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  return out + (text.size() > longest ? "...'" : "'");
}

std::string describe(const Token& token) {
  return token.kind == TokenKind::end ? "the end of the text" : quoted(token.text);
}

/// Cuts a text into tokens.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> run() {
    std::vector<Token> tokens;
    do {
      skip_space();
      tokens.push_back(token());
    } while (tokens.back().kind != TokenKind::end);
    return tokens;
  }

 private:
  char look(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  void skip_space() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
        if (at_ == text_.size()) return;
      }
      if (text_[at_] == '\n') {
        ++line_;
        line_start_ = at_ + 1;
      } else if (c != ' ' && c != '\t' && c != '\r') {
        return;
      }
    }
  }

  Token token() {
    const size_t from = at_;
    Token t;
    t.line = line_;
    t.column = static_cast<int>(from - line_start_) + 1;
    if (at_ == text_.size()) return t;
    if (is_letter(look())) {
      t.kind = TokenKind::name;
      while (is_name_char(look())) ++at_;
    } else if (is_digit(look())) {
      t.kind = TokenKind::number;
      t.digits = number();
    } else if (look() == '"') {
      return quoted_text(t);
    } else {
      t.kind = TokenKind::punct;
      at_ += punct_length(t);
    }
    t.text = text_.substr(from, at_ - from);
    return t;
  }

  /// Moves past digits, fraction, exponent and type suffix; returns the length before the suffix.
  size_t number() {
    const size_t from = at_;
    while (is_digit(look())) ++at_;
    if (look() == '.' && is_digit(look(1))) {
      ++at_;
      while (is_digit(look())) ++at_;
    }
    if (look() == 'e') {
      const size_t sign = look(1) == '+' || look(1) == '-' ? 1 : 0;
      if (is_digit(look(1 + sign))) {
        at_ += 1 + sign;
        while (is_digit(look())) ++at_;
      }
    }
    const size_t digits = at_ - from;
    while (is_name_char(look())) ++at_;
    return digits;
  }

  Token quoted_text(Token t) {
    const size_t close = text_.find_first_of("\"\n", at_ + 1);
    t.kind = TokenKind::quoted;
    if (close == std::string_view::npos || text_[close] == '\n')
      fail_at(t, "a closing '\"' on the same line", "none");
    t.text = text_.substr(at_ + 1, close - at_ - 1);
    at_ = close + 1;
    return t;
  }

  size_t punct_length(const Token& where) const {
    static constexpr std::string_view twins = "=!<>";
    if (look(1) == '=' && twins.find(look()) != std::string_view::npos) return 2;
    static constexpr std::string_view singles = "()[]{},;:=<>+-*/";
    if (singles.find(look()) != std::string_view::npos) return 1;
    fail_at(where, "a name, a number or punctuation", quoted(text_.substr(at_, 1)));
  }

  std::string_view text_;
  size_t at_ = 0;
  int line_ = 1;
  size_t line_start_ = 0;
};

}  // namespace

void fail_at(const Token& token, std::string_view expected, std::string_view got) {
  base::invalid("IR text: line {}, column {}: expected {}, got {}", token.line, token.column,
                expected, got);
}

bool is_reserved(std::string_view word) {
  static constexpr std::array<std::string_view, 30> words{
      "for",     "let",       "if",      "allocate", "prefetch", "and",      "or",       "not",
      "true",    "false",     "min",     "max",      "floordiv", "floormod", "copysign", "select",
      "cast",    "broadcast", "ramp",    "fma",      "pair",     "dot",      "inf_f16",  "inf_bf16",
      "inf_f32", "inf_f64",   "nan_f16", "nan_bf16", "nan_f32",  "nan_f64"};
  return std::find(words.begin(), words.end(), word) != words.end() || intrinsic_named(word);
}

bool is_name(std::string_view word) {
  return !word.empty() && is_letter(word.front()) &&
         std::all_of(word.begin(), word.end(), is_name_char) && !is_reserved(word);
}

TokenStream::TokenStream(std::string_view text) : tokens_(Lexer(text).run()) {}

const Token& TokenStream::next() {
  const Token& token = tokens_[at_];
  if (token.kind != TokenKind::end) ++at_;
  return token;
}

bool TokenStream::at(std::string_view text) const {
  const Token& token = peek();
  return (token.kind == TokenKind::punct || token.kind == TokenKind::name) && token.text == text;
}

bool TokenStream::accept(std::string_view text) {
  if (!at(text)) return false;
  ++at_;
  return true;
}

const Token& TokenStream::expect(std::string_view text) {
  if (!at(text)) fail(quoted(text));
  return next();
}

const Token& TokenStream::expect_name(std::string_view what) {
  if (peek().kind != TokenKind::name || !is_name(peek().text)) fail(what);
  return next();
}

void TokenStream::expect_end() {
  if (peek().kind != TokenKind::end) fail("the end of the text");
}

void TokenStream::fail_at(const Token& token, std::string_view expected) {
  ir::fail_at(token, expected, describe(token));
}

}  // namespace nestjit::ir
