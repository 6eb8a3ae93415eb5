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
/// The memory model: an activation slot belongs to one micro-batch, from the receive (or the forward pass) to the end
/// of the backward pass; in a program of forward passes, until its output has gone on. A message slot of a chunk is a
/// pair of buffers. The gradient of the chunk's output comes into one and is used up by the input half of the backward
/// pass, which leaves the gradient of the chunk's input in the other; there it stays until it is sent or, where the
/// stage before is on the same rank, used up by that stage's backward pass.
///
/// Compilers run this for every `static_assert`; g++ and nvcc count calls and conversions, clang counts statements:
/// hence raw pointers, conditions that are long rather than many, and the rank and action at hand as members.
class program_checker {
 public:
  /// message_slots: of the chunk that has most.
  constexpr program_checker(const rank_actions* ranks, pipe_shape shape, bool trains, step_options options,
                            int message_slots)
      : ranks_{ranks},
        ranks_count_{shape.ranks},
        stages_{shape.stages()},
        micro_{shape.micro},
        chunks_{shape.chunks},
        trains_{trains},
        message_slots_{message_slots},
        options_{options},
        state_memory_(size(stages_ * micro_)),
        holder_memory_(size(stages_ * micro_)),
        busy_memory_(size(stages_ * micro_)),
        slot_memory_(size(stages_ * message_slots)),
        queue_memory_(size(ranks_count_ * ranks_count_ * 2)),
        message_memory_(size(stages_ * micro_ * 2)),
        stage_memory_(size(stages_)),
        placed_memory_(size(stages_)),
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
    // Some rank may wait for ever. Where one waits for what nobody is going to send, the others wait because of it.
    for (rank_ = 0; rank_ < ranks_count_; ++rank_)
      if (at_ = position[rank_]; at_ != ranks_[rank_].end && never_sent(*at_, position))
        return fault("waits for ever for a message that is not sent");
    for (rank_ = 0; rank_ < ranks_count_; ++rank_)
      if (at_ = position[rank_]; at_ != ranks_[rank_].end) return fault(waits_for(*at_));
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
  struct message_slot {
    std::int16_t in = 0;   ///< the micro-batch whose output's gradient it holds, plus 1; 0: none
    std::int16_t out = 0;  ///< the same for the gradient of the input
    pending sent{};
  };
  /// A stage, and the queues of its messages; where a neighbour is on the same rank or absent there is none.
  struct stage_state {
    int rank = -1;
    int chunk = -1;
    int before = -1;  ///< rank of the stage before; -1: there is no such stage
    int after = -1;
    queue* activations_in = nullptr;
    queue* activations_out = nullptr;
    queue* gradients_in = nullptr;
    queue* gradients_out = nullptr;
    pending* busy = nullptr;          ///< [activation slots]
    message_slot* message = nullptr;  ///< [message slots]
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
  /// Whether a waiting action is a receive of what no action that its sender has left sends.
  constexpr bool never_sent(const action& act, const action* const* position) const {
    if (!is_receive(act.kind) || has_message(act)) return false;
    const bool backward = act.kind == op::receive_gradient;
    const action* const end = ranks_[act.peer].end;
    for (const action* next = position[act.peer]; next != end; ++next)
      if (next->kind == (backward ? op::send_gradient : op::send_activation) && next->micro == act.micro &&
          next->stage == act.stage + (backward ? 1 : -1))
        return false;
    return true;
  }
  constexpr bool has_message(const action& act) const {
    const stage_state& stage = stage_[act.stage];
    const queue* const line = act.kind == op::receive_activation ? stage.activations_in : stage.gradients_in;
    return line->taken < line->sent;
  }
  /// Why an action that names nothing impossible is still waiting at the end.
  constexpr std::string_view waits_for(const action& act) const {
    if (act.kind == op::reduce_loss || act.kind == op::reduce_norm)
      return "waits for ever for a rank that does not come";
    if (is_receive(act.kind) && !has_message(act)) return "waits for ever for a message whose sender waits as well";
    return "waits for ever for a message from its slot to be taken";
  }

  // ---- where stages are

  /// Finds each stage's rank and chunk, which are those of its first forward pass (`step` refuses others), and its
  /// queues.
  constexpr bool place_stages() {
    bool* const placed = placed_memory_.data();  // [ranks, chunks]
    for (rank_ = 0; rank_ < ranks_count_; ++rank_) {
      int left = chunks_;
      for (at_ = ranks_[rank_].begin; at_ != ranks_[rank_].end && left > 0; ++at_) {
        if (at_->kind != op::forward) continue;
        if (at_->stage < 0 || at_->stage >= stages_) return refuse("there is no such stage");
        if (stage_[at_->stage].rank >= 0) continue;
        if (at_->chunk < 0 || at_->chunk >= chunks_) return refuse("there is no such chunk");
        if (placed[rank_ * chunks_ + at_->chunk]) return refuse("its chunk is that of another stage");
        placed[rank_ * chunks_ + at_->chunk] = true;
        stage_[at_->stage].rank = rank_;
        stage_[at_->stage].chunk = at_->chunk;
        --left;
      }
    }
    for (int stage = 0; stage < stages_; ++stage)
      if (stage_[stage].rank < 0)
        return missing(action{.kind = op::forward, .stage = static_cast<std::int16_t>(stage)}, 0), false;
    for (int stage = 0; stage < stages_; ++stage) {
      stage_state& here = stage_[stage];
      here.busy = busy_ + stage * micro_;
      here.message = slot_memory_.data() + stage * message_slots_;
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
    if (act.micro < 0) return step_once(act);
    if (act.stage < 0 || act.stage >= stages_ || act.micro >= micro_ || act.slot < 0 || act.slot >= micro_ ||
        stage_[act.stage].rank != rank_ || stage_[act.stage].chunk != act.chunk)
      return refuse_place(act);
    std::uint8_t& cell = state_[act.stage * micro_ + act.micro];
    stage_state& stage = stage_[act.stage];
    return act.kind == op::forward              ? step_forward(act, stage, cell)
           : act.kind == op::receive_activation ? receive_activation(act, stage, cell)
           : act.kind == op::send_activation    ? send_activation(act, stage, cell)
           : act.kind == op::backward           ? step_backward(act, stage, cell, input | weight)
           : act.kind == op::receive_gradient   ? receive_gradient(act, stage, cell)
           : act.kind == op::send_gradient      ? send_gradient(act, stage, cell)
           : act.kind == op::backward_input     ? step_backward(act, stage, cell, input)
           : act.kind == op::backward_weight    ? step_backward(act, stage, cell, weight)
                                                : refuse("it cannot have a micro-batch");
  }

  constexpr bool refuse_place(const action& act) {
    if (act.stage < 0 || act.stage >= stages_) return refuse("there is no such stage");
    if (act.micro >= micro_) return refuse("there is no such micro-batch");
    if (act.slot < 0 || act.slot >= micro_) return refuse("there is no such slot");
    return refuse(stage_[act.stage].rank != rank_ ? "its stage is on another rank" : "its stage is another chunk");
  }

  /// Whether the activation slot that an action names belongs to its micro-batch.
  constexpr bool holds(const action& act) const { return holder_[act.stage * micro_ + act.slot] == act.micro + 1; }

  constexpr bool step_forward(const action& act, const stage_state& stage, std::uint8_t& cell) {
    if (stage.activations_in == nullptr) {
      if ((cell & forward) != 0) return refuse("it has already run");
      if (stage.before >= 0 && ((&cell)[-micro_] & forward) == 0) return refuse("the stage before it has not run");
      if (!take_slot(act, stage)) return false;
    } else if ((cell & (activation_in | forward)) != activation_in || !holds(act)) {  // the receive has taken the slot
      return refuse((cell & forward) != 0         ? "it has already run"
                    : (cell & activation_in) == 0 ? "its input has not been received"
                                                  : "its slot holds another micro-batch");
    }
    cell |= forward;
    return true;
  }

  constexpr bool step_backward(const action& act, stage_state& stage, std::uint8_t& cell, std::uint8_t halves) {
    if ((cell & (halves | forward)) != forward || !holds(act) || !trains_ || no_message_slot(act))
      return refuse(!trains_                ? "its program is one of forward passes"
                    : (cell & forward) == 0 ? "its forward pass has not run"
                    : (cell & halves) != 0  ? "it has already run"
                    : no_message_slot(act)  ? "there is no such message slot"
                                            : "its slot holds another micro-batch");
    if ((halves & input) != 0) {
      message_slot& mine = stage.message[act.message];
      std::int16_t* const from = stage.after < 0                 ? nullptr
                                 : stage.gradients_in != nullptr ? &mine.in
                                                                 : &(&stage)[1].message[act.message].out;
      if ((from != nullptr && *from != act.micro + 1) || mine.out != 0) return refuse_gradient(stage, cell, from);
      if (mine.sent.line != nullptr && mine.sent.line->taken < mine.sent.number) return false;
      if (from != nullptr) *from = 0;
      if (stage.before >= 0) mine.out = static_cast<std::int16_t>(act.micro + 1);
    } else if ((cell & input) == 0) {
      return refuse("its input half has not run");
    }
    cell |= halves;
    if ((halves & weight) == 0) return true;
    holder_[act.stage * micro_ + act.slot] = 0;
    ++stage.weight_passes;
    return true;
  }

  constexpr bool refuse_gradient(const stage_state& stage, const std::uint8_t& cell, const std::int16_t* from) {
    if (stage.gradients_in != nullptr && (cell & gradient_in) == 0)
      return refuse("the gradient of its output has not been received");
    if (stage.gradients_in == nullptr && stage.after >= 0 && ((&cell)[micro_] & input) == 0)
      return refuse("the stage after it has not run backward");
    if (from != nullptr && *from != at_->micro + 1)
      return refuse("its message slot holds the gradient of another micro-batch");
    return refuse("its message slot still holds a gradient that has not been passed on");
  }

  constexpr bool receive_activation(const action& act, const stage_state& stage, std::uint8_t& cell) {
    queue* const line = stage.activations_in;
    if (line == nullptr || stage.before != act.peer || (cell & activation_in) != 0)
      return refuse(refused_receive(line == nullptr || stage.before != act.peer));
    if (line->taken == line->sent) return false;
    if (line->message[line->taken] != act.stage * micro_ + act.micro) return refuse(wrong_message);
    if (!take_slot(act, stage)) return false;
    ++line->taken;
    cell |= activation_in;
    return true;
  }

  constexpr bool receive_gradient(const action& act, stage_state& stage, std::uint8_t& cell) {
    queue* const line = stage.gradients_in;
    if (line == nullptr || stage.after != act.peer || (cell & gradient_in) != 0 || no_message_slot(act))
      return refuse(no_message_slot(act) ? "there is no such message slot"
                                         : refused_receive(line == nullptr || stage.after != act.peer));
    if (line->taken == line->sent) return false;
    if (line->message[line->taken] != act.stage * micro_ + act.micro) return refuse(wrong_message);
    if (stage.message[act.message].in != 0) return refuse("its message slot still holds a gradient that is needed");
    stage.message[act.message].in = static_cast<std::int16_t>(act.micro + 1);
    ++line->taken;
    cell |= gradient_in;
    return true;
  }

  constexpr bool send_activation(const action& act, const stage_state& stage, std::uint8_t& cell) {
    queue* const line = stage.activations_out;
    if (line == nullptr || stage.after != act.peer || (cell & (forward | activation_out)) != forward || !holds(act))
      return refuse(line == nullptr || stage.after != act.peer ? wrong_peer
                    : (cell & forward) == 0                    ? "what it sends has not been computed"
                    : (cell & activation_out) != 0             ? "it has already been sent"
                                                               : "its slot holds another micro-batch");
    line->message[line->sent++] = (act.stage + 1) * micro_ + act.micro;
    stage.busy[act.slot] = {line, line->sent};
    cell |= activation_out;
    return true;
  }

  constexpr bool send_gradient(const action& act, stage_state& stage, std::uint8_t& cell) {
    queue* const line = stage.gradients_out;
    if (line == nullptr || stage.before != act.peer || (cell & (input | gradient_out)) != input ||
        no_message_slot(act) || stage.message[act.message].out != act.micro + 1)
      return refuse(line == nullptr || stage.before != act.peer ? wrong_peer
                    : (cell & input) == 0                       ? "what it sends has not been computed"
                    : (cell & gradient_out) != 0                ? "it has already been sent"
                                                                : "its message slot holds another gradient");
    line->message[line->sent++] = (act.stage - 1) * micro_ + act.micro;
    stage.message[act.message] = {stage.message[act.message].in, 0, {line, line->sent}};
    cell |= gradient_out;
    return true;
  }

  static constexpr std::string_view wrong_peer = "it names the wrong peer";
  static constexpr std::string_view wrong_message = "the next message of its queue is for another stage or micro-batch";
  static constexpr std::string_view refused_receive(bool peer) {
    return peer ? wrong_peer : "it has already been received";
  }
  constexpr bool no_message_slot(const action& act) const { return act.message < 0 || act.message >= message_slots_; }

  /// Takes the activation slot for a micro-batch. False: the last message from it has not been taken, or it is held.
  constexpr bool take_slot(const action& act, const stage_state& stage) {
    std::int16_t& held = holder_[act.stage * micro_ + act.slot];
    if (held > 0 && (trains_ || !gone_on(act.stage, held - 1)))
      return refuse("its slot is still held by another micro-batch");
    if (stage.busy[act.slot].line != nullptr && stage.busy[act.slot].line->taken < stage.busy[act.slot].number)
      return false;
    held = static_cast<std::int16_t>(act.micro + 1);
    return true;
  }

  /// Whether the output of a stage has been sent, or used by the next stage of the same rank, or is the last.
  constexpr bool gone_on(int stage, int micro) const {
    const std::uint8_t* const cell = state_ + stage * micro_ + micro;
    if (stage_[stage].activations_out != nullptr) return (*cell & activation_out) != 0;
    return (*(stage_[stage].after >= 0 ? cell + micro_ : cell) & forward) != 0;
  }

  // ---- what has no micro-batch

  constexpr bool step_once(const action& act) {
    if (act.kind == op::reduce_gradients) return reduce_gradients(act);
    if (act.kind != op::reduce_norm && act.kind != op::optimizer_step && act.kind != op::reduce_loss)
      return refuse("it has no micro-batch");
    if (!options_.optimize || (act.kind != op::reduce_loss && !trains_) ||
        (act.kind == op::reduce_norm && !options_.clip))
      return refuse("the options of the step leave it out");
    std::uint8_t& mine = once_[rank_ * op_count + static_cast<int>(act.kind)];
    if (mine == passed) return refuse("it has already run");
    if (mine == 0 && !ready(act.kind))
      return refuse(act.kind == op::reduce_loss ? "not every micro-batch has come to the loss"
                                                : "not all gradients of this rank are complete");
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

  constexpr bool reduce_gradients(const action& act) {
    if (act.stage < 0 || act.stage >= stages_ || stage_[act.stage].rank != rank_ ||
        stage_[act.stage].chunk != act.chunk)
      return refuse("its stage or chunk is not on this rank");
    stage_state& stage = stage_[act.stage];
    if (!options_.optimize || act.bucket < 0 || act.bucket >= options_.buckets)
      return refuse("there is no such bucket");
    if (stage.weight_passes < micro_) return refuse("not every micro-batch has added to these gradients");
    if ((stage.reduced >> act.bucket & 1u) != 0) return refuse("it has already run");
    stage.reduced |= 1u << act.bucket;
    return true;
  }

  /// Whether this rank has what it brings to an action of the end: all losses, or all gradients.
  constexpr bool ready(op kind) const {
    for (int stage = 0; stage < stages_; ++stage)
      if (stage_[stage].rank == rank_ && kind != op::reduce_loss && !gradients_ready(stage)) return false;
    if (kind != op::reduce_loss || stage_[stages_ - 1].rank != rank_) return true;
    for (const std::uint8_t* cell = state_ + (stages_ - 1) * micro_; cell != state_ + stages_ * micro_; ++cell)
      if ((*cell & forward) == 0) return false;
    return true;
  }

  constexpr bool gradients_ready(int stage) const {
    return stage_[stage].weight_passes == micro_ && stage_[stage].reduced == (1u << options_.buckets) - 1;
  }

  constexpr verification all_done() {
    const int needed = trains_ ? forward | input | weight : forward;
    for (int i = 0; i < stages_ * micro_; ++i) {
      const int done = state_[i];
      if ((done & needed) == needed) continue;
      const op kind = (done & forward) == 0 ? op::forward : (done & input) == 0 ? op::backward : op::backward_weight;
      return missing(action{.kind = kind,
                            .stage = static_cast<std::int16_t>(i / micro_),
                            .micro = static_cast<std::int16_t>(i % micro_)},
                     stage_[i / micro_].rank);
    }
    if (!options_.optimize) return found_;
    for (int stage = 0; stage < stages_ && trains_; ++stage)
      if (!gradients_ready(stage))
        return missing(action{.kind = op::reduce_gradients, .stage = static_cast<std::int16_t>(stage)},
                       stage_[stage].rank);
    for (int rank = 0; rank < ranks_count_; ++rank) {
      const std::uint8_t* const mine = once_ + rank * op_count;
      if (trains_ && mine[static_cast<int>(op::optimizer_step)] != passed)
        return missing(action{.kind = op::optimizer_step}, rank);
      if (mine[static_cast<int>(op::reduce_loss)] != passed) return missing(action{.kind = op::reduce_loss}, rank);
    }
    return found_;
  }

  const rank_actions* ranks_;
  int ranks_count_;
  int stages_;
  int micro_;
  int chunks_;
  bool trains_;
  int message_slots_;
  step_options options_;
  scratch<std::uint8_t> state_memory_;
  scratch<std::int16_t> holder_memory_;
  scratch<pending> busy_memory_;
  scratch<message_slot> slot_memory_;
  scratch<queue> queue_memory_;
  scratch<std::int32_t> message_memory_;
  scratch<stage_state> stage_memory_;
  scratch<bool> placed_memory_;
  scratch<std::uint8_t> once_memory_;
  std::uint8_t* state_;      ///< [stages, micro]: which parts are done
  std::int16_t* holder_;     ///< [stages, slots]: the micro-batch that holds an activation slot, plus 1; 0: free
  pending* busy_;            ///< [stages, activation slots]
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
