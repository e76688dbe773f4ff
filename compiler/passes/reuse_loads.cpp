#include "compiler/passes/reuse_loads.h"

#include <fmt/format.h>

#include <unordered_map>

#include "compiler/passes/straight_line.h"
#include "ir/visit.h"

namespace nestjit::compiler {

using namespace ir;

namespace {

/// The load that an expression shares when it is read once: itself, the one it converts or
/// broadcasts, or the first one of a pair from one buffer.
const Load* shareable(const Expr& e) {
  if (const auto* splat = e.as<Broadcast>()) return shareable(splat->a);
  if (const auto* cast = e.as<Cast>()) return shareable(cast->a);
  if (const auto* pair = e.as<Pair>()) {
    const Load *first = shareable(pair->a), *second = shareable(pair->b);
    return first && second && first->buffer == second->buffer ? first : nullptr;
  }
  const auto* load = e.as<Load>();
  return load && load->buffer->role != BufferRole::tile ? load : nullptr;
}

/// Equal expressions have equal hashes.
size_t hash_of(const Expr& e) {
  size_t hash = 0;
  walk_exprs(e, [&](const Expr& x) {
    size_t part = static_cast<size_t>(x.kind()) * 64 + static_cast<size_t>(x.type().lanes);
    if (const auto* imm = x.as<IntImm>()) part += static_cast<size_t>(imm->value) << 8;
    if (const auto* var = x.as<Var>()) part += static_cast<size_t>(var->id) << 20;
    hash = (hash ^ part) * 0x9e3779b97f4a7c15u;
  });
  return hash;
}

/// What is read in a run of stores and lets: every distinct value with the number of its uses.
class ReadTable {
 public:
  struct Read {
    Expr value;
    int version;  // how many stores to the buffer went before
    int uses = 0;
    Expr var;  // what holds the value, once it is read
  };

  Read& find(const Expr& value, const Load& load) {
    const int version = versions_[load.buffer.get()];
    std::vector<Read>& bucket = buckets_[hash_of(value)];
    for (Read& read : bucket)
      if (read.version == version && equal(read.value, value)) return read;
    return bucket.emplace_back(Read{value, version, 0, {}});
  }
  void store_to(const Buffer* buffer) { ++versions_[buffer]; }
  void restart() { versions_.clear(); }

  std::string next_name(const Load& load) {
    return fmt::format("{}_{}", load.buffer->name, names_[load.buffer.get()]++);
  }

 private:
  std::unordered_map<size_t, std::vector<Read>> buckets_;
  std::unordered_map<const Buffer*, int> versions_, names_;
};

class UseCounter final : public Rewriter {
 public:
  explicit UseCounter(ReadTable& table) : table_(table) {}
  using Rewriter::rewrite;
  Expr rewrite(const Expr& e) override {
    if (const Load* load = shareable(e)) {
      ++table_.find(e, *load).uses;
      return e;
    }
    return rewrite_children(e);
  }

 private:
  ReadTable& table_;
};

/// Replaces repeated reads by variables and lists the lets that the statement needs before it.
class UseReplacer final : public Rewriter {
 public:
  explicit UseReplacer(ReadTable& table) : table_(table) {}
  using Rewriter::rewrite;
  Expr rewrite(const Expr& e) override {
    const Load* load = shareable(e);
    if (!load) return rewrite_children(e);
    ReadTable::Read& read = table_.find(e, *load);
    if (read.uses < 2) return e;
    if (!read.var) {
      read.var = Var::make(table_.next_name(*load), e.type());
      lets.push_back({{}, read.var, e});
    }
    return read.var;
  }

  std::vector<LineItem> lets;

 private:
  ReadTable& table_;
};

bool is_store(const LineItem& item) { return !item.is_let() && item.stmt.as<Store>(); }

/// Applies a rewriter to the expressions of a run's items, in order, with the table kept in step.
template <class Fn>
void for_each_in_run(const std::vector<LineItem>& run, ReadTable& table, const Fn& fn) {
  table.restart();
  for (const LineItem& item : run) {
    fn(item);
    if (is_store(item)) table.store_to(item.stmt.as<Store>()->buffer.get());
  }
}

std::vector<LineItem> shared_run(const std::vector<LineItem>& run) {
  ReadTable table;
  for_each_in_run(run, table, [&](const LineItem& item) {
    UseCounter counter(table);
    item.is_let() ? void(counter.rewrite(item.value)) : void(counter.rewrite(item.stmt));
  });
  std::vector<LineItem> out;
  for_each_in_run(run, table, [&](const LineItem& item) {
    UseReplacer replacer(table);
    LineItem replaced = item;
    if (item.is_let())
      replaced.value = replacer.rewrite(item.value);
    else
      replaced.stmt = replacer.rewrite(item.stmt);
    out.insert(out.end(), replacer.lets.begin(), replacer.lets.end());
    out.push_back(std::move(replaced));
  });
  return out;
}

/// Joins neighbouring guards whose condition is the same and cannot change in between.
std::vector<LineItem> joined_guards(const std::vector<LineItem>& items) {
  std::vector<LineItem> out;
  for (const LineItem& item : items) {
    const auto* guard = item.is_let() ? nullptr : item.stmt.as<If>();
    const auto* last = out.empty() || out.back().is_let() ? nullptr : out.back().stmt.as<If>();
    if (guard && last && equal(guard->cond, last->cond) && !reads_memory(guard->cond))
      out.back().stmt = If::make(guard->cond, Block::make({last->body, guard->body}));
    else
      out.push_back(item);
  }
  return out;
}

class LoadSharer final : public Rewriter {
 public:
  Expr rewrite(const Expr& e) override { return e; }
  Stmt rewrite(const Stmt& s) override {
    if (s.as<Block>() || s.as<Let>() || s.as<Store>()) return straight_line(s);
    return rewrite_children(s);
  }

 private:
  Stmt straight_line(const Stmt& s) {
    std::vector<LineItem> out, run;
    bool same = true;
    const auto flush = [&] {
      const std::vector<LineItem> shared = shared_run(run);
      same = same && shared.size() == run.size();
      out.insert(out.end(), shared.begin(), shared.end());
      run.clear();
    };
    const std::vector<LineItem> items = items_of(s);
    const std::vector<LineItem> joined = joined_guards(items);
    same = joined.size() == items.size();
    for (const LineItem& item : joined) {
      if (item.is_let() || is_store(item)) {
        run.push_back(item);
        continue;
      }
      flush();
      out.push_back({rewrite_children(item.stmt), {}, {}});
      same = same && out.back().stmt.same_as(item.stmt);
    }
    flush();
    return same ? s : stmt_of(out);
  }
};

}  // namespace

Kernel reuse_loads(const Kernel& kernel) {
  return kernel.with_body(LoadSharer().rewrite(kernel.body));
}

}  // namespace nestjit::compiler
