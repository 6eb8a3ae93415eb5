// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string_view>

#include <plait/alloc/allocation.hpp>
#include <plait/alloc/policy.hpp>
#include <plait/solve/detail/monitor.hpp>

namespace plait {

namespace detail {

/// What a job does with so many workers of each type on average, by the option of most steps a worker: calls
/// give(option, share), shares of at most 1 together.
template <class Entitled, class Give>
void use_part(const instance& given, const job& one, Entitled&& entitled, Give&& give_share) {
  double busy = 0;
  const auto each = [&](auto&& see) {
    for (int j = 0; j < given.cluster.size(); ++j) {
      int best = -1;
      for (int k = 0; k < one.options.size(); ++k) {
        const run_option& option = one.options[k];
        if (option.type != j || !is_usable(given, one, option)) continue;
        if (best < 0 || option.throughput * one.options[best].workers > one.options[best].throughput * option.workers)
          best = k;
      }
      if (best >= 0) see(best, entitled(j) / one.options[best].workers);
    }
  };
  each([&](int /*option*/, double share) { busy += share; });
  each([&](int option, double share) { give_share(option, share / std::fmax(1, busy)); });
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

/// An equal part of the cluster for each job: X_ij = n_j / (jobs s_i), and no more than all of the time. Objective: the
/// least s_i thr_i / (w_i Tp_i), to be held against `max_min_perf`.
struct isolated {
  static constexpr std::string_view name = "isolated";
  static allocation share(const instance& given, const share_settings& /*how*/ = {}) {
    const double began = detail::seconds_now();
    table<int> option_begin;
    allocation found = detail::no_shares(given, option_begin);
    for (int i = 0; i < given.size(); ++i) {
      detail::use_part(
          given, given.jobs[i], [&](int j) { return given.cluster.types[j].num_workers / given.size(); },
          [&](int option, double part) { detail::give(given, option_begin, found, i, option, part); });
    }
    found.objective = detail::least_level(given, found);
    found.seconds = detail::seconds_now() - began;
    return found;
  }
};

}  // namespace plait
