#include "compiler/primitives/next_use.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/checked.h"
#include "compiler/nest.h"
#include "ir/simplify.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

constexpr int64_t most_iterations = 64;  // of loops that an address depends on in other ways
constexpr size_t most_starts = 512;
constexpr int64_t longest = int64_t{1} << 40;  // elements from the first run to the last

/// Finds accesses to one buffer below one loop.
class AccessFinder final : public Rewriter {
 public:
  AccessFinder(const ScheduleState& state, const std::string& name, const Loop& next,
               const Loop& below)
      : state_(state),
        name_(name),
        below_(below),
        inside_(next.id() == below.id()) {
    rewrite(next.body);
  }

  const std::optional<Access>& found() const { return found_; }

  Stmt rewrite(const Stmt& s) override {
    const auto* loop = s.as<Loop>();
    const bool enters = loop && loop->id() == below_.id(), binds = loop || s.as<Let>();
    inside_ = inside_ || enters;
    if (binds) around_.push_back(s);
    if (const auto* store = s.as<Store>()) note(store->buffer, store->indices);
    rewrite_children(s);
    if (binds) around_.pop_back();
    if (enters) inside_ = false;
    return s;
  }
  Expr rewrite(const Expr& e) override {
    // The second element of a pair stands beside the first.
    const auto* pair = e.as<Pair>();
    const auto *first = pair ? pair->a.as<Load>() : nullptr,
               *second = pair ? pair->b.as<Load>() : nullptr;
    if (first && second && first->buffer == second->buffer) return rewrite(pair->a), e;
    // An output is read where it is stored to.
    if (const auto* load = e.as<Load>(); load && load->buffer->role != BufferRole::output)
      note(load->buffer, load->indices);
    return rewrite_children(e);
  }

 private:
  void note(const BufferRef& buffer, const std::vector<Expr>& indices) {
    if (!inside_ || buffer->name != name_) return;
    const auto same = [](const Expr& a, const Expr& b) { return equal(a, b); };
    if (found_ && !std::equal(indices.begin(), indices.end(), found_->indices.begin(), same))
      state_.refuse(name_, "it is used at two places below '{}'", below_.name());
    if (!found_) found_ = Access{buffer, indices, around_};
  }

  const ScheduleState& state_;
  const std::string& name_;
  const Loop& below_;
  bool inside_;
  std::vector<Stmt> around_;
  std::optional<Access> found_;
};

/// Thrown where an address is none of the kind that is looked for; stays in this file.
struct Unknown {};

/// The address of an access: a linear form over NEXT's variable and what is bound outside, and the
/// runs that what is bound inside makes of it.
class Address {
 public:
  Address(const ScheduleState& state, const Loop& next, const Access& access)
      : next_(next),
        line_(line_bytes / byte_size(access.buffer->scalar)),
        bounds_(bounds_throughout(state.kernel(), next.id())) {
    const std::vector<Expr> strides = access.buffer->memory_strides();
    Expr element = access.buffer->origin();
    for (size_t d = 0; d < access.indices.size(); ++d)
      element = element + access.indices[d] * strides[d];
    form_ = Linear::of(simplify(substitute(element, from_zero(access.around))));
    resolve_clamps();
    while (!inner_.empty()) {
      leave(inner_.back());
      inner_.pop_back();
    }
    if (uses(form_.without(next.id()).expr(), next.id())) give_up();
    if (form_.coef_of(next.id()) < 0) give_up();
    join_neighbours();
  }

  NextUse next_use() const {
    const int64_t step = form_.coef_of(next_.id());
    if (step == 0) return {form_, {}, 0};
    if (starts_.size() == 1) {  // the runs of neighbouring iterations may overlap
      const int64_t count = std::min(step, length_);
      return {form_, {*starts_.begin() + step + length_ - count}, count};
    }
    NextUse use{form_, {}, length_};
    for (const int64_t start : starts_)
      if (!starts_.contains(start + step)) use.starts.push_back(start + step);
    return use;
  }

 private:
  [[noreturn]] static void give_up() { throw Unknown(); }

  /// A loop inside NEXT, counted from zero.
  struct Inner {
    Expr var;
    std::optional<int64_t> last;  // where it is known
  };

  /// What lets and loops bind, by the loops' counters, which become inner_.
  Substitution from_zero(const std::vector<Stmt>& around) {
    Substitution map;
    for (const Stmt& s : around) {
      if (const auto* let = s.as<Let>()) {
        map[id_of(let->var)] = substitute(let->value, map);
        continue;
      }
      const auto& loop = *s.as<Loop>();
      const int64_t most = bounds_.range(loop.extent).max;
      Inner inner{Var::make(loop.name()), {}};
      if (most != Interval::max_value) {
        inner.last = std::max<int64_t>(most - 1, 0);
        bounds_.add(id_of(inner.var), 0, *inner.last);
      }
      map[loop.id()] = substitute(loop.min, map) + inner.var;
      inner_.push_back(inner);
    }
    return map;
  }

  Linear with(const Expr& var, int64_t value) const {
    return Linear::of(simplify(substitute(form_.expr(), {{id_of(var), Expr(value)}})));
  }

  /// Takes a loop out of the form: its first iteration stays, the runs become those of all.
  void leave(const Inner& loop) {
    const VarId id = id_of(loop.var);
    if (!uses(form_.expr(), id)) return;
    if (!loop.last) give_up();
    if (uses(form_.without(id).expr(), id))
      add_iterations(loop);
    else
      add_runs(form_.coef_of(id), *loop.last);
    form_ = with(loop.var, 0);
  }

  void add_runs(int64_t step, int64_t last) {
    const auto reach = base::checked_mul(step, last);
    if (!reach || *reach < -longest || *reach > longest) give_up();
    if (step < 0) form_.constant += *reach;
    const int64_t distance = std::abs(step);
    if (distance <= length_ + line_) {
      length_ += distance * last;
      return;
    }
    std::vector<int64_t> offsets;
    for (int64_t i = 0; i <= std::min<int64_t>(last, most_starts); ++i)
      offsets.push_back(i * distance);
    multiply(offsets);
  }

  /// A loop whose counter stands inside other terms: iteration by iteration.
  void add_iterations(const Inner& loop) {
    if (*loop.last >= most_iterations) give_up();
    const Linear first = with(loop.var, 0);
    std::vector<int64_t> offsets;
    for (int64_t i = 0; i <= *loop.last; ++i) {
      const Linear distance = with(loop.var, i) - first;
      if (!distance.is_constant()) give_up();
      offsets.push_back(distance.constant);
    }
    multiply(offsets);
  }

  void multiply(const std::vector<int64_t>& offsets) {
    std::set<int64_t> all;
    for (const int64_t start : starts_)
      for (const int64_t offset : offsets) all.insert(start + offset);
    if (all.size() > most_starts) give_up();
    starts_ = std::move(all);
    join_close_ones();
  }

  /// Makes one run of those that are closer than a line, where that gives runs of one length.
  void join_close_ones() {
    std::vector<int64_t> begins, ends;
    for (const int64_t start : starts_) {
      if (begins.empty() || start > ends.back() + line_)
        begins.push_back(start), ends.push_back(start);
      ends.back() = start + length_;
    }
    const int64_t length = ends[0] - begins[0];
    for (size_t i = 0; i < begins.size(); ++i)
      if (ends[i] - begins[i] != length) return;
    starts_ = {begins.begin(), begins.end()};
    length_ = length;
  }

  /// Makes one run of all where no two of them are further apart than a line.
  void join_neighbours() {
    for (auto it = starts_.begin(), after = std::next(it); after != starts_.end(); ++it, ++after)
      if (*after - *it > length_ + line_) return;
    length_ += *starts_.rbegin() - *starts_.begin();
    starts_ = {*starts_.begin()};
  }

  bool is_affine(const Expr& e) const {
    return !uses(Linear::of(e).without(next_.id()).expr(), next_.id());
  }

  void resolve_clamps() {
    constexpr int64_t far = int64_t{1} << 20;  // the middle of loops without an end
    const Interval range = bounds_.range(next_.var);
    if (range.min < -far) return;
    Substitution middle{
        {next_.id(), range.min + (std::min(range.max, range.min + far) - range.min) / 2}};
    for (const Inner& loop : inner_) middle[id_of(loop.var)] = loop.last.value_or(0) / 2;
    for (const Linear::Term& term : Linear(form_).terms) {
      const auto* clamp = term.atom.as<Binary>();
      if (!clamp) continue;
      if (clamp->op != BinaryOp::min && clamp->op != BinaryOp::max) continue;
      const Interval difference = bounds_.range(simplify(substitute(clamp->a - clamp->b, middle)));
      const bool a_less = difference.max <= 0, b_less = difference.min >= 0;
      if (!a_less && !b_less) continue;
      // Of equal sides, the plain one.
      const bool either = a_less && b_less;
      const bool takes_a = either ? is_affine(clamp->a) : a_less == (clamp->op == BinaryOp::min);
      const Expr& side = takes_a ? clamp->a : clamp->b;
      form_.add_term(term.atom, -term.coef);
      form_ += Linear::of(simplify(side)) * term.coef;
    }
  }

  const Loop& next_;
  const int64_t line_;  // elements of a cache line: runs that are closer become one
  Bounds bounds_;
  std::vector<Inner> inner_;  // not yet taken out of the form, outermost first
  Linear form_;
  std::set<int64_t> starts_{0};
  int64_t length_ = 1;
};

}  // namespace

Access access_below(const ScheduleState& state, const std::string& name, const Loop& next,
                    const Loop& each) {
  std::optional<Access> found = AccessFinder(state, name, next, each).found();
  if (!found) found = AccessFinder(state, name, next, next).found();
  if (!found) state.refuse(name, "it is not used below '{}'", next.name());
  if (!is_parameter(found->buffer->role))
    state.refuse(name, "it is a {} buffer, and only parameters are prefetched",
                 name_of(found->buffer->role));
  return *std::move(found);
}

std::optional<NextUse> next_use(const ScheduleState& state, const Loop& next,
                                const Access& access) {
  try {
    return Address(state, next, access).next_use();
  } catch (const Unknown&) {
    return std::nullopt;
  } catch (const LinearOverflow&) {
    return std::nullopt;
  }
}

NextUse NextUse::hull() const {
  if (starts.size() <= 1) return *this;
  return {first, {starts.front()}, starts.back() + length - starts.front()};
}

}  // namespace nestjit::compiler
