// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <plait/core/scratch.hpp>
#include <plait/schedule/action.hpp>
#include <plait/schedule/program.hpp>
#include <plait/schedule/shape.hpp>

namespace plait {

/// What `verify` found. Where `valid` is false, the first offence: which action of which rank, and why.
struct verification {
  bool valid = true;
  int rank = -1;
  int position = -1;  ///< index into the rank's actions; their number where something is missing at the end
  action cell{};
  std::string_view reason{};

  constexpr explicit operator bool() const { return valid; }
};

namespace detail {

struct rank_actions {
  const action* begin = nullptr;
  const action* end = nullptr;
};

/// Runs the programs of all ranks against each other without time: each goes on until it must wait.
///
/// The queue model: one queue for each (sender, receiver, direction of pass), delivered in the order of sending. A send
/// never waits; a receive waits until its queue has a message. A rank that is about to write a slot waits until the
/// last message sent from that slot has been taken. Collectives over all ranks wait for all. Since no rank ever
/// chooses, the outcome does not depend on the order in which ranks are tried.
///
/// Compilers run this for every `static_assert`, and count each call and conversion: hence raw pointers, and the rank
/// and action at hand as members.
class program_checker {
 public:
  constexpr program_checker(const rank_actions* ranks, pipe_shape shape, bool trains, step_options options)
      : ranks_{ranks},
        ranks_count_{shape.ranks},
        stages_{shape.stages()},
        micro_{shape.micro},
        trains_{trains},
        options_{options},
        state_memory_(size(stages_ * micro_)),
        holder_memory_(size(stages_ * micro_)),
        busy_memory_(size(stages_ * (micro_ + program::message_slots))),
        queue_memory_(size(ranks_count_ * ranks_count_ * 2)),
        message_memory_(size(stages_ * micro_ * 2)),
        stage_memory_(size(stages_)),
        once_memory_(size(ranks_count_ * op_count)),
        state_{state_memory_.data()},
        holder_{holder_memory_.data()},
        busy_{busy_memory_.data()},
        queues_{queue_memory_.data()},
        messages_{message_memory_.data()},
        stage_{stage_memory_.data()},
        once_{once_memory_.data()} {}

  constexpr verification run() {
    if (options_.buckets < 0 || options_.buckets > 30) return fault("a chunk has at most 30 buckets");
    if (!place_stages()) return found_;
    scratch<const action*> positions(size(ranks_count_));
    const action** const position = positions.data();
    for (int rank = 0; rank < ranks_count_; ++rank) position[rank] = ranks_[rank].begin;

    for (bool moved = true; moved;) {
      moved = false;
      for (rank_ = 0; rank_ < ranks_count_; ++rank_) {
        const action* const end = ranks_[rank_].end;
        at_ = position[rank_];
        while (at_ != end && step(*at_)) ++at_;
        if (!found_.valid) return found_;
        if (at_ == position[rank_]) continue;
        moved = true;
        position[rank_] = at_;
      }
    }
    for (rank_ = 0; rank_ < ranks_count_; ++rank_)
      if (at_ = position[rank_]; at_ != ranks_[rank_].end) return fault(waits_for(at_->kind));
    return all_done();
  }

 private:
  static constexpr std::size_t size(int count) { return static_cast<std::size_t>(count); }

  /// What has been done for one (stage, micro-batch).
  enum : std::uint8_t {
    forward = 1,
    input = 2,
    weight = 4,
    activation_in = 8,
    gradient_in = 16,
    activation_out = 32,
    gradient_out = 64
  };
  /// A rank's state in what a step has once.
  enum : std::uint8_t { waiting = 1, passed = 2 };

  struct queue {
    std::int32_t* message = nullptr;  ///< cells of the receiver, in the order of sending
    std::int32_t room = 0;            ///< one for each micro-batch of each pair of stages that it joins
    std::int32_t sent = 0;
    std::int32_t taken = 0;
  };
  struct pending {  ///< the last message sent from a slot
    const queue* line = nullptr;
    std::int32_t number = 0;
  };
  /// A stage, and the queues of its messages; where a neighbour is on the same rank or absent there is none.
  struct stage_state {
    int rank = -1;
    int before = -1;  ///< rank of the stage before; -1: there is no such stage
    int after = -1;
    queue* activations_in = nullptr;
    queue* activations_out = nullptr;
    queue* gradients_in = nullptr;
    queue* gradients_out = nullptr;
    pending* busy = nullptr;  ///< [activation slots, then message slots]
    int weight_passes = 0;
    unsigned reduced = 0;  ///< buckets summed over the data axis, one bit each
  };

  // ---- verdicts

  constexpr verification fault(std::string_view reason) {
    const rank_actions mine = ranks_[rank_];
    found_ = {false, rank_, static_cast<int>(at_ == nullptr ? 0 : at_ - mine.begin),
              at_ == nullptr || at_ == mine.end ? action{} : *at_, reason};
    return found_;
  }
  constexpr bool refuse(std::string_view reason) { return fault(reason), false; }
  constexpr verification missing(action cell, int rank) {
    rank_ = rank < 0 ? 0 : rank;
    at_ = ranks_[rank_].end;
    fault("it is missing");
    found_.cell = cell;
    return found_;
  }
  static constexpr std::string_view waits_for(op kind) {
    if (is_receive(kind)) return "waits for ever for a message that is not sent";
    if (kind == op::reduce_loss || kind == op::reduce_norm) return "waits for ever for a rank that does not come";
    return "waits for ever for a message from its slot to be taken";
  }

  // ---- where stages are

  /// Finds each stage's rank, which is where its first forward pass is (`step` refuses others), and its queues.
  constexpr bool place_stages() {
    int found = 0;
    for (rank_ = 0; rank_ < ranks_count_; ++rank_)
      for (at_ = ranks_[rank_].begin; at_ != ranks_[rank_].end && found < stages_; ++at_) {
        if (at_->kind != op::forward) continue;
        if (at_->stage < 0 || at_->stage >= stages_) return refuse("there is no such stage");
        if (stage_[at_->stage].rank >= 0) continue;
        stage_[at_->stage].rank = rank_;
        ++found;
      }
    for (int stage = 0; stage < stages_; ++stage)
      if (stage_[stage].rank < 0)
        return missing({.kind = op::forward, .stage = static_cast<std::int16_t>(stage)}, 0), false;
    for (int stage = 0; stage < stages_; ++stage) {
      stage_state& here = stage_[stage];
      here.busy = busy_ + stage * (micro_ + program::message_slots);
      if (stage + 1 == stages_) continue;
      stage_state& next = stage_[stage + 1];
      here.after = next.rank;
      next.before = here.rank;
      if (here.rank == next.rank) continue;
      here.activations_out = next.activations_in = queues_ + (here.rank * ranks_count_ + next.rank) * 2;
      next.gradients_out = here.gradients_in = queues_ + (next.rank * ranks_count_ + here.rank) * 2 + 1;
      here.activations_out->room += micro_;
      here.gradients_in->room += micro_;
    }
    std::int32_t* free = messages_;
    for (int i = 0; i < ranks_count_ * ranks_count_ * 2; ++i) {
      queues_[i].message = free;
      free += queues_[i].room;
    }
    return true;
  }

  // ---- one action

  /// Carries out one action if it need not wait. False: it waits, or `found_` says what is wrong.
  constexpr bool step(const action& act) {
    if (act.micro < 0) return step_reduction(act);
    if (act.stage < 0 || act.stage >= stages_ || act.micro >= micro_ || act.slot < 0 || act.slot >= micro_ ||
        stage_[act.stage].rank != rank_)
      return refuse("there is no such stage, micro-batch or slot on this rank");
    std::uint8_t& cell = state_[act.stage * micro_ + act.micro];
    stage_state& stage = stage_[act.stage];
    // No switch: clang counts each label that it passes over.
    if (act.kind == op::forward) return step_forward(act, stage, cell);
    if (act.kind == op::receive_activation)
      return receive(act, stage.before, stage.activations_in, cell, activation_in);
    if (act.kind == op::send_activation)
      return send(act, stage.after, stage.activations_out, cell, forward, activation_out);
    if (act.kind == op::backward) return step_backward(act, stage, cell, input | weight);
    if (act.kind == op::receive_gradient) return receive(act, stage.after, stage.gradients_in, cell, gradient_in);
    if (act.kind == op::send_gradient) return send(act, stage.before, stage.gradients_out, cell, input, gradient_out);
    if (act.kind == op::backward_input) return step_backward(act, stage, cell, input);
    if (act.kind == op::backward_weight) return step_backward(act, stage, cell, weight);
    return refuse("it cannot have a micro-batch");
  }

  constexpr bool step_forward(const action& act, const stage_state& stage, std::uint8_t& cell) {
    if ((cell & forward) != 0) return refuse("it has already run");
    if (stage.activations_in == nullptr) {
      if (stage.before >= 0 && ((&cell)[-micro_] & forward) == 0) return refuse("the stage before it has not run");
      if (!take_slot(act, stage)) return false;
    } else if ((cell & activation_in) == 0) {  // the receive has taken the slot
      return refuse("its input has not been received");
    }
    cell |= forward;
    return true;
  }

  constexpr bool step_backward(const action& act, stage_state& stage, std::uint8_t& cell, std::uint8_t halves) {
    if ((cell & (halves | forward)) != forward)
      return refuse((cell & forward) == 0 ? "its forward pass has not run" : "it has already run");
    std::int16_t& held = holder_[act.stage * micro_ + act.slot];
    if (held != act.micro + 1) return refuse("its slot holds another micro-batch");
    if ((halves & input) != 0) {
      if (stage.gradients_in != nullptr && (cell & gradient_in) == 0)
        return refuse("the gradient of its output has not been received");
      if (stage.gradients_in == nullptr && stage.after >= 0 && ((&cell)[micro_] & input) == 0)
        return refuse("the stage after it has not run backward");
      if (act.message < 0 || act.message >= program::message_slots) return refuse("there is no such message slot");
      const pending& last = stage.busy[micro_ + act.message];
      if (last.line != nullptr && last.line->taken < last.number) return false;
    } else if ((cell & input) == 0) {
      return refuse("its input half has not run");
    }
    cell |= halves;
    if ((halves & weight) == 0) return true;
    held = 0;
    ++stage.weight_passes;
    return true;
  }

  constexpr bool receive(const action& act, int from, queue* line, std::uint8_t& cell, std::uint8_t arrival) {
    if (line == nullptr || from != act.peer) return refuse("it names the wrong peer");
    if ((cell & arrival) != 0) return refuse("it has already been received");
    if (line->taken == line->sent) return false;
    if (line->message[line->taken] != act.stage * micro_ + act.micro)
      return refuse("the next message of its queue is for another stage or micro-batch");
    if (arrival == activation_in && !take_slot(act, stage_[act.stage])) return false;
    ++line->taken;
    cell |= arrival;
    return true;
  }

  constexpr bool send(const action& act, int to, queue* line, std::uint8_t& cell, std::uint8_t needed,
                      std::uint8_t departure) {
    if (line == nullptr || to != act.peer) return refuse("it names the wrong peer");
    if ((cell & (needed | departure)) != needed)
      return refuse((cell & needed) == 0 ? "what it sends has not been computed" : "it has already been sent");
    const bool backward = departure == gradient_out;
    line->message[line->sent++] = (act.stage + (backward ? -1 : 1)) * micro_ + act.micro;
    stage_[act.stage].busy[backward ? micro_ + act.message : act.slot] = {line, line->sent};
    cell |= departure;
    return true;
  }

  /// Takes the activation slot for a micro-batch. False: the last message from it has not been taken, or it is held.
  constexpr bool take_slot(const action& act, const stage_state& stage) {
    const pending& last = stage.busy[act.slot];
    if (last.line != nullptr && last.line->taken < last.number) return false;
    std::int16_t& held = holder_[act.stage * micro_ + act.slot];
    if (trains_ && held > 0) return refuse("its slot is still held by another micro-batch");
    held = static_cast<std::int16_t>(act.micro + 1);
    return true;
  }

  constexpr bool step_reduction(const action& act) {
    if (act.kind == op::reduce_gradients) {
      if (act.stage < 0 || act.stage >= stages_ || stage_[act.stage].rank != rank_)
        return refuse("its stage is not on this rank");
      stage_state& stage = stage_[act.stage];
      if (stage.weight_passes < micro_) return refuse("not every micro-batch has added to these gradients");
      if (act.bucket < 0 || act.bucket >= options_.buckets) return refuse("there is no such bucket");
      if ((stage.reduced >> act.bucket & 1u) != 0) return refuse("it has already run");
      stage.reduced |= 1u << act.bucket;
      return true;
    }
    if (act.kind != op::reduce_norm && act.kind != op::optimizer_step && act.kind != op::reduce_loss)
      return refuse("it has no micro-batch");
    std::uint8_t& mine = once_[rank_ * op_count + static_cast<int>(act.kind)];
    if (mine == passed) return refuse("it has already run");
    if (act.kind != op::reduce_loss && mine == 0) {
      for (int stage = 0; stage < stages_; ++stage)
        if (stage_[stage].rank == rank_ && !gradients_ready(stage))
          return refuse("not all gradients of this rank are complete");
    }
    if (act.kind == op::optimizer_step) {
      if (options_.clip && once_[rank_ * op_count + static_cast<int>(op::reduce_norm)] != passed)
        return refuse("the norm has not been reduced");
      mine = passed;
      return true;
    }
    // A collective over all ranks.
    int& come = arrived_[static_cast<int>(act.kind)];
    if (mine == 0) {
      mine = waiting;
      ++come;
    }
    if (come < ranks_count_) return false;
    mine = passed;
    return true;
  }

  constexpr verification all_done() {
    const int needed = trains_ ? forward | input | weight : forward;
    for (int stage = 0; stage < stages_; ++stage)
      for (int micro = 0; micro < micro_; ++micro) {
        const int done = state_[stage * micro_ + micro];
        if ((done & needed) == needed) continue;
        const op kind = (done & forward) == 0 ? op::forward : (done & input) == 0 ? op::backward : op::backward_weight;
        return missing(
            {.kind = kind, .stage = static_cast<std::int16_t>(stage), .micro = static_cast<std::int16_t>(micro)},
            stage_[stage].rank);
      }
    if (!options_.optimize) return found_;
    for (int stage = 0; stage < stages_ && trains_; ++stage)
      if (!gradients_ready(stage))
        return missing({.kind = op::reduce_gradients, .stage = static_cast<std::int16_t>(stage)}, stage_[stage].rank);
    for (int rank = 0; rank < ranks_count_; ++rank) {
      const std::uint8_t* const mine = once_ + rank * op_count;
      if (trains_ && mine[static_cast<int>(op::optimizer_step)] != passed)
        return missing({.kind = op::optimizer_step}, rank);
      if (mine[static_cast<int>(op::reduce_loss)] != passed) return missing({.kind = op::reduce_loss}, rank);
    }
    return found_;
  }

  constexpr bool gradients_ready(int stage) const {
    return stage_[stage].weight_passes == micro_ && stage_[stage].reduced == (1u << options_.buckets) - 1;
  }

  const rank_actions* ranks_;
  int ranks_count_;
  int stages_;
  int micro_;
  bool trains_;
  step_options options_;
  scratch<std::uint8_t> state_memory_;
  scratch<std::int16_t> holder_memory_;
  scratch<pending> busy_memory_;
  scratch<queue> queue_memory_;
  scratch<std::int32_t> message_memory_;
  scratch<stage_state> stage_memory_;
  scratch<std::uint8_t> once_memory_;
  std::uint8_t* state_;      ///< [stages, micro]: which parts are done
  std::int16_t* holder_;     ///< [stages, slots]: the micro-batch that holds an activation slot, plus 1; 0: free
  pending* busy_;            ///< [stages, activation slots and message slots]
  queue* queues_;            ///< [ranks, ranks, direction]
  std::int32_t* messages_;   ///< cells of the receivers, each queue's in a row
  stage_state* stage_;       ///< [stages]
  std::uint8_t* once_;       ///< [ranks, op]
  int arrived_[op_count]{};  ///< ranks that have come to a collective
  int rank_ = 0;             ///< at hand
  const action* at_ = nullptr;
  verification found_{};
};

}  // namespace detail

}  // namespace plait
