// Tokens of the IR's text form.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nestjit::ir {

enum class TokenKind : uint8_t { name, number, quoted, punct, end };

/// Views into the text that was given to TokenStream.
struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view text;     // of a quoted text: without its quotes
  size_t digits = 0;         // number only: length of the part before the type suffix
  int line = 1, column = 1;  // 1-based; columns count bytes
};

/// Words that cannot name a variable, a buffer or a symbol.
bool is_reserved(std::string_view word);
/// A letter or '_', then letters, digits, '_' and '.'; not reserved.
bool is_name(std::string_view word);

/// The tokens of a text and a position among them. The text must outlive the stream.
class TokenStream {
 public:
  /// Throws invalid argument for a character that starts no token.
  explicit TokenStream(std::string_view text);

  const Token& peek() const { return tokens_[at_]; }
  /// The current token; moves on unless it is the end.
  const Token& next();
  /// Whether the current token is this punctuation or word.
  bool at(std::string_view text) const;
  /// Moves past the token when it is the one asked for.
  bool accept(std::string_view text);
  /// As accept, but fails when another token stands there. Returns the token.
  const Token& expect(std::string_view text);
  /// A name that is not reserved; `what` says of what, in the error.
  const Token& expect_name(std::string_view what);
  void expect_end();

  /// "IR text: line L, column C: expected X, got Y" for the current token.
  [[noreturn]] void fail(std::string_view expected) const { fail_at(peek(), expected); }

 private:
  [[noreturn]] static void fail_at(const Token& token, std::string_view expected);

  std::vector<Token> tokens_;
  size_t at_ = 0;
};

/// Throws invalid argument: "IR text: line L, column C: expected <expected>, got <got>".
[[noreturn]] void fail_at(const Token& token, std::string_view expected, std::string_view got);

}  // namespace nestjit::ir
