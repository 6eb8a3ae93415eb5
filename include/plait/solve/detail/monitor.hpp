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

/// Leaves few pivots for a program of so many rows, as long as it lives. Where they are all taken, that is no reason to
/// stop.
class few_pivots {
 public:
  few_pivots(monitor& limits, int rows) : limits_{limits}, given_{limits.iteration_limit} {
    const long allowed = limits.iterations + 50 + rows / 20;
    if (given_ < 0 || given_ > allowed) limits.iteration_limit = allowed;
  }
  few_pivots(const few_pivots&) = delete;
  few_pivots& operator=(const few_pivots&) = delete;
  ~few_pivots() {
    limits_.iteration_limit = given_;
    const bool more = given_ < 0 || limits_.iterations < given_;
    if (limits_.reason == stop_reason::iterations && more) limits_.reason = stop_reason::none;
  }

 private:
  monitor& limits_;
  long given_;
};

/// A pass over [0, count) in parts of at most `monitor::between` steps, where each place takes `weight`, with a
/// question before each by its steps; where all is less, in one part. With `begin`, where the entries of columns begin,
/// a pass over these by their entries; a column is never cut. To be written as
///
///     for (const auto [first, last] : parts(limits, count))
class parts {
 public:
  struct part {
    int first, last;
  };
  struct end_of_all {};

  parts(monitor* limits, int count, int weight = 1) : parts{limits, nullptr, count, weight} {}
  parts(monitor* limits, const int* begin, int count, int weight = 1)
      : limits_{limits}, begin_{begin}, count_{count}, weight_{weight} {}

  [[nodiscard]] parts begin() const {
    parts now = *this;
    now.find_last();
    return now;
  }
  [[nodiscard]] end_of_all end() const { return {}; }
  part operator*() const { return {first_, last_}; }
  void operator++() {
    first_ = last_;
    find_last();
  }
  bool operator!=(end_of_all /*end*/) const { return first_ < count_; }

 private:
  void find_last() {
    if (first_ >= count_) return;
    const int most = monitor::between / weight_;
    last_ = count_;
    std::int64_t places = count_ - first_;
    if (begin_ != nullptr) {
      if (places + begin_[count_] - begin_[first_] > most) {
        last_ = first_ + 1;
        while (last_ < count_ && begin_[last_ + 1] - begin_[first_] + (last_ + 1 - first_) <= most) ++last_;
      }
      places = std::int64_t{last_ - first_} + begin_[last_] - begin_[first_];
    } else if (places > most) {
      last_ = first_ + most;
      places = most;
    }
    spend(limits_, places * weight_);
  }
  monitor* limits_;
  const int* begin_;
  int count_, weight_, first_ = 0, last_ = 0;
};

/// Writes to each page of a large table whose values nobody needs, in order: the system gives memory where it is
/// written to first, and whoever writes here and there would wait for all of it at once.
template <class Table>
void touch_in_parts(monitor* limits, Table& memory) {
  constexpr int of_page = 4096 / static_cast<int>(sizeof(*memory.data()));
  if (limits == nullptr || memory.size() < monitor::between) return;
  for (const auto [first, last] : parts(limits, memory.size() / of_page, 512))  // which it takes as long as
    for (int page = first; page < last; ++page) memory[page * of_page] = {};
}

/// As `table::resize`, with zeros.
template <class Table>
void resize_in_parts(monitor* limits, Table& grown, int count) {
  const int before = grown.size();
  grown.reserve(count);
  for (const auto [first, last] : parts(limits, count - before)) grown.resize(before + last);
  grown.resize(count);
}

/// Makes one table what another is.
template <class Table>
void copy_in_parts(monitor* limits, const Table& from, Table& to) {
  to.resize_unset(from.size());
  for (const auto [first, last] : parts(limits, from.size())) to.copy_part(from, first, last);
}
/// Whether two are the same, bit by bit.
template <class Table>
bool same_in_parts(monitor* limits, const Table& a, const Table& b) {
  if (a.size() != b.size()) return false;
  for (const auto [first, last] : parts(limits, a.size()))
    if (!a.same_part(b, first, last)) return false;
  return true;
}

/// Does `part(from, to)` for parts, likewise, of the places of a list that takes at most `all` steps, of which place k
/// takes `steps_of(k)`. Always inlined, as what `part` captures is to stay in registers.
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
