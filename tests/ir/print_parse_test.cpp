#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

#include "ir/ir.h"
#include "ir/lexer.h"
#include "ir/parse.h"
#include "ir/print.h"
#include "ir/visit.h"
#include "tests/expect_error.h"

namespace nestjit::ir {
namespace {

const BufferRef x = Buffer::make("x", Scalar::f32, {8}, BufferRole::input);
const BufferRef y = Buffer::make("y", Scalar::f32, {8}, BufferRole::output);
const Expr one = FloatImm::make(1, Scalar::f32);

/// Names of one letter are symbols of that name.
Expr parse(std::string_view text) {
  const auto lookup = [](std::string_view name) {
    return name.size() == 1 ? Symbol::make(std::string(name)) : Expr();
  };
  const std::array buffers{x};
  return parse_expr(text, lookup, buffers);
}

std::string reprinted(std::string_view text) { return to_string(parse(text)); }
std::string reprinted_kernel(std::string_view text) { return to_string(parse_kernel(text)); }

/// A kernel with one output y of eight f32, symbols n and l, and the given statements.
std::string kernel_text(const std::string& body) {
  return "kernel k(y: f32[8] output) symbols(n, l) fused {\n" + body + "}\n";
}

void rejects(const std::string& text, const std::string& message) {
  expect_error(ErrorKind::invalid_argument, "IR text: " + message, [&] { parse_kernel(text); });
}

void rejects_expr(const std::string& text, const std::string& message) {
  expect_error(ErrorKind::invalid_argument, "IR text: " + message, [&] { parse(text); });
}

TEST(Print, WholeKernel) {
  const std::string text =
      R"(kernel conv(x: f32[n, l, 4] input, w: f32[8, 3, 4] constant align 64, y: f32[n, l*2, 8] output) symbols(n in [1, 100], l) fused {
  for q in [0, l) parallel unrolled {
    let r: index = q*2 - 1
    if 0 <= r and r < l {
      y[0, r, 0] = fma(x[0, q, 0], w[0, 0, 0], y[0, r, 0])
    }
  }
  for i in [-2, 5) reduction {
    allocate acc: f32[2, 16] tile align 64 {
      acc[0, ramp(0, 1, 16)] = broadcast(0.0f32, 16)
      y[0, 0, ramp(i + 2, 1, 16); ramp(0, 1, 16) < broadcast(3, 16)] = acc[0, ramp(0, 1, 16)]
    }
  }
}
)";
  // `unrolled` needs a constant extent, which the verifier would ask for.
  const Kernel k = parse_kernel_unverified(text);
  EXPECT_EQ(to_string(k), text);
  EXPECT_EQ(k.params.size(), 3u);
  EXPECT_EQ(k.params[1]->alignment, 64);
  EXPECT_EQ(k.symbols[0], (SymbolDecl{"n", 1, 100}));
  EXPECT_TRUE(k.fused);
}

TEST(Print, FewestParentheses) {
  for (const char* text : {"a + b + c",
                           "a + (b + c)",
                           "a - (b - c)",
                           "a*b + c",
                           "(a + b)*c",
                           "a*(b*c)",
                           "a - b*c",
                           "not a < b",
                           "a < b and b < c or not (a == b or b != c)",
                           "a < b and (b < c and c < d)",
                           "(a < b or b < c) and c >= d",
                           "not not a <= b",
                           "min(a + b, max(c, 1))",
                           "floordiv(a, 2)*2 + floormod(a, 2)",
                           "select(a < b, a, b + 1)",
                           "a + -1",
                           "a - 1",
                           "a - -1",
                           "-1 - a",
                           "a*-1",
                           "ramp(a + 1, -2, 8) + broadcast(b, 8)",
                           "true or false",
                           "cast(f64, x[a + 1])",
                           "sqrt(abs(x[0]))",
                           "copysign(exp(x[0]), expm1(x[1]))",
                           "tanh(sigmoid(sin(sin_squared(expm1_negative(pow2(x[0]))))))",
                           "fma(x[0], x[1], -0.5f32)",
                           "x[a; a < b]",
                           "x[0]/x[1]/(x[2]*x[3])",
                           "-9223372036854775808",
                           "9223372036854775807"})
    EXPECT_EQ(reprinted(text), text);
}

TEST(Print, TheStructureDecides) {
  const Expr a = Symbol::make("a"), b = Symbol::make("b"), c = Symbol::make("c");
  EXPECT_EQ(to_string(a + (b + c)), "a + (b + c)");
  EXPECT_EQ(to_string(a + Expr(-1)), "a + -1");
  EXPECT_TRUE(equal(parse("a + -1"), a + Expr(-1)));
  EXPECT_TRUE(equal(parse("a - 1"), a - 1));
  EXPECT_TRUE(equal(parse(" ( a )+( ( b*c ) )"), a + b * c));
  EXPECT_EQ(to_string(Not::make(BoolImm::make(true))), "not true");
}

TEST(Print, FloatsAreShortAndExact) {
  const auto text = [](double v, Scalar s) { return to_string(FloatImm::make(v, s)); };
  EXPECT_EQ(text(0.1f, Scalar::f32), "0.1f32");
  EXPECT_EQ(text(0.1, Scalar::f64), "0.1f64");
  EXPECT_EQ(text(-0.0, Scalar::f32), "-0.0f32");
  EXPECT_EQ(text(1e20f, Scalar::f32), "1e+20f32");
  EXPECT_EQ(text(1.5, Scalar::bf16), "1.5bf16");
  EXPECT_EQ(text(-HUGE_VAL, Scalar::f16), "-inf_f16");
  EXPECT_EQ(text(NAN, Scalar::f64), "nan_f64");
}

TEST(Parse, FloatsRoundToNearest) {
  const auto value = [](const char* text) { return parse(text).as<FloatImm>()->value; };
  EXPECT_EQ(value("0.1f32"), 0.1f);
  EXPECT_EQ(value("0.1f16"), 0x1.998p-4);
  EXPECT_EQ(value("0.1bf16"), 0x1.9ap-4);
  EXPECT_EQ(value("3f64"), 3.0);
  EXPECT_TRUE(std::signbit(value("-0.0f32")));
  EXPECT_EQ(value("-inf_f32"), -HUGE_VAL);
  EXPECT_TRUE(std::isnan(value("nan_bf16")));
  rejects_expr("1e39f32",
               "line 1, column 1: expected a number within the range of f32, got '1e39f32'");
  rejects_expr("65520.0f16", "line 1, column 1: expected a number within the range of f16");
  rejects_expr("0.5",
               "line 1, column 1: expected a number with its type, such as 0.5f32, got '0.5'");
  rejects_expr("1index", "line 1, column 1: expected a number with its type");
}

TEST(Print, NamesAreUniqueAndStable) {
  const auto loop = [](const Expr& v, const Stmt& body) {
    return Loop::make(v, 0, 8, LoopKind::parallel, Mapping::serial, body);
  };
  const Expr q = Var::make("q"), q2 = Var::make("q"), n = Var::make("n"), word = Var::make("for"),
             odd = Var::make("a b"), var_y = Var::make("y");
  const Stmt body = Block::make({loop(q, loop(q2, Store::make(y, {q + q2}, one))),
                                 loop(n, Store::make(y, {n + Symbol::make("n")}, one)),
                                 loop(word, loop(odd, Store::make(y, {word + odd}, one))),
                                 loop(var_y, Store::make(y, {var_y}, one))});
  const Kernel k{"k", {y}, {{"n"}}, true, body};
  const std::string text = to_string(k);
  EXPECT_NE(text.find("y[q + q_1]"), std::string::npos) << text;
  EXPECT_NE(text.find("y[n_1 + n]"), std::string::npos) << text;
  EXPECT_NE(text.find("y[for_1 + a_b]"), std::string::npos) << text;
  EXPECT_NE(text.find("y[y_1]"), std::string::npos) << text;
  EXPECT_TRUE(equal(parse_kernel(text), k));
  EXPECT_EQ(reprinted_kernel(text), text);
  EXPECT_EQ(to_string(body).find("kernel"), std::string::npos);
}

TEST(Print, AllocatedBuffersAreRenamedToo) {
  const BufferRef t = Buffer::make("y", Scalar::f32, {8}, BufferRole::scratch);
  const Kernel k{"k", {y}, {}, true, Allocate::make(t, Store::make(y, {0}, Load::make(t, {0})))};
  EXPECT_EQ(to_string(k),
            "kernel k(y: f32[8] output) fused {\n  allocate y_1: f32[8] scratch {\n"
            "    y[0] = y_1[0]\n  }\n}\n");
  EXPECT_TRUE(equal(parse_kernel(to_string(k)), k));
}

TEST(Print, AKernelsNameMayBeAnyText) {
  const Kernel k{"conv l=8 *", {y}, {}, false, Block::make({})};
  EXPECT_EQ(to_string(k), "kernel \"conv l=8 *\"(y: f32[8] output) unfused {\n}\n");
  EXPECT_TRUE(equal(parse_kernel(to_string(k)), k));
}

TEST(Print, LetsReachToTheEndOfTheirBraces) {
  const Expr a = Var::make("a"), b = Var::make("b");
  const Stmt inner = Let::make(a, 1, Store::make(y, {a}, one));
  const Stmt after = Store::make(y, {2}, one);
  const Kernel k{"k", {y}, {}, true, Block::make({inner, after, Let::make(b, 3, Block::make({}))})};
  EXPECT_EQ(to_string(k), R"(kernel k(y: f32[8] output) fused {
  {
    let a: index = 1
    y[a] = 1.0f32
  }
  y[2] = 1.0f32
  let b: index = 3
}
)");
  EXPECT_TRUE(equal(parse_kernel(to_string(k)), k));
  EXPECT_FALSE(equal(k.body, Let::make(a, 1, Block::make({Store::make(y, {a}, one), after}))));
}

TEST(Print, LoopEnds) {
  const auto head = [](const Expr& min, const Expr& extent) {
    return headline(Loop::make(Var::make("i"), min, extent, LoopKind::parallel, Mapping::vector,
                               Block::make({})));
  };
  const Expr n = Symbol::make("n");
  EXPECT_EQ(head(0, n + 1), "for i in [0, n + 1) parallel vector");
  EXPECT_EQ(head(2, 5), "for i in [2, 7) parallel vector");
  EXPECT_EQ(head(n - 1, 4), "for i in [n - 1, n - 1 + 4) parallel vector");
  EXPECT_EQ(head(2, n + 1), "for i in [2, 2 + (n + 1)) parallel vector");
  EXPECT_EQ(head(INT64_MAX, 5),
            "for i in [9223372036854775807, 9223372036854775807 + 5) parallel vector");
}

TEST(Parse, LoopEnds) {
  const auto extent = [](const std::string& bounds) {
    const Kernel k = parse_kernel(kernel_text("for i in " + bounds + " parallel {}"));
    return to_string(k.body.as<Loop>()->extent);
  };
  EXPECT_EQ(extent("[0, 0 + n)"), "0 + n");
  EXPECT_EQ(extent("[3, 1)"), "-2");
  EXPECT_EQ(extent("[n, n + 4)"), "4");
  EXPECT_EQ(extent("[n, l)"), "l - n");
  EXPECT_EQ(extent("[9223372036854775807, 9223372036854775807 + 5)"), "5");
}

TEST(Parse, ChoosesTheInnermostName) {
  const Kernel k =
      parse_kernel(kernel_text("for n in [0, n) parallel { let n: index = n + 1\n y[n] = 1.0f32 } "
                               "for n in [0, 2) parallel {}"));
  EXPECT_EQ(to_string(k.body.as<Block>()->stmts[0]),
            "for n_1 in [0, n) parallel {\n  let n_2: index = n_1 + 1\n  y[n_2] = 1.0f32\n}\n");
}

TEST(Parse, CommentsAndLineBreaksAreFree) {
  const Kernel k =
      parse_kernel("# a\nkernel k # b\n(y: f32 [8] output\n){y[0]=#c\n1f32 y[1]=1f32}#");
  EXPECT_EQ(to_string(k),
            "kernel k(y: f32[8] output) fused {\n  y[0] = 1.0f32\n  y[1] = 1.0f32\n}\n");
}

TEST(Parse, WordsOfDeclarationsAreNamesElsewhere) {
  const std::string text =
      "kernel kernel(input: f32[8] input, in: f32[8] output) fused {\n"
      "  for parallel in [0, 8) parallel {\n    in[parallel] = input[parallel]\n  }\n}\n";
  EXPECT_EQ(reprinted_kernel(text), text);
}

TEST(Print, Prefetches) {
  const std::string text =
      "kernel k(x: f32[n, 8] input, y: f32[8] output) symbols(n) fused {\n"
      "  for i in [0, n) parallel {\n"
      "    prefetch x + i*8 + 64\n"
      "    prefetch y + i + 64\n"
      "    prefetch y + -1\n"
      "    prefetch x + max(i, 3)\n"
      "  }\n}\n";
  EXPECT_EQ(reprinted_kernel(text), text);
}

TEST(Parse, PrefetchErrorsSayWhere) {
  rejects(kernel_text("prefetch y"), "line 2, column 11: expected '+', got '}'");
  rejects(kernel_text("prefetch y[0] + 1"), "line 2, column 11: expected '+', got '['");
  rejects(kernel_text("prefetch + 1"), "line 2, column 10: expected a buffer, got '+'");
  rejects(kernel_text("prefetch z + 1"),
          "line 2, column 10: expected a buffer that is declared, got 'z'");
  const std::string fits = "expected what fits the types and rules of the IR, got ir: Prefetch: ";
  const std::string scalar = "line 2, column 10: " + fits + "the element must be a scalar index";
  rejects(kernel_text("prefetch y + 1f32"), scalar);
  rejects(kernel_text("prefetch y + ramp(0, 1, 8)"), scalar);
  rejects(kernel_text("allocate t: f32[4] tile { prefetch t + 1 }"),
          "line 2, column 36: " + fits + "the buffer must be a parameter");
  // The word is reserved.
  rejects(kernel_text("for prefetch in [0, 8) parallel {}"),
          "line 2, column 5: expected a loop's name");
}

TEST(Parse, SyntaxErrorsSayWhere) {
  rejects("", "line 1, column 1: expected 'kernel', got the end of the text");
  rejects("kernel k(y: f32[8] output) {\n  y[0] 1f32\n}",
          "line 2, column 8: expected '=', got '1f32'");
  rejects("kernel k(y: f32[8] tile) {}", "line 1, column 10: expected a parameter");
  rejects("kernel k(y: f31[8] output) {}", "line 1, column 13: expected a type");
  rejects("kernel k(y: f32[m] output) {}",
          "line 1, column 10: expected declared symbols in the shape, got 'm'");
  rejects("kernel k() { $ }",
          "line 1, column 14: expected a name, a number or punctuation, got '$'");
  rejects("kernel k() { \x01 }",
          "line 1, column 14: expected a name, a number or punctuation, got '\\x01'");
  rejects("kernel \"k() {}", "line 1, column 8: expected a closing '\"'");
  rejects("kernel k() {} x", "line 1, column 15: expected the end of the text, got 'x'");
  rejects("kernel k() {", "line 1, column 13: expected a statement or '}', got the end");
  rejects(kernel_text("for i in [0, 8) {}"), "line 2, column 17: expected a loop kind");
  rejects(kernel_text("for if in [0, 8) parallel {}"), "line 2, column 5: expected a loop's name");
  rejects(kernel_text("let a: f32 = 1"),
          "line 2, column 12: expected a value of type f32, got one of index");
}

TEST(Parse, UnknownNamesSayWhere) {
  rejects(kernel_text("y[z] = 1f32"),
          "line 2, column 3: expected a variable or symbol that is declared, got 'z'");
  rejects(kernel_text("z[0] = 1f32"),
          "line 2, column 1: expected a buffer that is declared, got 'z'");
  rejects(kernel_text("for i in [0, i) parallel {}"),
          "line 2, column 14: expected a variable or symbol");
  rejects(kernel_text("{ let a: index = 1 } y[a] = 1f32"),
          "line 2, column 24: expected a variable or symbol");
  rejects(kernel_text("allocate t: f32[4] tile {} t[0] = 1f32"),
          "line 2, column 28: expected a buffer");
}

TEST(Parse, TypesThatDoNotFitSayWhere) {
  rejects_expr(
      "a + 1f32",
      "line 1, column 3: expected what fits the types and rules of the IR, got ir: Binary");
  rejects_expr("a/b", "line 1, column 2: expected what fits");
  rejects_expr("fma(a, b, c)", "line 1, column 1: expected what fits");
  rejects_expr("not a", "line 1, column 1: expected what fits");
  rejects_expr("x[0, 1]", "line 1, column 1: expected what fits");
  rejects_expr("ramp(0, 1, 1)", "line 1, column 1: expected what fits");
  rejects(kernel_text("y[0] = 1"), "line 2, column 1: expected what fits");
  rejects(kernel_text("if n {}"), "line 2, column 4: expected what fits");
  rejects("kernel k(y: f32[8] output align 3) {}", "line 1, column 10: expected what fits");
  rejects("kernel k(y: index[8] output) {}", "line 1, column 10: expected what fits");
}

TEST(Parse, ExpressionErrorsSayWhere) {
  rejects_expr("a < b < c", "line 1, column 7: expected the end of the text, got '<'");
  rejects_expr("a +", "line 1, column 4: expected an expression, got the end of the text");
  rejects_expr("-a", "line 1, column 2: expected a number after '-', got 'a'");
  rejects_expr("min(a)", "line 1, column 6: expected ',', got ')'");
  rejects_expr("if", "line 1, column 1: expected an expression, got 'if'");
  rejects_expr("9223372036854775808", "line 1, column 1: expected an integer of 64 bits");
  rejects_expr("-9223372036854775809", "line 1, column 2: expected an integer of 64 bits");
  rejects_expr("99999999999999999999", "line 1, column 1: expected an integer of 64 bits");
  rejects_expr("broadcast(a, 9999999999)",
               "line 1, column 14: expected a number of lanes of at most");
  rejects_expr("a + long_name", "line 1, column 5: expected a variable or symbol");
}

TEST(Parse, BreaksOfRulesAreInvalidArguments) {
  expect_error(ErrorKind::invalid_argument,
               "IR text: kernel 'k': rule 13 (extents): for i in [0, n)",
               [] { parse_kernel(kernel_text("for i in [0, n) parallel unrolled {}")); });
}

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(Parse, DepthIsLimited) {
  EXPECT_NO_THROW(parse(repeated("(", 190) + "a" + repeated(")", 190)));
  EXPECT_NO_THROW(parse("a" + repeated(" + a", 1900)));
  for (const char* open : {"(", "not ", "min(", "x[", "sqrt("})
    rejects_expr(repeated(open, 100000), "line 1, column ");
  rejects_expr(repeated("(", 201),
               "line 1, column 202: expected at most 200 levels of nesting, got one more");
  rejects_expr("a" + repeated(" + a", 100000),
               "line 1, column 8005: expected at most 2000 operators");
  rejects(kernel_text(repeated("if true {", 100000)), "line 2, column ");
  rejects(kernel_text(repeated("{", 100000)), "line 2, column ");
  rejects(kernel_text(repeated("let a: index = 1 ", 100000)), "line 2, column ");
}

TEST(Parse, ManyStatementsAreFine) {
  const std::string text = kernel_text(repeated("y[0] = fma(y[1], y[2], y[0])\n", 20000));
  EXPECT_EQ(parse_kernel(text).body.as<Block>()->stmts.size(), 20000u);
}

TEST(Names, OfTheTextForm) {
  EXPECT_TRUE(is_name("w.packed_2"));
  for (const char* word : {"", "2a", "a b", ".a", "for", "min", "inf_f32", "a-b"})
    EXPECT_FALSE(is_name(word)) << word;
}

/// The fenced blocks of a document that are marked "nestjit".
std::vector<std::string> examples_of(const std::string& file) {
  std::ifstream in(file);
  std::vector<std::string> examples;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line == "```nestjit")
      examples.emplace_back();
    else if (inside && line != "```")
      examples.back() += line + "\n";
    inside = line == "```nestjit" || (inside && line != "```");
  }
  return examples;
}

TEST(Documentation, ExamplesParseAndArePrintedLikeThat) {
  const auto examples = examples_of(NESTJIT_SOURCE_DIR "/docs/IR.md");
  ASSERT_GE(examples.size(), 2u);
  for (const std::string& text : examples) EXPECT_EQ(reprinted_kernel(text), text);
}

}  // namespace
}  // namespace nestjit::ir
