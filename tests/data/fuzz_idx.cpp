// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/core/random.hpp>
#include <plait/data/gzip.hpp>
#include <plait/data/idx.hpp>

#include <doctest/doctest.h>

#include "scratch.hpp"

namespace plait {
namespace {

using namespace plait::testing;

/// A whole number of each kind that a mutation needs, one after the other.
class dice {
 public:
  explicit dice(std::uint64_t round) : stream_{2024, "plait.test.fuzz", round} {}
  std::uint32_t below(std::size_t count) { return stream_.below(next_++, static_cast<std::uint32_t>(count)); }

 private:
  random_stream stream_;
  std::uint64_t next_ = 0;
};

/// The same bytes with up to four changes: a bit turned, a byte replaced (often by an extreme one), a piece cut out or
/// doubled, the end cut off or drawn out.
byte_vector mutated(byte_vector bytes, dice& roll, std::size_t likely) {
  constexpr std::byte extreme[] = {std::byte{0}, std::byte{1}, std::byte{0x7f}, std::byte{0x80}, std::byte{0xff}};
  const std::uint32_t changes = 1 + roll.below(4);
  for (std::uint32_t change = 0; change < changes && !bytes.empty(); ++change) {
    const std::size_t within = roll.below(2) == 0 && likely < bytes.size() ? likely : bytes.size();
    const std::size_t at = roll.below(within), length = 1 + roll.below(bytes.size() - at);
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = begin + static_cast<std::ptrdiff_t>(length);
    switch (roll.below(6)) {
      case 0:
        bytes[at] ^= std::byte{1} << roll.below(8);
        break;
      case 1:
        bytes[at] = static_cast<std::byte>(roll.below(256));
        break;
      case 2:
        bytes[at] = extreme[roll.below(std::size(extreme))];
        break;
      case 3:
        bytes.erase(begin, end);
        break;
      case 4: {
        const byte_vector piece(begin, end);
        bytes.insert(begin, piece.begin(), piece.end());
        break;
      }
      case 5:
        bytes.resize(roll.below(2 * bytes.size()));
        break;
    }
  }
  return bytes;
}

/// Whether the file was read; if so its sizes must agree with each other and its values must be readable.
bool reads(std::span<const std::byte> file) {
  try {
    const idx_array array = parse_idx(file, "fuzz");
    std::int64_t product = 1;
    for (std::int64_t extent : array.extents()) product *= extent;
    REQUIRE(array.rank() >= 1);
    REQUIRE(array.rank() <= 8);
    REQUIRE(product == array.size());
    REQUIRE(array.bytes().size() == static_cast<std::size_t>(product * size_of(array.type())));
    REQUIRE(array.bytes().size() + 4 + 4 * array.extents().size() == file.size());
    const std::vector<double> values = array.values<double>();
    REQUIRE(std::ssize(values) == product);
    if (product > 0) (void)array.as<double>(product - 1);
    return true;
  } catch (const error& refused) {
    REQUIRE(name_of(refused.kind()) == "io");
    REQUIRE(refused.sentence().starts_with("fuzz"));
    return false;
  }
}

const std::vector<byte_vector>& seeds() {
  static const std::vector<byte_vector> files = {idx_bytes(0x08, {5}, counted_bytes(5)),
                                                 idx_bytes(0x08, {3, 2, 2}, counted_bytes(12)),
                                                 idx_bytes(0x09, {1, 7}, counted_bytes(7)),
                                                 idx_bytes(0x0B, {2, 2}, counted_bytes(8)),
                                                 idx_bytes(0x0C, {2, 1, 1, 1}, counted_bytes(8)),
                                                 idx_bytes(0x0D, {3}, counted_bytes(12)),
                                                 idx_bytes(0x0E, {1, 1, 2}, counted_bytes(16)),
                                                 idx_bytes(0x08, {0, 4}, {}),
                                                 idx_bytes(0x08, {1, 1, 1, 1, 1, 1, 1, 2}, counted_bytes(2))};
  return files;
}

TEST_CASE("any mutation of an IDX file is read with sizes that agree or refused as bad input") {
  int read = 0;
  constexpr int rounds = 20000;
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    dice roll{static_cast<std::uint64_t>(round)};
    const byte_vector& seed = seeds()[roll.below(seeds().size())];
    if (reads(mutated(seed, roll, /*likely=*/4 + 4 * std::to_integer<std::size_t>(seed[3])))) ++read;
  }
  // Both ways out must have been taken often, or the mutations test nothing.
  CHECK(read > rounds / 100);
  CHECK(read < rounds / 2);
}

TEST_CASE("bytes drawn at random after a true magic number are read with sizes that agree or refused as bad input") {
  for (int round = 0; round < 5000; ++round) {
    CAPTURE(round);
    dice roll{static_cast<std::uint64_t>(1000000 + round)};
    byte_vector bytes(4 + roll.below(60));
    for (std::byte& one : bytes) one = static_cast<std::byte>(roll.below(256) & roll.below(256) & roll.below(256));
    bytes[0] = bytes[1] = std::byte{0};
    bytes[2] = static_cast<std::byte>(8 + roll.below(7));
    bytes[3] = static_cast<std::byte>(roll.below(10));
    reads(bytes);
  }
}

#ifdef PLAIT_USE_ZLIB
TEST_CASE("any mutation of gzip data is unpacked within the limit or refused as bad input") {
  const byte_vector whole = packed(idx_bytes(0x08, {30, 4}, counted_bytes(120)));
  constexpr std::int64_t limit = 4096;
  int unpacked = 0, refusals = 0;
  for (int round = 0; round < 5000; ++round) {
    CAPTURE(round);
    dice roll{static_cast<std::uint64_t>(2000000 + round)};
    const byte_vector file = mutated(whole, roll, /*likely=*/10);
    try {
      const byte_vector bytes = gunzip(file, "fuzz", limit);
      REQUIRE(std::ssize(bytes) <= limit);
      reads(bytes);
      ++unpacked;
    } catch (const error& refused) {
      REQUIRE(name_of(refused.kind()) == "io");
      REQUIRE(refused.sentence().starts_with("fuzz"));
      ++refusals;
    }
  }
  CHECK(unpacked > 50);
  CHECK(refusals > 1000);
}
#endif

}  // namespace
}  // namespace plait
