#include "compiler/jit/linker.h"

#include <llvm/ADT/BitmaskEnum.h>
#include <llvm/ExecutionEngine/JITLink/ELF_x86_64.h>
#include <llvm/ExecutionEngine/JITLink/JITLink.h>
#include <llvm/ExecutionEngine/JITLink/x86_64.h>

#include <optional>
#include <utility>

#include "base/error.h"

namespace nestjit::compiler::jit {
namespace {

LLVM_ENABLE_BITMASK_ENUMS_IN_NAMESPACE();

namespace jl = llvm::jitlink;
using llvm::orc::ExecutorAddr;
using llvm::orc::MemProt;

/// Where the image is laid out as if it lay there. Any number that code could hold would do: the
/// bytes do not depend on it.
constexpr uint64_t nominal_base = 0x10000;

template <class... Args>
llvm::Error refused(fmt::format_string<Args...> text, Args&&... args) {
  return llvm::make_error<jl::JITLinkError>(fmt::format(text, std::forward<Args>(args)...));
}

bool is_relative(jl::Edge::Kind kind) {
  using namespace jl::x86_64;
  switch (kind) {
    case Delta64:
    case Delta32:
    case Delta16:
    case Delta8:
    case NegDelta64:
    case NegDelta32:
    case BranchPCRel32:
    case PCRel32: return true;
    default: return kind == jl::Edge::KeepAlive;
  }
}

/// Every reference is a distance between two places of the image.
llvm::Error require_relative(jl::LinkGraph& graph) {
  for (const jl::Section& section : graph.sections()) {
    if (section.getMemLifetime() == llvm::orc::MemLifetime::NoAlloc) continue;
    if (section.getName() == ".eh_frame") return refused("it has unwinding tables");
    for (const jl::Block* block : section.blocks()) {
      for (const jl::Edge& edge : block->edges()) {
        if (!edge.getTarget().isDefined())
          return refused("it needs the external symbol {}", (*edge.getTarget().getName()).str());
        if (!is_relative(edge.getKind()))
          return refused("{} has a reference of kind {}", section.getName().str(),
                         jl::x86_64::getEdgeKindName(edge.getKind()));
      }
    }
  }
  return llvm::Error::success();
}

bool holds(const llvm::orc::AllocGroup& group, MemProt protection) {
  return (group.getMemProt() & protection) != MemProt::None;
}

/// Gives a graph its place in one piece of plain memory: code first, then constants.
class ImageMemory : public jl::JITLinkMemoryManager {
 public:
  explicit ImageMemory(std::vector<std::byte>& bytes) : bytes_(bytes) {}

  void allocate(const jl::JITLinkDylib*, jl::LinkGraph& graph, OnAllocatedFunction done) override {
    if (llvm::Error error = lay_out(graph)) return done(std::move(error));
    done(std::make_unique<InFlight>());
  }
  void deallocate(std::vector<FinalizedAlloc> allocations, OnDeallocatedFunction done) override {
    for (FinalizedAlloc& allocation : allocations) allocation.release();
    done(llvm::Error::success());
  }

 private:
  struct InFlight : InFlightAlloc {
    void abandon(OnAbandonedFunction done) override { done(llvm::Error::success()); }
    void finalize(OnFinalizedFunction done) override {
      done(FinalizedAlloc(ExecutorAddr(nominal_base)));
    }
  };

  llvm::Error lay_out(jl::LinkGraph& graph) {
    jl::BasicLayout layout(graph);
    std::vector<jl::BasicLayout::Segment*> segments, constants;
    for (auto& [group, segment] : layout.segments()) {
      if (holds(group, MemProt::Write)) return refused("it has data to write to");
      if (segment.Alignment.value() > CodeImage::alignment)
        return refused("it is aligned to {} bytes", segment.Alignment.value());
      (holds(group, MemProt::Exec) ? segments : constants).push_back(&segment);
    }
    segments.insert(segments.end(), constants.begin(), constants.end());
    std::vector<size_t> places;
    size_t end = 0;
    for (const jl::BasicLayout::Segment* segment : segments) {
      end = (end + CodeImage::alignment - 1) / CodeImage::alignment * CodeImage::alignment;
      places.push_back(end);
      end += segment->ContentSize + segment->ZeroFillSize;
    }
    bytes_.resize(end);
    for (size_t i = 0; i < segments.size(); ++i) {
      segments[i]->Addr = ExecutorAddr(nominal_base + places[i]);
      segments[i]->WorkingMem = reinterpret_cast<char*>(bytes_.data() + places[i]);
    }
    return layout.apply();
  }

  std::vector<std::byte>& bytes_;
};

/// What a link leaves behind.
struct Outcome {
  CodeImage image;
  std::string error;
};

class Context : public jl::JITLinkContext {
 public:
  Context(std::span<const std::string> symbols, Outcome& outcome)
      : JITLinkContext(nullptr),
        symbols_(symbols),
        outcome_(outcome),
        memory_(outcome.image.bytes) {}

  jl::JITLinkMemoryManager& getMemoryManager() override { return memory_; }
  void notifyFailed(llvm::Error error) override { outcome_.error = toString(std::move(error)); }
  void lookup(const LookupMap& symbols,
              std::unique_ptr<jl::JITLinkAsyncLookupContinuation> done) override {
    std::string names;
    for (const auto& [name, flags] : symbols) names += " " + (*name).str();
    done->run(refused("it needs external symbols:{}", names));
  }
  llvm::Error modifyPassConfig(jl::LinkGraph&, jl::PassConfiguration& passes) override {
    passes.PostAllocationPasses.push_back(require_relative);
    return llvm::Error::success();
  }
  llvm::Error notifyResolved(jl::LinkGraph& graph) override {
    for (const std::string& wanted : symbols_) {
      const auto offset = offset_of(graph, wanted);
      if (!offset) return refused("it does not define {}", wanted);
      outcome_.image.entries.push_back(*offset);
    }
    return llvm::Error::success();
  }
  void notifyFinalized(jl::JITLinkMemoryManager::FinalizedAlloc allocation) override {
    allocation.release();
  }

 private:
  static std::optional<uint32_t> offset_of(jl::LinkGraph& graph, const std::string& wanted) {
    for (const jl::Symbol* symbol : graph.defined_symbols()) {
      if (symbol->hasName() && *symbol->getName() == wanted)
        return static_cast<uint32_t>(symbol->getAddress().getValue() - nominal_base);
    }
    return std::nullopt;
  }

  std::span<const std::string> symbols_;
  Outcome& outcome_;
  ImageMemory memory_;
};

}  // namespace

CodeImage link(const llvm::MemoryBuffer& object, std::span<const std::string> symbols) {
  auto graph = jl::createLinkGraphFromELFObject_x86_64(
      object.getMemBufferRef(), std::make_shared<llvm::orc::SymbolStringPool>());
  if (!graph)
    base::internal("jit: the object cannot be read: {}", llvm::toString(graph.takeError()));
  Outcome outcome;
  jl::link_ELF_x86_64(std::move(*graph), std::make_unique<Context>(symbols, outcome));
  if (!outcome.error.empty()) base::internal("jit: the object cannot be linked: {}", outcome.error);
  return std::move(outcome.image);
}

}  // namespace nestjit::compiler::jit
