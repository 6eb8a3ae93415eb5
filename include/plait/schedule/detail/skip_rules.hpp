// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include <plait/core/scratch.hpp>
#include <plait/schedule/action.hpp>
#include <plait/schedule/detail/step_state.hpp>
#include <plait/schedule/skip_edge.hpp>

namespace plait::detail {

/// What goes along skip edges: what a pass may read of it, and what it leaves behind.
///
/// The queue model: one queue for each (sender, receiver, edge, direction of pass), so that messages of an edge wait
/// neither for those of other edges nor for those between neighbours.
///
/// The memory model: what comes along an edge is in buffers of the activation slot of the stage that reads it. Where
/// both stages are on one rank it is read from the activation slot of the stage that made it, which must still hold it.
/// The input half of the reader's backward pass writes the gradients for all edges that lead to it into one slot of
/// their own, where they stay until each has been sent, or used by a stage of the same rank. A gradient that comes back
/// is in buffers of the message slot with which its stage goes backward.
class skip_rules : protected step_state {
 public:
  constexpr skip_rules(const rank_actions* ranks, pipe_shape shape, bool trains, const step_options& options,
                       int message_slots, weight_versions policy, int buffers)
      : step_state{ranks, shape, trains, options, message_slots, policy, buffers}, skip_count_{options.skips.size()} {}
  skip_rules(const skip_rules&) = delete;
  skip_rules& operator=(const skip_rules&) = delete;
  constexpr ~skip_rules() {
    delete[] along_;
    delete[] lines_;
    delete[] line_messages_;
    delete[] made_in_;
    delete[] came_in_;
    delete[] has_slot_;
  }

 protected:
  /// After the stages have been placed. Needs: edges from stages to later ones.
  constexpr void place_skips() {
    if (skip_count_ == 0) return;
    const int places = ranks_count_ * chunks_;
    along_ = new std::uint8_t[size(skip_count_ * micro_)]{};
    lines_ = new queue[size(2 * skip_count_ * lanes_)]{};
    line_messages_ = new std::int32_t[size(2 * skip_count_ * lanes_ * micro_)]{};
    for (int i = 0; i < 2 * skip_count_ * lanes_; ++i) lines_[i].message = line_messages_ + i * micro_;
    made_in_ = new std::int16_t[size(places * micro_)]{};
    has_slot_ = new bool[size(stages_ * micro_)]{};
    came_in_ = new std::int16_t[size(skip_count_ * places * message_slots_)]{};
  }

  /// One message along an edge.
  constexpr bool step_skip(const action& act) {
    if (act.edge >= skip_count_) return refuse("there is no such skip edge");
    const skip_edge ends = options_.skips[act.edge];
    const bool backward = act.kind == op::send_gradient || act.kind == op::receive_gradient;
    if (!is_send(act.kind) && !is_receive(act.kind)) return refuse("it does not go along a skip edge");
    if (backward && !trains_) return refuse("its program is one of forward passes");
    const bool at_end = act.kind == op::receive_activation || act.kind == op::send_gradient;
    if (act.stage != (at_end ? ends.to : ends.from)) return refuse("its skip edge leads to other stages");
    if (stage_of(at_end ? ends.from : ends.to, act.micro).rank != act.peer || act.peer == rank_)
      return refuse("it names the wrong peer");
    std::uint8_t& done = along_[act.edge * micro_ + act.micro];
    queue& line = line_of(act.edge, act.micro, backward);
    return is_send(act.kind) ? send_skip(act, done, line) : receive_skip(act, done, line);
  }
  constexpr bool has_skip_message(const action& act) const {
    const queue& line = line_of(act.edge, act.micro, act.kind == op::receive_gradient);
    return line.taken < line.sent;
  }

  /// Whether a micro-batch has an activation slot at a stage, which messages of several edges come into.
  constexpr bool has_slot(const action& act) const { return has_slot_[act.stage * micro_ + act.micro]; }
  /// It has one from now on; returns what the slot says of it.
  constexpr std::int16_t note_slot(const action& act) {
    has_slot_[act.stage * micro_ + act.micro] = true;
    return static_cast<std::int16_t>(act.micro + 1);
  }

  /// Whether a forward pass finds what comes to it along edges.
  constexpr bool skips_are_here(const action& act) {
    for (int edge = 0; edge < skip_count_; ++edge) {
      if (options_.skips[edge].to != act.stage) continue;
      // On this rank its slot still holds it: there it stays until its backward pass, or until this pass has run.
      if (stage_of(options_.skips[edge].from, act.micro).rank != rank_ &&
          (along_[edge * micro_ + act.micro] & value_received) == 0)
        return refuse("what comes along a skip edge has not been received");
    }
    return true;
  }

  /// In an evaluation: whether a stage's output has gone to all who read it along edges. `skip_waits_`: to one of them
  /// it is still under way.
  constexpr bool skips_gone_on(int stage, int micro) {
    skip_waits_ = false;
    for (int edge = 0; edge < skip_count_; ++edge) {
      const int to = options_.skips[edge].to, done = along_[edge * micro_ + micro];
      if (options_.skips[edge].from != stage) continue;
      if (stage_of(to, micro).rank == stage_of(stage, micro).rank) {
        if ((state_[to * micro_ + micro] & forward) == 0) return false;
      } else {
        if ((done & value_sent) == 0) return false;
        skip_waits_ = skip_waits_ || (done & value_received) == 0;
      }
    }
    return true;
  }

  /// Whether a backward pass that makes the gradient of its input finds those that come to it along edges, and the slot
  /// free for those that it makes. False: it waits, or `found_` says what is wrong.
  constexpr bool skip_gradients_are_here(const action& act) {
    bool makes = false;
    for (int edge = 0; edge < skip_count_; ++edge) {
      const skip_edge ends = options_.skips[edge];
      makes = makes || ends.to == act.stage;
      if (ends.from != act.stage) continue;
      const bool remote = stage_of(ends.to, act.micro).rank != rank_;
      if (remote && (along_[edge * micro_ + act.micro] & gradient_received) == 0)
        return refuse("the gradient along a skip edge has not been received");
      if (remote && came_in(edge, act) != act.micro + 1)
        return refuse("its message slot holds a gradient along a skip edge of another micro-batch");
      if (!remote && (state_[ends.to * micro_ + act.micro] & input) == 0)
        return refuse("the stage at the end of a skip edge has not run backward");
    }
    if (!makes) return true;
    if (act.skip < 0 || act.skip >= micro_) return refuse("there is no such slot for gradients along skip edges");
    const int before = made_in(act) - 1;  // the micro-batch whose gradients the slot had
    for (int edge = 0; edge < skip_count_ && before >= 0; ++edge) {
      const int from = options_.skips[edge].from, done = along_[edge * micro_ + before];
      if (options_.skips[edge].to != act.stage) continue;
      const bool remote = stage_of(from, before).rank != rank_;
      if (remote ? (done & gradient_sent) == 0 : (state_[from * micro_ + before] & input) == 0)
        return refuse("its slot still holds a gradient along a skip edge that has not been passed on");
      if (remote && (done & gradient_received) == 0) return false;
    }
    return true;
  }
  /// What it leaves; returns the halves that it was.
  constexpr std::uint8_t leave_skip_gradients(const action& act, std::uint8_t halves) {
    if ((halves & input) == 0) return halves;
    for (int edge = 0; edge < skip_count_; ++edge) {
      if (options_.skips[edge].from == act.stage && stage_of(options_.skips[edge].to, act.micro).rank != rank_)
        came_in(edge, act) = 0;
      if (options_.skips[edge].to == act.stage) made_in(act) = static_cast<std::int16_t>(act.micro + 1);
    }
    return halves;
  }

 private:
  /// What has been done for one (edge, micro-batch).
  enum : std::uint8_t { value_sent = 1, value_received = 2, gradient_sent = 4, gradient_received = 8 };

  /// The queue of an edge and direction. Micro-batches of different lanes share it where they join the same ranks.
  constexpr queue& line_of(int edge, int micro, bool backward) const {
    const skip_edge ends = options_.skips[edge];
    const int from = stage_of(ends.from, micro).rank, to = stage_of(ends.to, micro).rank;
    int lane = 0;
    while (stage_of(ends.from, lane).rank != from || stage_of(ends.to, lane).rank != to) ++lane;
    return lines_[(2 * edge + (backward ? 1 : 0)) * lanes_ + lane];
  }
  /// The micro-batch whose gradients a slot has, plus 1; 0: it has had none.
  constexpr std::int16_t& made_in(const action& act) const {
    return made_in_[(rank_ * chunks_ + act.chunk) * micro_ + act.skip];
  }
  /// The micro-batch whose gradient has come into a message slot along an edge, plus 1; 0: none.
  constexpr std::int16_t& came_in(int edge, const action& act) const {
    return came_in_[((edge * ranks_count_ + rank_) * chunks_ + act.chunk) * message_slots_ + act.message];
  }
  constexpr bool send_skip(const action& act, std::uint8_t& done, queue& line) {
    const bool backward = act.kind == op::send_gradient;
    const int sent = backward ? gradient_sent : value_sent;
    const std::uint8_t cell = state_[act.stage * micro_ + act.micro];
    if ((cell & (backward ? input : forward)) == 0) return refuse("what it sends has not been computed");
    if ((done & sent) != 0) return refuse("it has already been sent");
    if (backward && (act.skip < 0 || act.skip >= micro_))
      return refuse("there is no such slot for gradients along skip edges");
    if (backward ? made_in(act) != act.micro + 1 : stage_of(act.stage, act.micro).held[act.slot] != act.micro + 1)
      return refuse("its slot holds another micro-batch");
    line.message[line.sent++] = act.micro;
    done |= static_cast<std::uint8_t>(sent);
    return true;
  }

  constexpr bool receive_skip(const action& act, std::uint8_t& done, queue& line) {
    const bool backward = act.kind == op::receive_gradient;
    const int received = backward ? gradient_received : value_received;
    if ((done & received) != 0) return refuse("it has already been received");
    if (backward && (act.message < 0 || act.message >= message_slots_)) return refuse("there is no such message slot");
    if (line.taken == line.sent) return false;
    if (line.message[line.taken] != act.micro)
      return refuse("the next message of its queue is for another stage or micro-batch");
    if (backward) {
      if (came_in(act.edge, act) != 0) return refuse("its message slot still holds a gradient that is needed");
      came_in(act.edge, act) = static_cast<std::int16_t>(act.micro + 1);
    } else {
      const std::uint8_t cell = state_[act.stage * micro_ + act.micro];
      if (stage_of(act.stage, act.micro).held[act.slot] != act.micro + 1 || (cell & forward) != 0)
        return refuse((cell & forward) != 0 ? "it has already run" : "its slot does not hold its micro-batch");
    }
    ++line.taken;
    done |= static_cast<std::uint8_t>(received);
    return true;
  }

 protected:
  int skip_count_;
  bool skip_waits_ = false;

 private:
  std::uint8_t* along_ = nullptr;          ///< [edges, micro]
  queue* lines_ = nullptr;                 ///< [edges, direction, lanes]
  std::int32_t* line_messages_ = nullptr;  ///< micro-batches, each queue's in a row
  std::int16_t* made_in_ = nullptr;        ///< [ranks, chunks, slots]
  bool* has_slot_ = nullptr;               ///< [stages, micro]
  std::int16_t* came_in_ = nullptr;        ///< [edges, ranks, chunks, message slots]
};

}  // namespace plait::detail
