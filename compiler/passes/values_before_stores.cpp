#include "compiler/passes/values_before_stores.h"

#include <fmt/format.h>

#include <unordered_map>

#include "compiler/passes/straight_line.h"
#include "ir/visit.h"

namespace nestjit::compiler {

using namespace ir;

namespace {

constexpr int most_operations = 4;

bool reads(const Expr& root, const Buffer* buffer) {
  return contains(root, [&](const Expr& e) {
    const auto* load = e.as<Load>();
    return load && load->buffer.get() == buffer;
  });
}

bool reads_tile(const Expr& root) {
  return contains(root, [](const Expr& e) {
    const auto* load = e.as<Load>();
    return load && load->buffer->role == BufferRole::tile;
  });
}

bool is_operation(const Expr& e) {
  return !e.as<Load>() && !e.as<Var>() && !e.as<IntImm>() && !e.as<FloatImm>() &&
         !e.as<BoolImm>() && !e.as<Symbol>() && !e.as<Broadcast>() && !e.as<Ramp>();
}

/// Operations on values; those on a load's indices are none.
class OperationCounter final : public Rewriter {
 public:
  using Rewriter::rewrite;
  Expr rewrite(const Expr& e) override {
    if (e.as<Load>()) return e;
    operations += is_operation(e);
    calls = calls || e.as<Call>();
    return rewrite_children(e);
  }
  int operations = 0;
  bool calls = false;
};

/// Whether a value takes no register but that of the tile element that it is made of.
bool replaces_an_element(const Expr& value) {
  OperationCounter counter;
  counter.rewrite(value);
  return counter.operations > 0 && counter.operations <= most_operations && !counter.calls &&
         reads_tile(value);
}

/// Lets and stores to one buffer, in order.
class Run {
 public:
  bool takes(const LineItem& item) const {
    if (item.is_let()) return stores_ == 0 || !reads(item.value, buffer_);
    const auto* store = item.stmt.as<Store>();
    if (!store || store->buffer->role == BufferRole::tile) return false;
    if (stores_ > 0 && store->buffer.get() != buffer_) return false;
    const Buffer* const buffer = store->buffer.get();
    if (reads(store->value, buffer) || (store->mask && reads(store->mask, buffer))) return false;
    for (const Expr& index : store->indices)
      if (reads(index, buffer)) return false;
    return true;
  }
  void add(const LineItem& item) {
    items_.push_back(item);
    if (item.is_let()) return;
    const auto* store = item.stmt.as<Store>();
    buffer_ = store->buffer.get();
    ++stores_;
    computed_ += replaces_an_element(store->value);
  }
  bool changes() const { return stores_ > 1 && computed_ > 0; }
  const std::vector<LineItem>& items() const { return items_; }

 private:
  std::vector<LineItem> items_;
  const Buffer* buffer_ = nullptr;
  int stores_ = 0, computed_ = 0;
};

class Reorderer final : public Rewriter {
 public:
  Expr rewrite(const Expr& e) override { return e; }
  Stmt rewrite(const Stmt& s) override {
    if (!s.as<Block>() && !s.as<Let>()) return rewrite_children(s);
    std::vector<LineItem> out;
    Run run;
    bool same = true;
    const auto flush = [&] {
      same = same && !run.changes();
      append(run, out);
      run = {};
    };
    for (const LineItem& item : items_of(s)) {
      if (!run.takes(item)) flush();
      if (run.takes(item)) {
        run.add(item);
        continue;
      }
      out.push_back(item);
      if (item.is_let()) continue;
      out.back().stmt = rewrite_children(item.stmt);
      same = same && out.back().stmt.same_as(item.stmt);
    }
    flush();
    return same ? s : stmt_of(out);
  }

 private:
  void append(const Run& run, std::vector<LineItem>& out) {
    if (!run.changes()) {
      out.insert(out.end(), run.items().begin(), run.items().end());
      return;
    }
    std::vector<LineItem> stores;
    for (const LineItem& item : run.items()) {
      const auto* store = item.is_let() ? nullptr : item.stmt.as<Store>();
      if (!store) {
        out.push_back(item);
        continue;
      }
      Expr value = store->value;
      if (replaces_an_element(value)) {
        const std::string name =
            fmt::format("{}_out_{}", store->buffer->name, names_[store->buffer.get()]++);
        const Expr var = Var::make(name, value.type());
        out.push_back({{}, var, value});
        value = var;
      }
      stores.push_back({Store::make(store->buffer, store->indices, value, store->mask), {}, {}});
    }
    out.insert(out.end(), stores.begin(), stores.end());
  }

  std::unordered_map<const Buffer*, int> names_;
};

}  // namespace

Kernel values_before_stores(const Kernel& kernel) {
  return kernel.with_body(Reorderer().rewrite(kernel.body));
}

}  // namespace nestjit::compiler
