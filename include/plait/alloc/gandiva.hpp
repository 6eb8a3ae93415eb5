// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string_view>
#include <utility>

#include <plait/alloc/allocation.hpp>
#include <plait/alloc/detail/measured_pairs.hpp>
#include <plait/alloc/isolated.hpp>
#include <plait/alloc/policy.hpp>
#include <plait/core/random.hpp>
#include <plait/solve/detail/monitor.hpp>

namespace plait {

/// Gandiva's packing, for comparison: where all gangs fit at once, or nobody may share, jobs divide the time of all
/// workers equally. Else jobs of equal gang are put together in pairs at random, from `share_settings::seed`, and a
/// pair is kept if together they do more than one of them alone: the sum of T_pair / T_alone, on average over the
/// workers of types where both run alone, is above 1. Pairs and single jobs then divide the time equally.
///
/// A job with several gang sizes uses its part as under `isolated` where it is single, and in a pair with its usual
/// gang, since that is how pairs are measured. It fits with its usual gang, or with its smallest if it has none such.
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
      gangs += least_gang(given, one);
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
    const detail::measured_pairs rates{given};
    int units = jobs;  // pairs and single jobs
    if (gangs > given.cluster.workers()) {
      for (int x = 0; x < jobs; ++x) {
        for (int y = x + 1; y < jobs && partner[order[x]] < 0; ++y) {
          const int a = order[x], b = order[y];
          if (partner[b] >= 0 || given.jobs[a].scale_factor != given.jobs[b].scale_factor) continue;
          // One try for each job: the next of equal gang in the shuffled order.
          if (gain(given, rates, a, b, alone) > 1) {
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
      if (b < 0) {
        detail::use_part(
            given, given.jobs[i], [&](int j) { return given.cluster.types[j].num_workers / units; },
            [&](int single, double share) { detail::give(given, option_begin, found, i, single, share); });
        continue;
      }
      const int gang = given.jobs[i].scale_factor;
      // An equal part of each type's time, and at most all of one's own.
      table<double> part(types, 0.0);
      double busy = 0;
      for (int j = 0; j < types; ++j) {
        const bool runs = alone(i, j) > 0 || alone(b, j) > 0;
        if (runs && detail::gang_fits(given, j, gang)) part[j] = given.cluster.types[j].num_workers / units / gang;
        busy += part[j];
      }
      for (int j = 0; j < types; ++j) {
        const double share = part[j] / std::fmax(1, busy);
        if (share <= 0) continue;
        const detail::both_rates rate = rates.of(i, b, j);
        if (rate.first > 0 || rate.second > 0) detail::give_both(given, found, i, b, j, share, rate);
      }
    }
    found.objective = detail::least_level(given, found);
    detail::note_left_out(given, found);
    found.seconds = detail::seconds_now() - began;
    return found;
  }

 private:
  /// Workers of the usual gang, or of the smallest where the job has no option of its usual gang.
  static int least_gang(const instance& given, const job& one) {
    int least = 0;
    for (int k = detail::next_usable(given, one, -1); k >= 0; k = detail::next_usable(given, one, k)) {
      if (one.options[k].workers == one.scale_factor) return one.scale_factor;
      if (least == 0 || one.options[k].workers < least) least = one.options[k].workers;
    }
    return least > 0 ? least : one.scale_factor;
  }

  template <class Alone>
  static double gain(const instance& given, const detail::measured_pairs& rates, int a, int b, Alone&& alone) {
    double sum = 0, workers = 0;
    for (int j = 0; j < given.cluster.size(); ++j) {
      if (alone(a, j) <= 0 || alone(b, j) <= 0) continue;
      const detail::both_rates rate = rates.of(a, b, j);
      sum += given.cluster.types[j].num_workers * (rate.first / alone(a, j) + rate.second / alone(b, j));
      workers += given.cluster.types[j].num_workers;
    }
    return workers > 0 ? sum / workers : 0;
  }
};

}  // namespace plait
