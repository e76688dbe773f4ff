// The smallest program: one layer of an audio decoder.
#include <nestjit/nestjit.h>

#include <cstdio>
#include <vector>

int main() {
  const nestjit::array input(std::vector<float>(128 * 512, 0.5f), {1, 128, 512});  // (N, L, C_in)
  const nestjit::array weight(std::vector<float>(256 * 16 * 512, 0.01f),
                              {256, 16, 512});  // (C_out, K, C_in)
  const nestjit::array output =
      nestjit::conv_transpose1d(input, weight, /*stride=*/8, /*padding=*/4);
  std::printf("(%d, %d, %d), %g\n", static_cast<int>(output.shape(0)),
              static_cast<int>(output.shape(1)), static_cast<int>(output.shape(2)),
              output.at({0, 500, 0}));
}
