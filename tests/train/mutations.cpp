// SPDX-License-Identifier: Apache-2.0
// Law 3: leaving out, doubling or misplacing any one collective, bias, scale or version is noticed by the law of
// equivalence. Each fault is put in at one place; the run must then differ from one rank's.

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "faults.hpp"
#include "real_model.hpp"

namespace {

using namespace harness;

constexpr double noticed = 1e-7;  // rounding leaves differences below 1e-12 here
constexpr int micro_batches = 3;
constexpr int steps = 3;

layout_handle layout() {
  return layout_of({2, 2, 2}, 1, 1);
}

task<double, std::int32_t> training_task(int micro) {
  auto job = real_task<double>(micro, steps);
  job.evaluates = false;
  return job;
}

const outcome<double>& one_rank() {
  static const auto one = train_serial<double, std::int32_t>(real_model(), sgd_momentum{}, training_task(1));
  return one;
}

/// What a run differs by; one that the trainer itself stops has been noticed as well.
double difference_of(const std::function<double()>& run) {
  try {
    return run();
  } catch (const error& wrong) {
    if (wrong.kind() != error_kind::usage) throw;
    return HUGE_VAL;
  }
}

double difference_with(const fault& wanted) {
  return difference_of([&] {
    return any_difference(train<double, std::int32_t>(faulty_threads{wanted}, layout(), real_model(), sgd_momentum{},
                                                      training_task(micro_batches)),
                          one_rank());
  });
}

TEST_CASE("without a fault nothing is noticed") {
  CHECK(difference_with({}) < 1e-11);
}

TEST_CASE("every reduction of a step that is left out is noticed") {
  for (const where group : {where::tensor, where::data, where::model, where::world}) {
    int calls = 0;
    difference_with({.kind = fault_kind::none, .group = group, .number = -1, .calls = &calls});
    CAPTURE(static_cast<int>(group));
    REQUIRE(calls > 0);
    for (int number = 0; number < calls; ++number) {
      CAPTURE(number);
      CHECK(difference_with({.kind = fault_kind::drop, .group = group, .number = number}) > noticed);
    }
  }
}

TEST_CASE("every sum of a step that is taken twice is noticed") {
  for (const where group : {where::tensor, where::data, where::model, where::world}) {
    int calls = 0;
    difference_with({.kind = fault_kind::none, .group = group, .number = -1, .sums_only = true, .calls = &calls});
    CAPTURE(static_cast<int>(group));
    REQUIRE(calls > 0);
    for (int number = 0; number < calls; ++number) {
      CAPTURE(number);
      CHECK(difference_with({.kind = fault_kind::twice, .group = group, .number = number, .sums_only = true}) >
            noticed);
    }
  }
}

TEST_CASE("every reduction of an evaluation that is left out is noticed") {
  auto job = real_task<double>(1, 0);
  job.settings.batch = 480;
  const auto one = train_serial<double, std::int32_t>(real_model(), sgd{}, job);
  job.settings.micro = 2;
  const auto difference = [&](const fault& wanted) {
    return difference_of([&] {
      const auto result = train<double, std::int32_t>(faulty_threads{wanted}, layout(), real_model(), sgd{}, job);
      return std::max(any_difference(result, one), result.digest == one.digest ? 0.0 : 1.0);
    });
  };
  CHECK(difference({}) < 1e-11);
  for (const where group : {where::tensor, where::world}) {
    int calls = 0;
    difference({.kind = fault_kind::none, .group = group, .number = -1, .calls = &calls});
    REQUIRE(calls > 0);
    for (int number = 0; number < calls; ++number) {
      CAPTURE(static_cast<int>(group));
      CAPTURE(number);
      CHECK(difference({.kind = fault_kind::drop, .group = group, .number = number}) > noticed);
    }
  }
}

/// Programs with one fault: `verify` refuses them, and when it is not asked, the run differs.
void check_edit(const char* what, std::function<void(std::vector<program>&)> edit) {
  CAPTURE(what);
  auto job = training_task(micro_batches);
  job.settings.edit = edit;
  CHECK_THROWS_AS((train<double, std::int32_t>(threads{}, layout(), real_model(), sgd_momentum{}, job)), error);
  job.settings.check = false;
  const auto result = train<double, std::int32_t>(threads{}, layout(), real_model(), sgd_momentum{}, job);
  CHECK(any_difference(result, one_rank()) > noticed);
}

std::size_t find(const program& one, op kind, int skip = 0) {
  for (std::size_t i = 0; i < one.actions.size(); ++i)
    if (one.actions[i].kind == kind && skip-- == 0) return i;
  FAIL("there is no such action");
  return 0;
}

void erase(program& one, op kind) {
  one.actions.erase(one.actions.begin() + static_cast<std::ptrdiff_t>(find(one, kind)));
}
void repeat_action(program& one, op kind) {
  const std::size_t at = find(one, kind);
  const action copy = one.actions[at];
  one.actions.insert(one.actions.begin() + static_cast<std::ptrdiff_t>(at), copy);
}

TEST_CASE("a program with one fault is refused, and run all the same it trains another model") {
  check_edit("gradients of the first stage not summed over the data axis",
             [](std::vector<program>& all) { erase(all[0], op::reduce_gradients); });
  check_edit("gradients of the last stage summed twice",
             [](std::vector<program>& all) { repeat_action(all[1], op::reduce_gradients); });
  check_edit("gradients summed before the last backward pass has added to them", [](std::vector<program>& all) {
    const std::size_t at = find(all[1], op::reduce_gradients), last = find(all[1], op::backward, micro_batches - 1);
    std::rotate(all[1].actions.begin() + static_cast<std::ptrdiff_t>(last),
                all[1].actions.begin() + static_cast<std::ptrdiff_t>(at),
                all[1].actions.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  });
  check_edit("stale weights: the first stage is not updated",
             [](std::vector<program>& all) { erase(all[0], op::optimizer_step); });
  check_edit("the update before the norm", [](std::vector<program>& all) {
    for (program& one : all)
      std::swap(one.actions[find(one, op::reduce_norm)], one.actions[find(one, op::optimizer_step)]);
  });
  check_edit("the norm left out", [](std::vector<program>& all) {
    for (program& one : all) erase(one, op::reduce_norm);
  });
  check_edit("a backward pass run twice", [](std::vector<program>& all) { repeat_action(all[1], op::backward); });
  check_edit("two micro-batches swapped on their way forward", [](std::vector<program>& all) {
    const std::size_t first = find(all[0], op::send_activation, 0), second = find(all[0], op::send_activation, 1);
    std::vector<action>& actions = all[0].actions;
    // Both are computed before either is sent.
    const std::size_t computed = find(all[0], op::forward, 1);
    REQUIRE(first < computed);
    const action early = actions[first];
    actions[second] = actions[second];
    actions.insert(actions.begin() + static_cast<std::ptrdiff_t>(second) + 1, early);
    actions.erase(actions.begin() + static_cast<std::ptrdiff_t>(first));
  });
  check_edit("two micro-batches swapped on their way back", [](std::vector<program>& all) {
    std::vector<action>& actions = all[1].actions;
    const std::size_t first = find(all[1], op::send_gradient, 0), second = find(all[1], op::send_gradient, 1);
    const action early = actions[first];
    actions.insert(actions.begin() + static_cast<std::ptrdiff_t>(second) + 1, early);
    actions.erase(actions.begin() + static_cast<std::ptrdiff_t>(first));
  });
}

/// The bias before the sum over the tensor axis, and so once for each rank.
struct bias_on_every_rank : row_linear {
  static constexpr std::string_view name = "row_linear";
  template <class Context>
  void forward(Context& context, typename Context::template in<takes> x,
               typename Context::template out<gives> y) const {
    row_product{in, out}.template forward<Context, gives>(context, x, y);
    for_each_row(y.extent[0], rowwise::add_bias<typename Context::element>{context.parameters[1], y.data, y.extent[1]},
                 context.stream);
    context.tensor->all_reduce(std::span{y.data, static_cast<std::size_t>(y.size())}, reduction::sum, context.stream);
  }
};

TEST_CASE("a bias that is counted on every rank is noticed") {
  const auto wrong = stack{column_linear{30, 40},        relu{},
                           bias_on_every_rank{{40, 24}}, gelu{},
                           column_linear{24, 32},        relu{},
                           row_linear{32, 24},           relu{},
                           column_linear{24, 10},        softmax_cross_entropy{10}};
  const auto result =
      train<double, std::int32_t>(threads{}, layout(), wrong, sgd_momentum{}, training_task(micro_batches));
  CHECK(any_difference(result, one_rank()) > noticed);
}

/// Does not update the parameters whose number of elements is odd, at step 2: stale weights on the ranks that hold
/// them.
struct stale_once : sgd_momentum {
  template <real T, class Stream>
  void apply(const update<T>& one, Stream stream) const {
    if (one.step == 2 && one.size % 3 == 1) return;
    sgd_momentum::apply(one, stream);
  }
};

TEST_CASE("weights that miss one update are noticed") {
  const auto result =
      train<double, std::int32_t>(threads{}, layout(), real_model(), stale_once{}, training_task(micro_batches));
  CHECK(any_difference(result, one_rank()) > noticed);
}

/// A loss whose gradient is scaled by `Percent`: what a wrong divisor of the mean comes to.
template <int Percent>
struct scaled_loss : softmax_cross_entropy {
  template <class Context>
  void backward(Context& context, typename Context::template in<takes> x, const target* label,
                typename Context::element scale, typename Context::template out<takes> dx) const {
    softmax_cross_entropy::backward(context, x, label, scale * static_cast<typename Context::element>(Percent) / 100,
                                    dx);
  }
};

TEST_CASE("a loss divided by the samples of one data rank, or by the micro-batches once more, is noticed") {
  const auto check = [](auto loss) {
    const auto wrong =
        stack{column_linear{30, 40}, relu{}, row_linear{40, 24},    gelu{}, column_linear{24, 32}, relu{},
              row_linear{32, 24},    relu{}, column_linear{24, 10}, loss};
    const auto result =
        train<double, std::int32_t>(threads{}, layout(), wrong, sgd_momentum{}, training_task(micro_batches));
    CHECK(any_difference(result, one_rank()) > noticed);
  };
  check(scaled_loss<200>{{10}});
  check(scaled_loss<33>{{10}});
}

}  // namespace
