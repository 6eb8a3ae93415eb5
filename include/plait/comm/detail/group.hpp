// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <plait/comm/detail/call.hpp>
#include <plait/comm/detail/channel.hpp>
#include <plait/comm/detail/failure.hpp>
#include <plait/comm/detail/world.hpp>
#include <plait/tensor/buffer.hpp>

namespace plait::detail {

/// What the ranks of one group share: the place where they meet, what each brought to its latest two calls, and the
/// channels between each two of them. Indices count within the group unless they say world.
template <class Space>
class group {
 public:
  /// Values that take at most so many bytes on all ranks together are copied to a staging buffer before the ranks meet.
  /// That spares a second meeting, since nobody must wait until the others have read, but each rank then reads the
  /// values of all. Measured with bench/comm/threads.cpp, all_reduce of 2, 4 and 8 ranks on 2 cores: even at 32 to 64
  /// KiB.
  static constexpr std::size_t staged_in_all = std::size_t{32} * 1024;

  /// What one rank brings to one collective.
  struct offer {
    collective_call call;
    const void* source = nullptr;
    void* sink = nullptr;
    typename Space::fence ready;  ///< `source` may be read
    typename Space::fence done;   ///< this rank has read, and written, what it will
    int color = 0;
    int key = 0;
    std::shared_ptr<group> made;  ///< by split
  };

  /// members: their ranks in the world, which the report and the errors name.
  group(std::shared_ptr<world> all, std::vector<int> members)
      : all_{std::move(all)},
        members_{std::move(members)},
        label_{all_->keep("of " + ranks_text(members_))},
        seats_{std::make_unique<seat[]>(members_.size())},
        channels_{std::make_unique<channel_list<Space>[]>(members_.size() * members_.size())},
        staged_bytes_{staged_in_all / members_.size() / Space::alignment * Space::alignment},
        staging_{static_cast<std::int64_t>(2 * staged_in_all)} {}

  [[nodiscard]] int size() const { return static_cast<int>(members_.size()); }
  [[nodiscard]] int world_rank(int index) const { return members_[static_cast<std::size_t>(index)]; }
  [[nodiscard]] world& all() const { return *all_; }
  [[nodiscard]] const std::shared_ptr<world>& shared_world() const { return all_; }

  /// turn: 0 and 1 in alternation. A rank that is in call k+2 knows that all others have left call k, so it may write
  /// its offer anew.
  [[nodiscard]] offer& offer_of(int index, int turn) const { return at(index).offers[static_cast<std::size_t>(turn)]; }
  [[nodiscard]] void* staging_of(int index, int turn) const {
    return staging_.data() + static_cast<std::size_t>(turn) * staged_in_all +
           static_cast<std::size_t>(index) * staged_bytes_;
  }
  /// Whether a collective on a whole of so many bytes goes through the staging buffer.
  [[nodiscard]] bool staged(std::size_t bytes) const { return bytes <= staged_bytes_; }
  [[nodiscard]] channel<Space>& channel_between(int sender, int receiver, int id) const {
    return channels_[static_cast<std::size_t>(sender * size() + receiver)][id];
  }

  /// Returns once every member has come. The last one to come compares what they offer, if `turn` says where, and stops
  /// the world when they have come for different calls.
  void meet(int index, const char* call, int turn = -1) {
    const std::uint64_t meeting = at(index).meetings.load(std::memory_order_relaxed) + 1;
    at(index).meetings.store(meeting, std::memory_order_release);
    if (come_.fetch_add(1, std::memory_order_acq_rel) + 1 < size()) {
      all_->wait(world_rank(index), {call, label_, -1, -1}, everybody{*this, meeting});
      return;
    }
    if (turn >= 0) compare(index, turn);
    come_.store(0, std::memory_order_relaxed);
    held_.store(meeting);
    for (int other = 0; other < size(); ++other) {
      if (other != index) all_->wake(world_rank(other));
    }
  }

 private:
  struct alignas(64) seat {
    std::atomic<std::uint64_t> meetings{0};  ///< how many this member has come to
    std::array<offer, 2> offers;
  };

  struct everybody {
    const group& of;
    std::uint64_t meeting;

    [[nodiscard]] bool done() const { return of.held_.load() >= meeting; }
    [[nodiscard]] bool hopeless() const { return of.all_->any_finished() && !missing(true).empty(); }
    [[nodiscard]] std::string complaint() const {
      const std::vector<int> gone = missing(true);
      return ranks_text(gone.empty() ? missing(false) : gone) + " did not arrive";
    }
    [[nodiscard]] std::string reason() const { return " before finishing"; }

    [[nodiscard]] std::vector<int> missing(bool finished) const {
      std::vector<int> ranks;
      for (int index = 0; index < of.size(); ++index) {
        const int rank = of.world_rank(index);
        if (finished && !of.all_->finished(rank)) continue;
        if (of.at(index).meetings.load(std::memory_order_acquire) < meeting) ranks.push_back(rank);
      }
      return ranks;
    }
  };

  [[nodiscard]] seat& at(int index) const { return seats_[static_cast<std::size_t>(index)]; }

  void compare(int index, int turn) {
    const collective_call& first = offer_of(0, turn).call;
    for (int other = 1; other < size(); ++other) {
      const collective_call& next = offer_of(other, turn).call;
      if (next == first) continue;
      all_->fail(
          world_rank(index),
          error{error_kind::comm, name_of(offer_of(index, turn).call.kind),
                "the ranks of a group must make the same calls, but rank " + std::to_string(world_rank(0)) + " calls " +
                    describe(first) + " and rank " + std::to_string(world_rank(other)) + " calls " + describe(next)});
    }
  }

  std::shared_ptr<world> all_;
  std::vector<int> members_;
  const char* label_;
  std::unique_ptr<seat[]> seats_;
  std::unique_ptr<channel_list<Space>[]> channels_;
  std::size_t staged_bytes_;  ///< the room of one rank
  buffer<std::byte, Space> staging_;
  alignas(64) std::atomic<int> come_{0};
  alignas(64) std::atomic<std::uint64_t> held_{0};  ///< meetings that have been held
};

}  // namespace plait::detail
