#include "compiler/jit/linker.h"

#include <llvm/ExecutionEngine/Orc/Core.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/ExecutionEngine/Orc/SelfExecutorProcessControl.h>

#include <atomic>

#include "base/error.h"

namespace nestjit::compiler::jit {
namespace {

// What the session reports while a link runs on this thread.
std::string& reported() {
  thread_local std::string text;
  return text;
}

void report(llvm::Error error) { reported() += llvm::toString(std::move(error)) + "; "; }

std::unique_ptr<llvm::orc::ExecutorProcessControl> this_process() {
  // Work is done where it is asked for: no thread of LLVM's own, and errors stay on their thread.
  auto control = llvm::orc::SelfExecutorProcessControl::Create(
      nullptr, std::make_unique<llvm::orc::InPlaceTaskDispatcher>());
  if (!control) base::internal("jit: no process control: {}", llvm::toString(control.takeError()));
  return std::move(*control);
}

class Session {
 public:
  Session() : session_(this_process()), linking_(session_) { session_.setErrorReporter(report); }

  llvm::orc::JITDylib& new_library() {
    return session_.createBareJITDylib("kernels." + std::to_string(++libraries_));
  }

  llvm::Error add(llvm::orc::JITDylib& library, std::unique_ptr<llvm::MemoryBuffer> object) {
    return linking_.add(library, std::move(object));
  }

  llvm::Expected<llvm::orc::ExecutorAddr> find(llvm::orc::JITDylib& library,
                                               llvm::StringRef symbol) {
    auto found = session_.lookup({&library}, symbol);
    if (!found) return found.takeError();
    return found->getAddress();
  }

  void remove(llvm::orc::JITDylib& library) {
    if (llvm::Error error = session_.removeJITDylib(library)) llvm::consumeError(std::move(error));
  }

 private:
  llvm::orc::ExecutionSession session_;
  llvm::orc::ObjectLinkingLayer linking_;
  std::atomic<uint64_t> libraries_{0};
};

// Set when the process ends: a kernel that outlives that point keeps its memory, because LLVM's own
// globals are going away.
std::atomic<bool> process_ends{false};

struct EndMark {
  ~EndMark() { process_ends = true; }
};

// Never destroyed: kernels may be released by the destructors of other globals.
Session& session() {
  static Session* const shared = new Session();
  static const EndMark mark;
  return *shared;
}

class Library {
 public:
  explicit Library(Session& session) : session_(session), library_(session.new_library()) {}
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() {
    if (!process_ends) session_.remove(library_);
  }
  llvm::orc::JITDylib& get() const { return library_; }

 private:
  Session& session_;
  llvm::orc::JITDylib& library_;
};

[[noreturn]] void fail(std::string_view what, llvm::Error error) {
  base::internal("jit: {}: {}{}", what, reported(), llvm::toString(std::move(error)));
}

}  // namespace

Linked link(std::unique_ptr<llvm::MemoryBuffer> object, std::span<const std::string> symbols) {
  reported().clear();
  Session& shared = session();
  const auto library = std::make_shared<const Library>(shared);
  if (llvm::Error error = shared.add(library->get(), std::move(object)))
    fail("the object is refused", std::move(error));
  Linked linked;
  for (const std::string& symbol : symbols) {
    auto address = shared.find(library->get(), symbol);
    if (!address) fail("linking fails at " + symbol, address.takeError());
    linked.entries.push_back(address->toPtr<KernelFunction>());
  }
  linked.owner = library;
  return linked;
}

}  // namespace nestjit::compiler::jit
