// SPDX-License-Identifier: Apache-2.0
// Law 1: any layout trains the same model.

#include <algorithm>
#include <cmath>
#include <string>

#include <doctest/doctest.h>

#include "exact_model.hpp"
#include "real_model.hpp"

namespace {

using namespace harness;

std::string text_of(const layout_handle& layout, int micro) {
  return to_string(layout.mesh.ways) + " chunks " + std::to_string(layout.mesh.chunks) + " " +
         std::string{layout.schedule.name} + " micro " + std::to_string(micro);
}

/// Every layout of ways 1, 2, 4 with ways and chunks of product at most 16, and some with 3; with each schedule that
/// fits.
template <class Body>
void for_each_layout(Body&& body) {
  int index = 0;
  const auto visit = [&](coordinate ways, int chunks) {
    for (int which : {0, 1, 2})
      if ((which == 2) == (chunks > 1) || (which == 2 && ways.pipeline > 1))
        body(layout_of(ways, chunks, which), 1 + index++ % 5);
  };
  for (int data : {1, 2, 4})
    for (int tensor : {1, 2, 4})
      for (int pipeline : {1, 2, 4})
        for (int chunks : {1, 2, 4})
          if (data * tensor * pipeline * chunks <= 16) visit({data, tensor, pipeline}, chunks);
  for (const coordinate ways : {coordinate{3, 1, 1}, coordinate{1, 3, 1}, coordinate{1, 1, 3}, coordinate{1, 3, 2},
                                coordinate{3, 2, 2}, coordinate{2, 3, 2}, coordinate{2, 2, 3}, coordinate{5, 1, 3}})
    for (int chunks : {1, 3}) visit(ways, ways.data * ways.tensor * ways.pipeline * chunks <= 16 ? chunks : 1);
}

template <real T>
void all_layouts_equal_one_rank() {
  const auto model = exact_model();
  const outcome<T> one = train_serial<T, T>(model, exact_optimizer<T>(), exact_task<T>(1));
  REQUIRE(one.exact);
  // The law would be empty if nothing were learnt: every parameter has a gradient, and every step another loss.
  for (const auto& [name, values] : one.gradients) {
    CAPTURE(name);
    CHECK(std::any_of(values.begin(), values.end(), [](T value) { return value != T{0}; }));
  }
  CHECK(std::adjacent_find(one.losses.begin(), one.losses.end()) == one.losses.end());

  for_each_layout([&](const layout_handle& layout, int micro) {
    CAPTURE(text_of(layout, micro));
    const outcome<T> many = train<T, T>(threads{}, layout, model, exact_optimizer<T>(), exact_task<T>(micro));
    CHECK(many.exact);
    CHECK(equal_bits(many, one));
  });
}

TEST_CASE("every layout trains the same model bit for bit where no sum rounds: float64") {
  all_layouts_equal_one_rank<double>();
}

TEST_CASE("every layout trains the same model bit for bit where no sum rounds: float32") {
  all_layouts_equal_one_rank<float>();
}

TEST_CASE("other rank orders, cuts, buckets and empty stages train the same model bit for bit") {
  const auto model = exact_model();
  const outcome<double> one = train_serial<double, double>(model, exact_optimizer<double>(), exact_task<double>(1));
  const rank_order pipeline_fastest{axis::pipeline, axis::data, axis::tensor};
  auto job = exact_task<double>(4);
  CHECK(equal_bits(train<double, double>(threads{}, layout_of({2, 2, 2}, 1, 1, pipeline_fastest), model,
                                         exact_optimizer<double>(), job),
                   one));
  job.settings.buckets = 3;
  CHECK(equal_bits(train<double, double>(threads{}, layout_of({3, 1, 2}, 2, 2), model, exact_optimizer<double>(), job),
                   one));
  for (const std::vector<int>& cut : {std::vector<int>{0, 1, 2, 34, 34}, {0, 0, 10, 10, 34}, {0, 34, 34, 34, 34}}) {
    job.settings.cut = cut;
    CHECK(equal_bits(
        train<double, double>(threads{}, layout_of({1, 2, 4}, 1, 1), model, exact_optimizer<double>(), job), one));
    CHECK(equal_bits(
        train<double, double>(threads{}, layout_of({1, 1, 2}, 2, 2), model, exact_optimizer<double>(), job), one));
    CHECK(equal_bits(
        train<double, double>(threads{}, layout_of({2, 1, 4}, 1, 0), model, exact_optimizer<double>(), job), one));
  }
}

TEST_CASE("more cells than samples leave some micro-batches without rows, and the model is the same") {
  const auto model = exact_model();
  const outcome<double> one = train_serial<double, double>(model, exact_optimizer<double>(), exact_task<double>(1));
  CHECK(equal_bits(train<double, double>(threads{}, layout_of({4, 1, 2}, 1, 1), model, exact_optimizer<double>(),
                                         exact_task<double>(7)),
                   one));
  CHECK(equal_bits(train<double, double>(serial{}, layout_of({1, 1, 1}, 2, 2), model, exact_optimizer<double>(),
                                         exact_task<double>(40)),
                   one));
}

// ---- real numbers

const std::vector<layout_handle>& real_layouts() {
  static const std::vector<layout_handle> layouts{
      layout_of({4, 1, 1}, 1, 1), layout_of({1, 4, 1}, 1, 1), layout_of({1, 1, 4}, 1, 1), layout_of({1, 1, 4}, 1, 0),
      layout_of({2, 2, 2}, 1, 1), layout_of({1, 1, 2}, 2, 2), layout_of({2, 2, 2}, 2, 2), layout_of({3, 3, 1}, 1, 1)};
  return layouts;
}

TEST_CASE("on real data in float64 losses agree to 1e-12 over 20 steps, with clipping, under SGD and AdamW") {
  const auto model = real_model();
  const auto check = [&](auto optimizer) {
    const auto one = train_serial<double, std::int32_t>(model, optimizer, real_task<double>(1));
    CHECK(one.losses.back() < one.losses.front());
    for (const layout_handle& layout : real_layouts()) {
      CAPTURE(text_of(layout, 4));
      const auto many = train<double, std::int32_t>(threads{}, layout, model, optimizer, real_task<double>(4));
      CHECK(loss_difference(many, one) <= 1e-12);
      CHECK(many.evaluated_hits == one.evaluated_hits);
      CHECK(std::abs(many.norms.back() - one.norms.back()) <= 1e-11 * one.norms.back());
    }
  };
  check(sgd_momentum{.learning_rate = 0.05});
  check(adamw{.learning_rate = 2e-3});
}

TEST_CASE("on real data in float32 losses agree within the bound of docs/design/equivalence.md") {
  const auto model = real_model();
  const auto optimizer = sgd_momentum{.learning_rate = 0.05};
  const auto one = train_serial<float, std::int32_t>(model, optimizer, real_task<float>(1));
  // Units in the last place u, products in the chain of a step 2 L, longest sum K, steps t.
  const double u = std::ldexp(1.0, -24), products = 2 * 5, longest = 48, steps = 20;
  const double bound = 4 * u * products * std::sqrt(longest) * steps;
  for (const layout_handle& layout : real_layouts()) {
    CAPTURE(text_of(layout, 4));
    const auto many = train<float, std::int32_t>(threads{}, layout, model, optimizer, real_task<float>(4));
    CHECK(loss_difference(many, one) <= bound);
  }
}

TEST_CASE("the same run twice is equal to the bit, with real data and every axis") {
  const auto model = real_model();
  for (const layout_handle& layout : real_layouts()) {
    CAPTURE(text_of(layout, 4));
    const auto once = train<float, std::int32_t>(threads{}, layout, model, adamw{}, real_task<float>(4));
    const auto again = train<float, std::int32_t>(threads{}, layout, model, adamw{}, real_task<float>(4));
    CHECK(equal_bits(once, again));
  }
}

TEST_CASE("initial values depend on the seed and on nothing else") {
  const auto model = real_model();
  auto job = real_task<double>(2);
  job.steps = 0;
  const auto one = train_serial<double, std::int32_t>(model, sgd{}, job);
  const auto cut = train<double, std::int32_t>(threads{}, layout_of({2, 3, 2}, 1, 1), model, sgd{}, job);
  CHECK(one.parameters == cut.parameters);
  CHECK(one.digest == cut.digest);
  job.settings.seed = 6;
  CHECK(train_serial<double, std::int32_t>(model, sgd{}, job).digest != one.digest);
}

}  // namespace
