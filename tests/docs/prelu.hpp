// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include <plait/core/require.hpp>
#include <plait/layers/layer.hpp>
#include <plait/tensor/host.hpp>

// [host]
/// What the layer asks of a space. Host memory here, device memory in prelu.cuh.
template <class Space>
struct prelu_kernels;

template <>
struct prelu_kernels<plait::host> {
  template <class T>
  static void forward(const T* x, const T* slope, T* y, std::int64_t rows, std::int64_t columns, plait::host_stream) {
    for (std::int64_t at = 0; at < rows * columns; ++at) y[at] = x[at] > T{0} ? x[at] : slope[at % columns] * x[at];
  }
  template <class T>
  static void backward_input(const T* x, const T* slope, const T* dy, T* dx, std::int64_t rows, std::int64_t columns,
                             plait::host_stream) {
    for (std::int64_t at = 0; at < rows * columns; ++at) dx[at] = x[at] > T{0} ? dy[at] : slope[at % columns] * dy[at];
  }
  template <class T>
  static void backward_slope(const T* x, const T* dy, T* dslope, std::int64_t rows, std::int64_t columns,
                             plait::host_stream) {
    for (std::int64_t column = 0; column < columns; ++column) {
      T sum{};
      for (std::int64_t at = column; at < rows * columns; at += columns)
        if (x[at] <= T{0}) sum += x[at] * dy[at];
      dslope[column] += sum;
    }
  }
};
// [host]

// [layer]
/// A rectifier whose slope below 0 is learnt, one for each feature. Features are split over the tensor axis, and the
/// slopes with them.
///
/// x, y: [rows, features], slope: [features].   Sends nothing.
/// Source: He, Zhang, Ren, Sun, "Delving Deep into Rectifiers", ICCV 2015, section 2.1: starts at 0.25, without decay.
struct prelu {
  static constexpr std::string_view name = "prelu";
  using takes = plait::split_features;
  using gives = plait::split_features;

  std::int64_t features = 1;

  [[nodiscard]] std::int64_t outputs(std::int64_t inputs) const {
    plait::require(inputs == features, "prelu", "it has one slope for each feature that the layer before gives");
    return features;
  }
  template <class Sink>
  void parameters(Sink&& sink) const {
    sink(plait::parameter{.name = "slope", .columns = features, .sharded_dim = 1, .start = 0.25, .decays = false});
  }

  template <class Context>
  void forward(Context& context, typename Context::template in<takes> x,
               typename Context::template out<gives> y) const {
    prelu_kernels<typename Context::space>::forward(x.data, context.parameters[0], y.data, x.extent[0], x.extent[1],
                                                    context.stream);
  }
  template <class Context>
  void backward_input(Context& context, typename Context::template in<takes> x, typename Context::template in<gives>,
                      typename Context::template in<gives> dy, typename Context::template out<takes> dx) const {
    prelu_kernels<typename Context::space>::backward_input(x.data, context.parameters[0], dy.data, dx.data, x.extent[0],
                                                           x.extent[1], context.stream);
  }
  template <class Context>
  void backward_weight(Context& context, typename Context::template in<takes> x, typename Context::template in<gives>,
                       typename Context::template in<gives> dy) const {
    prelu_kernels<typename Context::space>::backward_slope(x.data, dy.data, context.gradients[0], x.extent[0],
                                                           x.extent[1], context.stream);
  }
};
// [layer]
