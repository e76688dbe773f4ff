#include "nestjit/policy.h"

#include <optional>

#include "base/env.h"
#include "base/error.h"
#include "runtime/policy.h"

namespace nestjit {
namespace {

thread_local std::optional<CompilePolicy> scoped;

CompilePolicy setting() {
  const std::string value = base::setting("NESTJIT_POLICY").value_or("wait");
  if (value == "wait") return CompilePolicy::wait;
  if (value == "background") return CompilePolicy::background;
  base::invalid("NESTJIT_POLICY must be wait or background, got {}", value);
}

}  // namespace

CompilePolicy runtime::default_compile_policy() {
  static const CompilePolicy otherwise = setting();
  return otherwise;
}

CompilePolicy current_compile_policy() {
  return scoped ? *scoped : runtime::default_compile_policy();
}

CompilePolicyScope::CompilePolicyScope(CompilePolicy policy)
    : had_outer_(scoped.has_value()),
      outer_(scoped.value_or(policy)) {
  scoped = policy;
}

CompilePolicyScope::~CompilePolicyScope() {
  if (had_outer_)
    scoped = outer_;
  else
    scoped.reset();
}

}  // namespace nestjit
