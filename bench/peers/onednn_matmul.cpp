// oneDNN's matmul primitive on the matrix products of bench/peers/polyphase.h.
#include <tuple>

#include "base/error.h"
#include "bench/peers/fastest.h"
#include "bench/peers/onednn.h"
#include "bench/peers/peer.h"
#include "bench/peers/polyphase.h"

namespace nestjit::bench {
namespace {

using dnnl::matmul;
using dnnl::memory;

constexpr size_t most_products = 4000;  // a primitive each

/// A product as the library wants it.
struct Step {
  matmul primitive;
  std::unordered_map<int, memory> arguments;
};

class Matmul final : public Peer {
 public:
  explicit Matmul(int threads) : threads_(threads) { set_onednn_threads(threads); }

  std::string name() const override { return "oneDNN matmul"; }
  std::string version() const override { return onednn_version() + " (polyphase over matmul)"; }

  PeerCall prepare(const ops::ConvProblem& problem, const Operands& operands) override {
    std::vector<PeerCall> candidates;
    std::string refusal;
    for (const PolyphaseWay& way : polyphase_ways(problem)) {
      const PolyphasePlan plan = polyphase_plan(problem, operands.w, way);
      if (plan.products.size() > most_products) {
        refusal =
            fmt::format("{} matrix products, at most {}", plan.products.size(), most_products);
        continue;
      }
      try {
        candidates.push_back(make(plan, operands, way.text()));
      } catch (const dnnl::error& e) {
        refusal = e.what();
      }
    }
    if (candidates.empty()) base::unsupported("{}", refusal);
    return fastest_of(std::move(candidates), threads_);
  }

 private:
  PeerCall make(const PolyphasePlan& plan, const Operands& operands, const std::string& how) {
    std::vector<Step> steps;
    std::string implementation;
    int64_t largest = 0;
    packed_.clear();
    for (const Product& p : plan.products) {
      const matmul::primitive_desc desc = describe(p);
      if (p.m * p.n * p.k > largest) {
        largest = p.m * p.n * p.k;
        implementation = desc.impl_info_str();
      }
      steps.push_back({matmul(desc),
                       {{DNNL_ARG_SRC, borrowed(engine_, desc.src_desc(), operands.x + p.x)},
                        {DNNL_ARG_WEIGHTS, weights_of(plan, p, desc.weights_desc())},
                        {DNNL_ARG_DST, borrowed(engine_, desc.dst_desc(), operands.y + p.y)}}});
    }
    auto shared_steps = std::make_shared<const std::vector<Step>>(std::move(steps));
    auto zeros = std::make_shared<PolyphasePlan>();
    zeros->zeros = plan.zeros;
    return {[shared_steps, zeros, y = operands.y, stream = stream_]() mutable {
              fill_zeros(*zeros, y);
              for (const Step& step : *shared_steps) step.primitive.execute(stream, step.arguments);
              stream.wait();
            },
            how + ", " + implementation};
  }

  matmul::primitive_desc describe(const Product& p) const {
    dnnl::primitive_attr attributes;
    if (p.accumulate) {
      dnnl::post_ops onto;
      onto.append_sum(1.0f);
      attributes.set_post_ops(onto);
    }
    return {{strided({p.m, p.k}, {p.x_stride, 1}), any_layout({p.k, p.n}),
             strided({p.m, p.n}, {p.y_stride, 1})},
            attributes,
            engine_};
  }

  /// Packed once for all products that read the same part of a block in the same layout.
  memory weights_of(const PolyphasePlan& plan, const Product& p, const memory::desc& layout) {
    const auto part = std::make_tuple(p.block, p.row, p.column, p.k, p.n);
    for (const auto& [other, weights] : packed_) {
      if (other == part && weights.get_desc() == layout) return weights;
    }
    const WeightBlock& block = plan.blocks[p.block];
    const memory plain = borrowed(engine_, strided({p.k, p.n}, {block.columns, 1}),
                                  block.values.data() + p.row * block.columns + p.column);
    packed_.emplace_back(part, reordered(engine_, stream_, plain, layout));
    return packed_.back().second;
  }

  int threads_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::vector<std::pair<std::tuple<size_t, int64_t, int64_t, int64_t, int64_t>, memory>> packed_;
};

}  // namespace

std::unique_ptr<Peer> make_onednn_matmul(int threads) { return std::make_unique<Matmul>(threads); }

}  // namespace nestjit::bench
