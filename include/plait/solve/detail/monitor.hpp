// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <ctime>

namespace plait::detail {

/// Seconds of wall time since some fixed moment.
inline double seconds_now() {
  std::timespec t{};
  std::timespec_get(&t, TIME_UTC);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

enum class stop_reason : signed char { none, time, iterations, objective, interrupt };

/// Thrown by `monitor::poll`; `simplex::solve` catches it.
struct stop_request {};

/// The limits of one solve, and who asks to stop it.
struct monitor {
  double deadline = 1e300;  ///< in the time of seconds_now()
  long iteration_limit = -1;
  long iterations = 0;
  bool (*interrupted)(void*) = nullptr;
  void* context = nullptr;
  stop_reason reason = stop_reason::none;
  bool small = true;  ///< whether a pivot takes microseconds

  /// Whether to stop, asked once for each pivot. In small programs the clock is read on one call of sixteen.
  bool stop() {
    if (reason != stop_reason::none) return true;
    if (iteration_limit >= 0 && iterations >= iteration_limit) {
      reason = stop_reason::iterations;
    } else if (!small || (calls_++ & 15u) == 0) {
      look();
    }
    return reason != stop_reason::none;
  }
  /// For the inside of everything else that takes long: some milliseconds must not pass without a call.
  /// Throws: stop_request.
  void poll() {
    look();
    if (reason == stop_reason::time || reason == stop_reason::interrupt) throw stop_request{};
  }

 private:
  void look() {
    if (deadline < 1e300 && seconds_now() >= deadline) reason = stop_reason::time;
    if (interrupted != nullptr && interrupted(context)) reason = stop_reason::interrupt;
  }
  std::uint32_t calls_ = 0;
};

}  // namespace plait::detail
