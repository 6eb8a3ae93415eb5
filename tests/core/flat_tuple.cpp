// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <plait/core/flat_tuple.hpp>

#include <doctest/doctest.h>

namespace {

using plait::flat_tuple;
using plait::get;
using plait::tuple_member;

template <std::size_t Number>
struct numbered {
  std::size_t value = Number;
};

template <class Indices>
struct many;
template <std::size_t... Index>
struct many<std::index_sequence<Index...>> {
  using type = flat_tuple<numbered<Index>...>;
};
using two_hundred_and_fifty_six = many<std::make_index_sequence<256>>::type;

static_assert(two_hundred_and_fifty_six::size == 256);
static_assert(get<0>(two_hundred_and_fifty_six{}).value == 0);
static_assert(get<255>(two_hundred_and_fifty_six{}).value == 255);
static_assert(std::is_same_v<tuple_member<200, two_hundred_and_fifty_six>, numbered<200>>);

struct empty {};
static_assert(flat_tuple<>::size == 0);
static_assert(sizeof(flat_tuple<empty, int>) == sizeof(int));
static_assert(std::is_same_v<decltype(flat_tuple{1, 2.0, 'c'}), flat_tuple<int, double, char>>);

TEST_CASE("members of a flat tuple are visited in order") {
  const two_hundred_and_fifty_six tuple{};
  std::vector<std::size_t> seen;
  for_each(tuple, [&](const auto& member) { seen.push_back(member.value); });
  REQUIRE(seen.size() == 256);
  for (std::size_t i = 0; i < seen.size(); ++i) CHECK(seen[i] == i);
}

TEST_CASE("a member is visited by a number known at run time, and no other one") {
  const two_hundred_and_fifty_six tuple{};
  for (std::size_t i = 0; i < 256; ++i) {
    int visits = 0;
    visit_at(tuple, i, [&](const auto& member) {
      CHECK(member.value == i);
      ++visits;
    });
    CHECK(visits == 1);
  }
  visit_at(tuple, 256, [](const auto&) { FAIL("there is no member 256"); });
}

TEST_CASE("members of equal type are different members, and can be changed") {
  flat_tuple tuple{std::string{"left"}, std::string{"right"}};
  get<1>(tuple) += "most";
  CHECK(get<0>(tuple) == "left");
  CHECK(get<1>(tuple) == "rightmost");
}

}  // namespace
