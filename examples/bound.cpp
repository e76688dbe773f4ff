// Weights packed once, then plain calls: what a streaming decoder does.
#include <nestjit/nestjit.h>

#include <cstdio>
#include <exception>
#include <vector>

namespace {

void decode() {
  const nestjit::array weight(std::vector<float>(128 * 16 * 256, 0.01f), {128, 16, 256});
  const nestjit::BoundConv upsample =
      nestjit::bind_conv_transpose1d(weight, {1, 32, 256}, /*stride=*/8, /*padding=*/4);

  // Buffers of the program, reused for every block of frames.
  std::vector<float> frames(1 * 32 * 256), audio(1 * 256 * 128);
  for (int block = 0; block < 3; ++block) {
    frames.assign(frames.size(), static_cast<float>(block));
    upsample.run(frames.data(), audio.data());
    std::printf("block %d: %g\n", block, static_cast<double>(audio[1000]));
  }

  const nestjit::Statistics s = nestjit::statistics();
  std::printf("%s: compiled %lld time(s) in %.1f ms, weights packed in %.2f ms\n",
              upsample.problem().c_str(), static_cast<long long>(s.compiles), s.compile_ms,
              upsample.pack_ms());
}

}  // namespace

int main() {
  try {
    decode();
  } catch (const nestjit::Error& error) {
    std::fprintf(stderr, "%s: %s\n", nestjit::name_of(error.kind()), error.what());
    return 1;
  }
}
