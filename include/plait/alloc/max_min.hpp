// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <utility>

#include <plait/alloc/agnostic.hpp>
#include <plait/alloc/detail/share_program.hpp>
#include <plait/alloc/policy.hpp>

namespace plait {

/// Max-min fairness over types of workers: the least of s_i thr_i / (w_i Tp_i) is as large as can be. With equal
/// weights that is at least what equal parts of the cluster give the job of the least; every job has at least what its
/// own equal part would give it where jobs are many or gangs of one size, see docs/allocation.md.
///
///     maximize level   s_i thr_i / (w_i Tp_i) >= level for each job, over the feasible shares
///
/// A larger priority makes a job's term smaller, so it gets more time. Ties: most total normalised throughput at the
/// best level. Cost: one linear program of 3 columns and 2 rows for each group of equal jobs.
/// Source: Narayanan et al., "Heterogeneity-Aware Cluster Scheduling Policies for Deep Learning Workloads", OSDI 2020,
/// section 4.1 (least attained service).
struct max_min_perf {
  static constexpr std::string_view name = "max_min_perf";

  static allocation share(const instance& given, const share_settings& how = {}) {
    const double began = detail::seconds_now();
    table<double> weights;
    for (const job& one : given.jobs) weights.push_back(one.priority);
    detail::share_program program{given, group_jobs(given, detail::rule_of(given, how, std::move(weights), 1)), how,
                                  detail::pairs_wait};
    table<detail::share_demand> demand(program.groups().size());
    for (int g = 0; g < demand.size(); ++g) {
      if (!program.can_run(g)) continue;
      const job& one = program.member(g);
      demand[g].unit = one.scale_factor / (one.priority * program.proportional(g));
      demand[g].slope = 1;
    }
    program.pose(demand, 1, table<double>(program.columns().size(), 0.0));
    program.solve();
    const double level = program.level();
    program.break_ties();
    allocation found = program.read();
    found.objective = level;
    found.seconds = detail::seconds_now() - began;
    return found;
  }
};

/// The same for a scheduler that takes all types of workers for equal: T = 1 everywhere, also where a job cannot run.
/// Its objective is in those terms; `allocation::throughputs` are those of the true rates. Such a scheduler cannot
/// prefer a type, so each job has its time in the mix of the workers, see `agnostic_share`.
struct max_min_agnostic {
  static constexpr std::string_view name = "max_min_agnostic";

  static allocation share(const instance& given, const share_settings& how = {}) {
    return agnostic_share<max_min_perf>(given, how);
  }
};

/// The same where two jobs of equal gang may share workers: one more column for each pair of groups and type.
struct max_min_packed {
  static constexpr std::string_view name = "max_min_packed";

  static allocation share(const instance& given, share_settings how = {}) {
    how.space_sharing = true;
    return max_min_perf::share(given, how);
  }
};

}  // namespace plait
