// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace plait::detail {

using byte_view = std::span<const std::byte>;
using sha256_digest = std::array<std::byte, 32>;

inline byte_view bytes_of(std::string_view text) {
  return std::as_bytes(std::span{text.data(), text.size()});
}

/// SHA-256 of what is added piece by piece. Source: FIPS 180-4, section 6.2.
class sha256 {
 public:
  sha256& add(byte_view more) {
    for (const std::byte one : more) {
      block_[filled_++] = std::to_integer<std::uint8_t>(one);
      ++length_;
      if (filled_ == block_.size()) work_off();
    }
    return *this;
  }

  sha256_digest end() {
    const std::uint64_t bits = length_ * 8;
    constexpr std::byte one{0x80}, zero{0};
    add({&one, 1});
    while (filled_ != 56) add({&zero, 1});
    for (int shift = 56; shift >= 0; shift -= 8) {
      const std::byte part{static_cast<std::uint8_t>(bits >> shift)};
      add({&part, 1});
    }
    sha256_digest whole{};
    for (std::size_t i = 0; i < whole.size(); ++i)
      whole[i] = std::byte{static_cast<std::uint8_t>(state_[i / 4] >> (24 - 8 * (i % 4)))};
    return whole;
  }

 private:
  void work_off() {
    constexpr std::uint32_t constants[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
    std::uint32_t w[64];
    for (std::size_t i = 0; i < 16; ++i) {
      w[i] = 0;
      for (std::size_t k = 0; k < 4; ++k) w[i] = (w[i] << 8) | block_[4 * i + k];
    }
    for (std::size_t i = 16; i < 64; ++i) {
      const std::uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
      const std::uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    auto [a, b, c, d, e, f, g, h] = state_;
    for (std::size_t i = 0; i < 64; ++i) {
      const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
      const std::uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + constants[i] + w[i];
      const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
      const std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    const std::array<std::uint32_t, 8> more{a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < 8; ++i) state_[i] += more[i];
    filled_ = 0;
  }

  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> block_{};
  std::size_t filled_ = 0;
  std::uint64_t length_ = 0;
};

/// HMAC-SHA-256 of the pieces, one behind the other, under a key of any length. Source: RFC 2104.
inline sha256_digest keyed_digest(byte_view key, std::initializer_list<byte_view> pieces) {
  std::array<std::byte, 64> inner{}, outer{};
  sha256_digest short_key;
  if (key.size() > inner.size()) {
    short_key = sha256{}.add(key).end();
    key = short_key;
  }
  for (std::size_t i = 0; i < inner.size(); ++i) {
    const std::byte one = i < key.size() ? key[i] : std::byte{0};
    inner[i] = one ^ std::byte{0x36};
    outer[i] = one ^ std::byte{0x5c};
  }
  sha256 first;
  first.add(inner);
  for (const byte_view piece : pieces) first.add(piece);
  return sha256{}.add(outer).add(first.end()).end();
}

/// Whether two are equal, in a time that does not tell where they differ.
inline bool equal_in_constant_time(byte_view a, byte_view b) {
  if (a.size() != b.size()) return false;
  std::byte difference{0};
  for (std::size_t i = 0; i < a.size(); ++i) difference |= a[i] ^ b[i];
  return difference == std::byte{0};
}

}  // namespace plait::detail
