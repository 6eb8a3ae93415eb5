// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <plait/schedule/costs.hpp>
#include <plait/schedule/orders.hpp>
#include <plait/schedule/simulate.hpp>

namespace plait {

/// Orders with buffers for as many gradients under way as it takes that no rank waits for a buffer when passes and
/// messages take what `costs` say: the fewest, chunk by chunk, at least 2.
///
/// Without that, orders have what suits passes that take equally long and messages that take no time; where messages
/// are slow, or costs are skewed, ranks then wait for buffers. Needs: orders that `verify` finds valid.
///
/// The orders are played with a buffer for each micro-batch. A buffer is held from the start of the backward pass that
/// writes it to the receive of its message, or to the end of the pass of stage 0. Stages of one rank that are
/// neighbours hand gradients over in place, in the buffer of the last of them. Micro-batch i uses buffer i mod
/// (number), so copies, which see every so many-th micro-batch only, need that many times the number.
///
/// skips: the edges of the model. Gradients along them have buffers of their own, of which it finds the number too.
inline orders with_room(orders all, const step_costs& costs, const skip_edges& skips = {}) {
  const pipe_shape shape = all.shape;
  const auto micro = static_cast<std::size_t>(shape.all_micro()), chunks = static_cast<std::size_t>(shape.chunks);
  all.in_flight.assign(all.stage_of.size(), shape.all_micro());
  all.skips_in_flight.clear();
  if (!skips.empty()) all.skips_in_flight.assign(all.stage_of.size(), shape.all_micro());
  const detail::stage_table table{shape, [&](int rank, int chunk) { return all.stage(rank, chunk); }};
  const auto cell = [&](int stage, int of) {
    return static_cast<std::size_t>(stage) * micro + static_cast<std::size_t>(of);
  };
  std::vector<double> begin(static_cast<std::size_t>(shape.stages()) * micro), end(begin.size()), taken(begin.size());
  std::vector<double> skip_taken(static_cast<std::size_t>(skips.size()) * micro);
  std::vector<std::vector<int>> order(all.stage_of.size());  // [ranks, chunks]: micro-batches as they go backward
  simulate(programs_of(all, {.skips = skips}), costs, [&](int rank, const action& act, double from, double to) {
    if (act.kind == op::backward || act.kind == op::backward_input) {
      begin[cell(act.stage, act.micro)] = from;
      end[cell(act.stage, act.micro)] = to;
      order[static_cast<std::size_t>(rank) * chunks + static_cast<std::size_t>(act.chunk)].push_back(act.micro);
    }
    if (act.kind == op::receive_gradient)
      (act.edge < 0 ? taken : skip_taken)[cell(act.edge < 0 ? act.stage : act.edge, act.micro)] = to;
  });

  const auto is_on = [&](int rank, int stage, int of) {
    return stage >= 0 && stage < shape.stages() && table.holder_of(stage, of).rank == rank;
  };
  for (std::size_t place = 0; place < order.size(); ++place) {
    const std::vector<int>& passes = order[place];
    const int rank = static_cast<int>(place / chunks), last = all.stage_of[place];
    if (passes.empty() || is_on(rank, last + 1, passes[0])) continue;  // in the buffers of the stage after it
    int first = last;
    while (is_on(rank, first - 1, passes[0])) --first;
    const auto free_at = [&](int of) { return first > 0 ? taken[cell(first - 1, of)] : end[cell(0, of)]; };
    std::size_t most = 2;
    for (std::size_t i = 0, gone = 0; i < passes.size(); ++i) {
      while (gone < i && free_at(passes[gone]) <= begin[cell(last, passes[i])]) ++gone;
      most = std::max(most, i - gone + 1);
    }
    for (int stage = first; stage <= last; ++stage) {
      const detail::holder at = table.holder_of(stage, passes[0]);
      all.in_flight[static_cast<std::size_t>(at.rank) * chunks + static_cast<std::size_t>(at.chunk)] =
          static_cast<int>(most) * table.copies(stage);
    }
  }

  for (std::size_t place = 0; !skips.empty() && place < order.size(); ++place) {
    const std::vector<int>& passes = order[place];
    const int rank = static_cast<int>(place / chunks), stage = all.stage_of[place];
    int most = 0;
    for (int edge = 0; edge < skips.size(); ++edge) {
      if (skips[edge].to != stage) continue;
      most = std::max(most, 1);
      const int from = skips[edge].from;
      // Who is on the same rank reads the buffer until its own pass has ended, even one that takes no time.
      const auto is_free = [&](int of, double now) {
        return is_on(rank, from, of) ? end[cell(from, of)] < now : skip_taken[cell(edge, of)] <= now;
      };
      for (std::size_t i = 0, gone = 0; i < passes.size(); ++i) {
        while (gone < i && is_free(passes[gone], begin[cell(stage, passes[i])])) ++gone;
        most = std::max(most, static_cast<int>(i - gone) + 1);
      }
    }
    all.skips_in_flight[place] = most * (stage < 0 ? 1 : table.copies(stage));
  }
  return all;
}

}  // namespace plait
