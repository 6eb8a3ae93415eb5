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
  /// Steps of a nanosecond to five, as one entry of a matrix takes, from one question to the next at most.
  static constexpr int between = 1 << 17;
  /// To be called before steps are taken: asks where these, with all since the last question, would be as many.
  /// Throws: stop_request.
  void spend(std::int64_t steps) {
    spent_ += steps;
    if (spent_ < between) return;
    poll();
    spent_ = steps;
  }

 private:
  void look() {
    spent_ = 0;
    if (deadline < 1e300 && seconds_now() >= deadline) reason = stop_reason::time;
    if (interrupted != nullptr && interrupted(context)) reason = stop_reason::interrupt;
  }
  std::uint32_t calls_ = 0;
  std::int64_t spent_ = 0;
};

/// The same for those who may have nobody to ask.
inline void spend(monitor* limits, std::int64_t steps) {
  if (limits != nullptr) limits->spend(steps);
}

/// Whom to ask step by step in a loop that makes no parts: nobody where all of its steps are few, which are counted
/// here.
[[nodiscard]] inline monitor* if_many(monitor* limits, std::int64_t steps) {
  if (limits == nullptr || steps > monitor::between) return limits;
  limits->spend(steps);
  return nullptr;
}

/// Where the part that begins at `from` of [0, count) ends: of at most `monitor::between` steps, where each place takes
/// `weight`, and all of it where that is less. Asks by the steps of the part.
[[nodiscard]] inline int next_part(monitor* limits, int from, int count, int weight = 1) {
  const int most = monitor::between / weight, to = count - from > most ? from + most : count;
  spend(limits, static_cast<std::int64_t>(to - from) * weight);
  return to;
}
/// Does `part(from, to)` for all parts. Always inlined, as what `part` captures is to stay in registers.
template <class Part>
[[gnu::always_inline]] inline void in_parts(monitor* limits, int count, Part&& part, int weight = 1) {
  for (int from = 0, to = 0; from < count; from = to) {
    to = next_part(limits, from, count, weight);
    part(from, to);
  }
}

/// Writes to each page of a large table whose values nobody needs, in order: the system gives memory where it is
/// written to first, and whoever writes here and there would wait for all of it at once.
template <class Table>
void touch_in_parts(monitor* limits, Table& memory) {
  constexpr int of_page = 4096 / static_cast<int>(sizeof(*memory.data()));
  if (limits == nullptr || memory.size() < monitor::between) return;
  const auto touch = [&](int first, int last) {
    for (int page = first; page < last; ++page) memory[page * of_page] = {};
  };
  in_parts(limits, memory.size() / of_page, touch, 512);  // which it takes as long as
}

/// As `table::resize`, with zeros.
template <class Table>
void resize_in_parts(monitor* limits, Table& grown, int count) {
  grown.reserve(count);
  for (int to = grown.size(); to < count;) {
    to = next_part(limits, to, count);
    grown.resize(to);
  }
  grown.resize(count);
}

/// Makes one table what another is.
template <class Table>
void copy_in_parts(monitor* limits, const Table& from, Table& to) {
  to.resize_unset(from.size());
  in_parts(limits, from.size(), [&](int first, int last) { to.copy_part(from, first, last); });
}
/// Whether two are the same, bit by bit.
template <class Table>
bool same_in_parts(monitor* limits, const Table& a, const Table& b) {
  bool same = a.size() == b.size();
  if (same) in_parts(limits, a.size(), [&](int first, int last) { same = same && a.same_part(b, first, last); });
  return same;
}

/// As `next_part`, of the columns of a matrix, which `begin` tells, by their entries; a column is never cut.
[[nodiscard]] inline int next_columns(monitor* limits, const int* begin, int from, int columns, int weight = 1) {
  const int most = monitor::between / weight;
  int to = columns;
  if (begin[columns] - begin[from] + (columns - from) > most) {
    to = from + 1;
    while (to < columns && begin[to + 1] - begin[from] + (to + 1 - from) <= most) ++to;
  }
  spend(limits, (static_cast<std::int64_t>(begin[to] - begin[from]) + (to - from)) * weight);
  return to;
}
/// As `in_parts`, likewise.
template <class Part>
[[gnu::always_inline]] inline void columns_in_parts(monitor* limits, const int* begin, int columns, Part&& part,
                                                    int weight = 1) {
  for (int from = 0, to = 0; from < columns; from = to) {
    to = next_columns(limits, begin, from, columns, weight);
    part(from, to);
  }
}

/// As `in_parts` for the places of a list that takes at most `all` steps, of which place k takes `steps_of(k)`.
template <class Steps, class Part>
[[gnu::always_inline]] inline void list_in_parts(monitor* limits, int count, std::int64_t all, Steps&& steps_of,
                                                 Part&& part) {
  const bool few = limits == nullptr || all <= monitor::between;
  for (int from = 0, to = 0; from < count; from = to) {
    std::int64_t steps = few ? all : 0;
    for (to = few ? count : from; to < count && steps < monitor::between; ++to) steps += 1 + steps_of(to);
    spend(limits, steps);
    part(from, to);
  }
}

}  // namespace plait::detail
