// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include <plait/schedule/costs.hpp>
#include <plait/schedule/detail/order_words.hpp>
#include <plait/schedule/detail/pass_graph.hpp>
#include <plait/schedule/detail/stage_times.hpp>
#include <plait/schedule/lower_bound.hpp>
#include <plait/schedule/placement.hpp>

namespace plait {

/// What an exhaustive search came to.
struct shortest_found {
  bool proved = false;      ///< false: it would have taken more states than allowed, and there is no result
  double makespan = 0;      ///< of the shortest order, or `below`, if none is shorter than that
  std::int64_t states = 0;  ///< that it kept
};

namespace detail {

/// Tries all orders of a tiny shape: passes are appended by the time at which they begin. Of two ways to have done the
/// same passes, the one whose ranks and messages are all there no later is enough.
class exhaustive_search {
 public:
  exhaustive_search(pipe_shape shape, const std::vector<stage_time>& stages, const std::vector<int>& limit,
                    const std::vector<skip_time>& skips, bool overlaps, double below, std::int64_t at_most)
      : shape_{shape},
        stages_{stages},
        skips_{skips},
        limit_{limit},
        graph_{shape, stages, skips, limit},
        overlaps_{overlaps},
        below_{below},
        at_most_{at_most},
        left_(size(shape.ranks)) {
    for (int part = 0; part < 3; ++part)
      for (int stage = 0; stage < shape.stages(); ++stage)
        for (int micro = 0; micro < shape.micro; ++micro)
          left_[size(stages[size(stage)].rank)].push_back({.letter = part * shape.stages() + stage,
                                                           .micro = micro,
                                                           .takes = stages[size(stage)].takes[part],
                                                           .tail = graph_.tail(part, stage, micro)});
    for (std::vector<left_pass>& mine : left_)
      std::stable_sort(mine.begin(), mine.end(),
                       [](const left_pass& a, const left_pass& b) { return a.tail > b.tail; });
  }

  shortest_found run() {
    const auto stages = static_cast<std::size_t>(shape_.stages()), ranks = static_cast<std::size_t>(shape_.ranks);
    done start{.count = std::vector<std::uint8_t>(3 * stages),
               .line = std::vector<std::vector<std::uint8_t>>(2 * ranks * ranks)};
    when begin{.now = std::vector<double>(ranks),
               .free = std::vector<double>(2 * ranks * ranks),
               .ready = std::vector<std::vector<double>>(2 * (stages + skips_.size()))};
    level here;
    here[start].push_back(begin);
    shortest_found result{.makespan = below_};
    for (int left = 3 * shape_.stages() * shape_.micro; left > 0; --left) {
      level next;
      for (const auto& [what, times] : here)
        for (const when& one : times) {
          for (int stage = 0; stage < shape_.stages(); ++stage)
            for (int part = 0; part < 3; ++part) append(what, one, part, stage, next);
          if (states_ > at_most_) return {.states = states_};
        }
      here = std::move(next);
    }
    for (const auto& [what, times] : here)
      for (const when& one : times)
        result.makespan = std::min(result.makespan, *std::max_element(one.now.begin(), one.now.end()));
    result.proved = true;
    result.states = states_;
    return result;
  }

 private:
  /// What has been done.
  struct done {
    std::vector<std::uint8_t> count{};              ///< [parts, stages]
    std::vector<std::vector<std::uint8_t>> line{};  ///< [direction, sender, receiver]: messages under way, by stage
    friend auto operator<=>(const done&, const done&) = default;
  };
  /// Since when. Times before the start of the last pass make no difference, and are that start.
  struct when {
    double last = 0;  ///< start of the last pass
    std::vector<double> now{};
    std::vector<double> free{};  ///< [direction, sender, receiver]: links
    /// [direction, stages], then [skip edges, direction]: what has been made and not taken
    std::vector<std::vector<double>> ready{};
  };
  /// A pass by what must still come when it has ended.
  struct left_pass {
    int letter = 0;  ///< part * stages + stage
    int micro = 0;
    double takes = 0;
    double tail = 0;
  };
  using level = std::map<done, std::vector<when>>;

  static std::size_t size(int count) { return static_cast<std::size_t>(count); }

  void append(const done& what, const when& times, int part, int stage, level& next) {
    const stage_time& here = stages_[size(stage)];
    const int stages = shape_.stages(), ranks = shape_.ranks;
    const auto count = [&](int of, int at) { return int{what.count[size(of * stages + at)]}; };
    const int micro = count(part, stage);
    if (micro == shape_.micro || (part > 0 && count(part - 1, stage) == micro)) return;
    if (part == 0) {
      int alive = 1;
      for (int other = 0; other < stages; ++other)
        if (stages_[size(other)].rank == here.rank) alive += count(0, other) - count(2, other);
      if (alive > limit_[size(here.rank)]) return;
    }
    // What it takes: from the stage before or after; the last stage's forward passes are taken by its input halves.
    int from = -1;
    if (part == 0 && stage > 0) from = stage - 1;
    if (part == 1) from = stage + 1 < stages ? stages + stage + 1 : stage;
    if (from >= 0 && times.ready[size(from)].empty()) return;
    const stage_link& in = part == 0 ? here.before : here.after;
    const stage_link& out = part == 0 ? here.after : here.before;
    const auto line_of = [&](int sender, int receiver) { return size((part * ranks + sender) * ranks + receiver); };
    if (from >= 0 && part < 2 && in.remote) {
      const std::vector<std::uint8_t>& line = what.line[line_of(in.rank, here.rank)];
      if (line.front() != from) return;
    }
    double begin = std::max(times.now[size(here.rank)], from >= 0 ? times.ready[size(from)].front() : 0);
    const auto along = [&](std::size_t edge) { return size(2 * stages) + 2 * edge + size(part); };
    for (std::size_t edge = 0; part < 2 && edge < skips_.size(); ++edge) {
      if ((part == 0 ? skips_[edge].to : skips_[edge].from) != stage) continue;
      if (times.ready[along(edge)].empty()) return;
      begin = std::max(begin, times.ready[along(edge)].front());
    }
    if (begin < times.last) return;
    const double end = begin + here.takes[part];
    if (end + graph_.tail(part, stage, micro) >= below_ * (1 - 1e-12)) return;

    done after = what;
    when then = times;
    ++after.count[size(part * stages + stage)];
    then.last = begin;
    then.now[size(here.rank)] = end;
    if (from >= 0) {
      then.ready[size(from)].erase(then.ready[size(from)].begin());
      if (part < 2 && in.remote) {
        std::vector<std::uint8_t>& line = after.line[line_of(in.rank, here.rank)];
        line.erase(line.begin());
      }
    }
    const auto send = [&](const stage_link& way, std::vector<double>& ready) {
      const std::size_t line = line_of(here.rank, way.rank);
      double& sender = then.now[size(here.rank)];
      then.free[line] = std::max(then.free[line], sender) + way.occupies;
      ready.push_back(then.free[line] + way.latency);
      if (!overlaps_) sender = ready.back();
    };
    if (part == 0 || (part == 1 && stage > 0)) {
      std::vector<double>& ready = then.ready[size(part * stages + stage)];
      if (out.remote) {
        after.line[line_of(here.rank, out.rank)].push_back(static_cast<std::uint8_t>(part * stages + stage));
        send(out, ready);
      } else {
        ready.push_back(end);
      }
    }
    for (std::size_t edge = 0; part < 2 && edge < skips_.size(); ++edge) {
      const skip_time& one = skips_[edge];
      std::vector<double>& ready = then.ready[along(edge)];
      if ((part == 0 ? one.to : one.from) == stage) ready.erase(ready.begin());
      if ((part == 0 ? one.from : one.to) == stage) send(part == 0 ? one.activation : one.gradient, ready);
    }
    for (double& one : then.now) one = std::max(one, begin);
    for (double& one : then.free) one = std::max(one, begin);
    for (std::vector<double>& line : then.ready)
      for (double& one : line) one = std::max(one, begin);
    for (int rank = 0; rank < ranks; ++rank)
      if (end_at_least(rank, after, then.now[size(rank)]) >= below_ * (1 - 1e-12)) return;
    keep(next[std::move(after)], std::move(then));
  }

  /// No earlier than this does the step end: what is left to do on a rank, longest tails first, and then such a tail.
  [[nodiscard]] double end_at_least(int rank, const done& what, double now) const {
    double most = now;
    for (const left_pass& one : left_[size(rank)]) {
      if (what.count[size(one.letter)] > one.micro) continue;
      now += one.takes;
      most = std::max(most, now + one.tail);
    }
    return most;
  }

  /// Keeps times unless others are no later in anything, and drops those that these are no later than.
  void keep(std::vector<when>& all, when&& one) {
    for (const when& other : all)
      if (no_later(other, one)) return;
    const auto kept = std::remove_if(all.begin(), all.end(), [&](const when& other) { return no_later(one, other); });
    states_ -= all.end() - kept;
    all.erase(kept, all.end());
    all.push_back(std::move(one));
    ++states_;
  }
  static bool no_later(const std::vector<double>& a, const std::vector<double>& b) {
    for (std::size_t i = 0; i < a.size(); ++i)
      if (a[i] > b[i]) return false;
    return true;
  }
  static bool no_later(const when& a, const when& b) {
    if (a.last > b.last || !no_later(a.now, b.now) || !no_later(a.free, b.free)) return false;
    for (std::size_t i = 0; i < a.ready.size(); ++i)
      if (!no_later(a.ready[i], b.ready[i])) return false;
    return true;
  }

  pipe_shape shape_;
  const std::vector<stage_time>& stages_;
  const std::vector<skip_time>& skips_;
  const std::vector<int>& limit_;
  pass_graph graph_;
  bool overlaps_;
  double below_;
  std::int64_t at_most_;
  std::vector<std::vector<left_pass>> left_;  ///< [ranks], longest tails first
  std::int64_t states_ = 0;
};

}  // namespace detail

/// The makespan of the shortest order of a tiny shape, by trying all: some hundred thousand states for 3 ranks and 4
/// micro-batches, ever more for larger ones, some ten microseconds each.
///
/// below: only orders shorter than this are looked for, which is much quicker where there are none; that is how an
/// order is proved to be the shortest.   at_most: states that it may keep, some hundred bytes each.   limit: [ranks],
/// and skips, as `synthesize` has them. No passes run together.   Throws: usage, as that does.
template <class Placement>
shortest_found shortest_makespan(pipe_shape shape, const step_costs& costs, const std::vector<int>& limit,
                                 double below = std::numeric_limits<double>::infinity(),
                                 std::int64_t at_most = 1'000'000, const skip_edges& skips = {}) {
  const std::vector<int> most = detail::limits_of(shape, limit);
  require(shape.micro < 256 && 2 * shape.stages() < 256, "plait::shortest_makespan",
          "the shape is far too large to try all orders of it");
  const detail::stage_table table{shape, [&](int rank, int chunk) { return Placement::stage_of(shape, rank, chunk); }};
  const std::vector<detail::stage_time> stages = detail::stage_times(shape, table, costs);
  const std::vector<detail::skip_time> edges = detail::skip_times(shape, table, costs, skips);
  return detail::exhaustive_search{shape, stages, most, edges, costs.overlaps, below, at_most}.run();
}

}  // namespace plait
