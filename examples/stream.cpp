// Two layers on one stream, another voice on a second one: calls return at once, results are waited
// for where they are read.
#include <nestjit/nestjit.h>

#include <cstdio>
#include <exception>
#include <vector>

namespace {

nestjit::array filled(float value, nestjit::Shape shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return nestjit::array(std::vector<float>(static_cast<size_t>(count), value), std::move(shape));
}

/// Two upsampling layers, one after the other on the stream.
nestjit::array decode(const nestjit::array& frames, const nestjit::Stream& stream) {
  const nestjit::array first = filled(0.01f, {64, 16, 128}), second = filled(0.02f, {1, 8, 64});
  const nestjit::array hidden =
      nestjit::conv_transpose1d(frames, first, /*stride=*/8, /*padding=*/4, 1, 0, 1, stream);
  return nestjit::conv_transpose1d(hidden, second, /*stride=*/4, /*padding=*/2, 1, 0, 1, stream);
}

void decode_two_voices() {
  const nestjit::Stream high = nestjit::new_stream(), low = nestjit::new_stream();
  const nestjit::array a = decode(filled(1.0f, {1, 50, 128}), high);
  const nestjit::array b = decode(filled(2.0f, {1, 50, 128}), low);
  std::printf("%d samples each, in flight\n", static_cast<int>(a.shape(1)));
  std::printf("%g and %g\n", a.at({0, 800, 0}), b.at({0, 800, 0}));  // waits for what it reads
  nestjit::synchronize();  // everything is done; an error of any stream would be thrown here
}

}  // namespace

int main() {
  try {
    decode_two_voices();
  } catch (const nestjit::Error& error) {
    std::fprintf(stderr, "%s: %s\n", nestjit::name_of(error.kind()), error.what());
    return 1;
  }
}
