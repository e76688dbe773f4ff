#include "ir/interpret_runner.h"

#include <algorithm>
#include <numeric>

#include "base/checked.h"
#include "base/error.h"
#include "ir/element.h"

namespace nestjit::ir::interpreter {

namespace {

/// Row-major strides and the number of elements; false when 64 bits do not count them.
bool lay_out_rows(Memory& m) {
  m.strides.resize(m.shape.size());
  m.origin = 0, m.elements = 1;
  for (size_t d = m.shape.size(); d-- > 0;) {
    m.strides[d] = m.elements;
    const auto product = base::checked_mul(m.elements, m.shape[d]);
    if (!product) return false;
    m.elements = *product;
  }
  return true;
}

/// Where memory of given strides begins and ends; false when 64 bits do not count its elements.
bool lay_out_strides(Memory& m) {
  m.origin = 0, m.elements = 1;
  for (size_t d = 0; d < m.shape.size(); ++d) {
    if (m.shape[d] == 0) {
      m.origin = m.elements = 0;
      return true;
    }
    const auto reach = base::checked_mul(m.shape[d] - 1, m.strides[d]);
    const auto distance = reach ? base::checked_mul(*reach, *reach < 0 ? -1 : 1) : reach;
    const auto elements = distance ? base::checked_add(m.elements, *distance) : distance;
    if (!elements) return false;
    m.elements = *elements;
    if (*reach < 0) m.origin += *distance;
  }
  return true;
}

}  // namespace

void Runner::step() {
  if (--steps_left_ < 0)
    base::resource("interpreter: kernel '{}' ran longer than max_steps = {}", kernel_.name,
                   options_.max_steps);
}

void Runner::run(Id s) {
  const StmtCode& code = program_.stmts[s];
  if (code.kind == StmtKind::Block) {
    for (int32_t i = 0; i < code.count; ++i) run(program_.lists[code.body + i]);
    return;
  }
  step();
  running = s;
  switch (code.kind) {
    case StmtKind::Loop: return loop(s, code);
    case StmtKind::Let: return let(s, code);
    case StmtKind::Store: return store(code);
    case StmtKind::Allocate: return allocate(code);
    case StmtKind::If: return guard(code);
    case StmtKind::Prefetch:
    case StmtKind::Block: return;
  }
}

void Runner::loop(Id s, const StmtCode& code) {
  int64_t min = index(code.a, 0), extent = std::max<int64_t>(index(code.b, 0), 0);
  int64_t end;
  if (__builtin_add_overflow(min, extent, &end)) fail("the loop's end leaves 64 bits");
  const bool chosen = options_.workgroups && code.mapping == Mapping::workgroup;
  if (chosen) {
    if (in_workgroup_loop_)
      base::invalid(
          "interpret: kernel '{}': a range of workgroups needs one workgroup loop, the "
          "kernel has nested ones",
          kernel_.name);
    in_workgroup_loop_ = true;
    min = std::max(min, options_.workgroups->begin);
    extent = std::max<int64_t>(std::min(end, options_.workgroups->end) - min, 0);
  }
  enclosing.push_back(s);
  iterate(s, code, min, extent);
  enclosing.pop_back();
  if (chosen) in_workgroup_loop_ = false;
}

void Runner::iterate(Id s, const StmtCode& code, int64_t min, int64_t extent) {
  if (options_.shuffle_seed == 0 || code.loop_kind != LoopKind::parallel) {
    for (int64_t i = 0; i < extent; ++i) {
      step();
      cells[code.cell].integer = min + i;
      run(code.body);
    }
    return;
  }
  std::vector<int64_t>& order = orders_[s];
  order.resize(static_cast<size_t>(extent));
  std::iota(order.begin(), order.end(), min);
  for (size_t n = order.size(); n > 1; --n) std::swap(order[n - 1], order[random_.below(n)]);
  for (const int64_t value : order) {
    step();
    cells[code.cell].integer = value;
    run(code.body);
  }
}

void Runner::store(const StmtCode& code) {
  if (code.lanes == 1) {
    if (!lanes_on_.empty()) fail("a scalar store stands under a vector condition");
    const double value = real(code.a, 0);
    if (code.mask != none && !truth(code.mask, 0)) return;
    const int64_t place = element(code.buffer, code.indices, 0);
    write_element(memory[code.buffer].scalar, memory[code.buffer].data, place, value);
    return;
  }
  for (int lane = 0; lane < code.lanes; ++lane) {
    places_[lane] = -1;
    if (!active(lane)) continue;
    values_[lane].real = real(code.a, lane);
    if (code.mask == none || truth(code.mask, lane))
      places_[lane] = element(code.buffer, code.indices, lane);
  }
  const Memory& m = memory[code.buffer];
  for (int lane = 0; lane < code.lanes; ++lane)
    if (places_[lane] >= 0) write_element(m.scalar, m.data, places_[lane], values_[lane].real);
}

void Runner::let(Id s, const StmtCode& code) {
  const ExprCode& value = program_.exprs[code.a];
  for (int lane = 0; lane < code.lanes; ++lane) {
    Cell& cell = cells[code.cell + lane];
    if (code.lanes > 1 && !active(lane)) {
      cell.integer = 0;
    } else if (code.is_real) {
      cell.real = real(code.a, lane);
    } else {
      cell.integer = value.scalar == Scalar::boolean ? truth(code.a, lane) : index(code.a, lane);
    }
  }
  const bool shown = value.scalar == Scalar::index && code.lanes == 1;
  if (shown) enclosing.push_back(s);
  run(code.body);
  if (shown) enclosing.pop_back();
}

void Runner::allocate(const StmtCode& code) {
  set_shape(code.buffer);
  Memory& m = memory[code.buffer];
  std::vector<std::byte>& bytes = storage_[code.buffer];
  bytes.resize(static_cast<size_t>(m.elements) * byte_size(m.scalar));
  m.data = bytes.data();
  const double poison = std::bit_cast<float>(poison_bits);
  for (int64_t i = 0; i < m.elements; ++i) write_element(m.scalar, m.data, i, poison);
  run(code.body);
}

void Runner::guard(const StmtCode& code) {
  if (code.lanes == 1) {
    if (truth(code.a, 0)) run(code.body);
    return;
  }
  std::vector<bool> outer = lanes_on_;
  std::vector<bool> on(static_cast<size_t>(code.lanes));
  for (int lane = 0; lane < code.lanes; ++lane) on[lane] = active(lane) && truth(code.a, lane);
  lanes_on_ = std::move(on);
  run(code.body);
  lanes_on_ = std::move(outer);
}

void Runner::set_shape(int32_t buffer) {
  const BufferCode& code = program_.buffers[buffer];
  Memory& m = memory[buffer];
  m.scalar = code.buffer->scalar;
  m.shape.clear(), m.strides.clear();
  for (const Id extent : code.shape) {
    m.shape.push_back(index(extent, 0));
    if (m.shape.back() < 0)
      base::invalid("interpret: kernel '{}': extent {} of buffer '{}' is {}", kernel_.name,
                    m.shape.size() - 1, code.buffer->name, m.shape.back());
  }
  for (const Id stride : code.strides) m.strides.push_back(index(stride, 0));
  if (!(m.strides.empty() ? lay_out_rows(m) : lay_out_strides(m)))
    base::invalid("interpret: kernel '{}': buffer '{}' is larger than 64 bits count", kernel_.name,
                  code.buffer->name);
}

void Runner::run_kernel() {
  const auto& range = options_.workgroups;
  bool has_workgroups = false;
  for (const StmtCode& s : program_.stmts)
    has_workgroups |= s.kind == StmtKind::Loop && s.mapping == Mapping::workgroup;
  // Without workgroup loops the whole kernel is workgroup 0.
  if (range && !has_workgroups && (range->begin > 0 || range->end < 1)) return;
  run(program_.body);
}

}  // namespace nestjit::ir::interpreter
