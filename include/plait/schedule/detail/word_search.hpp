// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <plait/schedule/detail/order_words.hpp>
#include <plait/schedule/detail/word_clock.hpp>

namespace plait::detail {

/// Random numbers for a search, the same for the same seed everywhere. Source: Steele, Lea, Flood, "Fast Splittable
/// Pseudorandom Number Generators", OOPSLA 2014 (SplitMix64).
class search_dice {
 public:
  explicit search_dice(std::uint64_t seed) : state_{seed} {}
  int below(int count) {
    std::uint64_t bits = state_ += 0x9e3779b97f4a7c15u;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
    bits ^= bits >> 31;
    return static_cast<int>(((bits >> 32) * static_cast<std::uint64_t>(count)) >> 32);
  }

 private:
  std::uint64_t state_;
};

/// Shortens words by small moves: one pass of the longest chain goes a few places up or down the order of its rank.
///
/// Only moves at a place where two passes of the chain follow each other on a rank can shorten it, so only those are
/// tried. A move is kept if the words become no longer than they are, or than they were a while ago.
/// Source: critical-path moves: van Laarhoven, Aarts, Lenstra, Operations Research 40 (1992); keeping: Burke, Bykov,
/// "The late acceptance hill-climbing heuristic", EJOR 258 (2017).
class word_search {
 public:
  /// limit: [ranks].   least: no words are shorter, so the search ends there.
  word_search(word_clock& clock, const std::vector<int>& limit, double least, std::uint64_t seed)
      : clock_{clock}, limit_{limit}, least_{least}, dice_{seed} {}

  /// The shortest words found from `words`, which keep the limits and complete, in so many moves.
  order_words improve(order_words words, int moves) {
    const int chunks = words.shape.chunks, length = words.length;
    counts_.resize(static_cast<std::size_t>(3 * chunks));
    order_words best = words;
    double now = value(words);
    best_makespan_ = makespan_;
    double best_value = now;
    constexpr int memory = 64;
    std::vector<double> earlier(memory, now);
    find_chain();
    for (int move = 0; move < moves && best_makespan_ > least_ && !pairs_.empty(); ++move) {
      const auto [rank, at] = pairs_[static_cast<std::size_t>(dice_.below(static_cast<int>(pairs_.size())))];
      std::uint8_t* const word = words.of(rank).data();
      int from = at, to = at - 1;  // the later of the two goes up
      const int far = dice_.below(2) == 0 ? 1 : 1 + dice_.below(12);
      if (dice_.below(2) == 0) {
        to = at - far < 0 ? 0 : at - far;
      } else {
        from = at - 1;
        to = from + far >= length ? length - 1 : from + far;
      }
      saved_.assign(word, word + length);
      move_all(word, length, from, to);
      double after = -1;
      if (is_word(words.of(rank), chunks, limit_[static_cast<std::size_t>(rank)], counts_.data())) after = value(words);
      double& then = earlier[static_cast<std::size_t>(move % memory)];
      if (after >= 0 && (after <= now || after <= then)) {
        now = after;
        find_chain();
        if (now < best_value) {
          best_value = now;
          best_makespan_ = makespan_;
          best = words;
        }
      } else {
        std::copy(saved_.begin(), saved_.end(), word);
      }
      if (now < then) then = now;
    }
    return best;
  }

  [[nodiscard]] double best_makespan() const { return best_makespan_; }

 private:
  /// Moves one letter, those between by one place the other way.
  static void shift(std::uint8_t* word, int from, int to) {
    const std::uint8_t letter = word[from];
    for (; from < to; ++from) word[from] = word[from + 1];
    for (; from > to; --from) word[from] = word[from - 1];
    word[to] = letter;
  }
  /// Moves a letter, and mostly does the same wherever else the letters between stand in that order: all over the word,
  /// from there on, or up to there. What makes one round of a long step shorter is of use when all rounds do it.
  void move_all(std::uint8_t* word, int length, int from, int to) {
    const int first = from < to ? from : to, width = (from < to ? to - from : from - to) + 1;
    const int where = dice_.below(4);
    for (int at = where == 1 ? first : 0; where != 0 && at + width <= (where == 2 ? first : length);) {
      const bool here = at == first || std::equal(word + at, word + at + width, saved_.begin() + first);
      if (here && at != first) shift(word, at + from - first, at + to - first);
      // The move itself comes last, and no other may reach into it.
      at += here ? width : at < first && at + width >= first ? first - at : 1;
    }
    shift(word, from, to);
  }
  /// The makespan, and a little of how long each rank takes, which tells words of one length apart; -1: stuck.
  double value(const order_words& words) {
    const double makespan = clock_.run(words);
    if (makespan < 0) return -1;
    makespan_ = makespan;
    double ends = 0;
    for (int rank = 0; rank < words.shape.ranks; ++rank) ends += clock_.end_of_rank(rank);
    return makespan + 1e-3 * ends / words.shape.ranks;
  }
  void find_chain() {
    pairs_.clear();
    int last_rank = -1, last_at = -1;
    clock_.chain([&](int rank, int at) {
      if (rank == last_rank && at + 1 == last_at) pairs_.emplace_back(rank, last_at);
      last_rank = rank, last_at = at;
    });
  }

  word_clock& clock_;
  const std::vector<int>& limit_;
  double least_;
  search_dice dice_;
  std::vector<int> counts_{};
  std::vector<std::uint8_t> saved_{};         ///< the word of the rank at hand, as it was
  std::vector<std::pair<int, int>> pairs_{};  ///< (rank, position of the later) of neighbours in the chain
  double makespan_ = 0;
  double best_makespan_ = 0;
};

}  // namespace plait::detail
