// SPDX-License-Identifier: Apache-2.0
// The layer of docs/bring_your_own_kernel.md, in host memory.
#include "docs/prelu.hpp"

#include <vector>

#include <plait/plait.hpp>

#include <doctest/doctest.h>

#include "docs/prelu_training.hpp"
#include "layers/laws.hpp"

namespace {

using namespace plait;

// [laws]
TEST_CASE("prelu keeps the laws of layers") {
  using ranks = threads<host>;
  for (int ways = 1; ways <= 3; ++ways) {
    const auto subject = laws::case_of(prelu{5}, 5);
    CHECK(laws::gradients_agree<ranks>(subject, {.ways = ways}).fault == "");
    CHECK(laws::sharded_equals_whole<ranks>(subject, {.ways = ways}, laws::numbers::whole).fault == "");
    CHECK(laws::no_rows_are_legal<ranks>(subject, ways).fault == "");
  }
}
// [laws]

TEST_CASE("a pipeline with prelu in its stages learns what one rank learns") {
  using prelu_training::losses_of;
  const std::vector<double> one = losses_of<double, mesh<>>(threads<host>{});
  REQUIRE(one.size() == 20);
  CHECK(one.back() < 0.5 * one.front());
  const auto eight = losses_of<double, mesh<data<2>, tensor<2>, pipeline<2>>>(threads<host>{});
  CHECK(prelu_training::difference(eight, one) <= 1e-12);
}

}  // namespace
