// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include <plait/core/host_device.hpp>
#include <plait/core/require.hpp>
#include <plait/kernels/for_each.hpp>
#include <plait/layers/layer.hpp>

// [kernels]
/// y[i, j] = gain[j] * x[i, j] * inverse[i], where inverse[i] = 1 / sqrt(mean over j of x[i, j]^2 + epsilon)
template <plait::real T>
struct rms_forward {
  const T* x;  ///< [rows, features]
  const T* gain;
  T* y;
  T* inverse;  ///< [rows]
  std::int64_t features;
  T epsilon;
  template <class Row>
  PLAIT_HD void operator()(const Row& threads, std::int64_t i) const {
    const T *const from = x + i * features, *const factor = gain;
    T* const to = y + i * features;
    const T squares = threads.sum(features, [=](std::int64_t j) { return from[j] * from[j]; });
    const T scale = T{1} / std::sqrt(squares / static_cast<T>(features) + epsilon);
    threads.each(features, [=](std::int64_t j) { to[j] = factor[j] * from[j] * scale; });
    if (threads.first()) inverse[i] = scale;
  }
};

/// dx[i, j] = inverse[i] * (gain[j] * dy[i, j] - x[i, j] * inverse[i]^2 * mean over k of gain[k] * dy[i, k] * x[i, k])
template <plait::real T>
struct rms_backward {
  const T* x;
  const T* gain;
  const T* dy;
  const T* inverse;
  T* dx;
  std::int64_t features;
  template <class Row>
  PLAIT_HD void operator()(const Row& threads, std::int64_t i) const {
    const T *const from = x + i * features, *const above = dy + i * features, *const factor = gain;
    T* const to = dx + i * features;
    const T scale = inverse[i];
    const T product = threads.sum(features, [=](std::int64_t j) { return factor[j] * above[j] * from[j]; });
    const T along = scale * scale * product / static_cast<T>(features);
    threads.each(features, [=](std::int64_t j) { to[j] = scale * (factor[j] * above[j] - from[j] * along); });
  }
};

/// gradient[j] += sum over i of dy[i, j] * x[i, j] * inverse[i], in the order of the rows
template <plait::real T>
struct rms_gain_gradient {
  const T* x;
  const T* dy;
  const T* inverse;
  T* gradient;
  std::int64_t rows;
  std::int64_t features;
  PLAIT_HD void operator()(std::int64_t j) const {
    T sum{};
    for (std::int64_t i = 0; i < rows; ++i) sum += dy[i * features + j] * x[i * features + j] * inverse[i];
    gradient[j] += sum;
  }
};
// [kernels]

// [layer]
/// Root-mean-square normalisation with a gain for each feature. Every rank of the tensor axis has all features, and
/// does the same.
///
/// x, y: [rows, features], gain: [features].   Saves one number a row. Sends nothing.
/// Source: Zhang, Sennrich, "Root Mean Square Layer Normalization", NeurIPS 2019, equation 4.
struct rms_norm {
  static constexpr std::string_view name = "rms_norm";
  using takes = plait::whole_features;
  using gives = plait::whole_features;

  std::int64_t features = 1;
  double epsilon = 1e-6;

  [[nodiscard]] std::int64_t outputs(std::int64_t inputs) const {
    plait::require(inputs == features, "rms_norm", [&] {
      return "it takes " + std::to_string(features) + " features, and the layer before gives " + std::to_string(inputs);
    });
    return features;
  }
  template <class Sink>
  void parameters(Sink&& sink) const {
    sink(plait::parameter{.name = "gain", .columns = features, .start = 1, .decays = false});
  }
  [[nodiscard]] std::int64_t saved(std::int64_t rows, plait::tensor_place) const { return rows; }
  // [layer]

  // [passes]
  template <class Context>
  void forward(Context& context, typename Context::template in<takes> x,
               typename Context::template out<gives> y) const {
    using T = typename Context::element;
    for_each_row(x.extent[0],
                 rms_forward<T>{x.data, context.parameters[0], y.data, context.saved, features, T(epsilon)},
                 context.stream);
  }

  template <class Context>
  void backward_input(Context& context, typename Context::template in<takes> x, typename Context::template in<gives>,
                      typename Context::template in<gives> dy, typename Context::template out<takes> dx) const {
    using T = typename Context::element;
    for_each_row(x.extent[0], rms_backward<T>{x.data, context.parameters[0], dy.data, context.saved, dx.data, features},
                 context.stream);
  }

  template <class Context>
  void backward_weight(Context& context, typename Context::template in<takes> x, typename Context::template in<gives>,
                       typename Context::template in<gives> dy) const {
    using T = typename Context::element;
    for_each_element(features,
                     rms_gain_gradient<T>{x.data, dy.data, context.saved, context.gradients[0], x.extent[0], features},
                     context.stream);
  }
  // [passes]
};
