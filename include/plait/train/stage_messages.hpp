// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <plait/comm/communicator.hpp>
#include <plait/comm/message_queue.hpp>
#include <plait/schedule/program.hpp>
#include <plait/tensor/dtype.hpp>
#include <plait/train/rank.hpp>
#include <plait/train/step_plan.hpp>

namespace plait {

/// What goes between the stages of different ranks: activations and gradients of neighbours, and those along skip
/// edges.
///
/// A message lies in the buffer of a stage from the pass that makes it until the rank it is for has taken it, so a
/// buffer is waited for before it is written again.
template <real T, class Stage, communicator Comm>
class stage_messages {
 public:
  using stream = typename Comm::space::stream;

  /// Rank and stages are kept by reference. The pipeline group is prepared for all messages of the plan's programs,
  /// where its communicator wants that.
  stage_messages(rank_context<Comm>& rank, std::vector<Stage>& stages, const step_plan& plan, stream order)
      : pipeline_{&rank.pipeline()}, stages_{&stages}, order_{order} {
    if constexpr (requires(std::span<const message_queue> queues) { pipeline_->open_queues(queues); }) {
      std::vector<message_queue> queues;
      for (const std::vector<program>* all : {&plan.training, &plan.evaluation})
        for (std::size_t from = 0; from < all->size(); ++from)
          for (const action& act : (*all)[from].actions)
            if (is_send(act.kind)) queues.push_back({static_cast<int>(from), act.peer, channel_of(act)});
      pipeline_->open_queues(queues);
    }
  }

  /// Receives or sends what the action says, `rows` samples of it.
  void carry(const action& act, std::int64_t rows) {
    Stage& stage = stage_of(act);
    switch (act.kind) {
      case op::receive_activation:
        wait_for_slot(act);
        stage.open(act, rows, nullptr);
        return receive(act, rows);
      case op::send_activation:
        if (act.edge < 0) return send(act, rows, stage.activation_sent(act.slot));
        return send(act, rows, stage.skips().value_sent(act.slot, stage.skips().out_number(act.edge)));
      case op::receive_gradient:
        return receive(act, rows);
      case op::send_gradient:
        if (act.edge < 0) return send(act, rows, stage.gradient_sent(act.message));
        return send(act, rows, stage.skips().gradient_sent(act.skip, stage.skips().in_number(act.edge)));
      default:
        return;
    }
  }

  /// Until all that was sent from the activation slot of a pass has been taken.
  void wait_for_slot(const action& act) {
    Stage& stage = stage_of(act);
    pipeline_->wait(stage.activation_sent(act.slot), order_);
    for (std::size_t k = 0; k < stage.skips().out().size(); ++k)
      pipeline_->wait(stage.skips().value_sent(act.slot, k), order_);
  }
  /// Until the gradients that were sent from the buffers of a backward pass have been taken.
  void wait_for_gradients(const action& act) {
    Stage& stage = stage_of(act);
    pipeline_->wait(stage.gradient_sent(act.message), order_);
    for (std::size_t k = 0; k < stage.skips().in().size(); ++k)
      pipeline_->wait(stage.skips().gradient_sent(act.skip, k), order_);
  }

  /// What follows comes after all messages of this rank have been taken, so that nobody asks for them later.
  void end() {
    for (Stage& stage : *stages_)
      stage.for_each_ticket([&](ticket& sent) { pipeline_->wait(std::exchange(sent, ticket{}), order_); });
  }

  /// Of the message of an action. Needs: an action that sends or receives.
  [[nodiscard]] std::int64_t bytes_of(const action& act, std::int64_t rows) {
    return static_cast<std::int64_t>(buffer_of(act, rows).size_bytes());
  }

 private:
  /// Activations and gradients between neighbouring stages, then those of each skip edge.
  static constexpr int channel_of(const action& act) {
    return 2 * (act.edge + 1) + (act.kind == op::send_gradient || act.kind == op::receive_gradient ? 1 : 0);
  }

  void receive(const action& act, std::int64_t rows) {
    pipeline_->receive(buffer_of(act, rows), act.peer, channel_of(act), order_);
  }
  void send(const action& act, std::int64_t rows, ticket& sent) {
    sent = pipeline_->send(std::span<const T>{buffer_of(act, rows)}, act.peer, channel_of(act), order_);
  }

  /// Where the message of an action lies on this rank. Needs: an action that sends or receives.
  std::span<T> buffer_of(const action& act, std::int64_t rows) {
    Stage& stage = stage_of(act);
    auto& skips = stage.skips();
    const bool activation = act.kind == op::receive_activation || act.kind == op::send_activation;
    // What comes in and its gradient have the features of an input, the others those of an output.
    const bool of_input = act.kind == op::receive_activation || act.kind == op::send_gradient;
    T* begin = nullptr;
    std::int64_t features = 0;
    if (act.edge < 0) {
      features = of_input ? stage.inputs() : stage.outputs();
      if (activation)
        begin = of_input ? stage.input(act.slot) : stage.output_of_slot(act.slot);
      else
        begin = of_input ? stage.gradient_out(act.message) : stage.gradient_in(act.message);
    } else if (of_input) {
      const std::size_t k = skips.in_number(act.edge);
      features = skips.features_in(k);
      begin = activation ? skips.value_buffer(act.slot, k) : skips.made_buffer(act.skip, k);
    } else {
      const std::size_t k = skips.out_number(act.edge);
      features = skips.features_out(k);
      begin = activation ? stage.output_of_layer(act.slot, skips.out()[k].source) : skips.came_buffer(act.message, k);
    }
    return {begin, static_cast<std::size_t>(rows * features)};
  }

  Stage& stage_of(const action& act) { return (*stages_)[static_cast<std::size_t>(act.chunk)]; }

  Comm* pipeline_;
  std::vector<Stage>* stages_;
  stream order_;
};

}  // namespace plait
