// What the two ways to use oneDNN share.
#pragma once

#include <dnnl.hpp>
#include <initializer_list>
#include <string>

namespace nestjit::bench {

/// "oneDNN 2.6.3"
std::string onednn_version();

/// Sets the threads of the OpenMP library that oneDNN is linked with.
void set_onednn_threads(int threads);

/// f32 memory with dimensions outermost first and strides in elements.
dnnl::memory::desc strided(std::initializer_list<int64_t> dims,
                           std::initializer_list<int64_t> strides);

/// f32 memory in whatever layout the library likes best.
dnnl::memory::desc any_layout(std::initializer_list<int64_t> dims);

/// The values of `from` in memory of the layout `wanted`.
dnnl::memory reordered(const dnnl::engine& engine, dnnl::stream& stream, const dnnl::memory& from,
                       const dnnl::memory::desc& wanted);

/// Memory that somebody else owns. The library does not write what it only reads.
dnnl::memory borrowed(const dnnl::engine& engine, const dnnl::memory::desc& desc,
                      const float* data);

}  // namespace nestjit::bench
