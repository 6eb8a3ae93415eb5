// SPDX-License-Identifier: Apache-2.0
// The layer of docs/bring_your_own_kernel.md, with its kernels.
#include <vector>

#include <plait/plait.cuh>

#include <doctest/doctest.h>

#include "docs/prelu.cuh"
#include "docs/prelu_training.hpp"
#include "layers/laws.hpp"

namespace {

using namespace plait;

// [laws on the device]
TEST_CASE("prelu keeps the laws of layers on the device") {
  using ranks = threads<plait::cuda>;
  for (int ways = 1; ways <= 3; ++ways) {
    const auto subject = laws::case_of(prelu{5}, 5);
    CHECK(laws::gradients_agree<ranks>(subject, {.ways = ways}).fault == "");
    CHECK(laws::sharded_equals_whole<ranks>(subject, {.ways = ways}, laws::numbers::whole).fault == "");
    CHECK(laws::no_rows_are_legal<ranks>(subject, ways).fault == "");
  }
}
// [laws on the device]

TEST_CASE("a pipeline of ranks that share a device learns with prelu what one host rank learns") {
  using prelu_training::losses_of;
  const std::vector<double> one = losses_of<double, mesh<>>(threads<host>{});
  const auto eight = losses_of<double, mesh<data<2>, tensor<2>, pipeline<2>>>(threads<plait::cuda>{});
  CHECK(prelu_training::difference(eight, one) <= 1e-12);
}

}  // namespace
