#include "bench/peers/onednn.h"

#include <dlfcn.h>
#include <fmt/format.h>

namespace nestjit::bench {

std::string onednn_version() {
  const dnnl_version_t* v = dnnl::version();
  return fmt::format("oneDNN {}.{}.{}", v->major, v->minor, v->patch);
}

void set_onednn_threads(int threads) {
  // Every OpenMP library has this function; which one is loaded was decided by oneDNN's build.
  using SetThreads = void (*)(int);
  if (const auto set = reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"))) {
    set(threads);
  }
}

dnnl::memory::desc strided(std::initializer_list<int64_t> dims,
                           std::initializer_list<int64_t> strides) {
  return {dnnl::memory::dims(dims), dnnl::memory::data_type::f32, dnnl::memory::dims(strides)};
}

dnnl::memory::desc any_layout(std::initializer_list<int64_t> dims) {
  return {dnnl::memory::dims(dims), dnnl::memory::data_type::f32, dnnl::memory::format_tag::any};
}

dnnl::memory borrowed(const dnnl::engine& engine, const dnnl::memory::desc& desc,
                      const float* data) {
  return {desc, engine, const_cast<float*>(data)};
}

dnnl::memory reordered(const dnnl::engine& engine, dnnl::stream& stream, const dnnl::memory& from,
                       const dnnl::memory::desc& wanted) {
  dnnl::memory to(wanted, engine);
  dnnl::memory source = from;
  dnnl::reorder(source, to).execute(stream, source, to);
  stream.wait();
  return to;
}

}  // namespace nestjit::bench
