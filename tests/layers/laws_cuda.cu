// SPDX-License-Identifier: Apache-2.0
// The same layers and losses in device memory are put through the same laws.
#include <cstdint>

#include <plait/comm/threads.cuh>
#include <plait/kernels/for_each.cuh>
#include <plait/kernels/matmul.cuh>
#include <plait/kernels/reduce.cuh>
#include <plait/tensor/cuda.cuh>

#include <doctest/doctest.h>

#include "layers/all_layers.hpp"

namespace {

using ranks = plait::threads<plait::cuda>;
using laws::numbers;
using laws::verdict;

constexpr std::int64_t from = 10, to = 5;

TEST_CASE("on a device, layers keep the laws with one to three ranks") {
  laws::for_each_layer(from, to, [](const auto& subject) {
    for (int ways = 1; ways <= 3; ++ways) {
      verdict found = laws::gradients_agree<ranks>(subject, {.ways = ways, .rows = 2});
      found = both(found, laws::halves_make_the_whole<ranks>(subject, {.ways = ways, .rows = 3}));
      found = both(found, laws::sharded_equals_whole<ranks>(subject, {.ways = ways, .rows = 3}, numbers::whole));
      found = both(found, laws::sharded_equals_whole<ranks>(subject, {.ways = ways, .rows = 3}, numbers::real));
      found = both(found, laws::no_rows_are_legal<ranks>(subject, ways));
      found = both(found, laws::float_agrees_with_double<ranks>(subject, {.ways = ways, .rows = 4}));
      CHECK_MESSAGE(bool(found), subject.name(), ", ", ways, " ways: ", found.fault);
    }
  });
}

TEST_CASE("on a device, losses keep the laws with one to three ranks") {
  laws::for_each_loss(from, [](const auto& loss, std::int64_t inputs) {
    for (int ways = 1; ways <= 3; ++ways) {
      const auto real = laws::input_of(loss, inputs, 7, numbers::real);
      verdict found = laws::loss_gradient_agrees<ranks>(loss, inputs, {.ways = ways, .rows = 3});
      found = both(found, laws::sharded_loss_equals_whole<ranks>(loss, real, ways, 1e-12));
      found = both(found, laws::no_rows_of_loss_are_legal<ranks>(loss, inputs, ways));
      CHECK_MESSAGE(bool(found), loss.name, ", ", ways, " ways: ", found.fault);
    }
  });
}

}  // namespace
