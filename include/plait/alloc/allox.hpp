// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string_view>

#include <plait/alloc/allocation.hpp>
#include <plait/alloc/detail/assignment.hpp>
#include <plait/alloc/policy.hpp>
#include <plait/core/require.hpp>
#include <plait/solve/detail/monitor.hpp>

namespace plait {

/// AlloX: the order and type of all jobs that makes the sum of their completion times least.
///
/// On one worker the job in the p-th place from the last delays p jobs, itself included, so it costs
/// p steps_remaining_i / T_i + elapsed_i there; the best order of all is a matching of jobs to places. The first job of
/// each worker runs, for all of the time. Workers of a type are alike, so a place of a type is one slot with as many
/// rooms as workers, and only the first ceil(jobs / workers) places of a type can be worth taking.
///
/// Objective: the cost of the matching, in seconds. `prices`: what it would fall by for one more worker, by the duals
/// of the places; a whole worker more saves at most that, and one less costs at least that. Needs: of each job that can
/// run an option of one worker, on some type; options of more workers are not looked at, since a matching gives each
/// job one worker. Jobs that cannot run on one worker as the cluster is are left out, and `note` says how many. Cost:
/// O(jobs^2 slots). Source: Le et al., "AlloX: Compute Allocation in Hybrid Clusters", EuroSys 2020.
struct allox {
  static constexpr std::string_view name = "allox";
  static allocation share(const instance& given, const share_settings& how = {}) {
    const double began = detail::seconds_now();
    const int types = given.cluster.size();
    table<int> option_begin;
    allocation found = detail::no_shares(given, option_begin);
    // Of each job its option on each type.
    table<int> matched, option(given.size() * types, -1);
    for (int i = 0; i < given.size(); ++i) {
      const job& one = given.jobs[i];
      require_single(one, i);
      for (int k = 0; k < one.options.size(); ++k) {
        const run_option& single = one.options[k];
        int& best = option[i * types + single.type];
        if (single.workers == 1 && detail::is_usable(given, one, single) && single.type < types &&
            given.cluster.types[single.type].num_workers >= 1 &&
            (best < 0 || single.throughput > one.options[best].throughput))
          best = k;
      }
      bool any = false;
      for (int j = 0; j < types; ++j) any = any || option[i * types + j] >= 0;
      if (any) matched.push_back(i);
    }
    if (matched.size() < given.size()) {
      detail::add_note(
          found,
          std::to_string(given.size() - matched.size()).append(" jobs can run on no single worker and have no share"));
    }
    table<int> type_of, place_of, room;
    for (int j = 0; j < types; ++j) {
      const int workers = static_cast<int>(std::fmin(std::floor(given.cluster.types[j].num_workers), 1e9));
      if (workers < 1) continue;
      for (int p = 1; (p - 1) * static_cast<double>(workers) < matched.size(); ++p) {
        type_of.push_back(j);
        place_of.push_back(p);
        room.push_back(workers);
      }
    }
    const auto cost = [&](int row, int slot) {
      const int i = matched[row], k = option[i * types + type_of[slot]];
      return k < 0 ? infinity : place_of[slot] * given.jobs[i].steps_remaining / given.jobs[i].options[k].throughput;
    };
    detail::assignment solver;
    const table<int> slot = solver.solve(matched.size(), room, cost);
    // A worker more is one more room in each place of its type. Places beyond those at hand would be worth nothing.
    found.prices.assign(types, 0.0);
    for (int s = 0; s < room.size(); ++s) found.prices[type_of[s]] += solver.worth(s);
    table<int> top(types, 0), at_top(types, 0);
    for (int row = 0; row < matched.size(); ++row) {
      found.objective += cost(row, slot[row]) + given.jobs[matched[row]].elapsed;
      const int j = type_of[slot[row]], p = place_of[slot[row]];
      if (p > top[j]) at_top[j] = 0;
      if (p >= top[j]) {
        top[j] = p;
        ++at_top[j];
      }
    }
    // Workers without a job in the top place begin with the place below it, in the order of arrival.
    for (int row = 0; row < matched.size(); ++row) {
      const int i = matched[row], j = type_of[slot[row]], p = place_of[slot[row]];
      bool runs = p == top[j];
      if (p == top[j] - 1 && at_top[j] < given.cluster.types[j].num_workers) {
        ++at_top[j];
        runs = true;
      }
      if (runs) detail::give(given, option_begin, found, i, option[i * types + j], 1);
    }
    detail::note_unused_pairs(given, how, found);
    found.seconds = detail::seconds_now() - began;
    return found;
  }

 private:
  /// Refuses a job that has options, but none of one worker.
  static void require_single(const job& one, int i) {
    bool any = false, usual = true;
    for (const run_option& option : one.options) {
      if (option.throughput <= 0) continue;
      if (option.workers == 1) return;
      any = true;
      usual = usual && option.workers == one.scale_factor;
    }
    require(!any || !usual, "plait::allox", [&] {
      return std::string{"scale_factor["}.append(std::to_string(i)).append("] must be 1; it matches jobs to workers");
    });
    require(!any, "plait::allox", [&] {
      return std::string{"options["}
          .append(std::to_string(i))
          .append("] must have one of 1 worker; it matches jobs to workers");
    });
  }
};

}  // namespace plait
