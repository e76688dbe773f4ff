#include "tests/refusals/scenarios.h"

#include <dlpack/dlpack.h>

#include <CLI/CLI.hpp>
#include <array>
#include <memory>
#include <optional>
#include <stdexcept>

#include "base/boundary.h"
#include "nestjit/conv.h"
#include "nestjit/convolutions.h"
#include "nestjit/dlpack.h"
#include "nestjit/gradients.h"
#include "nestjit/statistics.h"
#include "runtime/background.h"
#include "runtime/disk/inspect.h"
#include "tests/refusals/refuse.h"
#include "tests/runtime/disk/temporary_folder.h"
#include "tools/commands.h"

namespace nestjit::refusals {
namespace {

array elements(Shape shape, Dtype dtype = Dtype::f32) {
  array a = array::zeros(std::move(shape), dtype);
  for (int64_t i = 0; i < a.size(); ++i) {
    const auto value = static_cast<int>(i * 7 % 13 - 6);
    if (dtype == Dtype::f32)
      a.mutable_data<float>()[i] = static_cast<float>(value);
    else
      a.mutable_data<int32_t>()[i] = value;
  }
  return a;
}

void nothing(Operands&) {}

/// All of it, or nothing.
void assign(array& to, const array& from) {
  const int dimensions = to.ndim();
  const int64_t size = to.size();
  try {
    to = from;
  } catch (const Error&) {
    if (to.ndim() != dimensions || to.size() != size || *to.data<float>() != 1.5f)
      throw std::logic_error("half an assignment");
    throw;
  }
}

void arrays(Operands& o, Results& results) {
  results.add(array());
  results.add(array::zeros(std::move(o.shapes[0])));
  results.add(array::zeros(std::move(o.shapes[1]), Dtype::f64));
  results.add(array(std::span<const float>(o.values), std::move(o.shapes[2])));
  results.add(array::view(o.values.data(), std::move(o.shapes[4])));
  results.add(array(results.all()[2]));
  array assigned(results.all()[3]);
  assign(assigned, o.x);
  results.add(std::move(assigned));
}

void views(Operands& o, Results& results) {
  results.add(o.x.transpose());
  results.add(o.x.slice(1, 5, -1, -2));
  results.add(o.x.broadcast_to(std::move(o.shapes[3])));
  results.add(o.strided.contiguous());
  results.add(o.strided.reshape(std::move(o.shapes[2])));
  results.add(o.x.as_strided(std::move(o.shapes[4]), std::move(o.shapes[5]), 0));
}

void dlpack(Operands& o, Results& results) {
  std::unique_ptr<DLManagedTensor, void (*)(DLManagedTensor*)> tensor(
      to_dlpack(o.x), [](DLManagedTensor* t) { t->deleter(t); });
  results.add(from_dlpack(tensor.get()));
  tensor.release();
}

void call(Operands& o, Results& results) {
  results.add(conv_transpose1d(o.x, o.w, 2, 1));
  results.add(conv_transpose1d(o.x, o.w, 2, 1));
}

void call_once(Operands& o) { conv_transpose1d(o.x, o.w, 2, 1); }

void empty_disk(Operands&) { runtime::disk::remove_all(runtime::disk::settings()); }

void call_and_store(Operands& o, Results& results) {
  results.add(conv_transpose1d(o.x, o.w, 2, 1));
  runtime::finish_background();
}

/// Of the least problem: what only the first compile of a process does is the same for all of them,
/// and "call-compiled" goes through a larger one.
void least_call(Operands& o, Results& results) {
  results.add(conv_transpose1d(o.one, o.one));
  runtime::finish_background();
}

void converted(Operands& o, Results& results) {
  results.add(conv_transpose1d(o.strided, o.integers, 2, 1));
}

void bound(Operands& o, Results& results) {
  const BoundConv bound = bind_conv_transpose1d(o.w, o.x_shape, 2, 1);
  array y = bound(o.strided);
  bound(o.x, y);
  bound.run(o.x.data<float>(), y.mutable_data<float>());
  results.add(std::move(y));
}

void fused(Operands& o, Results& results) {
  results.add(conv_transpose1d_fused(o.x, o.w, o.epilogue, o.residual, 2, 1));
  const BoundConv bound =
      bind_conv_transpose1d_fused(o.w, o.x_shape, o.epilogue, /*residual=*/true, 2, 1);
  array y = conv_transpose1d(o.x, o.w, 2, 1);
  bound(o.x, o.residual, y);
  results.add(std::move(y));
}

void gradients(Operands& o, Results& results) {
  Gradients g = conv_transpose1d_vjp(o.x, o.w, o.cotangent, 2, 1);
  results.add(std::move(*g.input));
  results.add(std::move(*g.weight));
  results.add(conv_transpose1d_jvp(o.x, o.w, o.x, o.w, 2, 1));
}

void family(Operands& o, Results& results) {
  results.add(conv1d(o.x, o.w, 1, 1));
  results.add(conv_general(o.x, o.w, o.numbers, o.numbers, o.numbers, o.numbers, o.numbers));
}

void streams(Operands& o, Results& results) {
  const Stream stream = new_stream(), other = new_stream();
  array hidden = conv_transpose1d(o.x, o.w, 2, 1, 1, 0, 1, stream);
  array y = conv_transpose1d(hidden, o.integers, 1, 0, 1, 0, 1, other);
  synchronize(other);
  synchronize();
  results.add(std::move(hidden));
  results.add(std::move(y));
}

void default_stream(Operands& o, Results& results) {
  array y = conv_transpose1d(o.x, o.w, 2, 1, 1, 0, 1, Device{});
  y.wait();
  results.add(std::move(y));
}

void shared(Operands& o, Results& results) {
  for (int i = 0; i < 2; ++i) results.add(conv_transpose1d(o.large_x, o.large_w, 2));
}

/// `nestjit cache ...`, as far as main().
void cache_command(const char* command, const char* file = nullptr) try {
  CLI::App app;
  int status = 0;
  tools::add_cache(app, status);
  // While CLI11 reads the words it allocates in functions that must not throw.
  std::optional<Granted> reading(std::in_place);
  app.get_subcommand("cache")->get_subcommand(command)->parse_complete_callback(
      [&reading] { reading.reset(); });
  const std::array<const char*, 4> words{"nestjit", "cache", command, file};
  app.parse(file == nullptr ? 3 : 4, words.data());
  if (status != 0) throw base::resource_error("nestjit cache", "it said what could not be had");
} catch (...) {
  base::rethrow_as_error("nestjit cache");
}

void list(Operands&, Results&) { cache_command("list"); }
void stat(Operands&, Results&) { cache_command("stat"); }
void verify(Operands&, Results&) { cache_command("verify"); }
void prune(Operands&, Results&) { cache_command("prune"); }
void clear(Operands&, Results&) { cache_command("clear"); }
void warm(Operands& o, Results&) { cache_command("warm", o.problems.c_str()); }

void warm_one(Operands& o) {
  runtime::disk::remove_all(runtime::disk::settings());
  cache_command("warm", o.first_problem.c_str());
}

/// More than the look-ups of a thread leave in it.
constexpr int64_t objects_of_a_thread = 40;
/// Streams that are gone leave their places to later ones.
constexpr int64_t places_of_streams = 4;

constexpr Scenario all[] = {
    {"arrays", "serial", false, nothing, arrays},
    {"views", "serial", false, nothing, views},
    {"dlpack", "serial", false, nothing, dlpack},
    {"call-in-memory", "serial", false, call_once, call},
    {"call-on-disk", "serial", false, nothing, call},
    {"call-compiled", "serial", false, empty_disk, call_and_store},
    {"converted", "serial", false, nothing, converted},
    {"bound", "serial", false, nothing, bound},
    {"fused", "serial", false, nothing, fused},
    {"gradients", "serial", false, nothing, gradients},
    {"family", "serial", false, nothing, family},
    {"streams", "serial", false, nothing, streams, places_of_streams},
    {"default-stream", "serial", false, nothing, default_stream, objects_of_a_thread},
    {"shared-tbb", "tbb", false, nothing, shared},
    {"shared-threads", "threads", false, nothing, shared},
    {"cache-list", "serial", false, nothing, list},
    {"cache-stat", "serial", false, nothing, stat},
    {"cache-verify", "serial", false, nothing, verify},
    {"cache-prune", "serial", false, nothing, prune},
    {"cache-clear", "serial", false, warm_one, clear},
    {"cache-warm", "serial", false, warm_one, warm},
    {"first-call", "tbb", true, nothing, call},
    {"first-compile", "tbb", true, empty_disk, least_call},
    {"first-stream", "tbb", true, nothing, streams},
    {"first-shared-tbb", "tbb", true, nothing, shared},
    {"first-shared-threads", "threads", true, nothing, shared},
};

}  // namespace

Operands::Operands(std::string folder_for_kernels)
    : folder(std::move(folder_for_kernels)),
      first_problem(folder + ".problem"),
      problems(folder + ".problems"),
      x(elements({1, 6, 4})),
      w(elements({4, 3, 4})),
      strided(elements({1, 4, 6}).transpose({0, 2, 1})),
      integers(elements({4, 3, 4}, Dtype::i32)),
      cotangent(elements({1, 11, 4})),
      residual(elements({1, 11, 4})),
      one(elements({1, 1, 1})),
      large_x(elements({1, 2048, 64})),  // enough work to start threads for
      large_w(elements({64, 8, 64})),
      epilogue{.bias = elements({4}),
               .activation = Activation::snake,
               .parameter = {},
               .channel = elements({4})},
      values(24, 1.5f),
      x_shape{1, 6, 4} {
  // Small ones: "call-compiled" goes through the compile of a larger one.
  const std::string first = "conv_transpose1d l=1 ci=1 co=1 k=1\n";
  runtime::disk::put(first_problem, first);
  runtime::disk::put(problems, first + "conv_transpose1d l=2 ci=1 co=1 k=1\n");
}

void Operands::refill() { shapes = {{1, 6, 4}, {2, 1000}, {6, 4}, {3, 6, 4}, {4, 6}, {1, 4}}; }

void Operands::let_go() {
  for (array* a : {&x, &w, &integers}) a->mutable_raw();
}

std::span<const Scenario> scenarios() { return all; }

}  // namespace nestjit::refusals
