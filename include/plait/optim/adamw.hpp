// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <string_view>

#include <plait/core/host_device.hpp>
#include <plait/kernels/for_each.hpp>
#include <plait/optim/optimizer.hpp>

namespace plait {

namespace detail {

template <real T>
struct adamw_numbers {
  T rate;
  T beta1;
  T beta2;
  T epsilon;
  T weight_decay;
  T mean_correction;    ///< 1 / (1 - beta1^step)
  T square_correction;  ///< 1 / (1 - beta2^step)
};

template <real T>
struct adamw_update {
  T* weight;
  scaled_gradient<T> gradient;
  T* mean;
  T* square;
  step_numbers<adamw_numbers<T>> numbers;
  PLAIT_HD void begin() {
    gradient.begin();
    numbers.begin();
  }
  PLAIT_HD void operator()(std::int64_t i) const {
    const adamw_numbers<T>& by = numbers.now;
    const T g = gradient[i];
    mean[i] = by.beta1 * mean[i] + (T{1} - by.beta1) * g;
    square[i] = by.beta2 * square[i] + (T{1} - by.beta2) * g * g;
    const T step = mean[i] * by.mean_correction / (std::sqrt(square[i] * by.square_correction) + by.epsilon);
    weight[i] -= by.rate * (step + by.weight_decay * weight[i]);
  }
};

}  // namespace detail

/// Adam with decoupled weight decay.
///
///     m = beta1 m + (1 - beta1) g;   v = beta2 v + (1 - beta2) g^2;
///     w -= rate * (m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon) + decay * w)
///
/// Source: Loshchilov, Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, algorithm 2, with the rate
/// multiplying the decay as in torch.optim.AdamW.
struct adamw {
  static constexpr int states = 2;
  static constexpr std::string_view state_names[] = {"mean", "square"};
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;

  /// What step number `step` multiplies by.
  template <real T>
  [[nodiscard]] detail::adamw_numbers<T> numbers(std::int64_t step) const {
    const auto correction = [&](double beta) {
      return static_cast<T>(1 / (1 - std::pow(beta, static_cast<double>(step))));
    };
    return {static_cast<T>(learning_rate), static_cast<T>(beta1), static_cast<T>(beta2), static_cast<T>(epsilon),
            static_cast<T>(weight_decay),  correction(beta1),     correction(beta2)};
  }

  template <real T, class Stream>
  void apply(const update<T>& one, Stream stream) const {
    for_each_element(one.size,
                     detail::adamw_update<T>{one.weight,
                                             {one.gradient, one.gradient_scale},
                                             one.state[0],
                                             one.state[1],
                                             detail::numbers_for(one, numbers<T>(one.step))},
                     stream);
  }
};

}  // namespace plait
