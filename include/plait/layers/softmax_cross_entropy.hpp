// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <plait/comm/communicator.hpp>
#include <plait/core/require.hpp>
#include <plait/kernels/cross_entropy.hpp>
#include <plait/kernels/for_each.hpp>
#include <plait/layers/detail/features.hpp>
#include <plait/layers/layer.hpp>
#include <plait/tensor/placement.hpp>

namespace plait {

/// The loss of a classifier: minus the logarithm of the softmax at the label, with the classes split over the tensor
/// axis. Classes need not divide evenly.
///
/// x: [rows, classes] split; target: [rows], class numbers.   Sent forward: one max and two sums a row; backward:
/// nothing. A row is right if its label's logit is the largest; of equal logits the class of the lowest number counts.
struct softmax_cross_entropy {
  static constexpr std::string_view name = "softmax_cross_entropy";
  using takes = split_features;
  using target = std::int32_t;

  std::int64_t classes = 1;

  void check(std::int64_t inputs) const { detail::require_features(name, classes, inputs); }
  [[nodiscard]] std::int64_t target_columns() const { return 1; }
  /// Throws: usage, where a target is no class.
  void check_targets(std::span<const target> labels) const {
    for (std::size_t i = 0; i < labels.size(); ++i)
      require(labels[i] >= 0 && labels[i] < classes, "plait::softmax_cross_entropy", [&] {
        return "target " + std::to_string(i) + " of a micro-batch is " + std::to_string(labels[i]) +
               ", and there are classes 0 to " + std::to_string(classes - 1);
      });
  }
  [[nodiscard]] std::int64_t saved(std::int64_t rows, tensor_place) const {
    return 2 * rows;
  }  // largest, log of the sum
  [[nodiscard]] std::int64_t scratch(std::int64_t rows, tensor_place) const { return 3 * rows; }  // largest, two sums

  template <class Context>
  void forward(Context& context, typename Context::template in<takes> x, const target* label,
               typename Context::element* row_loss) const {
    using T = typename Context::element;
    const std::int64_t rows = x.extent[0], columns = x.extent[1], first = context.place.part(classes).begin;
    T* const largest = context.scratch;
    T* const sums = context.scratch + rows;
    for_each_row(rows, cross_entropy::row_max<T>{x.data, columns, largest}, context.stream);
    context.tensor->all_reduce(span_of(largest, rows), reduction::max, context.stream);
    for_each_row(rows, cross_entropy::row_sums<T>{x.data, label, largest, rows, columns, first, classes, sums},
                 context.stream);
    context.tensor->all_reduce(span_of(sums, 2 * rows), reduction::sum, context.stream);
    for_each_element(rows, cross_entropy::row_loss<T>{largest, sums, rows, row_loss, context.saved}, context.stream);
  }

  template <class Context>
  void backward(Context& context, typename Context::template in<takes> x, const target* label,
                typename Context::element scale, typename Context::template out<takes> dx) const {
    using T = typename Context::element;
    const std::int64_t first = context.place.part(classes).begin;
    for_each_row(
        x.extent[0],
        cross_entropy::row_gradient<T>{x.data, label, context.saved, x.extent[0], x.extent[1], first, scale, dx.data},
        context.stream);
  }

  template <class Context>
  void hits(Context& context, typename Context::template in<takes> x, const target* label,
            typename Context::element* row_hit) const {
    using T = typename Context::element;
    const std::int64_t rows = x.extent[0], columns = x.extent[1], first = context.place.part(classes).begin;
    T* const logit = context.scratch;
    T* const beaten = context.scratch + rows;
    for_each_element(rows, cross_entropy::label_logit<T>{x.data, label, columns, first, logit}, context.stream);
    context.tensor->all_reduce(span_of(logit, rows), reduction::sum, context.stream);
    for_each_row(rows, cross_entropy::row_beaten<T>{x.data, label, logit, columns, first, beaten}, context.stream);
    context.tensor->all_reduce(span_of(beaten, rows), reduction::sum, context.stream);
    for_each_element(rows, cross_entropy::row_hit<T>{beaten, row_hit}, context.stream);
  }

 private:
  template <class T>
  static std::span<T> span_of(T* begin, std::int64_t count) {
    return {begin, static_cast<std::size_t>(count)};
  }
};

}  // namespace plait
