// What the tests of the scheduling primitives share: goldens, runs and refusals.
//
// Goldens: tests/data/primitives/<primitive>.nest, cases of "=== input", "=== step", "===
// expected". BLESS=1 compiler_test --gtest_filter='*.Golden' rewrites the expected parts; read the
// diff.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "compiler/schedule.h"
#include "tests/compiler/passes/run_kernel.h"

namespace nestjit::compiler {

/// The kernel, given as text, after the steps. Checks that the result is sound.
Scheduled scheduled(std::string_view kernel, std::string_view steps);

/// The scheduled kernel and its packing kernels as one text.
std::string text_of(const Scheduled& scheduled);

/// Applies the step of every case in the file and compares the printed result.
void expect_golden(const std::string& primitive);

/// The kernel gives the same bits before and after the steps, on small integers: in the order of
/// the loops, with parallel loops shuffled, and lowered. Packing kernels run first.
void expect_same_bits(std::string_view kernel, std::string_view steps, const Symbols& symbols = {});

/// The last step is refused: "schedule: <primitive> of '<loop>': <reason>", followed by the nest.
void expect_refused(std::string_view kernel, std::string_view steps, const std::string& loop,
                    const std::string& reason);

/// The text with every occurrence of `from` replaced: kernels with varying extents.
std::string with(std::string text, const std::string& from, int64_t to);

}  // namespace nestjit::compiler
