#include "runtime/disk/digest.h"

#include <sodium.h>

namespace nestjit::runtime::disk {

static_assert(std::tuple_size_v<Digest> == crypto_hash_sha256_BYTES);

Digest sha256(std::span<const std::byte> bytes) {
  Digest digest;
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(digest.data()),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  return digest;
}

std::string hex(const Digest& digest, size_t bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < bytes; ++i) {
    const auto value = std::to_integer<unsigned>(digest[i]);
    text += digits[value >> 4];
    text += digits[value & 15];
  }
  return text;
}

}  // namespace nestjit::runtime::disk
