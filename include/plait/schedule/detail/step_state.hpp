// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <plait/core/scratch.hpp>
#include <plait/schedule/action.hpp>
#include <plait/schedule/program.hpp>
#include <plait/schedule/shape.hpp>
#include <plait/schedule/verification.hpp>

namespace plait::detail {

/// The actions of one rank, in order.
struct rank_actions {
  const action* begin = nullptr;
  const action* end = nullptr;
};

/// How far the programs of all ranks have come with a step: where each stage is, what each micro-batch has been through
/// there, what is in queues and slots; and the first offence.
///
/// Compilers keep this for every `static_assert`; g++ and nvcc count calls and conversions, clang counts statements:
/// hence raw pointers, conditions that are long rather than many, and the rank and action at hand as members. The rules
/// stand in classes derived from this one, which reach its members without a call.
class step_state {
 public:
  /// message_slots: of the chunk that has most.
  constexpr step_state(const rank_actions* ranks, pipe_shape shape, bool trains, step_options options,
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

 protected:
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

  /// Finds each stage's rank and chunk, which are those of its first forward pass (`pass_rules` refuse others), and its
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

}  // namespace plait::detail
