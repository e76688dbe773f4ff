// Runs kernels on made-up data, to compare a kernel before and after a pass.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ir/interpret.h"
#include "ir/parse.h"
#include "ir/print.h"
#include "ir/simplify.h"
#include "ir/verify.h"
#include "ir/visit.h"
#include "nestjit/error.h"

namespace nestjit::compiler {

using Symbols = std::map<std::string, int64_t>;

inline int64_t element_count(const ir::Buffer& buffer, const Symbols& symbols) {
  std::unordered_map<std::string, ir::Expr> values;
  for (const auto& [name, value] : symbols) values[name] = ir::Expr(value);
  int64_t n = 1;
  for (const ir::Expr& extent : buffer.shape)
    n *= ir::constant_of(ir::simplify(ir::substitute_symbols(extent, values))).value();
  return n;
}

/// Bits of all parameters after a run; every element starts as a number of its own.
inline std::vector<std::vector<uint32_t>> results_of(const ir::Kernel& kernel,
                                                     const Symbols& symbols = {},
                                                     const ir::InterpretOptions& options = {}) {
  std::vector<std::vector<float>> memory;
  uint32_t state = 12345;
  for (const ir::BufferRef& param : kernel.params) {
    memory.emplace_back(element_count(*param, symbols));
    for (float& x : memory.back()) {
      state = state * 1664525u + 1013904223u;
      x = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31f;
    }
  }
  ir::Arguments arguments{{}, symbols};
  for (auto& m : memory) arguments.buffers.emplace_back(m);
  ir::interpret(kernel, arguments, options);
  std::vector<std::vector<uint32_t>> bits;
  for (const auto& m : memory) {
    bits.emplace_back();
    for (const float x : m) bits.back().push_back(std::bit_cast<uint32_t>(x));
  }
  return bits;
}

/// Sound, and the same bits as before, in order and in a shuffled order.
inline void expect_same(const ir::Kernel& before, const ir::Kernel& after,
                        const Symbols& symbols = {}, ir::Form form = ir::Form::nest) {
  for (const ir::Violation& v : ir::violations(after, form)) ADD_FAILURE() << to_string(v);
  const auto expected = results_of(before, symbols);
  ir::InterpretOptions shuffled;
  shuffled.shuffle_seed = 99;
  EXPECT_EQ(results_of(after, symbols), expected) << to_string(after);
  EXPECT_EQ(results_of(after, symbols, shuffled), expected) << to_string(after);
}

inline int count_stmts(const ir::Kernel& kernel, const std::function<bool(const ir::Stmt&)>& is) {
  int n = 0;
  ir::walk_stmts(kernel.body, [&](const ir::Stmt& s) { n += is(s); });
  return n;
}

inline int count_loops(const ir::Kernel& kernel, ir::Mapping mapping) {
  return count_stmts(kernel, [&](const ir::Stmt& s) {
    const auto* loop = s.as<ir::Loop>();
    return loop && loop->mapping == mapping;
  });
}

inline int count_loads(const ir::Kernel& kernel, const std::string& buffer) {
  int n = 0;
  ir::walk_exprs(kernel.body, [&](const ir::Expr& e) {
    const auto* load = e.as<ir::Load>();
    n += load && load->buffer->name == buffer;
  });
  return n;
}

inline bool is_guarded_tile_store(const ir::Stmt& s) {
  const auto* store = s.as<ir::Store>();
  return store && store->buffer->role == ir::BufferRole::tile && store->mask;
}

/// The printed body, without the kernel's first and last line.
inline std::string body_text(const ir::Kernel& kernel) { return "\n" + to_string(kernel.body); }

/// Text of the internal error that the pass throws.
inline std::string internal_error_of(const std::function<void()>& pass) {
  try {
    pass();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::internal) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

inline void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in:\n" << text;
}

}  // namespace nestjit::compiler
