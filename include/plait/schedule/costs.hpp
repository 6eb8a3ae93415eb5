// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include <plait/core/units.hpp>
#include <plait/schedule/action.hpp>
#include <plait/schedule/shape.hpp>
#include <plait/schedule/skip_edge.hpp>

namespace plait {

/// What one stage takes for one micro-batch, in seconds (or in any unit of time, if all costs are in it). A whole
/// backward pass takes both halves.
struct stage_costs {
  double forward = 1;
  double backward_input = 1;
  double backward_weight = 1;
  byte_count message{};  ///< of its output, and of the gradient of its output
};

/// What joins two ranks.
struct link {
  seconds latency{};
  bytes_per_second bandwidth{1};
};

/// What the actions of a step cost.
struct step_costs {
  std::vector<stage_costs> stages;  ///< [stages]
  link between_ranks{};             ///< every pair, each direction of pass by itself
  std::vector<link> links{};        ///< [sender, receiver] instead, where pairs differ; or none
  std::vector<double> slowness{};   ///< [ranks]: times that a rank takes longer than the stages' costs say; none: 1
  /// [skip edges]: of what goes along each, and of its gradient; none: the output of the stage where it begins
  std::vector<byte_count> skips{};
  bool overlaps = true;         ///< messages travel while ranks work; false: who sends works on nothing else
  double hidden_in_pairs = 0;   ///< share of the shorter of two passes that run together which costs no time
  double reduce_gradients = 0;  ///< one bucket
  double reduce_norm = 0;
  double optimizer_step = 0;
  double reduce_loss = 0;

  /// Equal stages and messages that take no time: the unit case in which schedules are compared.
  static constexpr step_costs uniform(pipe_shape shape, stage_costs each = {}) {
    return {.stages = std::vector<stage_costs>(static_cast<std::size_t>(shape.stages()), each)};
  }

  /// How long a rank is busy with an action. Sends and receives keep no rank busy.
  [[nodiscard]] constexpr double of(const action& act) const {
    switch (act.kind) {
      case op::forward:
        return stages[static_cast<std::size_t>(act.stage)].forward;
      case op::backward_input:
        return stages[static_cast<std::size_t>(act.stage)].backward_input;
      case op::backward_weight:
        return stages[static_cast<std::size_t>(act.stage)].backward_weight;
      case op::backward: {
        const stage_costs& both = stages[static_cast<std::size_t>(act.stage)];
        return both.backward_input + both.backward_weight;
      }
      case op::reduce_gradients:
        return reduce_gradients;
      case op::reduce_norm:
        return reduce_norm;
      case op::optimizer_step:
        return optimizer_step;
      case op::reduce_loss:
        return reduce_loss;
      default:
        return 0;
    }
  }

  /// The same on a rank of its own speed.
  [[nodiscard]] constexpr double of(const action& act, int rank) const {
    return slowness.empty() ? of(act) : of(act) * slowness[static_cast<std::size_t>(rank)];
  }
  /// What two passes that run together take of what they take one after the other.
  [[nodiscard]] constexpr double share_of_pair(const action& one, const action& other) const {
    const double a = of(one), b = of(other);
    return a + b > 0 ? 1 - hidden_in_pairs * (a < b ? a : b) / (a + b) : 1;
  }
  [[nodiscard]] constexpr const link& between(int sender, int receiver, int ranks) const {
    return links.empty() ? between_ranks : links[static_cast<std::size_t>(sender * ranks + receiver)];
  }

  /// The bytes of an action's message; none for other actions.   edges: of the program that the action is in
  [[nodiscard]] constexpr byte_count message_of(const action& act, const skip_edges& edges = {}) const {
    if (is_send(act.kind) || is_receive(act.kind)) {
      if (act.edge >= 0)
        return skips.empty() ? stages[static_cast<std::size_t>(edges[act.edge].from)].message
                             : skips[static_cast<std::size_t>(act.edge)];
      // An activation is the output of the stage that sends it, a gradient that of the stage that receives it.
      const bool own = act.kind == op::send_activation || act.kind == op::receive_gradient;
      return stages[static_cast<std::size_t>(own ? act.stage : act.stage - 1)].message;
    }
    return {};
  }
};

}  // namespace plait
