// oneDNN's deconvolution primitive, channels last, in one dimension and as two of height one.
#include <optional>

#include "base/error.h"
#include "bench/peers/fastest.h"
#include "bench/peers/onednn.h"
#include "bench/peers/peer.h"
#include "bench/peers/transposed.h"

namespace nestjit::bench {
namespace {

using dnnl::deconvolution_forward;
using dnnl::memory;

struct Layouts {
  memory::desc x, plain_weights, weights, y;
  memory::dims strides, dilations, low, high;
};

Layouts one_dimension(const Transposed& c) {
  const int64_t in = c.group_inputs(), out = c.group_outputs(), k = c.taps;
  // One group has no dimension for it: the library has more ways for that.
  const bool grouped = c.groups > 1;
  return {strided({c.batch, c.in_channels, c.length}, {c.length * c.in_channels, 1, c.in_channels}),
          grouped ? strided({c.groups, out, in, k}, {out * k * in, k * in, 1, in})
                  : strided({out, in, k}, {k * in, 1, in}),
          grouped ? any_layout({c.groups, out, in, k}) : any_layout({out, in, k}),
          strided({c.batch, c.out_channels, c.out_length},
                  {c.out_length * c.out_channels, 1, c.out_channels}),
          {c.stride},
          {c.dilation - 1},
          {c.padding},
          {c.padding - c.output_padding}};
}

Layouts two_dimensions(const Transposed& c) {
  const int64_t in = c.group_inputs(), out = c.group_outputs(), k = c.taps;
  const bool grouped = c.groups > 1;
  const int64_t x_row = c.length * c.in_channels, y_row = c.out_length * c.out_channels;
  return {strided({c.batch, c.in_channels, 1, c.length}, {x_row, 1, x_row, c.in_channels}),
          grouped ? strided({c.groups, out, in, 1, k}, {out * k * in, k * in, 1, k * in, in})
                  : strided({out, in, 1, k}, {k * in, 1, k * in, in}),
          grouped ? any_layout({c.groups, out, in, 1, k}) : any_layout({out, in, 1, k}),
          strided({c.batch, c.out_channels, 1, c.out_length}, {y_row, 1, y_row, c.out_channels}),
          {1, c.stride},
          {0, c.dilation - 1},
          {0, c.padding},
          {0, c.padding - c.output_padding}};
}

class Deconvolution final : public Peer {
 public:
  explicit Deconvolution(int threads) : threads_(threads) { set_onednn_threads(threads); }

  std::string name() const override { return "oneDNN"; }
  std::string version() const override { return onednn_version() + " (deconvolution)"; }

  PeerCall prepare(const ops::ConvProblem& problem, const Operands& operands) override {
    const Transposed c = transposed(problem);
    std::vector<PeerCall> candidates;
    std::string refusal;
    for (const bool two : {false, true}) {
      try {
        candidates.push_back(make(two ? two_dimensions(c) : one_dimension(c), operands,
                                  two ? "2-D of height 1" : "1-D"));
      } catch (const dnnl::error& e) {
        refusal = e.what();
      }
    }
    if (candidates.empty()) base::unsupported("{}", refusal);
    return fastest_of(std::move(candidates), threads_);
  }

 private:
  PeerCall make(const Layouts& a, const Operands& operands, const std::string& how) {
    const deconvolution_forward::primitive_desc desc(
        {dnnl::prop_kind::forward_inference, dnnl::algorithm::deconvolution_direct, a.x, a.weights,
         a.y, a.strides, a.dilations, a.low, a.high},
        engine_);
    const memory weights = reordered(
        engine_, stream_, borrowed(engine_, a.plain_weights, operands.w), desc.weights_desc());
    const std::unordered_map<int, memory> arguments{
        {DNNL_ARG_SRC, borrowed(engine_, a.x, operands.x)},
        {DNNL_ARG_WEIGHTS, weights},
        {DNNL_ARG_DST, borrowed(engine_, a.y, operands.y)}};
    return {[primitive = deconvolution_forward(desc), arguments, stream = stream_]() mutable {
              primitive.execute(stream, arguments);
              stream.wait();
            },
            how + ", " + desc.impl_info_str()};
  }

  int threads_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
};

}  // namespace

std::unique_ptr<Peer> make_onednn_deconvolution(int threads) {
  return std::make_unique<Deconvolution>(threads);
}

}  // namespace nestjit::bench
