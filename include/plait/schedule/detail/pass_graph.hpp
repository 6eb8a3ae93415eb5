// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <plait/schedule/detail/stage_times.hpp>

namespace plait::detail {

/// What must come before what in every order of passes, and how early each pass can begin and how late it must have
/// ended before the end of the step because of that.
class pass_graph {
 public:
  /// limit: [ranks], most activations alive.
  pass_graph(pipe_shape shape, const std::vector<stage_time>& stages, const std::vector<skip_time>& skips,
             const std::vector<int>& limit)
      : micro_{shape.micro},
        stages_{shape.stages()},
        ranks_{shape.ranks},
        passes_(size(3 * stages_ * micro_)),
        edges_(passes_.size()) {
    for (int stage = 0; stage < stages_; ++stage) {
      const stage_time& here = stages[size(stage)];
      for (int micro = 0; micro < micro_; ++micro) {
        for (int part = 0; part < 3; ++part) {
          passes_[size(at(part, stage, micro))] = {here.rank, here.takes[part]};
          if (micro > 0) join(at(part, stage, micro - 1), at(part, stage, micro), 0);
        }
        join(at(1, stage, micro), at(2, stage, micro), 0);
        if (stage + 1 < stages_) {
          join(at(0, stage, micro), at(0, stage + 1, micro), here.after.message());
          join(at(1, stage + 1, micro), at(1, stage, micro), stages[size(stage + 1)].before.message());
        } else {
          join(at(0, stage, micro), at(1, stage, micro), 0);
        }
      }
    }
    for (const skip_time& one : skips)
      for (int micro = 0; micro < micro_; ++micro) {
        join(at(0, one.from, micro), at(0, one.to, micro), one.activation.message());
        join(at(1, one.to, micro), at(1, one.from, micro), one.gradient.message());
      }
    for (int rank = 0; rank < shape.ranks; ++rank) join_where_full(stages, rank, limit[size(rank)]);
    push(/*back=*/false);
    push(/*back=*/true);
  }

  /// No step ends before this.
  [[nodiscard]] double bound() const {
    double most = 0;
    for (int rank = 0; rank < ranks_; ++rank) most = std::max(most, bound_of(rank));
    return most;
  }
  [[nodiscard]] double head(int part, int stage, int micro) const { return passes_[size(at(part, stage, micro))].head; }
  [[nodiscard]] double tail(int part, int stage, int micro) const { return passes_[size(at(part, stage, micro))].tail; }

 private:
  static std::size_t size(int count) { return static_cast<std::size_t>(count); }
  [[nodiscard]] int at(int part, int stage, int micro) const { return (part * stages_ + stage) * micro_ + micro; }

  struct one_pass {
    int rank = 0;
    double takes = 0;
    double head = 0;  ///< it begins no earlier
    double tail = 0;  ///< from its end to that of the step, at least
  };
  struct edge {
    int to = 0;
    double message = 0;
  };
  struct edges_of {
    std::vector<edge> after{};
    std::vector<edge> before{};
  };
  void join(int from, int to, double message) {
    edges_[size(from)].after.push_back({to, message});
    edges_[size(to)].before.push_back({from, message});
  }

  /// What a rank's memory makes come before its forward passes. Let c stages be on the rank, L be its limit, and k be
  /// the micro-batch of a forward pass through the i-th of them, from 0. When that begins, micro-batches up to k are in
  /// the first i + 1 of the stages.
  ///   * All weight halves of k - L + i are done: else it and each micro-batch behind it are alive on the rank, k i + 1
  ///     times.
  ///   * With m = k - 1 - (L - c) / (i + 1), the input half of m through the last of the stages is done. When that of
  ///     another, m + 1 at most, begins, nothing of it or of those behind it has been let go: it is alive c times, and
  ///     those up to k i + 1 times each.
  ///   * A weight half of m is done: else m is alive c times, and those up to k i + 1 times or more each.
  void join_where_full(const std::vector<stage_time>& stages, int rank, int limit) {
    std::vector<int> mine;
    for (int stage = 0; stage < stages_; ++stage)
      if (stages[size(stage)].rank == rank) mine.push_back(stage);
    if (mine.empty()) return;
    const int count = static_cast<int>(mine.size()), last = mine.back();
    // From the end of the input half of the last stage to the end of a weight half.
    double up = 0, soonest = stages[size(last)].takes[2];
    for (int stage = last - 1; stage >= mine[0]; --stage) {
      const stage_time& here = stages[size(stage)];
      up += stages[size(stage + 1)].before.message() + here.takes[1];
      if (here.rank == rank) soonest = std::min(soonest, up + here.takes[2]);
    }
    for (int i = 0; i < count; ++i)
      for (int micro = 0; micro < micro_; ++micro) {
        const int pass = at(0, mine[size(i)], micro);
        if (const int all = micro - limit + i; all >= 0)
          for (const int stage : mine) join(at(2, stage, all), pass, 0);
        if (const int one = micro - 1 - (limit - count) / (i + 1); one >= 0) join(at(1, last, one), pass, soonest);
      }
  }

  /// Sets heads, or, back from the end, tails: a pass comes after the longest chain of what must come before it, and
  /// after all that must come before it on its own rank, which runs one pass at a time.
  void push(bool back) {
    const auto count = passes_.size();
    const std::size_t words = (count + 63) / 64;
    const bool closes = count <= 8192;  // 8 MiB of marks
    std::vector<std::uint64_t> marks(closes ? count * words : 0);
    std::vector<int> left(count), ready;
    for (std::size_t i = 0; i < count; ++i) {
      left[i] = static_cast<int>((back ? edges_[i].after : edges_[i].before).size());
      if (left[i] == 0) ready.push_back(static_cast<int>(i));
    }
    std::vector<std::pair<double, double>> mates;  // head and time of those before it on its rank
    while (!ready.empty()) {
      const std::size_t here = size(ready.back());
      ready.pop_back();
      one_pass& mine = passes_[here];
      double& head = back ? mine.tail : mine.head;
      std::uint64_t* const mark = closes ? marks.data() + here * words : nullptr;
      for (const edge& one : back ? edges_[here].after : edges_[here].before) {
        const one_pass& other = passes_[size(one.to)];
        head = std::max(head, (back ? other.tail : other.head) + other.takes + one.message);
        if (!closes) continue;
        for (std::size_t i = 0; i < words; ++i) mark[i] |= marks[size(one.to) * words + i];
        mark[size(one.to) / 64] |= std::uint64_t{1} << (one.to % 64);
      }
      mates.clear();
      for (std::size_t i = 0; closes && i < count; ++i)
        if ((mark[i / 64] >> (i % 64) & 1) != 0 && passes_[i].rank == mine.rank)
          mates.emplace_back(back ? passes_[i].tail : passes_[i].head, passes_[i].takes);
      std::sort(mates.begin(), mates.end());
      double end = 0;
      for (const auto& [from, takes] : mates) end = std::max(end, from) + takes;
      head = std::max(head, end);
      for (const edge& one : back ? edges_[here].before : edges_[here].after)
        if (--left[size(one.to)] == 0) ready.push_back(one.to);
    }
  }

  /// The end of the step if one rank's passes may be interrupted and need nothing but their heads and tails: the
  /// longest tail first is best.   Source: Jackson's preemptive schedule; Carlier, EJOR 11 (1982).
  [[nodiscard]] double bound_of(int rank) const {
    std::vector<one_pass> mine;
    for (const one_pass& one : passes_)
      if (one.rank == rank) mine.push_back(one);
    std::sort(mine.begin(), mine.end(), [](const one_pass& a, const one_pass& b) { return a.head < b.head; });
    const auto shorter_tail = [](const one_pass& a, const one_pass& b) { return a.tail < b.tail; };
    std::vector<one_pass> heap;
    double now = 0, most = 0;
    for (std::size_t next = 0; next < mine.size() || !heap.empty();) {
      if (heap.empty()) now = std::max(now, mine[next].head);
      for (; next < mine.size() && mine[next].head <= now; ++next) {
        heap.push_back(mine[next]);
        std::push_heap(heap.begin(), heap.end(), shorter_tail);
      }
      std::pop_heap(heap.begin(), heap.end(), shorter_tail);
      one_pass one = heap.back();
      heap.pop_back();
      most = std::max(most, now + one.takes + one.tail);
      if (next == mine.size() || now + one.takes <= mine[next].head) {
        now += one.takes;
        continue;
      }
      one.takes -= mine[next].head - now;
      now = mine[next].head;
      heap.push_back(one);
      std::push_heap(heap.begin(), heap.end(), shorter_tail);
    }
    return most;
  }

  int micro_;
  int stages_;
  int ranks_;
  std::vector<one_pass> passes_;  ///< [parts, stages, micro]
  std::vector<edges_of> edges_;
};

}  // namespace plait::detail
