// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include <plait/schedule/action.hpp>
#include <plait/schedule/detail/skip_rules.hpp>

namespace plait::detail {

/// What a micro-batch may do next at a stage, and what it leaves behind: passes, sends and receives.
///
/// The queue model: one queue for each (sender, receiver, direction of pass), delivered in the order of sending. A send
/// never waits; a receive waits until its queue has a message. A rank that is about to write a slot waits until the
/// last message sent from that slot has been taken.
///
/// The memory model: an activation slot belongs to one micro-batch, from the receive (or the forward pass) to the end
/// of the backward pass; in a program of forward passes, until its output has gone on. A message slot of a chunk is a
/// pair of buffers. The gradient of the chunk's output comes into one and is used up by the input half of the backward
/// pass, which leaves the gradient of the chunk's input in the other; there it stays until it is sent or, where the
/// stage before is on the same rank, used up by that stage's backward pass.
class pass_rules : protected skip_rules {
 public:
  using skip_rules::skip_rules;

 protected:
  /// Carries out one action of a micro-batch if it need not wait. False: it waits, or `found_` says what is wrong.
  constexpr bool step_pass(const action& act) {
    if (act.stage < 0 || act.stage >= stages_ || act.micro >= micro_ || act.slot < 0 || act.slot >= micro_ ||
        (here_ = stage_ + (lanes_ == 1 ? act.stage : act.micro % lanes_ * stages_ + act.stage))->rank != rank_ ||
        here_->chunk != act.chunk)
      return refuse_place(act);
    std::uint8_t& cell = state_[act.stage * micro_ + act.micro];
    stage_state& stage = *here_;
    return act.edge >= 0                        ? along_edge(act, stage, cell)
           : act.kind == op::forward            ? step_forward(act, stage, cell)
           : act.kind == op::receive_activation ? receive_activation(act, stage, cell)
           : act.kind == op::send_activation    ? send_activation(act, stage, cell)
           : act.kind == op::backward           ? step_backward(act, stage, cell, input | weight)
           : act.kind == op::receive_gradient   ? receive_gradient(act, stage, cell)
           : act.kind == op::send_gradient      ? send_gradient(act, stage, cell)
           : act.kind == op::backward_input     ? step_backward(act, stage, cell, input)
           : act.kind == op::backward_weight    ? step_backward(act, stage, cell, weight)
                                                : refuse("it cannot have a micro-batch");
  }

  /// Whether the queue of a receive has a message.
  constexpr bool has_message(const action& act) const {
    if (act.edge >= 0) return has_skip_message(act);
    const stage_state& stage = stage_of(act.stage, act.micro);
    const queue* const line = act.kind == op::receive_activation ? stage.activations_in : stage.gradients_in;
    return line->taken < line->sent;
  }

 private:
  constexpr bool refuse_place(const action& act) {
    if (act.stage < 0 || act.stage >= stages_) return refuse("there is no such stage");
    if (act.micro >= micro_) return refuse("there is no such micro-batch");
    if (act.slot < 0 || act.slot >= micro_) return refuse("there is no such slot");
    if (stage_of(act.stage, act.micro).rank == rank_) return refuse("its stage is another chunk");
    return refuse(lanes_ == 1 ? "its stage is on another rank"
                              : "its micro-batch goes through another copy of its stage");
  }

  /// Whether the activation slot that an action names belongs to its micro-batch.
  constexpr bool holds(const action& act) const { return here_->held[act.slot] == act.micro + 1; }

  constexpr bool step_forward(const action& act, const stage_state& stage, std::uint8_t& cell) {
    if (stage.activations_in == nullptr) {
      if ((cell & forward) != 0) return refuse("it has already run");
      if (stage.before >= 0 && ((&cell)[-micro_] & forward) == 0) return refuse("the stage before it has not run");
      if (!(skip_count_ > 0 && holds(act)) && !take_slot(act, stage)) return false;
    } else if ((cell & (activation_in | forward)) != activation_in || !holds(act)) {  // the receive has taken the slot
      return refuse((cell & forward) != 0         ? "it has already run"
                    : (cell & activation_in) == 0 ? "its input has not been received"
                                                  : "its slot holds another micro-batch");
    }
    if ((policy_ != weight_versions::flush && trains_ && !reads_right_version(act, stage)) ||
        (skip_count_ > 0 && !skips_are_here(act)))
      return false;
    cell |= forward;
    return true;
  }

  /// What the forward pass reads must be what the policy says; the backward pass must read the same.
  constexpr bool reads_right_version(const action& act, const stage_state& stage) {
    const int here = act.version < buffers_ ? stage.place->version[act.version] : no_version;
    const int fixed = fixed_version(policy_, act.micro, micro_of_step_, ranks_count_);
    std::int16_t& read = version_read_[act.stage * micro_ + act.micro];
    if (act.kind == op::forward) {
      if (here != (fixed == -2 ? stage.place->updates : fixed))
        return refuse("it reads another version of the weights than its policy says");
      read = static_cast<std::int16_t>(here);
    } else if (here != read) {
      return refuse("it reads another version of the weights than its forward pass did");
    }
    return true;
  }

  constexpr bool step_backward(const action& act, stage_state& stage, std::uint8_t& cell, std::uint8_t halves) {
    if ((cell & (halves | forward)) != forward || !holds(act) || !trains_ || no_message_slot(act))
      return refuse(!trains_                ? "its program is one of forward passes"
                    : (cell & forward) == 0 ? "its forward pass has not run"
                    : (cell & halves) != 0  ? "it has already run"
                    : no_message_slot(act)  ? "there is no such message slot"
                                            : "its slot holds another micro-batch");
    if (act.beside && !has_pair(act)) return refuse("there is no other forward pass right before it to run beside");
    if ((policy_ != weight_versions::flush && !may_add(act, stage, halves)) ||
        (halves != (input | weight) && !between_halves(act, stage, halves)) ||
        (skip_count_ > 0 && (halves & input) != 0 && !skip_gradients_are_here(act)))
      return false;
    if ((halves & input) != 0) {
      message_slot& mine = stage.message[act.message];
      std::int16_t* const from = stage.after < 0                 ? nullptr
                                 : stage.gradients_in != nullptr ? &mine.in
                                                                 : &(&stage)[1].message[act.message].out;
      if ((from != nullptr && *from != act.micro + 1) || mine.out != 0) return refuse_gradient(stage, cell, from);
      if (mine.sent.line != nullptr && mine.sent.line->taken < mine.sent.number) return false;
      if (from != nullptr) *from = 0;
      if (stage.before >= 0) mine.out = static_cast<std::int16_t>(act.micro + 1);
    } else {
      if ((cell & input) == 0) return refuse("its input half has not run");
      stage.place->waiting[act.pending] = 0;
    }
    if (halves == input) stage.place->waiting[act.pending] = static_cast<std::int16_t>(act.micro + 1);
    cell |= skip_count_ > 0 ? leave_skip_gradients(act, halves) : halves;
    if ((halves & weight) == 0) return true;
    stage.held[act.slot] = 0;
    ++stage.place->weight_passes;
    return true;
  }

  /// Whether the action before is a forward pass that a backward pass can run beside: not its own.
  constexpr bool has_pair(const action& act) const {
    return at_ != ranks_[rank_].begin && at_[-1].kind == op::forward &&
           (at_[-1].stage != act.stage || at_[-1].micro != act.micro);
  }

  /// Whether the slot between the halves of a backward pass is free for the first, and holds what the second needs.
  constexpr bool between_halves(const action& act, stage_state& stage, std::uint8_t halves) {
    if (pending_ == nullptr) {
      pending_ = new std::int16_t[size(ranks_count_ * chunks_ * micro_)]{};
      for (int i = 0; i < ranks_count_ * chunks_; ++i) place_[i].waiting = pending_ + i * micro_;
    }
    if (act.pending < 0 || act.pending >= micro_) return refuse("there is no such slot between the halves");
    const int held = stage.place->waiting[act.pending];
    if (halves == input && held != 0) return refuse("its slot between the halves is still held by another micro-batch");
    if (halves == weight && held != act.micro + 1 && (state_[act.stage * micro_ + act.micro] & input) != 0)
      return refuse("its slot between the halves holds another micro-batch");
    return true;
  }

  /// Where weights have versions: whether a backward pass reads what its forward pass read, and adds to gradients of
  /// its own step.
  constexpr bool may_add(const action& act, const stage_state& stage, std::uint8_t halves) {
    if (!reads_right_version(act, stage)) return false;
    if ((halves & weight) == 0) return true;
    if (stage.place->weight_passes == stage.place->passes_of_update)
      return refuse("it would add to gradients that wait for their update");
    // Copies update together: one step of each.
    return act.micro / (micro_of_step_ * stage.place->copies) == stage.place->updates
               ? true
               : refuse("it would add to the gradients of another step");
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
    if (!(skip_count_ > 0 && holds(act)) && !take_slot(act, stage)) return false;
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

  /// A message along a skip edge. What comes into a stage takes its activation slot, unless its input has.
  constexpr bool along_edge(const action& act, const stage_state& stage, const std::uint8_t& cell) {
    if (act.kind == op::receive_activation && act.edge < skip_count_ && !holds(act) && (cell & forward) == 0) {
      if (!has_skip_message(act) || !take_slot(act, stage)) return false;
    }
    return step_skip(act);
  }

  /// Takes the activation slot for a micro-batch. False: the last message from it has not been taken, or it is held.
  constexpr bool take_slot(const action& act, const stage_state& stage) {
    std::int16_t& held = stage.held[act.slot];
    if ((held > 0 &&
         (trains_ || !gone_on(act.stage, held - 1) || (skip_count_ > 0 && !skips_gone_on(act.stage, held - 1)))) ||
        (skip_count_ > 0 && has_slot(act)))
      return refuse(skip_count_ > 0 && has_slot(act) ? "its micro-batch has another slot"
                                                     : "its slot is still held by another micro-batch");
    if ((stage.busy[act.slot].line != nullptr && stage.busy[act.slot].line->taken < stage.busy[act.slot].number) ||
        (held > 0 && skip_waits_))
      return false;
    held = skip_count_ > 0 ? note_slot(act) : static_cast<std::int16_t>(act.micro + 1);
    return true;
  }

  /// Whether the output of a stage has been sent, or used by the next stage of the same rank, or is the last.
  constexpr bool gone_on(int stage, int micro) const {
    const std::uint8_t* const cell = state_ + stage * micro_ + micro;
    const stage_state& here = stage_of(stage, micro);
    if (here.activations_out != nullptr) return (*cell & activation_out) != 0;
    return (*(here.after >= 0 ? cell + micro_ : cell) & forward) != 0;
  }

  stage_state* here_ = nullptr;  ///< the stage of the action at hand
};

}  // namespace plait::detail
