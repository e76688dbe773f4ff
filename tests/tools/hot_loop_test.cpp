#include "tools/hot_loop.h"

#include <gtest/gtest.h>

namespace nestjit::tools {
namespace {

constexpr const char* listing = R"(kernel:
	movq	%rdi, %rax
.LBB0_1:
	xorl	%ecx, %ecx
.LBB0_2:
	vmovups	(%rax), %zmm0
	vfmadd231ps	(%rbx){1to16}, %zmm0, %zmm1
	vfmadd231ps	4(%rbx){1to16}, %zmm0, %zmm2
	addq	$64, %rax
	jne	.LBB0_2
	addq	$1, %rdx
	jne	.LBB0_1
.LBB0_5:
	vmulss	%xmm0, %xmm1, %xmm2
	jb	.LBB0_5
	jmp	.LBB0_7
.LBB0_7:
	retq
)";

TEST(HotLoop, IsTheInnermostLoopWithMostMultiplications) {
  EXPECT_EQ(hot_loop(listing), R"(.LBB0_2:
	vmovups	(%rax), %zmm0
	vfmadd231ps	(%rbx){1to16}, %zmm0, %zmm1
	vfmadd231ps	4(%rbx){1to16}, %zmm0, %zmm2
	addq	$64, %rax
	jne	.LBB0_2
)");
}

TEST(HotLoop, OfStraightCodeIsEmpty) {
  EXPECT_EQ(hot_loop("f:\n\tjmp .L1\n.L1:\n\tretq\n"), "");
  EXPECT_EQ(hot_loop(""), "");
}

}  // namespace
}  // namespace nestjit::tools
