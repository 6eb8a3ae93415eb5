// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <plait/core/require.hpp>
#include <plait/core/scratch.hpp>
#include <plait/schedule/action.hpp>
#include <plait/schedule/detail/message_plan.hpp>
#include <plait/schedule/detail/stage_table.hpp>
#include <plait/schedule/detail/version_slots.hpp>
#include <plait/schedule/program.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait::detail {

/// How far the program of one rank has been made: the buffers of its chunks, dealt out to micro-batches and taken back,
/// and who they exchange messages with.
class builder_state {
 public:
  /// in_flight(chunk, kind): how many outputs or gradients of a chunk may be under way; unused where a plan is given.
  /// skips_in_flight: [chunks], gradients along skip edges; must be given where there are such edges and no plan.
  template <class InFlight>
  constexpr builder_state(const stage_table& table, pipe_shape shape, int rank, step_options options,
                          weight_versions policy, const message_plan* plan, InFlight&& in_flight,
                          const int* skips_in_flight = nullptr)
      : table_{table},
        shape_{shape},
        micro_{shape.all_micro()},
        rank_{rank},
        has_copies_{table.lanes() > 1},
        has_skips_{!options.skips.empty()},
        options_{options},
        policy_{options.optimize ? policy : weight_versions::flush},
        plan_{plan},
        skips_in_flight_{skips_in_flight},
        chunk_memory_(static_cast<std::size_t>(shape.chunks)),
        slot_memory_(static_cast<std::size_t>(2 * shape.chunks * micro_)),
        pending_memory_(static_cast<std::size_t>(2 * shape.chunks * micro_)),
        chunks_{chunk_memory_.data()} {
    for (int chunk = 0; chunk < shape.chunks; ++chunk) {
      const int stage = table.stage_of(rank, chunk);
      chunk_state& here = chunks_[chunk];
      here.slots.of = slot_memory_.data() + 2 * chunk * micro_;
      here.slots.free = here.slots.of + micro_;
      here.pending.of = pending_memory_.data() + 2 * chunk * micro_;
      here.pending.free = here.pending.of + micro_;
      here.stage = static_cast<std::int16_t>(stage);
      if (stage < 0) continue;
      find_peers(here, 0);
      here.outputs = plan != nullptr ? plan->count(rank, chunk) : in_flight(chunk, op::send_activation);
      here.messages = plan != nullptr ? plan->count(rank, chunk) : in_flight(chunk, op::send_gradient);
      if (policy_ != weight_versions::flush) here.versions = new version_slots{policy_, shape};
    }
  }
  builder_state(const builder_state&) = delete;
  builder_state& operator=(const builder_state&) = delete;
  constexpr ~builder_state() { forget_versions(); }

  [[nodiscard]] constexpr bool trains() const { return trains_; }
  [[nodiscard]] constexpr int slots(int chunk) const { return chunks_[chunk].slots.count; }
  [[nodiscard]] constexpr int pending(int chunk) const { return chunks_[chunk].pending.count; }
  [[nodiscard]] constexpr int messages(int chunk) const { return chunks_[chunk].messages; }
  [[nodiscard]] constexpr int skips(int chunk) const { return chunks_[chunk].skips; }
  [[nodiscard]] constexpr int versions(int chunk) const {
    return chunks_[chunk].versions == nullptr ? 1 : chunks_[chunk].versions->count();
  }
  [[nodiscard]] constexpr weight_versions policy() const { return policy_; }

 protected:
  /// Buffers of a chunk, dealt out to micro-batches and taken back.
  struct slot_pool {
    std::int16_t* of = nullptr;    ///< [micro]
    std::int16_t* free = nullptr;  ///< [micro], a stack
    int free_count = 0;
    int count = 0;
  };
  struct chunk_state {
    std::int16_t stage = 0;
    std::int16_t before = -1;  ///< other rank that holds the stage before, or -1
    std::int16_t after = -1;
    int outputs = 0;  ///< under way at once
    int messages = 0;
    int skips = 0;  ///< slots for gradients that go along skip edges
    slot_pool slots{};
    slot_pool pending{};
    version_slots* versions = nullptr;
    int passes_left = 0;  ///< backward passes to come
    int of_update = 0;    ///< backward passes since the last update
  };

  /// An evaluation updates nothing, so it has one version of the weights.
  constexpr void forget_versions() {
    policy_ = weight_versions::flush;
    for (int chunk = 0; chunk < shape_.chunks; ++chunk) {
      delete chunks_[chunk].versions;
      chunks_[chunk].versions = nullptr;
    }
  }

  /// The rank of a neighbouring stage, or -1 where there is none or it is this rank itself.
  constexpr std::int16_t other_rank(int stage, int micro) const {
    if (stage < 0 || stage >= table_.stages() || table_.copies(stage) == 0) return -1;
    const int rank = table_.holder_of(stage, micro).rank;
    return static_cast<std::int16_t>(rank == rank_ ? -1 : rank);
  }
  /// Who a chunk exchanges messages with for a micro-batch; nobody, where the order itself has the messages.
  constexpr void find_peers(chunk_state& chunk, int micro) const {
    chunk.before = derives_ ? other_rank(chunk.stage - 1, micro) : std::int16_t{-1};
    chunk.after = derives_ ? other_rank(chunk.stage + 1, micro) : std::int16_t{-1};
  }
  constexpr std::int16_t message_of(const chunk_state& chunk, int micro) const {
    return static_cast<std::int16_t>(plan_ != nullptr ? plan_->slot(chunk.stage, micro) : micro % chunk.messages);
  }

  constexpr void take_slot(chunk_state& chunk, int micro) {
    if (trains_ && chunk.slots.count == micro_ && chunk.slots.free_count == 0)
      require(false, "plait::program_of", "the schedule's order has more forward passes of a chunk than micro-batches");
    const int slot = trains_
                         ? (chunk.slots.free_count > 0 ? chunk.slots.free[--chunk.slots.free_count] : chunk.slots.count)
                     : plan_ != nullptr ? plan_->slot(chunk.stage, micro)
                                        : micro % chunk.outputs;
    chunk.slots.of[micro] = static_cast<std::int16_t>(slot);
    if (slot >= chunk.slots.count) chunk.slots.count = slot + 1;
  }

  /// The slot for gradients along the skip edges that lead to a chunk; -1: none do.
  constexpr std::int16_t skip_slot(chunk_state& chunk, int micro) const {
    const int room = plan_ != nullptr ? 0 : skips_in_flight_[&chunk - chunks_];
    const int slot = plan_ != nullptr ? plan_->skip_slot(chunk.stage, micro) : room > 0 ? micro % room : -1;
    if (slot >= chunk.skips) chunk.skips = slot + 1;
    return static_cast<std::int16_t>(slot);
  }

  /// The slot that a chunk's gradients keep from the input half to the weight half.
  constexpr std::int16_t between_halves(chunk_state& chunk, const pass& one) {
    slot_pool& pool = chunk.pending;
    if (one.kind == op::backward_input)
      pool.of[one.micro] = pool.free_count > 0 ? pool.free[--pool.free_count] : static_cast<std::int16_t>(pool.count++);
    else if (pool.free_count == micro_)
      too_many();
    else
      pool.free[pool.free_count++] = pool.of[one.micro];
    return pool.of[one.micro];
  }

  static constexpr void too_many() {
    require(false, "plait::program_of", "the schedule's order has more backward passes of a chunk than micro-batches");
  }

  const stage_table& table_;
  pipe_shape shape_;
  int micro_;
  int rank_;
  bool has_copies_;
  bool has_skips_;
  step_options options_;
  weight_versions policy_;
  const message_plan* plan_;
  const int* skips_in_flight_;
  scratch<chunk_state> chunk_memory_;
  scratch<std::int16_t> slot_memory_;
  scratch<std::int16_t> pending_memory_;
  chunk_state* chunks_;
  bool derives_ = true;  ///< sends and receives follow from the passes
  bool trains_ = false;
};

}  // namespace plait::detail
