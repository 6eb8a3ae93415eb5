// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <plait/schedule/detail/order_words.hpp>
#include <plait/schedule/detail/stage_times.hpp>

namespace plait::detail {

/// Plays words in time as `simulate` plays their programs, but for waits for message slots: some 10 ns a pass rather
/// than a program to be made first.
class word_clock {
 public:
  word_clock(pipe_shape shape, const std::vector<stage_time>& stages, const std::vector<skip_time>& skips,
             bool overlaps)
      : ranks_{shape.ranks},
        micro_{shape.micro},
        letters_{3 * shape.chunks},
        length_{3 * shape.chunks * shape.micro},
        overlaps_{overlaps},
        rules_(size(ranks_ * letters_)),
        count_(size(ranks_ * letters_)),
        at_(size(ranks_)),
        now_(size(ranks_)),
        cells_(size(2 * shape.stages() * micro_) + 2 * skips.size() * size(micro_)),
        queues_(size(2 * ranks_ * ranks_)),
        queued_(size(2 * ranks_ * ranks_ * shape.chunks * micro_)),
        room_{shape.chunks * micro_},
        input_begin_(size(ranks_ * shape.chunks * micro_)),
        cause_(size(ranks_ * length_)) {
    const int all = shape.stages();
    const auto queue = [&](bool backward, int from, int to) { return ((backward ? ranks_ : 0) + from) * ranks_ + to; };
    for (int stage = 0; stage < all; ++stage) {
      const stage_time& here = stages[size(stage)];
      rule* const mine = rules_.data() + here.rank * letters_ + here.chunk;
      for (int part = 0; part < 3; ++part) mine[part * shape.chunks].takes = here.takes[part];
      rule &forward = mine[0], &input = mine[shape.chunks];
      forward.makes = stage * micro_;
      input.makes = (all + stage) * micro_;
      input.is_input = true;
      if (here.after.remote) forward.out = queue(false, here.rank, here.after.rank);
      if (here.before.remote) input.out = queue(true, here.rank, here.before.rank);
      forward.occupies = here.after.occupies, forward.latency = here.after.latency;
      input.occupies = here.before.occupies, input.latency = here.before.latency;
      if (stage > 0) forward.needs = (stage - 1) * micro_;
      if (stage > 0 && here.before.remote) forward.in = queue(false, here.before.rank, here.rank);
      if (stage + 1 < all) input.needs = (all + stage + 1) * micro_;
      if (stage + 1 < all && here.after.remote) input.in = queue(true, here.after.rank, here.rank);
      if (stage + 1 == all) input.needs = stage * micro_;
      // Along skip edges: what arrives, and what leaves, behind the messages of the chain and by number.
      for (const int part : {0, 1}) {
        rule& pass = part == 0 ? forward : input;
        pass.skips = static_cast<int>(along_.size());
        for (std::size_t edge = 0; edge < skips.size(); ++edge) {
          const skip_time& one = skips[edge];
          const stage_link& way = part == 0 ? one.activation : one.gradient;
          const int cells = (2 * all + 2 * static_cast<int>(edge) + part) * micro_;
          if ((part == 0 ? one.to : one.from) == stage) along_.push_back({.cells = cells});
          if ((part == 0 ? one.from : one.to) == stage)
            along_.push_back({cells, queue(part == 1, here.rank, way.rank), way.occupies, way.latency});
        }
        pass.skips_end = static_cast<int>(along_.size());
      }
    }
  }

  /// When the last pass ends; -1: some rank waits for ever.
  double run(const order_words& words) {
    for (int& one : count_) one = 0;
    for (cell& one : cells_) one.made_by = -1;
    for (queue_state& one : queues_) one = {};
    for (int rank = 0; rank < ranks_; ++rank) at_[size(rank)] = 0, now_[size(rank)] = 0;
    int finished = 0;
    for (bool moved = true; moved && finished < ranks_;) {
      moved = false;
      finished = 0;
      for (int rank = 0; rank < ranks_; ++rank) {
        moved = advance(rank, words.letter.data() + rank * length_) || moved;
        if (at_[size(rank)] == length_) ++finished;
      }
    }
    if (finished < ranks_) return -1;
    last_ = 0;
    for (int rank = 1; rank < ranks_; ++rank)
      if (now_[size(rank)] > now_[size(last_)]) last_ = rank;
    return now_[size(last_)];
  }

  // Of the last words that completed.
  [[nodiscard]] double end_of_rank(int rank) const { return now_[size(rank)]; }

  /// When an input half begins; it takes its gradients then.
  [[nodiscard]] double input_begin(int rank, int chunk, int micro) const {
    return input_begin_[size((rank * letters_ / 3 + chunk) * micro_ + micro)];
  }

  /// Calls `seen(rank, position)` from the last pass that ends back to a first one: each begins when the one seen after
  /// it ends, on its rank or with its message.
  template <class Seen>
  void chain(Seen&& seen) const {
    for (int at = last_ * length_ + length_ - 1; at >= 0; at = cause_[size(at)]) seen(at / length_, at % length_);
  }

 private:
  static std::size_t size(int count) { return static_cast<std::size_t>(count); }

  /// One letter on one rank.
  struct rule {
    double takes = 0;
    int needs = -1;  ///< first cell of what it needs; -1: nothing but its rank
    int in = -1;     ///< the queue that it comes from; -1: none
    int makes = -1;
    int out = -1;
    double occupies = 0;
    double latency = 0;
    bool is_input = false;
    int skips = 0;  ///< what goes along skip edges: first in `along_`
    int skips_end = 0;
  };
  /// What a pass reads of a skip edge, or sends along it.
  struct along {
    int cells = 0;
    int out = -1;  ///< the queue whose link it shares; -1: it is read
    double occupies = 0;
    double latency = 0;
  };
  struct cell {
    int made_by = -1;  ///< rank * length + position; -1: not yet
    double ready = 0;
  };
  struct queue_state {
    int sent = 0;
    int taken = 0;
    double free = 0;  ///< its link
  };

  bool advance(int rank, const std::uint8_t* word) {
    const int from = at_[size(rank)];
    int at = from;
    double now = now_[size(rank)];
    for (; at < length_; ++at) {
      const int letter = rank * letters_ + word[at];
      const rule& how = rules_[size(letter)];
      int& count = count_[size(letter)];
      int cause = at > 0 ? rank * length_ + at - 1 : -1;
      if (how.needs >= 0) {
        const cell& need = cells_[size(how.needs + count)];
        if (need.made_by < 0 || lacks_skips(how, count)) break;
        if (how.in >= 0) {
          queue_state& line = queues_[size(how.in)];
          if (queued_[size(how.in * room_ + line.taken)] != how.needs + count) break;
          ++line.taken;
        }
        if (need.ready > now) now = need.ready, cause = need.made_by;
      }
      for (int i = how.skips; i < how.skips_end; ++i) {
        const cell& need = cells_[size(along_[size(i)].cells + count)];
        if (along_[size(i)].out < 0 && need.ready > now) now = need.ready, cause = need.made_by;
      }
      if (how.is_input) input_begin_[size((rank * letters_ / 3 + word[at] - letters_ / 3) * micro_ + count)] = now;
      cause_[size(rank * length_ + at)] = cause;
      now += how.takes;
      if (how.makes >= 0) {
        cell& made = cells_[size(how.makes + count)];
        made = {rank * length_ + at, now};
        if (how.out >= 0) {
          queue_state& line = queues_[size(how.out)];
          queued_[size(how.out * room_ + line.sent++)] = how.makes + count;
          line.free = (line.free > now ? line.free : now) + how.occupies;
          made.ready = line.free + how.latency;
          if (!overlaps_) now = made.ready;
        }
      }
      for (int i = how.skips; i < how.skips_end; ++i) {
        const along& one = along_[size(i)];
        if (one.out < 0) continue;
        double& free = queues_[size(one.out)].free;
        free = (free > now ? free : now) + one.occupies;
        cells_[size(one.cells + count)] = {rank * length_ + at, free + one.latency};
        if (!overlaps_) now = free + one.latency;
      }
      ++count;
    }
    at_[size(rank)] = at;
    now_[size(rank)] = now;
    return at > from;
  }

  [[nodiscard]] bool lacks_skips(const rule& how, int count) const {
    for (int i = how.skips; i < how.skips_end; ++i)
      if (along_[size(i)].out < 0 && cells_[size(along_[size(i)].cells + count)].made_by < 0) return true;
    return false;
  }

  int ranks_;
  int micro_;
  int letters_;
  int length_;
  bool overlaps_;
  std::vector<rule> rules_;          ///< [ranks, letters]
  std::vector<along> along_{};       ///< the skip edges of all rules
  std::vector<int> count_;           ///< [ranks, letters]: passes done
  std::vector<int> at_;              ///< [ranks]: letters done
  std::vector<double> now_;          ///< [ranks]
  std::vector<cell> cells_;          ///< [direction, stages, micro], then [skip edges, direction, micro]
  std::vector<queue_state> queues_;  ///< [direction, sender, receiver]
  std::vector<int> queued_;          ///< [queues, room]: cells in the order of sending
  int room_;
  std::vector<double> input_begin_;  ///< [ranks, chunks, micro]
  std::vector<int> cause_;           ///< [ranks, length]: the pass whose end it waits for; -1: none
  int last_ = 0;                     ///< the rank that ends last
};

}  // namespace plait::detail
