// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include <plait/checkpoint/box.hpp>
#include <plait/core/random.hpp>

#include <doctest/doctest.h>

namespace plait {
namespace {

TEST_CASE("boxes tile a tensor exactly if every element is in one of them") {
  const tensor_shape shape{4, 6};
  const box left{{0, 0}, {4, 2}}, right{{0, 2}, {4, 4}}, top{{0, 2}, {1, 4}}, rest{{1, 2}, {3, 4}};
  CHECK(tiling_fault({left, right}, shape) == "");
  CHECK(tiling_fault({rest, left, top}, shape) == "");
  CHECK(tiling_fault({box::whole(shape)}, shape) == "");
  CHECK(tiling_fault({left, top}, shape) == "12 of its elements are in no piece");
  CHECK(tiling_fault({left, left, right}, shape) == "pieces of it overlap");
  // As many elements as the tensor, and yet one twice and one not at all.
  CHECK(tiling_fault({left, {{0, 1}, {4, 4}}}, shape) == "pieces of it overlap");
  CHECK(tiling_fault({left, {{0, 3}, {4, 4}}}, shape) == "a piece lies outside of it");
  CHECK(tiling_fault({{{-1, 0}, {5, 6}}}, shape) == "a piece lies outside of it");
  CHECK(tiling_fault({{{0}, {24}}}, shape) == "a piece lies outside of it");
  CHECK(tiling_fault({}, {0, 6}) == "");
  CHECK(tiling_fault({}, {1}) == "1 of its elements are in no piece");
  CHECK(tiling_fault({box::whole({})}, {}) == "");
}

TEST_CASE("offsets and extents near the end of 64 bits lie in no tensor") {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  CHECK_FALSE(lies_in({{most}, {most}}, {10}));
  CHECK_FALSE(lies_in({{5}, {most}}, {10}));
  CHECK(lies_in({{10}, {0}}, {10}));
  CHECK_FALSE(byte_size({most, 2}).has_value());
  CHECK_FALSE(byte_size({most}, 8).has_value());
  CHECK_FALSE(byte_size({0, most, most}).has_value());
  CHECK_FALSE(byte_size({-1}).has_value());
  CHECK(byte_size({3, 0}, 8) == 0);
  CHECK(byte_size({}, 8) == 8);
}

/// Any box put together from any tiling has the elements of the tensor: here each element is its index.
void any_box_from_any_tiling(const tensor_shape& shape, const std::vector<box>& tiles, const box& wanted) {
  const auto index_in = [](const tensor_shape& of, const tensor_shape& at) {
    std::int64_t index = 0;
    for (std::size_t d = 0; d < of.size(); ++d) index = index * of[d] + at[d];
    return index;
  };
  const auto fill = [&](const box& one) {  // what the tensor has there
    std::vector<std::int64_t> values;
    tensor_shape at = one.offset;
    for (std::int64_t i = 0; i < one.volume(); ++i) {
      std::int64_t left = i;
      for (std::size_t d = shape.size(); d-- > 0; left /= one.extent[d]) at[d] = one.offset[d] + left % one.extent[d];
      values.push_back(index_in(shape, at));
    }
    return values;
  };
  std::vector<std::int64_t> got(static_cast<std::size_t>(wanted.volume()), -1);
  for (const box& one : tiles) {
    const std::vector<std::int64_t> piece = fill(one);
    if (const auto common = intersection(one, wanted))
      copy_block(*common, std::as_bytes(std::span{piece}).data(), one, std::as_writable_bytes(std::span{got}).data(),
                 wanted, sizeof(std::int64_t));
  }
  REQUIRE(got == fill(wanted));
}

TEST_CASE("any box is put together from any tiling, in one to three dimensions") {
  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    const random_stream draw{static_cast<std::uint64_t>(round), "box", 0};
    std::uint64_t next = 0;
    const auto below = [&](std::int64_t count) {
      return static_cast<std::int64_t>(draw.below(next++, static_cast<std::uint32_t>(count)));
    };
    tensor_shape shape(static_cast<std::size_t>(1 + below(3)));
    for (std::int64_t& extent : shape) extent = 1 + below(6);
    // Cut in two, again and again, along any dimension.
    std::vector<box> tiles{box::whole(shape)};
    for (int cuts = 0; cuts < 5; ++cuts) {
      const auto which = static_cast<std::size_t>(below(std::ssize(tiles)));
      const auto d = static_cast<std::size_t>(below(std::ssize(shape)));
      box second = tiles[which];
      const std::int64_t kept = below(second.extent[d] + 1);
      second.offset[d] += kept;
      second.extent[d] -= kept;
      tiles[which].extent[d] = kept;
      tiles.push_back(second);
    }
    REQUIRE(tiling_fault(tiles, shape) == "");
    box wanted;
    for (const std::int64_t extent : shape) {
      wanted.offset.push_back(below(extent));
      wanted.extent.push_back(1 + below(extent - wanted.offset.back()));
    }
    any_box_from_any_tiling(shape, tiles, wanted);
  }
}

}  // namespace
}  // namespace plait
