// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <plait/schedule/csv.hpp>
#include <plait/schedule/orders.hpp>
#include <plait/schedule/verify.hpp>

namespace plait {

/// What is wrong with orders; nothing, where `valid`.
struct order_fault {
  bool valid = true;
  int rank = -1;
  int position = -1;   ///< of the pass in its rank's order, counted from 0; the order's length: something is missing
  std::string cell{};  ///< the pass or message: `2F5`
  std::string reason{};
};

/// `rank 1, position 4 (1B2): reason`
inline std::string to_string(const order_fault& found) {
  if (found.valid) return {};
  std::string text{"rank "};
  text.append(std::to_string(found.rank)).append(", position ").append(std::to_string(found.position));
  return text.append(" (").append(found.cell).append("): ").append(found.reason);
}

namespace detail {

inline order_fault fault_of_pass(const orders& all, std::size_t rank, std::size_t position, std::string reason) {
  return {.valid = false,
          .rank = static_cast<int>(rank),
          .position = static_cast<int>(position),
          .cell = cell_text(all, static_cast<int>(rank), all.passes[rank][position]),
          .reason = std::move(reason)};
}

/// What makes it impossible to make programs of orders: passes that there are twice, messages to nobody, stages that no
/// rank holds.
inline order_fault fault_of_orders(const orders& all) {
  const auto stages = static_cast<std::size_t>(all.shape.stages());
  const auto micro = static_cast<std::size_t>(all.shape.all_micro());
  const auto chunks = static_cast<std::size_t>(all.shape.chunks);
  std::vector<bool> held(stages);
  for (const std::int16_t stage : all.stage_of)
    if (stage >= 0) held[static_cast<std::size_t>(stage)] = true;
  int missing = 0;  // the first stage that nobody holds
  while (missing < all.shape.stages() && held[static_cast<std::size_t>(missing)]) ++missing;
  const auto on_other_rank = [&](std::size_t rank, int stage) {
    if (stage < 0 || stage >= all.shape.stages()) return false;
    for (std::size_t place = 0; place < all.stage_of.size(); ++place)
      if (all.stage_of[place] == stage && place / chunks != rank) return true;
    return false;
  };
  for (std::size_t rank = 0; rank < all.passes.size(); ++rank) {
    std::vector<bool> seen(chunks * micro * op_count);
    const std::vector<pass>& mine = all.passes[rank];
    for (std::size_t i = 0; i < mine.size(); ++i) {
      const pass& one = mine[i];
      const int stage = all.stage(static_cast<int>(rank), one.chunk);
      const auto cell = [&](op kind) {
        return (static_cast<std::size_t>(one.chunk) * micro + static_cast<std::size_t>(one.micro)) * op_count +
               static_cast<std::size_t>(kind);
      };
      if (seen[cell(one.kind)]) return fault_of_pass(all, rank, i, "it is there twice");
      seen[cell(one.kind)] = true;
      const bool half = one.kind == op::backward_input || one.kind == op::backward_weight;
      if ((half && seen[cell(op::backward)]) ||
          (one.kind == op::backward && (seen[cell(op::backward_input)] || seen[cell(op::backward_weight)])))
        return fault_of_pass(all, rank, i, "there is a whole backward pass as well as a half of it");
      if (one.kind == op::backward_weight && !seen[cell(op::backward_input)])
        return fault_of_pass(all, rank, i, "its input half has not run");
      const bool after = one.kind == op::send_activation || one.kind == op::receive_gradient;
      if (!is_compute(one.kind) && !on_other_rank(rank, after ? stage + 1 : stage - 1))
        return fault_of_pass(all, rank, i, "the stage at the other end is not on another rank");
      if (stage > missing) return fault_of_pass(all, rank, i, "no rank holds stage " + std::to_string(missing));
    }
  }
  return {};
}

/// The pass of an order that an action was made from or for; the order's length for what comes after all passes.
inline std::size_t pass_of_action(const orders& all, std::size_t rank, const action& act) {
  const std::vector<pass>& mine = all.passes[rank];
  const bool forward = act.kind == op::receive_activation || act.kind == op::send_activation;
  std::size_t nearest = mine.size();
  for (std::size_t i = 0; i < mine.size() && act.micro >= 0; ++i) {
    if (mine[i].chunk != act.chunk || mine[i].micro != act.micro) continue;
    if (mine[i].kind == act.kind) return i;
    const bool belongs =
        forward ? mine[i].kind == op::forward : mine[i].kind == op::backward || mine[i].kind == op::backward_input;
    if (!is_compute(act.kind) && belongs) nearest = i;
  }
  return nearest;
}

}  // namespace detail

/// Whether orders do a step, as `verify` says of their programs, within a limit of activations; names the first pass
/// that does not.   limit: chunks alive on a rank, from the start of a forward pass to the end of the backward pass or
/// of its weight half; 0: none.   skips: of the model.
inline order_fault verify_orders(const orders& all, int limit = 0, const skip_edges& skips = {}) {
  if (order_fault found = detail::fault_of_orders(all); !found.valid) return found;
  // Without updates first: a pass that is missing is named itself, rather than the update that waits for it.
  const std::vector<program> programs = programs_of(all, {.optimize = false, .skips = skips});
  verification found = verify(programs);
  if (found && all.versions != weight_versions::flush) found = verify(programs_of(all, {.skips = skips}));
  if (!found) {
    const auto rank = static_cast<std::size_t>(found.rank);
    const std::size_t at = rank < all.passes.size() ? detail::pass_of_action(all, rank, found.cell) : 0;
    std::string cell = detail::csv_text(found.cell.kind, found.cell.stage, found.cell.micro);
    return {.valid = false,
            .rank = found.rank,
            .position = static_cast<int>(at),
            .cell = cell.empty() || found.cell.edge >= 0 ? to_string(found.cell) : cell,
            .reason = std::string{found.reason}};
  }
  for (std::size_t rank = 0; rank < all.passes.size() && limit > 0; ++rank) {
    int alive = 0;
    for (std::size_t i = 0; i < all.passes[rank].size() && programs[rank].trains; ++i) {
      const op kind = all.passes[rank][i].kind;
      if (kind == op::backward || kind == op::backward_weight) --alive;
      if (kind == op::forward && ++alive > limit)
        return detail::fault_of_pass(
            all, rank, i,
            "it keeps " + std::to_string(alive) + " chunks alive, where the limit is " + std::to_string(limit));
    }
  }
  return {};
}

}  // namespace plait
