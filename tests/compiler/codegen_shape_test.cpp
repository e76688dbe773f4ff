// Properties of the LLVM IR, and what the code generator refuses.
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "tests/compiler/compiled.h"
#include "tests/expect_error.h"

namespace nestjit::compiler {
namespace {

constexpr const char* tile =
    R"(kernel tile(x: f32[9999] input, w: f32[9999] constant align 64, y: f32[9999] output) fused {
  for q in [0, 8) parallel workgroup {
    allocate acc: f32[32] tile {
      acc[ramp(0, 1, 16)] = broadcast(0.0f32, 16)
      acc[ramp(16, 1, 16)] = broadcast(0.0f32, 16)
      for kk in [0, 100) reduction {
        let v: f32x16 = w[ramp(kk*16, 1, 16)]
        acc[ramp(0, 1, 16)] = fma(broadcast(x[q*200 + kk], 16), v, acc[ramp(0, 1, 16)])
        acc[ramp(16, 1, 16)] = fma(broadcast(x[q*200 + kk + 100], 16), v, acc[ramp(16, 1, 16)])
      }
      y[ramp(q*32, 1, 16)] = acc[ramp(0, 1, 16)]
      y[ramp(q*32 + 16, 1, 16)] = acc[ramp(16, 1, 16)]
    }
  }
})";

std::string llvm_ir(std::string_view text, Level level = Level::x86_64_v4) {
  return compile_text(text, level, {.want_llvm_ir = true}).llvm_ir;
}

/// The block of a function that branches to itself: an innermost loop in its final form.
std::vector<std::string> hot_loop(const std::string& ir) {
  std::istringstream lines(ir);
  std::vector<std::string> block;
  std::string label;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line[0] != ' ' && line.find(':') != std::string::npos) {
      label = line.substr(0, line.find(':'));
      block.clear();
      continue;
    }
    block.push_back(line);
    if (line.starts_with("  br i1") && line.find("label %" + label + ",") != std::string::npos)
      return block;
  }
  ADD_FAILURE() << "no loop of one block in\n" << ir;
  return {};
}

size_t count(const std::vector<std::string>& lines, std::string_view word) {
  size_t n = 0;
  for (const std::string& line : lines) n += line.find(word) != std::string::npos;
  return n;
}

TEST(CodegenShape, APrefetchIsOneInstruction) {
  const char* k = R"(kernel k(x: f32[640] input, y: f32[640] output) {
    for i in [0, 40) parallel {
      prefetch x + i*16 + 64
      y[ramp(i*16, 1, 16)] = x[ramp(i*16, 1, 16)]
    }
  })";
  for (const Level level : runnable_levels()) {
    const MachineCode code = compile_text(k, level, {.want_llvm_ir = true, .want_assembly = true});
    EXPECT_NE(code.llvm_ir.find("call void @llvm.prefetch.p0(ptr "), std::string::npos)
        << code.llvm_ir;
    EXPECT_NE(code.assembly.find("prefetcht1\t256("), std::string::npos) << code.assembly;
    EXPECT_EQ(code.assembly.find("call"), std::string::npos) << code.assembly;
    // The last ones ask for what lies behind the buffer.
    std::vector<float> x(640), y(640);
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
    EXPECT_EQ(run(code, {{x.data(), y.data()}}), 0);
    EXPECT_EQ(x, y);
  }
}

TEST(CodegenShape, HotLoopOfATileHoldsOnlyItsWork) {
  const std::string ir = llvm_ir(tile);
  const std::vector<std::string> loop = hot_loop(ir);
  EXPECT_EQ(count(loop, "call <16 x float> @llvm.fma"), 2u) << ir;
  EXPECT_EQ(count(loop, "load <16 x float>"), 1u) << ir;
  EXPECT_EQ(count(loop, "load float"), 2u) << ir;
  EXPECT_EQ(count(loop, "phi <16 x float>"), 2u) << ir;
  EXPECT_EQ(count(loop, "phi ptr"), 1u) << ir;        // w, bumped
  EXPECT_EQ(count(loop, "phi i64"), 1u) << ir;        // the offset of x, which counts
  EXPECT_EQ(count(loop, "getelementptr"), 3u) << ir;  // x at the offset, w's bump, a second row
  EXPECT_EQ(count(loop, "store"), 0u) << ir;
  EXPECT_EQ(count(loop, " mul "), 0u) << ir;
  EXPECT_EQ(count(loop, " add "), 1u) << ir;  // of the offset
  EXPECT_EQ(ir.find("alloca"), std::string::npos) << ir;
}

TEST(CodegenShape, PointersOfOneStepShareAnOffset) {
  const auto loop_of = [](const std::string& store) {
    return hot_loop(
        llvm_ir("kernel k(x: f32[9999] input, w: f32[999] input, y: f32[99] output) fused {\n"
                "  for q in [0, 9) parallel {\n    let a: index = floordiv(q*7, 3)\n"
                "    let b: index = floordiv(q*7, 2)\n    allocate acc: f32[1] tile {\n"
                "      acc[0] = 0.0f32\n      for k in [0, 50) reduction {\n        " +
                store +
                " = fma(x[q*100 + k] + x[a + k] + x[b + k], w[k*16], acc[0])\n"
                "      }\n      y[q] = acc[0]\n    }\n  }\n}\n"));
  };
  std::vector<std::string> loop = loop_of("acc[0]");
  EXPECT_EQ(count(loop, "phi ptr"), 1u) << "w moves by another step";
  EXPECT_EQ(count(loop, "phi i64"), 1u) << "the counter is not needed";
  EXPECT_EQ(count(loop, " add "), 1u);
  EXPECT_EQ(count(loop, "icmp ne i64 "), 1u);
  loop = loop_of("acc[0; k*2 <= q]");
  EXPECT_EQ(count(loop, "phi ptr"), 1u);
  EXPECT_EQ(count(loop, "phi i64"), 2u) << "the mask asks for the counter";
}

TEST(CodegenShape, MasksLeaveTheLoopsTheyDoNotDependOn) {
  const std::string ir =
      llvm_ir(R"(kernel k(x: f32[99] input, w: f32[999] input, y: f32[99] output) unfused {
    for q in [0, 3) parallel {
      allocate acc: f32[16] tile {
        acc[ramp(0, 1, 16)] = broadcast(0.0f32, 16)
        for k in [0, 50) reduction {
          acc[ramp(0, 1, 16); ramp(q*16, 1, 16) <= broadcast(36, 16)] = acc[ramp(0, 1, 16)]*w[ramp(k*16, 1, 16); ramp(q*16, 1, 16) <= broadcast(36, 16)]
        }
        y[ramp(q*16, 1, 16); ramp(q*16, 1, 16) <= broadcast(36, 16)] = acc[ramp(0, 1, 16)]
      }
    }
  })");
  const std::vector<std::string> loop = hot_loop(ir);
  EXPECT_EQ(count(loop, "@llvm.masked.load"), 1u) << ir;
  EXPECT_EQ(count(loop, "icmp"), 1u) << ir;  // the loop's own test
}

TEST(CodegenShape, AccessesCarryTheirFacts) {
  const std::string ir = llvm_ir(tile);
  std::istringstream lines(ir);
  for (std::string line; std::getline(lines, line);) {
    const bool vector_load = line.find("= load <16 x float>") != std::string::npos;
    const bool access = vector_load || line.find("load float") != std::string::npos ||
                        line.find("store <16 x float>") != std::string::npos;
    if (!access) continue;
    EXPECT_NE(line.find("!alias.scope"), std::string::npos) << line;
    EXPECT_NE(line.find("!noalias"), std::string::npos) << line;
    EXPECT_EQ(line.find("!invariant.load") != std::string::npos,
              line.find("load") != std::string::npos)
        << line;
    EXPECT_NE(line.find(vector_load ? "align 64" : "align 4"), std::string::npos) << line;
  }
}

TEST(CodegenShape, AlignmentIsProvenFromStridesAndOffsets) {
  const auto stored_align = [](const std::string& index) {
    const std::string ir = llvm_ir(
        "kernel k(y: f32[9999] output align 64) unfused {\n"
        "  for i in [0, 9) parallel {\n    y[ramp(" +
        index + ", 1, 4)] = broadcast(1.0f32, 4)\n  }\n}\n");
    const size_t store = ir.find("store <4 x float>"), align = ir.find("align ", store);
    return std::stoi(ir.substr(align + 6));
  };
  EXPECT_EQ(stored_align("i*16"), 64);
  EXPECT_EQ(stored_align("i*8 + 48"), 32);
  EXPECT_EQ(stored_align("i*16 + 4"), 16);
  EXPECT_EQ(stored_align("i*6"), 8);
  EXPECT_EQ(stored_align("i"), 4);
}

TEST(CodegenShape, FullWidthRegistersOnV4) {
  const MachineCode code = compile_text(tile, Level::x86_64_v4, {.want_assembly = true});
  EXPECT_NE(code.assembly.find("%zmm"), std::string::npos) << code.assembly;
  EXPECT_NE(code.assembly.find("vfmadd"), std::string::npos) << code.assembly;
  EXPECT_EQ(code.assembly.find("call"), std::string::npos) << code.assembly;
  EXPECT_EQ(code.assembly.find("(%rsp)"), std::string::npos) << "a spill:\n" << code.assembly;
}

TEST(CodegenShape, HintedLoopIsVectorised) {
  const std::string text = R"(kernel k(x: f32[n] input, y: f32[n] output) symbols(n) unfused {
    for i in [0, n) parallel hinted {
      y[i] = x[i]*x[i] + y[i]
    }
  })";
  for (const Level level : runnable_levels()) {
    const MachineCode code = compile_text(text, level, {.want_llvm_ir = true});
    EXPECT_NE(code.llvm_ir.find("x float>"), std::string::npos) << code.llvm_ir;
    EXPECT_EQ(code.llvm_ir.find("vector.memcheck"), std::string::npos) << "no-alias facts are lost";
    std::vector<float> x(133), y(133, 0.5f);
    for (size_t i = 0; i < x.size(); ++i) x[i] = 0.37f * static_cast<float>(i) - 20;
    run(code, {{x.data(), y.data()}, {131}});
    for (size_t i = 0; i < x.size(); ++i) {
      const float square = x[i] * x[i];
      ASSERT_EQ(y[i], i < 131 ? square + 0.5f : 0.5f) << i;
    }
  }
}

TEST(CodegenShape, CarriedSumsAreNeverVectorised) {
  const std::string text = R"(kernel k(x: f32[999] input, y: f32[2] output) unfused {
    for a in [0, 2) parallel hinted {
      allocate acc: f32[1] tile {
        acc[0] = 0.0f32
        for i in [0, 999) parallel hinted {
          acc[0] = acc[0] + x[i]
        }
        y[a] = acc[0]
      }
    }
  })";
  const MachineCode code = compile_text(text, runnable_levels().back(), {.want_llvm_ir = true});
  EXPECT_EQ(code.llvm_ir.find("x float>"), std::string::npos) << code.llvm_ir;
  std::vector<float> x(999), y(2);
  float sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += x[i] = std::sin(static_cast<float>(i));
  run(code, {{x.data(), y.data()}});
  EXPECT_EQ(y[0], sum);
  EXPECT_EQ(y[1], sum);
}

TEST(CodegenShape, FillsAndCopiesCallNothing) {
  const std::string text =
      R"(kernel k(x: f32[4096] input, y: f32[4096] output, z: f32[4096] output) unfused {
    for i in [0, 4096) parallel hinted {
      y[i] = 0.0f32
      z[i] = x[i]
    }
    for i in [0, 64) parallel {
      y[i] = 0.0f32
      z[i] = x[i]
    }
  })";
  for (const Level level : {Level::x86_64_v1, Level::x86_64_v3, Level::x86_64_v4}) {
    const MachineCode code = compile_text(text, level, {.want_assembly = true});
    EXPECT_EQ(code.assembly.find("call"), std::string::npos) << code.assembly;
    EXPECT_EQ(code.assembly.find("mem"), std::string::npos) << code.assembly;
  }
}

std::string with_body(const std::string& body, const std::string& mode = "unfused") {
  return "kernel k(x: f32[64] input, y: f32[64] output) " + mode + " {\n" + body + "\n}\n";
}

void refuses(ErrorKind kind, const std::string& text, const std::string& message,
             Level level = Level::x86_64_v4) {
  expect_error(kind, "codegen: " + message, [&] {
    compile_to_machine_code({ir::parse_kernel_unverified(text)}, target_of(level));
  });
}

TEST(CodegenRefusals, FormsThatLoweringRemoves) {
  refuses(ErrorKind::internal, with_body("for i in [0, 4) parallel unrolled {\n y[i] = x[i]\n}"),
          "loop i of kernel k is mapped unrolled");
  refuses(ErrorKind::internal, with_body("for i in [0, 4) parallel vector {\n y[i] = x[i]\n}"),
          "loop i of kernel k is mapped vector");
  refuses(ErrorKind::internal, "kernel k(y: f32[2, 2] output) unfused {\n y[0, 1] = 1.0f32\n}\n",
          "buffer y must be flattened to one dimension; it has 2");
  refuses(ErrorKind::internal,
          with_body("for i in [0, 4) parallel workgroup {\n y[i] = x[i]\n}\ny[9] = 1.0f32"),
          "kernel k: the workgroup loop i must be the only outermost statement");
  refuses(ErrorKind::internal,
          with_body(
              "if ramp(0, 1, 4) < broadcast(2, 4) {\n y[ramp(0, 1, 4)] = broadcast(1.0f32, 4)\n}"),
          "kernel k holds a vector guard");
}

TEST(CodegenRefusals, NamesOutsideTheirScope) {
  ir::Kernel kernel = ir::parse_kernel("kernel k(y: f32[8] output) unfused {\n y[0] = 1.0f32\n}\n");
  const ir::Expr v = ir::Var::make("v"), one = ir::FloatImm::make(1, ir::Scalar::f32);
  const ir::BufferRef y = kernel.params[0];
  const ir::Stmt use = ir::Store::make(y, {v}, one);
  const auto refuses_body = [&](const ir::Stmt& body, const std::string& message) {
    expect_error(ErrorKind::internal, "codegen: kernel k uses " + message, [&] {
      compile_to_machine_code({kernel.with_body(body)}, target_of(Level::x86_64_v1));
    });
  };
  refuses_body(use, "variable v outside its scope");
  refuses_body(ir::Block::make({ir::Let::make(v, 3, use), use}), "variable v outside its scope");
  refuses_body(ir::Store::make(y, {ir::Symbol::make("n")}, one),
               "symbol n that it does not declare");
  const ir::BufferRef other =
      ir::Buffer::make("other", ir::Scalar::f32, {8}, ir::BufferRole::output);
  refuses_body(ir::Store::make(other, {0}, one),
               "buffer other that is neither a parameter nor allocated");
}

TEST(CodegenRefusals, TilesThatWouldNeedMemory) {
  refuses(ErrorKind::internal,
          with_body("allocate t: f32[8] tile {\n for i in [0, 8) parallel {\n t[i] = x[i]\n}\n}"),
          "tile t needs a constant subscript in every access");
  refuses(
      ErrorKind::internal,
      with_body("allocate t: f32[8] tile {\n t[ramp(0, 1, 8)] = x[ramp(0, 1, 8)]\n y[0] = t[0]\n}"),
      "tile t is accessed with 8 and with 1 lanes at element 0");
  refuses(
      ErrorKind::internal,
      with_body("allocate t: f32[8] tile {\n t[ramp(0, 1, 4)] = x[ramp(0, 1, 4)]\n y[0] = t[2]\n}"),
      "tile t: accesses overlap at element 2");
  refuses(ErrorKind::internal,
          with_body("allocate t: f32[8] tile {\n t[ramp(0, 2, 4)] = x[ramp(0, 1, 4)]\n}"),
          "tile t needs consecutive lanes in every access");
  refuses(ErrorKind::internal, with_body("allocate t: f32[8] tile {\n t[8] = x[0]\n}"),
          "tile t has 8 elements; an access of 1 lanes starts at 8");
}

TEST(CodegenRefusals, WhatTheTargetCannotDo) {
  refuses(ErrorKind::internal, with_body("y[0] = fma(x[0], x[1], x[2])", "fused"),
          "kernel k is fused, but x86-64-v1 has no fma instruction", Level::x86_64_v1);
  refuses(ErrorKind::unsupported,
          "kernel k(x: f16[4] input, y: f16[4] output) unfused {\n y[0] = x[0] + x[1]\n}\n",
          "+ of f16 is not generated; convert to f32 first");
  refuses(ErrorKind::unsupported,
          with_body("allocate s: f32[100000] scratch {\n s[0] = x[0]\n y[0] = s[0]\n}"),
          "scratch buffer s of kernel k takes 400000 bytes; at most 262144 fit the stack");
}

}  // namespace
}  // namespace nestjit::compiler
