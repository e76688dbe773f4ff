#include "compiler/code_image.h"

namespace nestjit::compiler {

void CodeImage::append(const CodeImage& other) {
  if (!bytes.empty()) bytes.resize((bytes.size() + gap + alignment - 1) / alignment * alignment);
  const auto base = static_cast<uint32_t>(bytes.size());
  bytes.insert(bytes.end(), other.bytes.begin(), other.bytes.end());
  for (const uint32_t entry : other.entries) entries.push_back(base + entry);
}

}  // namespace nestjit::compiler
