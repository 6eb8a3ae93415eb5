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
struct sgd_update {
  T* weight;
  scaled_gradient<T> gradient;
  T rate;
  T decay;
  PLAIT_HD void begin() { gradient.begin(); }
  PLAIT_HD void operator()(std::int64_t i) const { weight[i] -= rate * (gradient[i] + decay * weight[i]); }
};

template <real T>
struct momentum_update {
  T* weight;
  scaled_gradient<T> gradient;
  T* velocity;
  T rate;
  T momentum;
  T decay;
  PLAIT_HD void begin() { gradient.begin(); }
  PLAIT_HD void operator()(std::int64_t i) const {
    velocity[i] = momentum * velocity[i] + (gradient[i] + decay * weight[i]);
    weight[i] -= rate * velocity[i];
  }
};

}  // namespace detail

/// Stochastic gradient descent: w -= rate * (g + decay * w).
struct sgd {
  static constexpr int states = 0;
  double learning_rate = 0.1;
  double weight_decay = 0;

  template <real T, class Stream>
  void apply(const update<T>& one, Stream stream) const {
    for_each_element(one.size,
                     detail::sgd_update<T>{one.weight,
                                           {one.gradient, one.gradient_scale},
                                           static_cast<T>(learning_rate),
                                           static_cast<T>(one.decays ? weight_decay : 0)},
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

  template <real T, class Stream>
  void apply(const update<T>& one, Stream stream) const {
    for_each_element(one.size,
                     detail::momentum_update<T>{one.weight,
                                                {one.gradient, one.gradient_scale},
                                                one.state[0],
                                                static_cast<T>(learning_rate),
                                                static_cast<T>(momentum),
                                                static_cast<T>(one.decays ? weight_decay : 0)},
                     stream);
  }
};

}  // namespace plait
