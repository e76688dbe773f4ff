// How an operation runs: at once, or as a task of a stream.
#pragma once

#include <functional>
#include <initializer_list>
#include <utility>

#include "nestjit/array.h"
#include "nestjit/stream.h"

namespace nestjit::runtime {

using Operands = std::initializer_list<const array*>;

/// Waits until `reads` may be read and all of `writes` overwritten.
void wait_for_operands(Operands reads, Operands writes);

/// Gives `work`, which writes every element of `writes`, to the queue of a stream or device that
/// has been judged. It runs after earlier work that writes what it reads, or uses what it writes.
/// It has to keep its operands' memory alive.
void submit(const StreamOrDevice& stream, Operands reads, Operands writes,
            std::function<void()> work);

/// Runs the work of an operation whose arguments have been judged: now when `stream` is empty,
/// otherwise by submit(). The work runs in IEEE's floating-point environment where the caller is in
/// it; it touches elements by address (data() of an operand does not wait there), and captures its
/// operands by value.
template <class Work>
void run_on(const StreamOrDevice& stream, Operands reads, Operands writes, Work&& work) {
  if (std::holds_alternative<std::monostate>(stream)) {
    wait_for_operands(reads, writes);
    work();
  } else {
    submit(stream, reads, writes, std::forward<Work>(work));
  }
}

}  // namespace nestjit::runtime
