// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <string>
#include <type_traits>

#include <plait/core/repeat.hpp>
#include <plait/core/scratch.hpp>

#include <doctest/doctest.h>

namespace {

// In a constant expression, where a leak or an element that was never set is a compile error.
constexpr int sum_of_squares(int count) {
  const plait::scratch<int> squares{static_cast<std::size_t>(count)};
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    sum += squares.data()[i];  // zero until it is set
    squares.data()[i] += i * i;
  }
  for (int i = 0; i < count; ++i) sum += squares.data()[i];
  return sum;
}
static_assert(sum_of_squares(4) == 0 + 1 + 4 + 9);
static_assert(sum_of_squares(0) == 0);
static_assert(!std::is_copy_constructible_v<plait::scratch<int>> && !std::is_copy_assignable_v<plait::scratch<int>>);

TEST_CASE("a repeated thing is one value and a count") {
  const auto blocks = plait::repeat<12>(std::string{"block"});
  static_assert(blocks.count == 12);
  static_assert(sizeof blocks == sizeof(std::string));
  CHECK(blocks.value == "block");
}

}  // namespace
