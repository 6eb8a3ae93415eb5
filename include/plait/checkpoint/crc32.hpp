// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace plait {

namespace detail {

/// table[k][b]: what byte b does to the check sum when k more bytes follow it.
inline constexpr auto crc32_tables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ ((rest & 1u) != 0 ? 0xedb88320u : 0u);
    table[0][byte] = rest;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t byte = 0; byte < 256; ++byte)
      table[k][byte] = (table[k - 1][byte] >> 8) ^ table[0][table[k - 1][byte] & 0xffu];
  return table;
}();

}  // namespace detail

/// CRC-32 of bytes, as gzip, zlib and PNG take it. `before` is that of the bytes before them, so that a long run can be
/// taken in pieces.
///
/// Every change within 32 bits in a row is noticed, and of all others all but one in 2^32.
/// Source: RFC 1952, section 8; eight bytes at a time after Kounavis, Berry, "A Systematic Approach to Building High
/// Performance Software-Based CRC Generators", ISCC 2005.
constexpr std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t before = 0) {
  const auto& table = detail::crc32_tables;
  std::uint32_t rest = ~before;
  std::size_t i = 0;
  const auto at = [&](std::size_t index) { return std::to_integer<std::uint32_t>(bytes[index]); };
  for (; bytes.size() - i >= 8; i += 8) {
    rest ^= at(i) | at(i + 1) << 8 | at(i + 2) << 16 | at(i + 3) << 24;
    rest = table[7][rest & 0xffu] ^ table[6][rest >> 8 & 0xffu] ^ table[5][rest >> 16 & 0xffu] ^ table[4][rest >> 24] ^
           table[3][at(i + 4)] ^ table[2][at(i + 5)] ^ table[1][at(i + 6)] ^ table[0][at(i + 7)];
  }
  for (; i < bytes.size(); ++i) rest = (rest >> 8) ^ table[0][(rest ^ at(i)) & 0xffu];
  return ~rest;
}

/// A check sum as it stands in files: eight hexadecimal digits.
inline std::string crc32_text(std::uint32_t sum) {
  std::string digits(8, '0');
  for (std::size_t i = 8; i-- > 0; sum >>= 4) digits[i] = "0123456789abcdef"[sum & 0xfu];
  return digits;
}

}  // namespace plait
