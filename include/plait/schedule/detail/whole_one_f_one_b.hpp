// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/schedule/detail/depth_first.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait::detail {

/// Forward passes of interleaved 1F1B before the first backward pass: the first group through all chunks but the last,
/// and two for each rank behind, since a micro-batch's way there and back takes two passes a rank.
constexpr int interleaved_warm_up(const depth_first& way, int rank) {
  const int all = way.shape.micro * way.shape.chunks;
  const int wanted = (way.shape.chunks - 1) * way.first_group() + 2 * (way.shape.ranks - 1 - rank);
  return wanted < all ? wanted : all;
}

/// 1F1B in the order of `way`, backward passes whole: `warm_up` forward passes, then pairs of a forward and a backward
/// pass, then the rest.
constexpr pass* whole_one_f_one_b(const depth_first& way, int warm_up, pass* next) {
  depth_first::walk forward{way}, backward{way};
  const int all = way.shape.micro * way.shape.chunks;
  int left = all;
  for (int warm = warm_up; warm > 0; --warm, --left) *next++ = forward.step(op::forward);
  for (int pair = left; pair > 0; --pair) {
    *next++ = forward.step(op::forward);
    *next++ = backward.step(op::backward);
  }
  for (int rest = all - left; rest > 0; --rest) *next++ = backward.step(op::backward);
  return next;
}

}  // namespace plait::detail
