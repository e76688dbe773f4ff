#include "runtime/first_lengths.h"

#include <cstddef>
#include <new>

#include "ops/conv/polymorphic.h"

namespace nestjit::runtime {

bool FirstLengths::always(const ops::ConvProblem& problem) {
  const KernelRequest layer{.problem = problem, .any_length = true};
  const std::lock_guard lock(mutex_);
  if (const auto known = first_.find(layer); known != first_.end())
    return known->second == ops::symbol_values(problem);
  if (first_.size() >= most_layers) first_.clear();  // and every layer begins anew
  first_.emplace(KernelKey(layer), ops::symbol_values(problem));
  return true;
}

void FirstLengths::clear() {
  const std::lock_guard lock(mutex_);
  first_.clear();
}

FirstLengths& first_lengths() {
  alignas(FirstLengths) static std::byte memory[sizeof(FirstLengths)];
  static auto& lengths = *new (memory) FirstLengths;
  return lengths;
}

}  // namespace nestjit::runtime
