// The part of the parser that reads expressions; the statement parser builds on it.
#pragma once

#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "ir/lexer.h"
#include "ir/parse.h"
#include "ir/precedence.h"

namespace nestjit::ir {

/// Recursive descent over one text. `lookup` answers for names that the text does not bind.
class ExprParser {
 public:
  ExprParser(std::string_view text, NameLookup lookup, std::span<const BufferRef> buffers)
      : tokens_(text),
        lookup_(std::move(lookup)),
        buffers_(buffers.begin(), buffers.end()) {}

  /// A whole expression, with an operator budget of its own.
  Expr expression();
  void expect_end() { tokens_.expect_end(); }

 protected:
  struct Access {
    BufferRef buffer;
    std::vector<Expr> indices;
    Expr mask;
  };

  /// Counts open braces, parentheses and calls while it lives.
  class Nested {
   public:
    explicit Nested(ExprParser& parser);
    ~Nested() { --parser_.depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    ExprParser& parser_;
  };

  /// The buffer of that name and the "[indices; mask]" that follows it.
  BufferRef buffer_named(const Token& name) const;
  Access access(const Token& name);
  /// One or more expressions with commas between them.
  std::vector<Expr> list();
  int64_t integer();
  int small_integer(std::string_view what);
  Scalar scalar();

  /// Runs a factory; operands that it refuses become the text's error.
  template <class Make>
  static auto built(const Token& where, Make make) {
    try {
      return make();
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::internal) throw;
      fail_at(where, "what fits the types and rules of the IR", e.what());
    }
  }

  TokenStream tokens_;
  NameLookup lookup_;
  std::vector<BufferRef> buffers_;                        // innermost last
  std::vector<std::pair<std::string_view, Expr>> bound_;  // variables in scope, innermost last

 private:
  Expr at_level(Precedence level);
  Expr argument();
  Expr comparison();
  Expr primary();
  Expr named();
  Expr call();
  Expr binary_call(BinaryOp op, const Token& name);
  Expr other_call(const Token& name);
  Expr vector_call(const Token& name);
  Expr number(bool negative);
  Expr special_float(bool negative);
  int64_t unsigned_integer(bool negative);
  void count_operator();

  int depth_ = 0;
  int operators_ = 0;
};

}  // namespace nestjit::ir
