// OpenBLAS: the matrix products of bench/peers/polyphase.h through cblas_sgemm.
#include <sstream>

#include "bench/peers/fastest.h"
#include "bench/peers/openblas_library.h"
#include "bench/peers/peer.h"
#include "bench/peers/polyphase.h"

namespace nestjit::bench {
namespace {

void multiply(const OpenblasLibrary& blas, const PolyphasePlan& plan, const float* x, float* y) {
  fill_zeros(plan, y);
  for (const Product& p : plan.products) {
    const WeightBlock& block = plan.blocks[p.block];
    const float* w = block.values.data() + p.row * block.columns + p.column;
    blas.sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, static_cast<int>(p.m),
               static_cast<int>(p.n), static_cast<int>(p.k), 1.0f, x + p.x,
               static_cast<int>(p.x_stride), w, static_cast<int>(block.columns),
               p.accumulate ? 1.0f : 0.0f, y + p.y, static_cast<int>(p.y_stride));
  }
}

class Openblas final : public Peer {
 public:
  Openblas(std::vector<OpenblasLibrary> libraries, int threads)
      : libraries_(std::move(libraries)),
        threads_(threads) {}

  std::string name() const override { return "OpenBLAS"; }

  std::string version() const override {
    std::istringstream words(libraries_[0].config());  // "OpenBLAS 0.3.21 ..."
    std::string library, number, cores;
    words >> library >> number;
    for (const OpenblasLibrary& blas : libraries_) {
      cores += (cores.empty() ? "" : ", ") + std::string(blas.core());
    }
    return library + " " + number + " (polyphase over cblas_sgemm; fastest core type of " + cores +
           ")";
  }

  PeerCall prepare(const ops::ConvProblem& problem, const Operands& operands) override {
    std::vector<PeerCall> candidates;
    for (const PolyphaseWay& way : polyphase_ways(problem)) {
      auto plan = std::make_shared<const PolyphasePlan>(polyphase_plan(problem, operands.w, way));
      for (const OpenblasLibrary& blas : libraries_) {
        candidates.push_back(
            {[blas, plan, x = operands.x, y = operands.y] { multiply(blas, *plan, x, y); },
             way.text() + ", core type " + blas.core()});
      }
    }
    return fastest_of(std::move(candidates), threads_);
  }

 private:
  std::vector<OpenblasLibrary> libraries_;
  int threads_;
};

}  // namespace

std::unique_ptr<Peer> make_openblas(int threads, std::string& reason) {
  std::vector<OpenblasLibrary> libraries = load_openblas(reason);
  if (libraries.empty()) return nullptr;
  for (const OpenblasLibrary& blas : libraries) blas.set_num_threads(threads);
  return std::make_unique<Openblas>(std::move(libraries), threads);
}

}  // namespace nestjit::bench
