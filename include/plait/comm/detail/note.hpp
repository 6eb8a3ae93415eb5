// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include <plait/comm/communicator.hpp>

namespace plait::detail {

/// What a rank is blocked in. The texts live as long as the world.
struct waiting_note {
  const char* call = nullptr;  ///< nullptr: not blocked
  const char* with = nullptr;  ///< "of ranks 0, 2", or "from" or "for" before the peer
  int peer = -1;
  int channel = -1;
};

/// Two texts and four small integers that one thread writes and any thread reads whole.
///
/// A write is six plain stores, so it can stand before every action; a reader that meets a write tries again. Every
/// word is atomic and read before the second look at the count, so there is no data race.
class note_cell {
 public:
  struct words {
    const char* what = nullptr;
    const char* where = nullptr;
    std::int32_t a = -1, b = -1, c = -1, d = -1;
  };

  void write(const words& now) noexcept {
    const std::uint64_t before = count_.load(std::memory_order_relaxed);
    count_.store(before + 1, std::memory_order_relaxed);
    what_.store(now.what, std::memory_order_release);
    where_.store(now.where, std::memory_order_release);
    first_.store(pack(now.a, now.b), std::memory_order_release);
    second_.store(pack(now.c, now.d), std::memory_order_release);
    count_.store(before + 2, std::memory_order_release);
  }

  [[nodiscard]] words read() const noexcept {
    for (;;) {
      const std::uint64_t before = count_.load(std::memory_order_acquire);
      words now;
      now.what = what_.load(std::memory_order_acquire);
      now.where = where_.load(std::memory_order_acquire);
      const std::uint64_t first = first_.load(std::memory_order_acquire);
      const std::uint64_t second = second_.load(std::memory_order_acquire);
      if (before % 2 == 0 && count_.load(std::memory_order_relaxed) == before) {
        now.a = high(first), now.b = low(first), now.c = high(second), now.d = low(second);
        return now;
      }
      std::this_thread::yield();
    }
  }

 private:
  static std::uint64_t pack(std::int32_t a, std::int32_t b) {
    return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(a)) << 32) | static_cast<std::uint32_t>(b);
  }
  static std::int32_t high(std::uint64_t both) { return static_cast<std::int32_t>(both >> 32); }
  static std::int32_t low(std::uint64_t both) { return static_cast<std::int32_t>(both & 0xffffffffu); }

  std::atomic<std::uint64_t> count_{0};
  std::atomic<const char*> what_{nullptr};
  std::atomic<const char*> where_{nullptr};
  std::atomic<std::uint64_t> first_{~std::uint64_t{0}};
  std::atomic<std::uint64_t> second_{~std::uint64_t{0}};
};

inline note_cell::words words_of(const activity& now) {
  return {now.what, nullptr, now.stage, now.micro, now.peer, -1};
}
inline activity activity_of(const note_cell::words& now) {
  return now.what == nullptr ? activity{} : activity{now.what, now.a, now.b, now.c};
}
inline note_cell::words words_of(const waiting_note& now) {
  return {now.call, now.with, now.peer, now.channel, -1, -1};
}
inline waiting_note waiting_of(const note_cell::words& now) {
  return {now.what, now.where, now.a, now.b};
}

/// "forward stage 1 micro 3"
inline std::string describe(const activity& now) {
  std::string text = now.what;
  if (now.stage >= 0) text.append(" stage ").append(std::to_string(now.stage));
  if (now.micro >= 0) text.append(" micro ").append(std::to_string(now.micro));
  if (now.peer >= 0) text.append(" peer ").append(std::to_string(now.peer));
  return text;
}

/// "waiting in receive from rank 0, channel 1"; "waiting in all_reduce of ranks 0, 2"
inline std::string describe(const waiting_note& now) {
  std::string text = std::string{"waiting in "} + now.call + " " + now.with;
  if (now.peer >= 0) text.append(" rank ").append(std::to_string(now.peer));
  if (now.channel >= 0) text.append(", channel ").append(std::to_string(now.channel));
  return text;
}

}  // namespace plait::detail
