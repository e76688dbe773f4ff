// Index expressions from text, over variables and symbols with ranges.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "ir/bounds.h"
#include "ir/parse.h"

namespace nestjit::ir {

/// Every name that the text uses is a variable or a symbol that was added before.
class IndexScope {
 public:
  /// Variables and symbols without a range.
  explicit IndexScope(std::initializer_list<const char*> variables = {},
                      std::initializer_list<const char*> symbols = {}) {
    for (const char* name : variables) names_[name] = Var::make(name);
    for (const char* name : symbols) names_[name] = Symbol::make(name);
  }

  /// A variable with min <= name <= max; the ends may use what was added before.
  IndexScope& var(const std::string& name, std::string_view min, std::string_view max) {
    const Expr low = expr(min), high = expr(max);
    names_[name] = Var::make(name);
    bounds_.add(id_of(names_[name]), low, high);
    return *this;
  }

  IndexScope& symbol(const std::string& name, int64_t min, int64_t max = INT64_MAX) {
    names_[name] = Symbol::make(name);
    bounds_.add_symbol({name, min, max});
    return *this;
  }

  Expr expr(std::string_view text) const {
    return parse_expr(text, [&](std::string_view name) {
      const auto found = names_.find(std::string(name));
      return found == names_.end() ? Expr() : found->second;
    });
  }

  const Bounds& bounds() const { return bounds_; }

 private:
  std::map<std::string, Expr> names_;
  Bounds bounds_;
};

}  // namespace nestjit::ir
