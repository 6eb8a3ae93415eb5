// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace plait::detail {

/// What a rank is blocked in. The texts live as long as the world.
struct waiting_note {
  const char* call = nullptr;  ///< nullptr: not blocked
  const char* with = nullptr;  ///< "of ranks 0, 2", or "from" or "for" before the peer
  int peer = -1;
  int channel = -1;
};

/// Two small integers in one word.
inline std::uint64_t packed(std::int32_t a, std::int32_t b) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(a)) << 32) | static_cast<std::uint32_t>(b);
}
inline std::int32_t high_half(std::uint64_t both) {
  return static_cast<std::int32_t>(both >> 32);
}
inline std::int32_t low_half(std::uint64_t both) {
  return static_cast<std::int32_t>(both & 0xffffffffu);
}

/// Two texts and two small integers that one thread writes and any thread reads whole.
///
/// A write is five plain stores, so it can stand before every wait; a reader that meets a write tries again. Every
/// word is atomic and read before the second look at the count, so there is no data race.
class note_cell {
 public:
  struct words {
    const char* what = nullptr;
    const char* where = nullptr;
    std::int32_t a = -1, b = -1;
  };

  void write(const words& now) noexcept {
    const std::uint64_t before = count_.load(std::memory_order_relaxed);
    count_.store(before + 1, std::memory_order_relaxed);
    what_.store(now.what, std::memory_order_release);
    where_.store(now.where, std::memory_order_release);
    first_.store(packed(now.a, now.b), std::memory_order_release);
    count_.store(before + 2, std::memory_order_release);
  }

  [[nodiscard]] words read() const noexcept {
    for (;;) {
      const std::uint64_t before = count_.load(std::memory_order_acquire);
      words now;
      now.what = what_.load(std::memory_order_acquire);
      now.where = where_.load(std::memory_order_acquire);
      const std::uint64_t first = first_.load(std::memory_order_acquire);
      if (before % 2 == 0 && count_.load(std::memory_order_relaxed) == before) {
        now.a = high_half(first), now.b = low_half(first);
        return now;
      }
      std::this_thread::yield();
    }
  }

 private:
  std::atomic<std::uint64_t> count_{0};
  std::atomic<const char*> what_{nullptr};
  std::atomic<const char*> where_{nullptr};
  std::atomic<std::uint64_t> first_{~std::uint64_t{0}};
};

inline note_cell::words words_of(const waiting_note& now) {
  return {now.call, now.with, now.peer, now.channel};
}
inline waiting_note waiting_of(const note_cell::words& now) {
  return {now.what, now.where, now.a, now.b};
}

/// "waiting in receive from rank 0, channel 1"; "waiting in all_reduce of ranks 0, 2"
inline std::string describe(const waiting_note& now) {
  std::string text = std::string{"waiting in "} + now.call + " " + now.with;
  if (now.peer >= 0) text.append(" rank ").append(std::to_string(now.peer));
  if (now.channel >= 0) text.append(", channel ").append(std::to_string(now.channel));
  return text;
}

}  // namespace plait::detail
