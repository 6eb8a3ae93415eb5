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

/// The limits of one solve, and who asks to stop it.
struct monitor {
  double deadline = 1e300;  ///< in the time of seconds_now()
  long iteration_limit = -1;
  long iterations = 0;
  bool (*interrupted)(void*) = nullptr;
  void* context = nullptr;
  stop_reason reason = stop_reason::none;

  /// Whether to stop. The clock is read on one call of sixteen.
  bool stop() {
    if (reason != stop_reason::none) return true;
    if (iteration_limit >= 0 && iterations >= iteration_limit) {
      reason = stop_reason::iterations;
    } else if ((calls_++ & 15u) == 0) {
      if (deadline < 1e300 && seconds_now() >= deadline) reason = stop_reason::time;
      if (interrupted != nullptr && interrupted(context)) reason = stop_reason::interrupt;
    }
    return reason != stop_reason::none;
  }

 private:
  std::uint32_t calls_ = 0;
};

}  // namespace plait::detail
