// SPDX-License-Identifier: Apache-2.0
// Optimizers against their published formulas, written out for one element at a time in long double.
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <plait/optim/adamw.hpp>
#include <plait/optim/optimizer.hpp>
#include <plait/optim/sgd.hpp>
#include <plait/tensor/host.hpp>

#include <doctest/doctest.h>

namespace {

using plait::adamw;
using plait::sgd;
using plait::sgd_momentum;
using plait::update;

static_assert(plait::optimizer<sgd> && plait::optimizer<sgd_momentum> && plait::optimizer<adamw>);
static_assert(sgd::states == 0 && sgd_momentum::states == 1 && adamw::states == 2);

constexpr int steps = 300;
constexpr std::size_t size = 7;

/// One element and its state, as the papers write them.
struct element {
  long double w;
  long double m = 0;
  long double v = 0;
};
void advance(element& one, const sgd& with, long double g, long double decay, int) {
  one.w -= with.learning_rate * (g + decay * one.w);
}
void advance(element& one, const sgd_momentum& with, long double g, long double decay, int) {
  one.v = with.momentum * one.v + g + decay * one.w;
  one.w -= with.learning_rate * one.v;
}
/// Loshchilov, Hutter, "Decoupled Weight Decay Regularization", algorithm 2, lines 6 to 12.
void advance(element& one, const adamw& with, long double g, long double decay, int t) {
  one.m = with.beta1 * one.m + (1 - with.beta1) * g;
  one.v = with.beta2 * one.v + (1 - with.beta2) * g * g;
  const long double m_hat = one.m / (1 - std::pow(static_cast<long double>(with.beta1), t));
  const long double v_hat = one.v / (1 - std::pow(static_cast<long double>(with.beta2), t));
  one.w -= with.learning_rate * (m_hat / (std::sqrt(v_hat) + with.epsilon) + decay * one.w);
}

double draw(std::mt19937_64& random) {
  return std::ldexp(static_cast<double>(random() >> 11), -52) - 1;
}

/// Largest difference, in any step, between an optimizer and the formula.
template <class T, class Optimizer>
double largest_difference(const Optimizer& with, bool decays, const double* scale) {
  std::mt19937_64 random{5};
  std::vector<T> weight(size), gradient(size);
  std::vector<std::vector<T>> state(Optimizer::states, std::vector<T>(size));
  std::vector<T*> state_at;
  for (auto& one : state) state_at.push_back(one.data());
  std::vector<element> wanted;
  for (T& value : weight) wanted.push_back({.w = value = static_cast<T>(draw(random))});
  double largest = 0;
  for (int step = 1; step <= steps; ++step) {
    // From large to very small, and one that is always 0.
    for (T& value : gradient) value = static_cast<T>(draw(random) * std::pow(10.0, 1 - step % 5));
    gradient[3] = 0;
    with.apply(update<T>{.weight = weight.data(),
                         .gradient = gradient.data(),
                         .state = state_at.data(),
                         .size = static_cast<std::int64_t>(size),
                         .gradient_scale = scale,
                         .decays = decays,
                         .step = step},
               plait::host_stream{});
    for (std::size_t i = 0; i < size; ++i) {
      const long double g = static_cast<long double>(gradient[i]) * *scale;
      advance(wanted[i], with, g, decays ? with.weight_decay : 0, step);
      largest = std::fmax(largest, static_cast<double>(std::abs(wanted[i].w - weight[i])));
    }
  }
  return largest;
}

/// A step rounds a weight of size up to 33, by at most 16 units of 2^-53 (2^-24 in float), and 300 steps add that up to
/// 5000 units at worst. Measured: 261.
template <class Optimizer>
void check_against_formula(const Optimizer& with) {
  const double whole = 1, scale = 0.37;
  for (const double* one : {&whole, &scale})
    for (bool decays : {false, true}) {
      CAPTURE(decays);
      CHECK(largest_difference<double>(with, decays, one) < 5000 * 0x1p-53);
      CHECK(largest_difference<float>(with, decays, one) < 5000 * 0x1p-24);
    }
}

TEST_CASE("sgd follows its formula") {
  check_against_formula(sgd{});
  check_against_formula(sgd{.learning_rate = 0.05, .weight_decay = 0.3});
}

TEST_CASE("sgd_momentum follows its formula") {
  check_against_formula(sgd_momentum{.learning_rate = 0.03});
  check_against_formula(sgd_momentum{.learning_rate = 0.01, .momentum = 0.8, .weight_decay = 0.2});
}

TEST_CASE("adamw follows its formula") {
  check_against_formula(adamw{});
  check_against_formula(
      adamw{.learning_rate = 0.02, .beta1 = 0.8, .beta2 = 0.97, .epsilon = 1e-3, .weight_decay = 0.5});
}

/// The weights after one step from 2 with a gradient of 0.5.
template <class Optimizer>
double one_step(const Optimizer& with, bool decays) {
  double weight = 2;
  const double gradient = 0.5;
  std::array<double, 2> state{};
  std::array<double*, 2> state_at{&state[0], &state[1]};
  const double whole = 1;
  with.apply(update<double>{&weight, &gradient, state_at.data(), 1, &whole, decays, 1}, plait::host_stream{});
  return weight;
}

TEST_CASE_TEMPLATE("work that was given for one step makes another where the numbers of that lie in memory", Optimizer,
                   sgd, sgd_momentum, adamw) {
  static_assert(plait::capturable_optimizer<Optimizer, float> && plait::capturable_optimizer<Optimizer, double>);
  const auto after_two_steps = [](bool decays, bool in_memory) {
    Optimizer with{};
    with.weight_decay = 0.25;
    std::array<double, 2> state{};
    std::array<double*, 2> state_at{&state[0], &state[1]};
    double weight = 2;
    const double gradient = 0.5, whole = 1;
    for (const int step : {1, 2}) {
      if (step == 2) with.learning_rate *= 0.5;
      const auto numbers = with.template numbers<double>(step);
      update<double> one{&weight, &gradient, state_at.data(), 1, &whole, decays, step};
      if (in_memory) {
        one.step = 7;
        one.numbers = &numbers;
        Optimizer{}.apply(one, plait::host_stream{});
      } else {
        with.apply(one, plait::host_stream{});
      }
    }
    return weight;
  };
  for (const bool decays : {false, true}) CHECK(after_two_steps(decays, true) == after_two_steps(decays, false));
  CHECK(after_two_steps(true, true) != after_two_steps(false, true));
}

TEST_CASE("first steps, by hand") {
  CHECK(one_step(sgd{.learning_rate = 0.25}, true) == 2 - 0.25 * 0.5);
  CHECK(one_step(sgd{.learning_rate = 0.25, .weight_decay = 0.5}, true) == 2 - 0.25 * 1.5);
  CHECK(one_step(sgd_momentum{.learning_rate = 0.25, .weight_decay = 0.5}, true) == 2 - 0.25 * 1.5);
  // Adam's first step is the rate, whatever the size of the gradient; decay takes rate * decay * weight more.
  CHECK(one_step(adamw{.learning_rate = 0.25, .epsilon = 0, .weight_decay = 0}, true) == doctest::Approx(1.75));
  CHECK(one_step(adamw{.learning_rate = 0.25, .epsilon = 0, .weight_decay = 0.5}, true) == doctest::Approx(1.5));
}

TEST_CASE("weights decay only where their parameter does") {
  CHECK(one_step(sgd{.learning_rate = 0.25, .weight_decay = 0.5}, false) ==
        one_step(sgd{.learning_rate = 0.25, .weight_decay = 0}, true));
  CHECK(one_step(sgd_momentum{.learning_rate = 0.25, .weight_decay = 0.5}, false) ==
        one_step(sgd_momentum{.learning_rate = 0.25, .weight_decay = 0}, true));
  CHECK(one_step(adamw{.learning_rate = 0.25, .weight_decay = 0.5}, false) ==
        one_step(adamw{.learning_rate = 0.25, .weight_decay = 0}, true));
}

TEST_CASE_TEMPLATE("a parameter cut into parts is updated as it is whole", Optimizer, sgd, sgd_momentum, adamw) {
  const auto weights_after = [](const std::vector<std::int64_t>& parts) {
    const double whole = 1;
    std::mt19937_64 random{9};
    std::vector<double> weight(size), gradient(size), first(size), second(size);
    for (double& value : weight) value = draw(random);
    for (int step = 1; step <= 3; ++step) {
      for (double& value : gradient) value = draw(random);
      std::int64_t begin = 0;
      for (std::int64_t count : parts) {
        std::array<double*, 2> state{first.data() + begin, second.data() + begin};
        Optimizer{}.apply(
            update<double>{weight.data() + begin, gradient.data() + begin, state.data(), count, &whole, true, step},
            plait::host_stream{});
        begin += count;
      }
    }
    return weight;
  };
  CHECK(weights_after({7}) == weights_after({3, 0, 2, 2}));
  CHECK(weights_after({7}) != weights_after({6}));
}

/// An optimizer of one's own that does not say what it keeps.
struct nameless {
  static constexpr int states = 2;
};

TEST_CASE("what an optimizer keeps has names: its own, or numbers") {
  using names = std::vector<std::string>;
  CHECK(plait::state_names_of<sgd>().empty());
  CHECK(plait::state_names_of<sgd_momentum>() == names{"velocity"});
  CHECK(plait::state_names_of<adamw>() == names{"mean", "square"});
  CHECK(plait::state_names_of<nameless>() == names{"state0", "state1"});
}

}  // namespace
