#include "bench/memory_loop.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <vector>

#include "base/error.h"
#include "runtime/executor.h"
#include "runtime/memory.h"

namespace nestjit::bench {
namespace {

using ir::Expr;
using ir::Stmt;

constexpr int unit = 8;         // vectors an iteration; independent sums while reading
constexpr int64_t widest = 64;  // lanes; more than any target has
constexpr int64_t element = 4;  // bytes of f32

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Builds the loops of move_kernel().
class Mover {
 public:
  Mover(int lanes, int reads, int writes) : lanes_(lanes), reads_(reads), writes_(writes) {}

  Stmt body() const {
    const Stmt clear = each(unit, [&](int v) { return store_sum(v, zero()); });
    const Stmt keep = each(unit, [&](int v) {
      const Expr at = vector_at(v * lanes_);
      return ir::Store::make(kept_, {at}, sum(v));
    });
    const Expr both = ir::Symbol::make("both");
    return ir::Allocate::make(
        sums_,
        ir::Block::make({clear, loop("i", both, [&](const Expr& i) { return move(i); }),
                         loop("j", ir::Symbol::make("read"),
                              [&](const Expr& i) { return read(i, both * (reads_ * lanes_)); }),
                         loop("l", ir::Symbol::make("written"),
                              [&](const Expr& i) { return write(i, both * (writes_ * lanes_)); }),
                         keep}));
  }

  std::vector<ir::BufferRef> parameters() const { return {x_, y_, kept_}; }

 private:
  ir::BufferRef parameter(const char* name, const Expr& elements, ir::BufferRole role) const {
    return ir::Buffer::make(name, ir::Scalar::f32, {elements}, role,
                            static_cast<int>(lanes_ * element));
  }

  Expr vector_at(const Expr& first) const { return ir::Ramp::make(first, 1, lanes_); }
  Expr zero() const { return ir::Broadcast::make(ir::FloatImm::make(0, ir::Scalar::f32), lanes_); }
  Expr sum(int v) const { return ir::Load::make(sums_, {vector_at(v * lanes_)}); }
  Stmt store_sum(int v, Expr value) const {
    return ir::Store::make(sums_, {vector_at(v * lanes_)}, std::move(value));
  }

  static Stmt each(int count, const std::function<Stmt(int)>& of) {
    std::vector<Stmt> stmts;
    for (int v = 0; v < count; ++v) stmts.push_back(of(v));
    return ir::Block::make(std::move(stmts));
  }

  static Stmt loop(const char* name, const Expr& count, const std::function<Stmt(Expr)>& body) {
    const Expr i = ir::Var::make(name);
    return ir::Loop::make(i, 0, count, ir::LoopKind::reduction, ir::Mapping::serial, body(i));
  }

  /// Reads reads_ vectors and writes writes_ of them.
  Stmt move(const Expr& i) const {
    std::vector<Expr> values;
    for (int v = 0; v < reads_; ++v) {
      values.push_back(ir::Var::make("v" + std::to_string(v), {ir::Scalar::f32, lanes_}));
    }
    std::vector<Stmt> stmts;
    for (int v = 0; v < reads_; ++v) {
      stmts.push_back(store_sum(v, sum(v) + values[static_cast<size_t>(v)]));
    }
    for (int v = 0; v < writes_; ++v) {
      stmts.push_back(ir::Store::make(y_, {vector_at(i * (writes_ * lanes_) + v * lanes_)},
                                      values[static_cast<size_t>(v % reads_)]));
    }
    Stmt body = ir::Block::make(std::move(stmts));
    for (int v = reads_ - 1; v >= 0; --v) {
      body =
          ir::Let::make(values[static_cast<size_t>(v)],
                        ir::Load::make(x_, {vector_at(i * (reads_ * lanes_) + v * lanes_)}), body);
    }
    return body;
  }

  Stmt read(const Expr& i, const Expr& base) const {
    return each(unit, [&](int v) {
      const Expr at = base + i * (unit * lanes_) + v * lanes_;
      return store_sum(v, sum(v) + ir::Load::make(x_, {vector_at(at)}));
    });
  }

  Stmt write(const Expr& i, const Expr& base) const {
    return each(unit, [&](int v) {
      const Expr at = base + i * (unit * lanes_) + v * lanes_;
      return ir::Store::make(y_, {vector_at(at)}, zero());
    });
  }

  int lanes_, reads_, writes_;
  ir::BufferRef x_ = parameter("x", ir::Symbol::make("elements"), ir::BufferRole::input);
  ir::BufferRef y_ = parameter("y", ir::Symbol::make("elements"), ir::BufferRole::output);
  ir::BufferRef kept_ = parameter("sums", unit* lanes_, ir::BufferRole::output);
  ir::BufferRef sums_ =
      ir::Buffer::make("acc", ir::Scalar::f32, {unit * lanes_}, ir::BufferRole::tile);
};

}  // namespace

ir::Kernel move_kernel(const compiler::Target& target, int reads, int writes) {
  const Mover mover(target.lanes(ir::Scalar::f32), reads, writes);
  return {"move",
          mover.parameters(),
          {{"elements"}, {"both"}, {"read"}, {"written"}},
          target.has_fma,
          mover.body()};
}

MemoryLoop::MemoryLoop(const compiler::Target& target, const Traffic& traffic, int threads)
    : traffic_(traffic),
      threads_(threads),
      vector_bytes_(target.vector_bytes) {
  const int64_t part = static_cast<int64_t>(threads) * vector_bytes_;
  const int64_t reads = std::max<int64_t>(1, ceil_div(traffic.read(), part));
  const int64_t writes = std::max<int64_t>(1, ceil_div(traffic.output, part));
  const double ratio = static_cast<double>(writes) / static_cast<double>(reads);
  const auto share = [](double of_unit) {
    return std::clamp(static_cast<int>(std::lround(unit * of_unit)), 1, unit);
  };
  const int64_t a = share(1 / ratio), b = share(ratio);
  both_ = std::min(reads / a, writes / b);
  read_ = ceil_div(reads - both_ * a, unit);
  written_ = ceil_div(writes - both_ * b, unit);
  x_part_ = (both_ * a + read_ * unit) * vector_bytes_;
  y_part_ = (both_ * b + written_ * unit) * vector_bytes_;
  code_ = compiler::compile_to_machine_code(
      {move_kernel(target, static_cast<int>(a), static_cast<int>(b))}, target);
  x_ = runtime::allocate_block(x_part_ * threads, "bench: memory to read");
  y_ = runtime::allocate_block(y_part_ * threads, "bench: memory to write");
  std::memset(x_.get(), 0, static_cast<size_t>(x_part_ * threads));
  std::memset(y_.get(), 0, static_cast<size_t>(y_part_ * threads));
}

void MemoryLoop::run_part(int64_t part) const {
  alignas(64) std::array<float, unit * widest> sums;
  const std::array<void*, 3> buffers{static_cast<char*>(x_.get()) + part * x_part_,
                                     static_cast<char*>(y_.get()) + part * y_part_, sums.data()};
  const std::array<int64_t, 4> symbols{std::max(x_part_, y_part_) / element, both_, read_,
                                       written_};
  const compiler::Frame frame{buffers.data(), symbols.data(), 0, 1};
  if (const int32_t status = code_.entries[0](&frame); status != 0) {
    base::internal("bench: the memory loop returned {}", status);
  }
}

void MemoryLoop::run() const {
  const auto parts = [this](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) run_part(part);
  };
  if (threads_ == 1) return parts(0, 1);
  runtime::default_executor().run(threads_, threads_, runtime::range_body(parts));
}

}  // namespace nestjit::bench
