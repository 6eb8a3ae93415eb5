// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include <plait/core/host_device.hpp>
#include <plait/core/philox.hpp>

namespace plait {

/// A 64-bit FNV-1a hash: tells apart the tensors that random numbers are drawn for. Source: Fowler, Noll, Vo; RFC 9923.
constexpr std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3u;
  return hash;
}

/// Random numbers for one tensor at one step: number i belongs to *global* element i, so that what a layout's rank
/// draws does not depend on the layout.
///
/// Law: equal (seed, tensor name, step, element) give equal numbers on every rank, in every space, in any order of
/// calls.
struct random_stream {
  philox_key key;
  std::uint64_t tensor = 0;

  constexpr random_stream(std::uint64_t seed, std::string_view tensor_name, std::uint64_t step)
      : key{mixed(seed, step)}, tensor{hash_of(tensor_name)} {}

  /// 32 random bits for an element.
  PLAIT_HD constexpr std::uint32_t bits(std::uint64_t element) const {
    // One call of the generator serves four neighbours: the counter is (element / 4, tensor), the word element % 4.
    const std::uint64_t block = element / 4;
    const philox_block counter{{static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                                static_cast<std::uint32_t>(tensor), static_cast<std::uint32_t>(tensor >> 32)}};
    return philox4x32(counter, key).word[element % 4];
  }

  /// Uniform in [0, 1): 24 random bits, exact in float and in double, so both types start from equal values.
  PLAIT_HD constexpr double uniform(std::uint64_t element) const {
    return static_cast<double>(bits(element) >> 8) * (1.0 / 16777216.0);
  }

  /// Uniform among 0 .. count - 1. Needs: count >= 1. Bias below count / 2^32.
  PLAIT_HD constexpr std::uint32_t below(std::uint64_t element, std::uint32_t count) const {
    return static_cast<std::uint32_t>((std::uint64_t{bits(element)} * count) >> 32);
  }

 private:
  static constexpr philox_key mixed(std::uint64_t seed, std::uint64_t step) {
    // Seed and step share the 64-bit key; one call of the generator itself mixes them.
    const philox_block mixed = philox4x32({{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                                            static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32)}},
                                          {{0x706c6169u, 0x74000000u}});  // "plait"
    return {{mixed.word[0], mixed.word[1]}};
  }
};

}  // namespace plait
