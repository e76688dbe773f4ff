// SHA-256, by libsodium.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>

namespace nestjit::runtime::disk {

using Digest = std::array<std::byte, 32>;

Digest sha256(std::span<const std::byte> bytes);

/// The first `bytes` of a digest in hexadecimal.
std::string hex(const Digest& digest, size_t bytes = 32);

}  // namespace nestjit::runtime::disk
