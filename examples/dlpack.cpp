// Memory of another library, handed over as DLPack tensors in both directions without a copy.
#include <dlpack/dlpack.h>
#include <nestjit/nestjit.h>

#include <cstdio>
#include <vector>

namespace {

/// A library that keeps audio as (N, C, L), the layout of PyTorch.
struct OtherLibrary {
  std::vector<float> samples = std::vector<float>(1 * 2 * 100, 0.5f);
  std::vector<int64_t> shape{1, 2, 100};
  DLManagedTensor tensor{};

  DLManagedTensor* lend() {
    tensor.dl_tensor.data = samples.data();
    tensor.dl_tensor.device = {kDLCPU, 0};
    tensor.dl_tensor.ndim = 3;
    tensor.dl_tensor.dtype = {kDLFloat, 32, 1};
    tensor.dl_tensor.shape = shape.data();
    tensor.deleter = [](DLManagedTensor*) { std::puts("input given back"); };
    return &tensor;
  }
  static double sum(DLManagedTensor* lent) {
    const auto* data = static_cast<const float*>(lent->dl_tensor.data);
    double total = 0;
    for (int64_t i = 0; i < lent->dl_tensor.shape[1]; ++i) total += static_cast<double>(data[i]);
    lent->deleter(lent);
    return total;
  }
};

}  // namespace

int main() {
  OtherLibrary library;
  const nestjit::array weight(std::vector<float>(1 * 4 * 2, 0.25f), {1, 4, 2});
  DLManagedTensor* result = nullptr;
  {
    // (N, C, L) is a view of what an operation takes as (N, L, C).
    const nestjit::array input = nestjit::from_dlpack(library.lend()).transpose({0, 2, 1});
    result = nestjit::to_dlpack(nestjit::conv_transpose1d(input, weight, 2, 1));
  }
  const int64_t length = result->dl_tensor.shape[1];
  std::printf("%d outputs, sum %g\n", static_cast<int>(length), library.sum(result));
}
