// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <plait/comm/communicator.hpp>
#include <plait/core/require.hpp>
#include <plait/kernels/for_each.hpp>
#include <plait/kernels/matmul.hpp>
#include <plait/kernels/reduce.hpp>
#include <plait/kernels/rows.hpp>
#include <plait/layers/layer.hpp>

namespace plait {

namespace detail {

inline void require_features(std::string_view name, std::int64_t wanted, std::int64_t given) {
  require(wanted == given, std::string{"plait::"}.append(name), [&] {
    return "it takes " + std::to_string(wanted) + " features, and the layer before gives " + std::to_string(given);
  });
}

/// The spread of initial weights that keeps the size of activations through a rectifier: uniform in +-sqrt(6 / inputs).
/// Source: He, Zhang, Ren, Sun, "Delving Deep into Rectifiers", ICCV 2015, equation 10, for a uniform distribution.
inline double rectifier_spread(std::int64_t inputs) {
  return std::sqrt(6.0 / static_cast<double>(inputs));
}

template <class Context, class Placed>
std::span<typename Context::element> whole(typename Context::template out<Placed> of) {
  return {of.data, static_cast<std::size_t>(of.size())};
}

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
  [[nodiscard]] double flops(std::int64_t) const { return 2.0 * static_cast<double>(in) * static_cast<double>(out); }
  template <class Sink>
  void parameters(Sink&& sink) const {
    sink(parameter{
        .name = "weight", .rows = out, .columns = in, .sharded_dim = 0, .spread = detail::rectifier_spread(in)});
    sink(parameter{.name = "bias", .columns = out, .sharded_dim = 1, .decays = false});
  }

  template <class Context>
  void forward(Context& context, typename Context::template in<takes> x,
               typename Context::template out<gives> y) const {
    matmul(x, flip::no, weight(context), flip::yes, y, 0, context.stream);
    for_each_row(y.extent[0], rowwise::add_bias<typename Context::element>{context.parameters[1], y.data, y.extent[1]},
                 context.stream);
  }

  template <class Context>
  void backward_input(Context& context, typename Context::template in<takes>, typename Context::template in<gives>,
                      typename Context::template in<gives> dy, typename Context::template out<takes> dx) const {
    matmul(dy, flip::no, weight(context), flip::no, dx, 0, context.stream);
    context.tensor->all_reduce(detail::whole<Context, takes>(dx), reduction::sum, context.stream);
  }

  template <class Context>
  void backward_weight(Context& context, typename Context::template in<takes> x, typename Context::template in<gives>,
                       typename Context::template in<gives> dy) const {
    const typename Context::template out<gives> dw{context.gradients[0], {context.place.part(out).size(), in}};
    matmul(dy, flip::yes, x, flip::no, dw, 1, context.stream);
    add_column_sums(dy, context.gradients[1], context.stream);
  }

 private:
  template <class Context>
  auto weight(const Context& context) const {
    return typename Context::template in<gives>{context.parameters[0], {context.place.part(out).size(), in}};
  }
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
  [[nodiscard]] double flops(std::int64_t) const { return 2.0 * static_cast<double>(in) * static_cast<double>(out); }
  template <class Sink>
  void parameters(Sink&& sink) const {
    sink(parameter{
        .name = "weight", .rows = out, .columns = in, .sharded_dim = 1, .spread = detail::rectifier_spread(in)});
  }

  template <class Context, class Given = gives>
  void forward(Context& context, typename Context::template in<takes> x,
               typename Context::template out<Given> y) const {
    matmul(x, flip::no, weight(context), flip::yes, y, 0, context.stream);
  }

  template <class Context, class Given = gives>
  void backward_input(Context& context, typename Context::template in<takes>, typename Context::template in<Given>,
                      typename Context::template in<Given> dy, typename Context::template out<takes> dx) const {
    matmul(dy, flip::no, weight(context), flip::no, dx, 0, context.stream);
  }

  template <class Context, class Given = gives>
  void backward_weight(Context& context, typename Context::template in<takes> x, typename Context::template in<Given>,
                       typename Context::template in<Given> dy) const {
    const typename Context::template out<takes> dw{context.gradients[0], {out, context.place.part(in).size()}};
    matmul(dy, flip::yes, x, flip::no, dw, 1, context.stream);
  }

 private:
  template <class Context>
  auto weight(const Context& context) const {
    return typename Context::template in<takes>{context.parameters[0], {out, context.place.part(in).size()}};
  }
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
  [[nodiscard]] double flops(std::int64_t inputs) const { return product().flops(inputs); }
  template <class Sink>
  void parameters(Sink&& sink) const {
    product().parameters(sink);
    sink(parameter{.name = "bias", .columns = out, .decays = false});
  }

  template <class Context>
  void forward(Context& context, typename Context::template in<takes> x,
               typename Context::template out<gives> y) const {
    product().template forward<Context, gives>(context, x, y);
    context.tensor->all_reduce(detail::whole<Context, gives>(y), reduction::sum, context.stream);
    for_each_row(y.extent[0], rowwise::add_bias<typename Context::element>{context.parameters[1], y.data, y.extent[1]},
                 context.stream);
  }

  template <class Context>
  void backward_input(Context& context, typename Context::template in<takes> x, typename Context::template in<gives> y,
                      typename Context::template in<gives> dy, typename Context::template out<takes> dx) const {
    product().template backward_input<Context, gives>(context, x, y, dy, dx);
  }

  template <class Context>
  void backward_weight(Context& context, typename Context::template in<takes> x, typename Context::template in<gives> y,
                       typename Context::template in<gives> dy) const {
    product().template backward_weight<Context, gives>(context, x, y, dy);
    add_column_sums(dy, context.gradients[1], context.stream);
  }

 private:
  [[nodiscard]] row_product product() const { return {in, out}; }
};

}  // namespace plait
