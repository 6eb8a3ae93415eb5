// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/schedule/detail/depth_first.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait::detail {

/// 1F1B in the order of `way`, backward passes split: `warm_up` forward passes, then pairs of a forward pass and an
/// input half, each followed by a weight half from pair number `weights_from` on; input and weight halves in turn; the
/// rest.
constexpr pass* split_one_f_one_b(const depth_first& way, int warm_up, int weights_from, pass* next) {
  depth_first::walk forward{way}, input{way}, weight{way};
  const int all = way.shape.micro * way.shape.chunks;
  int forwards = 0, inputs = 0, weights = 0;
  for (; forwards < warm_up && forwards < all; ++forwards) *next++ = forward.step(op::forward);
  for (; forwards < all; ++forwards, ++inputs) {
    *next++ = forward.step(op::forward);
    *next++ = input.step(op::backward_input);
    if (inputs >= weights_from) *next++ = weight.step(op::backward_weight), ++weights;
  }
  for (; inputs < all; ++inputs, ++weights) {
    *next++ = input.step(op::backward_input);
    *next++ = weight.step(op::backward_weight);
  }
  for (; weights < all; ++weights) *next++ = weight.step(op::backward_weight);
  return next;
}

/// The same interleaved: the first group through all chunks but the last, and one forward pass for each rank behind.
constexpr pass* split_interleaved(const depth_first& way, int rank, pass* next) {
  const int warm_up = (way.shape.chunks - 1) * way.first_group() + way.shape.ranks - 1 - rank;
  return split_one_f_one_b(way, warm_up, rank, next);
}

}  // namespace plait::detail
