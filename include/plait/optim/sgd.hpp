// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include <plait/core/host_device.hpp>
#include <plait/kernels/for_each.hpp>
#include <plait/optim/optimizer.hpp>

namespace plait {

namespace detail {

template <real T>
struct sgd_numbers {
  T rate;
  T weight_decay;
};

template <real T>
struct sgd_update {
  T* weight;
  scaled_gradient<T> gradient;
  step_numbers<sgd_numbers<T>> numbers;
  PLAIT_HD void begin() {
    gradient.begin();
    numbers.begin();
  }
  PLAIT_HD void operator()(std::int64_t i) const {
    weight[i] -= numbers.now.rate * (gradient[i] + numbers.now.weight_decay * weight[i]);
  }
};

template <real T>
struct momentum_numbers {
  T rate;
  T momentum;
  T weight_decay;
};

template <real T>
struct momentum_update {
  T* weight;
  scaled_gradient<T> gradient;
  T* velocity;
  step_numbers<momentum_numbers<T>> numbers;
  PLAIT_HD void begin() {
    gradient.begin();
    numbers.begin();
  }
  PLAIT_HD void operator()(std::int64_t i) const {
    const momentum_numbers<T>& by = numbers.now;
    velocity[i] = by.momentum * velocity[i] + (gradient[i] + by.weight_decay * weight[i]);
    weight[i] -= by.rate * velocity[i];
  }
};

}  // namespace detail

/// Stochastic gradient descent: w -= rate * (g + decay * w).
struct sgd {
  static constexpr int states = 0;
  double learning_rate = 0.1;
  double weight_decay = 0;

  /// What a step multiplies by.
  template <real T>
  [[nodiscard]] detail::sgd_numbers<T> numbers(std::int64_t /*step*/) const {
    return {static_cast<T>(learning_rate), static_cast<T>(weight_decay)};
  }

  template <real T, class Stream>
  void apply(const update<T>& one, Stream stream) const {
    for_each_element(
        one.size,
        detail::sgd_update<T>{
            one.weight, {one.gradient, one.gradient_scale}, detail::numbers_for(one, numbers<T>(one.step))},
        stream);
  }
};

/// Stochastic gradient descent with momentum: v = momentum * v + g + decay * w;   w -= rate * v.
///
/// Source: Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep learning", ICML
/// 2013, in the form that multiplies the rate last, as torch.optim.SGD does.
struct sgd_momentum {
  static constexpr int states = 1;
  static constexpr std::string_view state_names[] = {"velocity"};
  double learning_rate = 0.1;
  double momentum = 0.9;
  double weight_decay = 0;

  /// What a step multiplies by.
  template <real T>
  [[nodiscard]] detail::momentum_numbers<T> numbers(std::int64_t /*step*/) const {
    return {static_cast<T>(learning_rate), static_cast<T>(momentum), static_cast<T>(weight_decay)};
  }

  template <real T, class Stream>
  void apply(const update<T>& one, Stream stream) const {
    for_each_element(one.size,
                     detail::momentum_update<T>{one.weight,
                                                {one.gradient, one.gradient_scale},
                                                one.state[0],
                                                detail::numbers_for(one, numbers<T>(one.step))},
                     stream);
  }
};

}  // namespace plait
