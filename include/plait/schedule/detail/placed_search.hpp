// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <plait/schedule/detail/fixed_words.hpp>
#include <plait/schedule/detail/order_words.hpp>
#include <plait/schedule/detail/stage_times.hpp>
#include <plait/schedule/detail/word_clock.hpp>
#include <plait/schedule/detail/word_search.hpp>
#include <plait/schedule/orders.hpp>

namespace plait::detail {

/// Names a placement where a type cannot be given.
template <class Placement>
struct in_placement {};

/// The search for a short order with the stages in one placement.
class placed_search {
 public:
  /// limit: [ranks], each at least the number of chunks.   least: no order without passes that run together is shorter.
  template <class Placement>
  placed_search(in_placement<Placement>, pipe_shape shape, const step_costs& costs, const std::vector<int>& limit,
                double least, const skip_edges& skips)
      : shape_{shape},
        limit_{limit},
        least_{least * (1 + 1e-12)},
        table_{shape, [&](int rank, int chunk) { return Placement::stage_of(shape, rank, chunk); }},
        stages_{stage_times(shape, table_, costs)},
        skips_{skips},
        clock_{shape, stages_, skip_times(shape, table_, costs, skips), costs.overlaps} {
    const std::vector<order_words> fixed = fixed_words<Placement>(shape);
    add(one_at_a_time(shape));
    for (const order_words& one : fixed) add(one);
    for (const order_words& one : listed_words(shape, table_, stages_, limit_.data(), fixed)) add(one);
    std::stable_sort(starts_.begin(), starts_.end(),
                     [](const timed_words& a, const timed_words& b) { return a.makespan < b.makespan; });
    best_ = starts_[0];
  }

  /// Improves the shortest starts, with `moves` shared among them.
  void improve_starts(int starts, int moves) {
    const int count = std::min(starts, static_cast<int>(starts_.size()));
    for (int i = 0; i < count; ++i) improve(starts_[static_cast<std::size_t>(i)].words, moves / count);
  }
  /// Improves the best so far.
  void improve_best(int moves) { improve(best_.words, moves); }

  [[nodiscard]] double makespan() const { return best_.makespan; }

  /// The best so far.
  [[nodiscard]] orders found() {
    orders all{.name = "synthesized", .shape = shape_, .passes = passes_of_words(best_.words)};
    for (int rank = 0; rank < shape_.ranks; ++rank)
      for (int chunk = 0; chunk < shape_.chunks; ++chunk)
        all.stage_of.push_back(static_cast<std::int16_t>(table_.stage_of(rank, chunk)));
    all.in_flight = gradients_in_flight();
    if (!skips_.empty()) all.skips_in_flight = skips_in_flight();
    return all;
  }

 private:
  struct timed_words {
    order_words words{};
    double makespan = 0;
  };

  void add(const order_words& words) {
    for (int rank = 0; rank < shape_.ranks; ++rank)
      if (peak_of_word(words.of(rank), shape_.chunks) > limit_[static_cast<std::size_t>(rank)]) return;
    for (const timed_words& one : starts_)
      if (one.words == words) return;
    const double makespan = clock_.run(words);
    if (makespan >= 0) starts_.push_back({words, makespan});
  }
  void improve(const order_words& words, int moves) {
    word_search search{clock_, limit_, least_, ++searches_};
    order_words found = search.improve(words, moves);
    if (search.best_makespan() < best_.makespan) best_ = {std::move(found), search.best_makespan()};
  }

  /// How many gradients of each chunk are under way at once: held from the start of the input half that makes one to
  /// the start of the one on another rank that takes it. Stages of one rank that are neighbours hand gradients over in
  /// place, in the buffer of the last of them. At least 2, as in all programs.
  std::vector<int> gradients_in_flight() {
    clock_.run(best_.words);
    std::vector<int> all(static_cast<std::size_t>(shape_.ranks * shape_.chunks), 2);
    const auto begin = [&](int stage, int micro) {
      const stage_time& here = stages_[static_cast<std::size_t>(stage)];
      return clock_.input_begin(here.rank, here.chunk, micro);
    };
    for (int last = shape_.stages() - 1; last >= 0;) {
      int first = last;
      const auto rank_of = [&](int stage) { return stages_[static_cast<std::size_t>(stage)].rank; };
      while (first > 0 && rank_of(first - 1) == rank_of(last)) --first;
      int most = 2;
      for (int micro = 0, taken = 0; micro < shape_.micro && first > 0; ++micro) {
        while (taken < micro && begin(first - 1, taken) <= begin(last, micro)) ++taken;
        most = std::max(most, micro - taken + 1);
      }
      for (int stage = first; stage <= last; ++stage) {
        const stage_time& here = stages_[static_cast<std::size_t>(stage)];
        all[static_cast<std::size_t>(here.rank * shape_.chunks + here.chunk)] = most;
      }
      last = first - 1;
    }
    return all;
  }

  /// The same of gradients along skip edges, all edges into a stage together: held to the start of the input half that
  /// takes the last of them, or to its end where that is on the same rank. Needs: the clock has run on the best.
  std::vector<int> skips_in_flight() {
    std::vector<int> all(static_cast<std::size_t>(shape_.ranks * shape_.chunks));
    const auto at = [&](int stage) -> const stage_time& { return stages_[static_cast<std::size_t>(stage)]; };
    const auto begin = [&](int stage, int micro) { return clock_.input_begin(at(stage).rank, at(stage).chunk, micro); };
    for (const skip_edge& edge : skips_) {
      const bool remote = at(edge.from).rank != at(edge.to).rank;
      int& most = all[static_cast<std::size_t>(at(edge.to).rank * shape_.chunks + at(edge.to).chunk)];
      for (int micro = 0, taken = 0; micro < shape_.micro; ++micro) {
        const double now = begin(edge.to, micro);
        while (taken < micro &&
               (remote ? begin(edge.from, taken) <= now : begin(edge.from, taken) + at(edge.from).takes[1] < now))
          ++taken;
        most = std::max(most, micro - taken + 1);
      }
    }
    return all;
  }

  pipe_shape shape_;
  std::vector<int> limit_;
  double least_;
  stage_table table_;
  std::vector<stage_time> stages_;
  skip_edges skips_;
  word_clock clock_;
  std::vector<timed_words> starts_{};
  timed_words best_{};
  std::uint64_t searches_ = 0;
};

}  // namespace plait::detail
