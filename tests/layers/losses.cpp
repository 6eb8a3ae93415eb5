// SPDX-License-Identifier: Apache-2.0
// Every loss is put through the laws, and cross-entropy is compared with its formula in long double.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <plait/comm/threads.hpp>
#include <plait/tensor/host.hpp>

#include <doctest/doctest.h>

#include "layers/all_layers.hpp"
#include "layers/loss_laws.hpp"

namespace {

using plait::softmax_cross_entropy;
using ranks = plait::threads<plait::host>;
using laws::numbers;
using laws::verdict;

/// Asks `law(loss, features, ways)` of every loss of several sizes on one to four ranks.
template <class Law>
void ask_of_all(const Law& law) {
  for (std::int64_t features : {12, 10, 5, 2, 1})
    laws::for_each_loss(features, [&](const auto& loss, std::int64_t inputs) {
      for (int ways = 1; ways <= 4; ++ways) {
        const verdict found = law(loss, inputs, ways);
        CHECK_MESSAGE(bool(found), loss.name, " of ", inputs, ", ", ways, " ways: ", found.fault);
      }
    });
}

TEST_CASE("the gradient of a loss agrees with finite differences") {
  ask_of_all([](const auto& loss, std::int64_t inputs, int ways) {
    return laws::loss_gradient_agrees<ranks>(loss, inputs, {.ways = ways, .rows = 4});
  });
}

TEST_CASE(
    "a loss cut over the tensor axis is the whole loss to 1e-12, and squared_error to the bit where it is exact") {
  ask_of_all([](const auto& loss, std::int64_t inputs, int ways) {
    const bool exact = std::is_same_v<std::remove_cvref_t<decltype(loss)>, plait::squared_error>;
    return both(
        laws::sharded_loss_equals_whole<ranks>(loss, laws::input_of(loss, inputs, 7, numbers::real), ways, 1e-12),
        laws::sharded_loss_equals_whole<ranks>(loss, laws::input_of(loss, inputs, 7, numbers::whole), ways,
                                               exact ? 0 : 1e-12));
  });
}

TEST_CASE("a loss of no rows is legal") {
  ask_of_all([](const auto& loss, std::int64_t inputs, int ways) {
    return laws::no_rows_of_loss_are_legal<ranks>(loss, inputs, ways);
  });
}

TEST_CASE("a loss in float agrees with double as far as its sums allow") {
  // squared_error: differences of size up to 2, each rounded once, squared and added: n terms of at most 4, each off by
  // 3 roundings and n more from the sum. Cross-entropy: with logits of size up to 1, x - largest is off by 2 units of
  // 2^-24, exp by as much and 2 of its own; the sum of n adds n, the logarithm 2, the label's term 2, what is at most
  // log(n) + 2. 2^-24 (n + 16) 4 n is more than all of it for both.
  ask_of_all([](const auto& loss, std::int64_t inputs, int ways) {
    const auto given = laws::input_of(loss, inputs, 6, numbers::coarse);
    const auto n = static_cast<double>(inputs);
    const double bound = 0x1p-24 * (n + 16) * 4;
    return laws::float_loss_agrees_with_double<ranks>(loss, given, ways, bound * n, bound);
  });
}

/// Cross-entropy and its gradient by the formula.
laws::loss_result<double> plain_cross_entropy(const laws::loss_input<softmax_cross_entropy>& given) {
  laws::loss_result<double> found;
  const auto classes = static_cast<std::size_t>(given.inputs);
  for (std::size_t i = 0; i < given.targets.size(); ++i) {
    const double* const row = given.x.data() + i * classes;
    const auto label = static_cast<std::size_t>(given.targets[i]);
    const long double largest = *std::max_element(row, row + classes);
    long double sum = 0;
    for (std::size_t j = 0; j < classes; ++j) sum += std::exp(static_cast<long double>(row[j]) - largest);
    found.row_loss.push_back(static_cast<double>(largest + std::log(sum) - row[label]));
    for (std::size_t j = 0; j < classes; ++j) {
      const long double probability = std::exp(static_cast<long double>(row[j]) - largest) / sum;
      found.dx.push_back(static_cast<double>(given.scale * (probability - (j == label ? 1 : 0))));
    }
    found.hits.push_back(std::max_element(row, row + classes) - row == given.targets[i] ? 1
                                                                                        : 0);  // the first of equals
  }
  return found;
}

void check_against_formula(const laws::loss_input<softmax_cross_entropy>& given, double tolerance) {
  const auto wanted = plain_cross_entropy(given);
  for (int ways = 1; ways <= 4; ++ways) {
    CAPTURE(ways);
    const auto found = laws::loss_pass<ranks, double>(softmax_cross_entropy{given.inputs}, ways, given);
    CHECK(found.fault == "");
    CHECK(found.hits == wanted.hits);
    for (std::size_t i = 0; i < wanted.row_loss.size(); ++i) {
      CAPTURE(i);
      CHECK(std::abs(found.row_loss[i] - wanted.row_loss[i]) <= tolerance * std::max(1.0, wanted.row_loss[i]));
    }
    for (std::size_t i = 0; i < wanted.dx.size(); ++i) {
      CAPTURE(i);
      CHECK(std::abs(found.dx[i] - wanted.dx[i]) <= tolerance);
    }
  }
}

TEST_CASE("cross-entropy is its formula, for labels on every shard") {
  laws::loss_input<softmax_cross_entropy> given{.rows = 10, .inputs = 10, .x = laws::draw(numbers::real, 100, 8)};
  for (double& logit : given.x) logit *= 10;
  for (int label = 0; label < 10; ++label) given.targets.push_back(label);
  check_against_formula(given, 1e-14 * 10);
}

TEST_CASE("cross-entropy is its formula where logits are 10000 or -10000") {
  // exp of them is infinite or 0; a unit in the last place of 10000 is 2e-12.
  laws::loss_input<softmax_cross_entropy> given{.rows = 5, .inputs = 5, .x = {}, .targets = {0, 1, 2, 3, 4}};
  given.x = {1e4,  -1e4, 0,    3,    1e4,   //
             1e4,  -1e4, 1e4,  1,    2,     //
             -1e4, -1e4, -1e4, 0,    -1e4,  //
             -1e4, -1e4, -1e4, 1e4,  -1e4,  //
             -1e4, -1e4, -1e4, -1e4, -1e4};
  check_against_formula(given, 1e-11);
  const auto wanted = plain_cross_entropy(given);
  CHECK(wanted.row_loss[1] == doctest::Approx(20000 + std::log(2.0)));
  CHECK(wanted.row_loss[3] == 0);
  CHECK(wanted.row_loss[4] == doctest::Approx(std::log(5.0)));
}

TEST_CASE("of equal logits the class of the lowest number counts, on whichever shard") {
  // Rows: all equal; the largest at 2 and 7, at 7 and 9, at 0 alone, at 9 alone.
  laws::loss_input<softmax_cross_entropy> given{.rows = 0, .inputs = 10};
  for (const std::vector<std::size_t>& largest :
       {std::vector<std::size_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {2, 7}, {7, 9}, {0}, {9}})
    for (int label = 0; label < 10; ++label) {
      std::vector<double> row(10);
      for (std::size_t at : largest) row[at] = 2.5;
      given.x.insert(given.x.end(), row.begin(), row.end());
      given.targets.push_back(label);
      ++given.rows;
    }
  check_against_formula(given, 1e-14 * 10);
  const auto wanted = plain_cross_entropy(given);
  for (std::size_t row = 0; row < wanted.hits.size(); ++row)
    CHECK(wanted.hits[row] == (row == 0 || row == 12 || row == 27 || row == 30 || row == 49 ? 1 : 0));
}

TEST_CASE("the loss of equal logits is the logarithm of the number of classes") {
  for (std::int64_t classes : {1, 2, 5, 1000})
    for (int ways : {1, 3}) {
      const laws::loss_input<softmax_cross_entropy> given{
          .rows = 1,
          .inputs = classes,
          .x = std::vector<double>(static_cast<std::size_t>(classes), -7),
          .targets = {0}};
      const auto found = laws::loss_pass<ranks, double>(softmax_cross_entropy{classes}, ways, given);
      CHECK(found.row_loss[0] == doctest::Approx(std::log(static_cast<double>(classes))).epsilon(1e-14));
    }
}

TEST_CASE("squared_error is half the sum of squared differences, and its gradient the difference") {
  const laws::loss_input<plait::squared_error> given{
      .rows = 2, .inputs = 3, .x = {1, 2, 3, 0, 0, 0}, .targets = {0, 4, 3, 2, 0, -4}, .scale = 0.5};
  for (int ways = 1; ways <= 4; ++ways) {
    const auto found = laws::loss_pass<ranks, double>(plait::squared_error{3}, ways, given);
    CHECK(found.fault == "");
    CHECK(found.row_loss == std::vector<double>{2.5, 10});
    CHECK(found.dx == std::vector<double>{0.5, -1, 0, -1, 0, 2});
  }
}

}  // namespace
