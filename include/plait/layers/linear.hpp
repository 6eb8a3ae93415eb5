// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <string_view>

#include <plait/comm/communicator.hpp>
#include <plait/kernels/matmul.hpp>
#include <plait/kernels/reduce.hpp>
#include <plait/layers/detail/features.hpp>
#include <plait/layers/layer.hpp>
#include <plait/tensor/placement.hpp>

namespace plait {

namespace detail {

/// The spread of initial weights that keeps the size of activations through a rectifier: uniform in +-sqrt(6 / inputs).
/// Source: He, Zhang, Ren, Sun, "Delving Deep into Rectifiers", ICCV 2015, equation 10, for a uniform distribution.
inline double rectifier_spread(std::int64_t inputs) {
  return std::sqrt(6.0 / static_cast<double>(inputs));
}

/// y = x W' with this rank's part of W, whose outputs (`CutDim` 0) or inputs (1) are cut over the tensor axis. Sends
/// nothing. W is the first parameter of its layer.
///
/// x: [rows, in], W: [out, in], y: [rows, out], each with the part of `in` or of `out` that is here.
template <int CutDim>
struct linear_product {
  std::int64_t in;
  std::int64_t out;

  [[nodiscard]] double flops() const { return 2.0 * static_cast<double>(in) * static_cast<double>(out); }
  [[nodiscard]] parameter weight() const {
    return parameter{
        .name = "weight", .rows = out, .columns = in, .sharded_dim = CutDim, .spread = rectifier_spread(in)};
  }

  template <class Context, class X, class Y>
  void forward(Context& context, X x, Y y) const {
    const typename Context::template in<placed> w = part(context, context.parameters[0]);
    matmul(x, flip::no, w, flip::yes, y, 0, context.stream);
  }
  template <class Context, class Y, class X>
  void backward_input(Context& context, Y dy, X dx) const {
    const typename Context::template in<placed> w = part(context, context.parameters[0]);
    matmul(dy, flip::no, w, flip::no, dx, 0, context.stream);
  }
  template <class Context, class X, class Y>
  void backward_weight(Context& context, X x, Y dy) const {
    matmul(dy, flip::yes, x, flip::no, part(context, context.gradients[0]), 1, context.stream);
  }

 private:
  using placed = placement<replicated, sharded<CutDim>>;

  template <class Context>
  auto part(const Context& context, typename Context::element* data) const {
    const parameter w = weight();
    return typename Context::template out<placed>{
        data, {w.local_rows(context.place).size(), w.local_columns(context.place).size()}};
  }
};

}  // namespace detail

/// y = x W' + b with the outputs, and so W's rows and b, cut over the tensor axis. Forward sends nothing; the gradient
/// of x is summed over the axis.
///
/// x: [rows, in] whole, W: [out, in], b: [out], y: [rows, out] split.   Sent: rows * in elements a backward pass.
/// Source: Shoeybi et al., "Megatron-LM", 1909.08053, section 3 (their f before a column-parallel product).
struct column_linear {
  static constexpr std::string_view name = "column_linear";
  using takes = whole_features;
  using gives = split_features;

  std::int64_t in = 1;
  std::int64_t out = 1;

  [[nodiscard]] std::int64_t outputs(std::int64_t inputs) const {
    detail::require_features(name, in, inputs);
    return out;
  }
  [[nodiscard]] double flops(std::int64_t) const { return product().flops(); }
  template <class Sink>
  void parameters(Sink&& sink) const {
    sink(product().weight());
    sink(parameter{.name = "bias", .columns = out, .sharded_dim = 1, .decays = false});
  }

  template <class Context>
  void forward(Context& context, typename Context::template in<takes> x,
               typename Context::template out<gives> y) const {
    product().forward(context, x, y);
    detail::add_bias(context, context.parameters[1], y);
  }

  template <class Context>
  void backward_input(Context& context, typename Context::template in<takes>, typename Context::template in<gives>,
                      typename Context::template in<gives> dy, typename Context::template out<takes> dx) const {
    product().backward_input(context, dy, dx);
    context.tensor->all_reduce(detail::elements_of(dx), reduction::sum, context.stream);
  }

  template <class Context>
  void backward_weight(Context& context, typename Context::template in<takes> x, typename Context::template in<gives>,
                       typename Context::template in<gives> dy) const {
    product().backward_weight(context, x, dy);
    add_column_sums(dy, context.gradients[1], context.stream);
  }

 private:
  [[nodiscard]] detail::linear_product<0> product() const { return {in, out}; }
};

/// y = sum over the tensor axis of x W' with the inputs, and so W's columns, cut over the axis; the sum is left to be
/// taken.
///
/// x: [rows, in] split, W: [out, in], y: [rows, out] partial.
struct row_product {
  static constexpr std::string_view name = "row_product";
  using takes = split_features;
  using gives = partial_features;

  std::int64_t in = 1;
  std::int64_t out = 1;

  [[nodiscard]] std::int64_t outputs(std::int64_t inputs) const {
    detail::require_features(name, in, inputs);
    return out;
  }
  [[nodiscard]] double flops(std::int64_t) const { return product().flops(); }
  template <class Sink>
  void parameters(Sink&& sink) const {
    sink(product().weight());
  }

  /// y may be seen with another placement, `Given`, by a layer that goes on to take the sum in place.
  template <class Context, class Given = gives>
  void forward(Context& context, typename Context::template in<takes> x,
               typename Context::template out<Given> y) const {
    product().forward(context, x, y);
  }

  template <class Context>
  void backward_input(Context& context, typename Context::template in<takes>, typename Context::template in<gives>,
                      typename Context::template in<gives> dy, typename Context::template out<takes> dx) const {
    product().backward_input(context, dy, dx);
  }

  template <class Context>
  void backward_weight(Context& context, typename Context::template in<takes> x, typename Context::template in<gives>,
                       typename Context::template in<gives> dy) const {
    product().backward_weight(context, x, dy);
  }

 private:
  [[nodiscard]] detail::linear_product<1> product() const { return {in, out}; }
};

/// y = x W' + b with the inputs, and so W's columns, cut over the tensor axis: products are summed over the axis, and
/// the bias is added once, after the sum. Backward sends nothing.
///
/// x: [rows, in] split, W: [out, in], b: [out], y: [rows, out] whole.   Sent: rows * out elements a forward pass.
/// Source: Shoeybi et al., "Megatron-LM", 1909.08053, section 3 (their g after a row-parallel product).
struct row_linear {
  static constexpr std::string_view name = "row_linear";
  using takes = split_features;
  using gives = whole_features;

  std::int64_t in = 1;
  std::int64_t out = 1;

  [[nodiscard]] std::int64_t outputs(std::int64_t inputs) const {
    detail::require_features(name, in, inputs);
    return out;
  }
  [[nodiscard]] double flops(std::int64_t) const { return product().flops(); }
  template <class Sink>
  void parameters(Sink&& sink) const {
    sink(product().weight());
    sink(parameter{.name = "bias", .columns = out, .decays = false});
  }

  template <class Context>
  void forward(Context& context, typename Context::template in<takes> x,
               typename Context::template out<gives> y) const {
    product().forward(context, x, y);
    context.tensor->all_reduce(detail::elements_of(y), reduction::sum, context.stream);
    detail::add_bias(context, context.parameters[1], y);
  }

  template <class Context>
  void backward_input(Context& context, typename Context::template in<takes>, typename Context::template in<gives>,
                      typename Context::template in<gives> dy, typename Context::template out<takes> dx) const {
    product().backward_input(context, dy, dx);
  }

  template <class Context>
  void backward_weight(Context& context, typename Context::template in<takes> x, typename Context::template in<gives>,
                       typename Context::template in<gives> dy) const {
    product().backward_weight(context, x, dy);
    add_column_sums(dy, context.gradients[1], context.stream);
  }

 private:
  [[nodiscard]] detail::linear_product<1> product() const { return {in, out}; }
};

}  // namespace plait
