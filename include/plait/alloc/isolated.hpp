// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string_view>

#include <plait/alloc/allocation.hpp>
#include <plait/alloc/policy.hpp>
#include <plait/solve/detail/monitor.hpp>

namespace plait {

namespace detail {

/// The least gang size above a number of workers that a job can have; 0: none.
inline int next_gang(const instance& given, const job& one, int above) {
  int next = 0;
  for (int k = next_usable(given, one, -1); k >= 0; k = next_usable(given, one, k)) {
    const int workers = one.options[k].workers;
    if (workers > above && (next == 0 || workers < next)) next = workers;
  }
  return next;
}

/// What a job does with so many workers of each type on average: calls give(option, share), shares of at most 1
/// together. On each type it runs with its largest gang, up to a size that is the same for all types: the one with
/// which it does most, the smallest of several.
template <class Entitled, class Give>
void use_part(const instance& given, const job& one, Entitled&& entitled, Give&& give_share) {
  const auto each = [&](int most, auto&& see) {
    for (int j = 0; j < given.cluster.size(); ++j) {
      int best = -1;
      for (int k = 0; k < one.options.size(); ++k) {
        const run_option& option = one.options[k];
        if (option.type != j || option.workers > most || !is_usable(given, one, option)) continue;
        const run_option* old = best < 0 ? nullptr : &one.options[best];
        if (old == nullptr || option.workers > old->workers ||
            (option.workers == old->workers && option.throughput > old->throughput))
          best = k;
      }
      if (best >= 0) see(best, entitled(j) / one.options[best].workers);
    }
  };
  int chosen = next_gang(given, one, 0);
  double busy = 0, fastest = -1;
  for (int most = chosen; most > 0; most = next_gang(given, one, most)) {
    double time = 0, rate = 0;
    each(most, [&](int option, double share) {
      time += share;
      rate += share * one.options[option].throughput;
    });
    rate /= std::fmax(1, time);
    if (rate <= fastest) continue;
    chosen = most;
    busy = time;
    fastest = rate;
  }
  each(chosen, [&](int option, double share) { give_share(option, share / std::fmax(1, busy)); });
}

}  // namespace detail

/// Steps/s of a job that has its own equal part of the cluster, n_j / jobs workers of each type.
inline double isolated_throughput(const instance& given, const job& one) {
  double rate = 0;
  detail::use_part(
      given, one, [&](int j) { return given.cluster.types[j].num_workers / given.size(); },
      [&](int option, double share) { rate += share * one.options[option].throughput; });
  return rate;
}

/// An equal part of the cluster for each job: X_ij = n_j / (jobs s_i), and no more than all of the time. Of several
/// gang sizes a job uses those with which it does most, see `detail::use_part`. Objective: the least s_i thr_i / (w_i
/// Tp_i), to be held against `max_min_perf`.
struct isolated {
  static constexpr std::string_view name = "isolated";
  static allocation share(const instance& given, const share_settings& how = {}) {
    const double began = detail::seconds_now();
    table<int> option_begin;
    allocation found = detail::no_shares(given, option_begin);
    for (int i = 0; i < given.size(); ++i) {
      detail::use_part(
          given, given.jobs[i], [&](int j) { return given.cluster.types[j].num_workers / given.size(); },
          [&](int option, double part) { detail::give(given, option_begin, found, i, option, part); });
    }
    found.objective = detail::least_level(given, found);
    detail::note_left_out(given, found);
    detail::note_unused_pairs(given, how, found);
    found.seconds = detail::seconds_now() - began;
    return found;
  }
};

}  // namespace plait
