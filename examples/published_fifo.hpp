// SPDX-License-Identifier: Apache-2.0
#pragma once

// First in, first out, as the program published with Narayanan et al., OSDI 2020, does it. Written to its letter it
// puts more gangs on a type than the type has workers for, which then take turns, and its published figures show that.
// For comparison alone: simulate_cluster --as-published, docs/gavel.md.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include <plait/alloc.hpp>
#include <plait/core/require.hpp>

namespace published {

using plait::allocation;
using plait::instance;
using plait::share_settings;

/// The numbers of Python's `random.Random(seed)`: the Mersenne Twister, begun by an array of one word.
/// Source: Matsumoto, Nishimura, "Mersenne Twister", ACM TOMACS 8, 1998, and their initialization of 2002.
class python_random {
 public:
  explicit python_random(std::uint32_t seed) {
    beginning words{seed};
    twister_ = std::mt19937{words};
  }

  std::uint32_t word() { return static_cast<std::uint32_t>(twister_()); }

  /// `randrange(count)`: as many of the highest bits as `count` has, drawn again until they are below it.
  std::uint32_t below(std::uint32_t count) {
    int bits = 0;
    while (count >> bits != 0) ++bits;
    std::uint32_t drawn = word() >> (32 - bits);
    while (drawn >= count) drawn = word() >> (32 - bits);
    return drawn;
  }

 private:
  struct beginning {
    using result_type = std::uint_least32_t;
    std::uint32_t key;
    template <class Iterator>
    void generate(Iterator begin, Iterator end) const {
      constexpr std::size_t n = 624;
      std::array<std::uint32_t, n> s{19650218U};
      const auto before = [&](std::size_t i) { return s[i - 1] ^ (s[i - 1] >> 30); };
      const auto number = [](std::size_t i) { return static_cast<std::uint32_t>(i); };
      for (std::size_t i = 1; i < n; ++i) s[i] = 1812433253U * before(i) + number(i);
      std::size_t at = 1;
      const auto next = [&] {
        if (++at < n) return;
        s[0] = s[n - 1];
        at = 1;
      };
      for (std::size_t k = 0; k < n; ++k, next()) s[at] = (s[at] ^ (before(at) * 1664525U)) + key;
      for (std::size_t k = 1; k < n; ++k, next()) s[at] = (s[at] ^ (before(at) * 1566083941U)) - number(at);
      s[0] = 0x80000000U;
      for (std::size_t i = 0; begin != end; ++begin, ++i) *begin = s[i % n];
    }
  };
  std::mt19937 twister_;
};

/// First in, first out. Needs `job::number`.
///
/// **Types taken for equal.** A job stays where it began. Jobs that have ended are gone through in the order in which
/// they came, and each gives its place to the head of the queue where that fits; counted as free are also workers that
/// jobs which came later still hold. Then each head goes to the free type whose name comes last, whether its gang fits
/// there or not, as long as it would fit on some type. A free type is drawn for it, but all that is done with it is
/// that it counts as full once the type that was taken is.
///
/// **Rates known.** All begin anew each time; each head gets the type that fits on which it is fastest.
///
/// The first head that fits nowhere blocks all behind it; one that cannot run where it would go is passed over.
class fifo_queue {
 public:
  fifo_queue(bool knows_rates, std::uint64_t seed)
      : knows_rates_{knows_rates}, random_{static_cast<std::uint32_t>(seed)} {}

  allocation operator()(const instance& given, const share_settings& /*how*/) {
    if (knows_rates_) placed_.clear();
    std::vector<double> left;
    for (const plait::worker_type& type : given.cluster.types) left.push_back(type.num_workers);
    std::map<int, int> place_of;  // by number
    std::vector<int> queue;
    for (int i = 0; i < given.size(); ++i) {
      const int number = job(given, i).number;
      plait::require(number >= 0, "published::fifo_queue", "jobs need numbers, by which it knows them again");
      place_of.emplace(number, i);
      if (!placed_.contains(number)) queue.push_back(i);
    }
    std::size_t head = 0;
    const auto place = [&](int i, int type) {
      placed_[job(given, i).number] = type;
      left[at(type)] -= job(given, i).scale_factor;
    };
    const std::vector<std::pair<int, int>> before{placed_.begin(), placed_.end()};
    for (const auto& [number, type] : before) {
      const auto there = place_of.find(number);
      if (there != place_of.end()) {
        left[at(type)] -= job(given, there->second).scale_factor;
        continue;
      }
      if (head < queue.size() && job(given, queue[head]).scale_factor <= left[at(type)] &&
          rate(given, queue[head], type) > 0)
        place(queue[head++], type);
      placed_.erase(number);
    }

    std::vector<int> free, fits;  // types in the order of their names, and places in that list
    for (int j = 0; j < given.cluster.size(); ++j)
      if (left[at(j)] > 0) free.push_back(j);
    std::ranges::sort(free, {}, [&](int j) { return given.cluster.types[at(j)].name; });
    while (head < queue.size() && !free.empty()) {
      const int i = queue[head++];
      fits.clear();
      for (std::size_t k = 0; k < free.size(); ++k)
        if (job(given, i).scale_factor <= left[at(free[k])]) fits.push_back(static_cast<int>(k));
      if (fits.empty()) break;
      int drawn = fits.front(), type = free.back();
      if (knows_rates_) {
        for (const int k : fits)
          if (rate(given, i, free[at(k)]) > rate(given, i, free[at(drawn)])) drawn = k;
        type = free[at(drawn)];
      } else {
        drawn = fits[random_.below(static_cast<std::uint32_t>(fits.size()))];
      }
      if (rate(given, i, type) <= 0) continue;
      place(i, type);
      if (left[at(type)] == 0) free.erase(free.begin() + drawn);
    }

    plait::table<int> option_begin;
    allocation made = plait::detail::no_shares(given, option_begin);
    for (int i = 0; i < given.size(); ++i) {
      const auto found = placed_.find(job(given, i).number);
      if (found == placed_.end()) continue;
      for (int k = 0; k < job(given, i).options.size(); ++k)
        if (job(given, i).options[k].type == found->second) plait::detail::give(given, option_begin, made, i, k, 1);
    }
    return made;
  }

 private:
  static std::size_t at(int index) { return static_cast<std::size_t>(index); }
  static const plait::job& job(const instance& given, int i) { return given.jobs[at(i)]; }
  static double rate(const instance& given, int i, int type) {
    for (const plait::run_option& option : job(given, i).options)
      if (option.type == type) return option.throughput;
    return 0;
  }

  bool knows_rates_;
  python_random random_;
  std::map<int, int> placed_;  ///< type of each job that has one, by number
};

}  // namespace published
