// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

#include <plait/core/random.hpp>

#include <doctest/doctest.h>

namespace {

using plait::hash_of;
using plait::philox4x32;
using plait::random_stream;

// The published answers for 64-bit FNV-1a: Fowler, Noll, Vo, test vectors of draft-eastlake-fnv.
static_assert(hash_of("") == 0xcbf29ce484222325u);
static_assert(hash_of("a") == 0xaf63dc4c8601ec8cu);
static_assert(hash_of("foobar") == 0x85944171f73967e8u);

TEST_CASE("an element's number does not depend on the order of calls, nor on which others are drawn") {
  const random_stream stream{7, "weights", 3};
  std::vector<std::uint32_t> forward;
  for (std::uint64_t i = 0; i < 64; ++i) forward.push_back(stream.bits(i));
  for (std::uint64_t i = 64; i-- > 0;) CHECK(random_stream{7, "weights", 3}.bits(i) == forward[i]);
}

TEST_CASE("element i is word i % 4 of block i / 4, also past 32 bits") {
  const random_stream stream{7, "weights", 3};
  const auto tensor = hash_of("weights");
  const auto low = static_cast<std::uint32_t>(tensor), high = static_cast<std::uint32_t>(tensor >> 32);
  for (std::uint64_t element :
       {std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{4}, std::uint64_t{1} << 34, (std::uint64_t{5} << 34) + 9}) {
    const std::uint64_t block = element / 4;
    const plait::philox_block counter{
        {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), low, high}};
    CHECK(stream.bits(element) == philox4x32(counter, stream.key).word[element % 4]);
  }
  CHECK(stream.bits(0) != stream.bits(std::uint64_t{1} << 34));  // blocks 0 and 2^32 are different blocks
}

TEST_CASE("streams that differ in seed, name or step, also only in the upper half of a word, are different") {
  const std::uint64_t upper = std::uint64_t{1} << 32;
  const random_stream streams[] = {
      {7, "weights", 3}, {8, "weights", 3},         {7, "weight", 3},          {7, "bias", 3},
      {7, "weights", 4}, {7 + upper, "weights", 3}, {7, "weights", 3 + upper}, {3, "weights", 7}};
  std::set<std::uint64_t> firsts;
  for (const random_stream& stream : streams) firsts.insert((std::uint64_t{stream.bits(0)} << 32) + stream.bits(1));
  CHECK(firsts.size() == std::size(streams));
}

TEST_CASE("uniform numbers are in [0, 1), exact in float, and have the mean and variance of the uniform law") {
  const random_stream stream{11, "moments", 0};
  constexpr int count = 1 << 16;
  double sum = 0, squares = 0, lagged = 0, before = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const double x = stream.uniform(i);
    REQUIRE(x >= 0);
    REQUIRE(x < 1);
    REQUIRE(static_cast<double>(static_cast<float>(x)) == x);
    sum += x;
    squares += (x - 0.5) * (x - 0.5);
    lagged += (x - 0.5) * (before - 0.5);
    before = x;
  }
  // Five standard errors: of a mean sqrt(1/12 / n), of a variance sqrt(1/180 / n), of a product of two 1/12 / sqrt(n).
  CHECK(std::abs(sum / count - 0.5) < 5 * std::sqrt(1.0 / 12 / count));
  CHECK(std::abs(squares / count - 1.0 / 12) < 5 * std::sqrt(1.0 / 180 / count));
  CHECK(std::abs(lagged / count) < 5.0 / 12 / std::sqrt(count));
}

TEST_CASE("below gives each of its values equally often, and never the bound") {
  const random_stream stream{11, "dice", 0};
  constexpr int count = 60000, faces = 6;
  int seen[faces] = {};
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint32_t face = stream.below(i, faces);
    REQUIRE(face < faces);
    ++seen[face];
  }
  double chi_squared = 0;
  for (int one : seen) chi_squared += (one - count / faces) * (one - count / faces) / (1.0 * count / faces);
  CHECK(chi_squared < 25.7);  // 5 degrees of freedom: exceeded once in ten thousand; the stream is fixed
  CHECK(stream.below(0, 1) == 0);
}

}  // namespace
