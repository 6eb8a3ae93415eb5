// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/core/host_device.hpp>

namespace plait {

/// Four 32-bit words: what one call of the generator takes and gives.
struct philox_block {
  std::uint32_t word[4]{};

  friend constexpr bool operator==(const philox_block&, const philox_block&) = default;
};

/// The key of a stream of random numbers.
struct philox_key {
  std::uint32_t word[2]{};

  friend constexpr bool operator==(const philox_key&, const philox_key&) = default;
};

/// Philox 4x32 with 10 rounds: a counter in, four random words out, no state in between.
///
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011, section 3.3 and table 2.
PLAIT_HD constexpr philox_block philox4x32(philox_block counter, philox_key key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t even = std::uint64_t{0xD2511F53u} * counter.word[0];
    const std::uint64_t odd = std::uint64_t{0xCD9E8D57u} * counter.word[2];
    const auto high = [](std::uint64_t product) { return static_cast<std::uint32_t>(product >> 32); };
    const auto low = [](std::uint64_t product) { return static_cast<std::uint32_t>(product); };
    counter = {
        {high(odd) ^ counter.word[1] ^ key.word[0], low(odd), high(even) ^ counter.word[3] ^ key.word[1], low(even)}};
    key.word[0] += 0x9E3779B9u;  // the golden ratio
    key.word[1] += 0xBB67AE85u;  // the square root of three, less one
  }
  return counter;
}

}  // namespace plait
