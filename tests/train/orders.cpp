// SPDX-License-Identifier: Apache-2.0
// Orders that were brought, from a file or from a search, are verified and run like any schedule.

#include <sstream>
#include <string>
#include <vector>

#include <plait/schedule/csv.hpp>
#include <plait/schedule/synthesize.hpp>

#include <doctest/doctest.h>

#include "exact_model.hpp"

namespace {

using namespace harness;

/// Three stages, a stage a rank; rank 1 holds back its first forward pass of micro-batch 2, and rank 0 splits what it
/// likes.
constexpr const char* by_hand = R"(0F0,0F1,0F2,0I0,0F3,0W0,0B1,0B2,0I3,0W3
1F0,1F1,1B0,1F2,1B1,1F3,1B2,1B3
2F0,2B0,2F1,2I1,2W1,2F2,2F3,2B2,2B3
)";

TEST_CASE("a user's own order trains what one rank trains, bit for bit, beside any data and tensor axes") {
  std::istringstream file{by_hand};
  const orders mine = read_csv(file, "by hand").orders;
  const auto model = exact_model();
  const outcome<double> one = train_serial<double, double>(model, exact_optimizer<double>(), exact_task<double>(1));
  for (const coordinate ways : {coordinate{1, 1, 3}, {2, 1, 3}, {1, 2, 3}})
    CHECK(equal_bits(train<double, double>(threads{}, layout_of_orders(mine, ways), model, exact_optimizer<double>(),
                                           exact_task<double>(4)),
                     one));
}

TEST_CASE("an order that was found trains what one rank trains, on a loop and on a V") {
  const auto model = exact_model();
  const outcome<double> one = train_serial<double, double>(model, exact_optimizer<double>(), exact_task<double>(1));
  for (const int chunks : {1, 2}) {
    const pipe_shape shape{.ranks = 2, .micro = 5, .chunks = chunks};
    step_costs costs = step_costs::uniform(shape, {.forward = 1, .backward_input = 1.4, .backward_weight = 0.6});
    costs.between_ranks.latency = seconds{0.25};
    const orders found = synthesize(shape, costs, {});
    CHECK(equal_bits(train<double, double>(threads{}, layout_of_orders(found, {1, 1, 2}), model,
                                           exact_optimizer<double>(), exact_task<double>(5)),
                     one));
  }
}

TEST_CASE("an order that does not do a step, or is for another shape, is refused before anything runs") {
  const auto model = exact_model();
  const auto sentence = [&](const std::string& text, int micro) {
    std::istringstream file{text};
    try {
      train<double, double>(threads{}, layout_of_orders(read_csv(file, "by hand").orders, {1, 1, 2}), model,
                            exact_optimizer<double>(), exact_task<double>(micro));
    } catch (const error& caught) {
      return caught.sentence();
    }
    return std::string{"accepted"};
  };
  CHECK(sentence("0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1B1\n", 2) == "accepted");
  CHECK(sentence("0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1B1\n", 3).find("the orders are for another shape") !=
        std::string::npos);
  CHECK(sentence("0F0,0F1,0B1,0B0\n1F0,1B0,1F1,1B1\n", 2)
            .find("the next message of its queue is for another stage or micro-batch") != std::string::npos);
  CHECK(sentence("0F0,0B0,0F1,0B1\n1F0,1F1,1B0,1B1\n", 2).find("waits for ever") != std::string::npos);
}

}  // namespace
