// SPDX-License-Identifier: Apache-2.0
// Every layer is put through the laws, on one to four ranks of the tensor axis.
#include "layers/laws.hpp"

#include <plait/comm/threads.hpp>
#include <plait/tensor/host.hpp>

#include <doctest/doctest.h>

#include "layers/all_layers.hpp"

namespace {

using ranks = plait::threads<plait::host>;
using laws::numbers;
using laws::verdict;

/// Asks `law(case, ways)` of every layer of every size on one to `most` ranks.
template <class Law>
void ask_of_all(int most, const Law& law) {
  for (const auto& [from, to] : laws::sizes)
    laws::for_each_layer(from, to, [&](const auto& subject) {
      for (int ways = 1; ways <= most; ++ways) {
        const verdict found = law(subject, ways);
        CHECK_MESSAGE(bool(found), subject.name(), ", ", ways, " ways: ", found.fault);
      }
    });
}

TEST_CASE("backward agrees with finite differences, and adds to the gradients that are there") {
  ask_of_all(3, [](const auto& subject, int ways) {
    return laws::gradients_agree<ranks>(subject, {.ways = ways, .rows = 3});
  });
}

TEST_CASE("the two halves of backward are the whole, to the bit") {
  ask_of_all(2, [](const auto& subject, int ways) {
    return laws::halves_make_the_whole<ranks>(subject, {.ways = ways, .rows = 3});
  });
}

TEST_CASE("a layer cut over the tensor axis gives the same bits as the whole layer, where sums are exact") {
  ask_of_all(4, [](const auto& subject, int ways) {
    return laws::sharded_equals_whole<ranks>(subject, {.ways = ways, .rows = 3}, numbers::whole);
  });
}

TEST_CASE("a layer cut over the tensor axis is the whole layer to 1e-12 for real numbers") {
  ask_of_all(4, [](const auto& subject, int ways) {
    return laws::sharded_equals_whole<ranks>(subject, {.ways = ways, .rows = 5}, numbers::real);
  });
}

TEST_CASE("no rows are legal, and change no gradient") {
  ask_of_all(4, [](const auto& subject, int ways) { return laws::no_rows_are_legal<ranks>(subject, ways); });
}

TEST_CASE("float agrees with double as far as its sums allow") {
  ask_of_all(3, [](const auto& subject, int ways) {
    return laws::float_agrees_with_double<ranks>(subject, {.ways = ways, .rows = 4});
  });
}

TEST_CASE("row_product, sum_partials and bias in a row are row_linear") {
  const auto linear = laws::case_of(plait::row_linear{10, 5}, 10);
  laws::pass_input given = laws::input_of(linear, 3, numbers::whole);
  const auto wanted = laws::pass<ranks, double>(linear, 4, given).y;

  const auto product = laws::case_of(plait::row_product{10, 5}, 10);
  laws::pass_input of_product = given;
  of_product.parameters.pop_back(), of_product.gradients.pop_back();
  laws::pass_input next{.rows = 3, .x = laws::pass<ranks, double>(product, 4, of_product).y, .dy = given.dy};
  next.x = laws::pass<ranks, double>(laws::case_of(plait::sum_partials{}, 5), 4, next).y;
  next.parameters = {given.parameters[1]}, next.gradients = {given.gradients[1]};
  const auto added = laws::case_of(plait::bias<plait::whole_features>{5}, 5);
  CHECK(laws::pass<ranks, double>(added, 4, next).y == wanted);
}

}  // namespace
