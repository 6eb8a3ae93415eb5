// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <plait/comm/communicator.hpp>
#include <plait/comm/detail/note.hpp>

namespace plait::detail {

/// What a rank did last: one thread writes, any thread reads the latest activities, each of them whole.
///
/// A write is one load and four plain stores, so it can stand before every action. Entry n lies in slot n modulo `room`
/// and is there once `count_` is above n. A reader looks at the count again after it has read: an entry counts only if
/// its slot cannot have been under way to the next one by then. Every word is atomic, so there is no data race.
class activity_ring {
 public:
  static constexpr std::size_t room = 64;

  void write(const activity& now) noexcept {
    const std::uint64_t number = count_.load(std::memory_order_relaxed);
    slot& mine = slots_[number % room];
    mine.what.store(now.what, std::memory_order_release);
    mine.stage_and_micro.store(packed(now.stage, now.micro), std::memory_order_release);
    mine.peer.store(now.peer, std::memory_order_release);
    count_.store(number + 1, std::memory_order_release);
  }

  /// The latest, at most `most` and at most room - 1 of them, the oldest first; the last is what the rank does now.
  [[nodiscard]] std::vector<activity> latest(std::size_t most) const {
    std::vector<activity> found;
    const std::uint64_t count = count_.load(std::memory_order_acquire);
    const std::uint64_t wanted = std::min<std::uint64_t>({count, most, room - 1});
    for (std::uint64_t number = count - wanted; number < count; ++number) {
      const slot& from = slots_[number % room];
      activity one;
      one.what = from.what.load(std::memory_order_acquire);
      const std::uint64_t both = from.stage_and_micro.load(std::memory_order_acquire);
      one.stage = high_half(both), one.micro = low_half(both);
      one.peer = from.peer.load(std::memory_order_acquire);
      if (count_.load(std::memory_order_relaxed) >= number + room) {
        found.clear();  // so that what is found has no gap
      } else {
        found.push_back(one);
      }
    }
    return found;
  }

 private:
  struct slot {
    std::atomic<const char*> what{nullptr};
    std::atomic<std::uint64_t> stage_and_micro{0};
    std::atomic<std::int32_t> peer{-1};
  };

  std::atomic<std::uint64_t> count_{0};
  std::array<slot, room> slots_;
};

}  // namespace plait::detail
