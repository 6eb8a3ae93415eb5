// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string_view>
#include <utility>

#include <plait/alloc/allocation.hpp>
#include <plait/alloc/policy.hpp>
#include <plait/core/random.hpp>
#include <plait/solve/detail/monitor.hpp>

namespace plait {

/// Gandiva's packing, for comparison: where all gangs fit at once, or nobody may share, jobs divide the time of all
/// workers equally. Else jobs of equal gang are put together in pairs at random, from `share_settings::seed`, and a
/// pair is kept if together they do more than one of them alone: the sum of T_pair / T_alone, on average over the
/// workers of types where both run alone, is above 1. Pairs and single jobs then divide the time equally.
///
/// Objective: the least s_i thr_i / (w_i Tp_i). Source: Xiao et al., "Gandiva: Introspective Cluster Scheduling for
/// Deep Learning", OSDI 2018, as simplified by Narayanan et al., OSDI 2020; without memory of earlier pairs.
struct gandiva {
  static constexpr std::string_view name = "gandiva";
  static allocation share(const instance& given, const share_settings& how = {}) {
    const double began = detail::seconds_now();
    table<int> option_begin;
    allocation found = detail::no_shares(given, option_begin);
    const int jobs = given.size(), types = given.cluster.size();
    found.groups = group_jobs(given, grouping_rule{.together = false});
    // Single options as a pair would need them: the usual gang on each type.
    table<int> option(jobs * types, -1);
    double gangs = 0;
    for (int i = 0; i < jobs; ++i) {
      const job& one = given.jobs[i];
      gangs += one.scale_factor;
      for (int k = 0; k < one.options.size(); ++k) {
        const run_option& single = one.options[k];
        int& best = option[i * types + single.type];
        if (single.workers == one.scale_factor && detail::is_usable(given, one, single) &&
            (best < 0 || single.throughput > one.options[best].throughput))
          best = k;
      }
    }
    const auto alone = [&](int i, int j) {
      const int k = option[i * types + j];
      return k < 0 ? 0 : given.jobs[i].options[k].throughput;
    };
    table<int> order(jobs, 0), partner(jobs, -1);
    for (int i = 0; i < jobs; ++i) order[i] = i;
    const random_stream dice{how.seed, "gandiva", 0};
    for (int i = jobs - 1; i > 0; --i) {
      std::swap(order[i],
                order[static_cast<int>(dice.below(static_cast<std::uint64_t>(i), static_cast<std::uint32_t>(i + 1)))]);
    }
    int units = jobs;  // pairs and single jobs
    if (gangs > given.cluster.workers()) {
      for (int x = 0; x < jobs; ++x) {
        for (int y = x + 1; y < jobs && partner[order[x]] < 0; ++y) {
          const int a = order[x], b = order[y];
          if (partner[b] >= 0 || given.jobs[a].scale_factor != given.jobs[b].scale_factor) continue;
          // One try for each job: the next of equal gang in the shuffled order.
          if (gain(given, a, b, alone) > 1) {
            partner[a] = b;
            partner[b] = a;
            --units;
          }
          break;
        }
      }
    }
    for (int i = 0; i < jobs; ++i) {
      const int b = partner[i];
      if (b >= 0 && b < i) continue;
      const int gang = given.jobs[i].scale_factor;
      // An equal part of each type's time, and at most all of one's own.
      table<double> part(types, 0.0);
      double busy = 0;
      for (int j = 0; j < types; ++j) {
        const bool runs = b < 0 ? option[i * types + j] >= 0 : alone(i, j) > 0 || alone(b, j) > 0;
        if (runs && detail::gang_fits(given, j, gang)) part[j] = given.cluster.types[j].num_workers / units / gang;
        busy += part[j];
      }
      for (int j = 0; j < types; ++j) {
        const double share = part[j] / std::fmax(1, busy);
        if (share <= 0) continue;
        if (b < 0) {
          detail::give(given, option_begin, found, i, option[i * types + j], share);
          continue;
        }
        double first = 0, second = 0;
        rates(given, i, b, j, first, second);
        if (first <= 0 && second <= 0) continue;
        found.pairs.push_back(pair_share{.first_group = i,
                                         .second_group = b,
                                         .type = j,
                                         .workers = gang,
                                         .share = share,
                                         .first = first,
                                         .second = second});
        found.throughputs[i] += share * first;
        found.throughputs[b] += share * second;
      }
    }
    found.objective = detail::least_level(given, found);
    found.seconds = detail::seconds_now() - began;
    return found;
  }

 private:
  /// Steps/s of two jobs that share workers of a type; zero where nobody measured it.
  static void rates(const instance& given, int a, int b, int type, double& first, double& second) {
    first = second = 0;
    const int x = given.jobs[a].kind, y = given.jobs[b].kind;
    for (const pair_rate& one : given.pair_rates) {
      if (one.type != type || x < 0 || y < 0) continue;
      if (one.first_kind == x && one.second_kind == y) {
        first = one.first;
        second = one.second;
      } else if (one.first_kind == y && one.second_kind == x) {
        first = one.second;
        second = one.first;
      }
    }
  }

  template <class Alone>
  static double gain(const instance& given, int a, int b, Alone&& alone) {
    double sum = 0, workers = 0;
    for (int j = 0; j < given.cluster.size(); ++j) {
      if (alone(a, j) <= 0 || alone(b, j) <= 0) continue;
      double first = 0, second = 0;
      rates(given, a, b, j, first, second);
      sum += given.cluster.types[j].num_workers * (first / alone(a, j) + second / alone(b, j));
      workers += given.cluster.types[j].num_workers;
    }
    return workers > 0 ? sum / workers : 0;
  }
};

}  // namespace plait
