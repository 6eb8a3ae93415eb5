// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <plait/core/scratch.hpp>
#include <plait/schedule/action.hpp>
#include <plait/schedule/detail/stage_table.hpp>
#include <plait/schedule/program.hpp>
#include <plait/schedule/shape.hpp>
#include <plait/schedule/verification.hpp>
#include <plait/schedule/weight_versions.hpp>

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
                       int message_slots, weight_versions policy = weight_versions::flush, int buffers = 1)
      : ranks_{ranks},
        ranks_count_{shape.ranks},
        stages_{shape.stages()},
        micro_{shape.all_micro()},
        micro_of_step_{shape.micro},
        chunks_{shape.chunks},
        trains_{trains},
        message_slots_{message_slots},
        buffers_{buffers},
        policy_{options.optimize ? policy : weight_versions::flush},
        options_{options},
        state_memory_(size(stages_ * micro_)),
        holder_memory_(size(ranks_count_ * chunks_ * micro_)),
        busy_memory_(size(ranks_count_ * chunks_ * micro_)),
        slot_memory_(size(ranks_count_ * chunks_ * message_slots)),
        queue_memory_(size(ranks_count_ * ranks_count_ * 2)),
        message_memory_(size(stages_ * micro_ * 2)),
        place_memory_(size(ranks_count_ * chunks_)),
        once_memory_(size(ranks_count_ * op_count)),
        state_{state_memory_.data()},
        queues_{queue_memory_.data()},
        messages_{message_memory_.data()},
        place_{place_memory_.data()},
        once_{once_memory_.data()} {}
  step_state(const step_state&) = delete;
  step_state& operator=(const step_state&) = delete;
  constexpr ~step_state() {
    delete[] stage_;
    delete[] pending_;
    delete[] version_in_;
    delete[] version_read_;
  }

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
  /// What one (rank, chunk) keeps: its buffers, and how far its gradients are.
  struct place_state {
    int stage = -1;
    std::int16_t* held = nullptr;     ///< [activation slots]: the micro-batch that holds each, plus 1; 0: free
    pending* busy = nullptr;          ///< [activation slots]
    message_slot* message = nullptr;  ///< [message slots]
    std::int16_t* waiting = nullptr;  ///< [slots between halves]: as `held`; none where no backward pass is split
    std::int16_t* version = nullptr;  ///< [weight buffers]: the version in each; none where there is one
    int copies = 1;                   ///< of its stage
    int weight_passes = 0;            ///< since the last update
    int passes_of_update = 0;         ///< that an update is of
    int updates = 0;
    unsigned reduced = 0;  ///< buckets summed over the copies, one bit each
    unsigned come = 0;     ///< buckets whose sum it has come to
  };
  /// A stage as a micro-batch meets it, and the queues of its messages; where a neighbour is on the same rank or absent
  /// there is none.
  struct stage_state {
    int rank = -1;
    int chunk = -1;
    int before = -1;  ///< rank of the stage before; -1: there is no such stage
    int after = -1;
    queue* activations_in = nullptr;
    queue* activations_out = nullptr;
    queue* gradients_in = nullptr;
    queue* gradients_out = nullptr;
    place_state* place = nullptr;
    message_slot* message = nullptr;  ///< of the place
    std::int16_t* held = nullptr;     ///< of the place
    pending* busy = nullptr;          ///< of the place
  };
  /// The stage as micro-batch `micro` meets it. Micro-batches that differ by a multiple of `lanes_` go the same way.
  constexpr stage_state& stage_of(int stage, int micro) const {
    return stage_[lanes_ == 1 ? stage : micro % lanes_ * stages_ + stage];
  }

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

  /// Finds each chunk's stage, which is that of its first forward pass (`pass_rules` refuse others), and from that who
  /// holds what and the queues. Copies of a stage are numbered by chunk and then by rank, as micro-batches use them.
  constexpr bool place_stages() {
    for (rank_ = 0; rank_ < ranks_count_; ++rank_) {
      int left = chunks_;
      for (at_ = ranks_[rank_].begin; at_ != ranks_[rank_].end && left > 0; ++at_) {
        if (at_->kind != op::forward) continue;
        if (at_->stage < 0 || at_->stage >= stages_) return refuse("there is no such stage");
        if (at_->chunk < 0 || at_->chunk >= chunks_) return refuse("there is no such chunk");
        place_state& place = place_[rank_ * chunks_ + at_->chunk];
        if (place.stage >= 0 && place.stage != at_->stage) return refuse("its chunk is that of another stage");
        if (place.stage < 0) --left;
        place.stage = at_->stage;
      }
    }
    const stage_table table{pipe_shape{.ranks = ranks_count_, .chunks = chunks_, .model_stages = stages_},
                            [&](int rank, int chunk) { return place_[rank * chunks_ + chunk].stage; }};
    for (int stage = 0; stage < stages_; ++stage)
      if (table.copies(stage) == 0)
        return missing(action{.kind = op::forward, .stage = static_cast<std::int16_t>(stage)}, 0), false;
    lanes_ = table.lanes();
    stage_ = new stage_state[size(lanes_ * stages_)]{};
    for (int place = 0; place < ranks_count_ * chunks_; ++place) fill(place_[place], place, table);
    for (int lane = 0; lane < lanes_; ++lane)
      for (int stage = 0; stage < stages_; ++stage) join(table, lane, stage);
    std::int32_t* free = messages_;
    for (int i = 0; i < ranks_count_ * ranks_count_ * 2; ++i) {
      queues_[i].message = free;
      free += queues_[i].room;
    }
    return true;
  }

 private:
  constexpr void fill(place_state& here, int number, const stage_table& table) {
    here.held = holder_memory_.data() + number * micro_;
    here.busy = busy_memory_.data() + number * micro_;
    here.message = slot_memory_.data() + number * message_slots_;
    if (here.stage < 0) return;
    here.copies = table.copies(here.stage);
    here.passes_of_update = micro_of_step_;
    if (policy_ == weight_versions::flush) {
      const int copy = here.copies == 1 ? 0 : table.copy_of(number / chunks_, number % chunks_);
      here.passes_of_update = (micro_ - copy + here.copies - 1) / here.copies;
      return;
    }
    if (version_in_ == nullptr) {
      version_in_ = new std::int16_t[size(ranks_count_ * chunks_ * buffers_)]{};
      version_read_ = new std::int16_t[size(stages_ * micro_)]{};
      for (int i = 0; i < ranks_count_ * chunks_ * buffers_; ++i) version_in_[i] = no_version;
    }
    here.version = version_in_ + number * buffers_;
    here.version[0] = 0;
    if (policy_ == weight_versions::double_buffered && buffers_ > 1) {
      here.version[0] = -1;
      here.version[1] = 0;
    }
  }

  /// One stage of a lane with the next.
  constexpr void join(const stage_table& table, int lane, int stage) {
    stage_state& here = stage_[lane * stages_ + stage];
    const holder at = table.holder_of(stage, lane);
    here.rank = at.rank;
    here.chunk = at.chunk;
    here.place = place_ + at.rank * chunks_ + at.chunk;
    here.message = here.place->message;
    here.held = here.place->held;
    here.busy = here.place->busy;
    if (stage > 0) here.before = (&here)[-1].rank;
    if (stage + 1 == stages_) return;
    stage_state& next = (&here)[1];
    here.after = table.holder_of(stage + 1, lane).rank;
    if (here.rank == here.after) return;
    here.activations_out = next.activations_in = queues_ + (here.rank * ranks_count_ + here.after) * 2;
    next.gradients_out = here.gradients_in = queues_ + (here.after * ranks_count_ + here.rank) * 2 + 1;
    const int micros = (micro_ - lane + lanes_ - 1) / lanes_;  // that go this way
    here.activations_out->room += micros;
    here.gradients_in->room += micros;
  }

 protected:
  static constexpr std::int16_t no_version = -2;  ///< in a weight buffer that has not been written

  const rank_actions* ranks_;
  int ranks_count_;
  int stages_;
  int micro_;
  int micro_of_step_;
  int chunks_;
  bool trains_;
  int message_slots_;
  int buffers_;  ///< weight buffers of the chunk that has most
  weight_versions policy_;
  step_options options_;
  scratch<std::uint8_t> state_memory_;
  scratch<std::int16_t> holder_memory_;
  scratch<pending> busy_memory_;
  scratch<message_slot> slot_memory_;
  scratch<queue> queue_memory_;
  scratch<std::int32_t> message_memory_;
  scratch<place_state> place_memory_;
  scratch<std::uint8_t> once_memory_;
  std::uint8_t* state_;     ///< [stages, micro]: which parts are done
  queue* queues_;           ///< [ranks, ranks, direction]
  std::int32_t* messages_;  ///< cells of the receivers, each queue's in a row
  place_state* place_;      ///< [ranks, chunks]
  std::uint8_t* once_;      ///< [ranks, op]
  int lanes_ = 1;
  stage_state* stage_ = nullptr;          ///< [lanes, stages]
  std::int16_t* pending_ = nullptr;       ///< slots between halves of all places, once one is used
  std::int16_t* version_in_ = nullptr;    ///< weight buffers of all places, where there are versions
  std::int16_t* version_read_ = nullptr;  ///< [stages, micro]: the version that the forward pass has read
  int arrived_[op_count]{};               ///< ranks that have come to a collective
  int rank_ = 0;                          ///< at hand
  const action* at_ = nullptr;
  verification found_{};
};

}  // namespace plait::detail
