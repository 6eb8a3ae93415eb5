// SPDX-License-Identifier: Apache-2.0
#include <cstdint>

#include <plait/core/ranges.hpp>

#include <doctest/doctest.h>

namespace {

using plait::balanced_part;
using plait::index_range;

static_assert(balanced_part(10, 4, 0) == index_range{0, 3});
static_assert(balanced_part(10, 4, 1) == index_range{3, 6});
static_assert(balanced_part(10, 4, 2) == index_range{6, 8});
static_assert(balanced_part(10, 4, 3) == index_range{8, 10});
static_assert(index_range{3, 8}.size() == 5);

TEST_CASE("balanced parts follow each other, cover everything, and differ by at most one, the larger first") {
  for (std::int64_t count = 0; count <= 40; ++count)
    for (std::int64_t ways = 1; ways <= 12; ++ways) {
      CAPTURE(count);
      CAPTURE(ways);
      std::int64_t reached = 0, before = count + 1;
      for (std::int64_t index = 0; index < ways; ++index) {
        const index_range part = balanced_part(count, ways, index);
        CHECK(part.begin == reached);
        CHECK(part.size() <= before);
        CHECK(part.size() >= count / ways);
        CHECK(part.size() <= (count + ways - 1) / ways);
        before = part.size();
        reached = part.end;
      }
      CHECK(reached == count);
    }
}

TEST_CASE("balanced parts are right where counts exceed 32 bits") {
  const std::int64_t count = (std::int64_t{1} << 40) + 1;
  CHECK(balanced_part(count, 2, 0) == index_range{0, (std::int64_t{1} << 39) + 1});
  CHECK(balanced_part(count, 2, 1) == index_range{(std::int64_t{1} << 39) + 1, count});
}

}  // namespace
