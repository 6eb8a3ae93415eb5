// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string_view>
#include <utility>

#include <plait/alloc/detail/share_program.hpp>
#include <plait/alloc/policy.hpp>

namespace plait {

/// The least time in which all jobs at hand can be done, in seconds: min over shares of max_i steps_remaining_i /
/// thr_i.
///
///     maximize level   thr_i >= level * steps_remaining_i for each job;   makespan = 1 / level
///
/// Exact, with one linear program instead of a search over the time. `prices`: seconds saved for one more worker.
/// Jobs without steps left ask for nothing. Infinite where a job that has steps left can run nowhere; the others are
/// then served as if it were not there. Ties: most total normalised throughput within the makespan.
/// Source: Narayanan et al., OSDI 2020, section 4.2.
struct least_makespan {
  static constexpr std::string_view name = "makespan";

  static allocation share(const instance& given, const share_settings& how = {}) {
    const double began = detail::seconds_now();
    table<double> seconds;
    for (const job& one : given.jobs) seconds.push_back(detail::rounded(detail::proportional_seconds(given, one)));
    detail::share_program program{given, group_jobs(given, detail::rule_of(given, how, std::move(seconds), 1)), how,
                                  detail::pairs_wait};
    // The level is counted in units that make it one where each job has the rate of its proportional part.
    double longest = 0;
    bool stranded = false;
    table<detail::share_demand> demand(program.groups().size());
    for (int g = 0; g < demand.size(); ++g) {
      const double left = program.member(g).steps_remaining;
      if (left <= 0) continue;
      stranded = stranded || !program.can_run(g);
      if (program.can_run(g)) longest = std::fmax(longest, left / program.proportional(g));
    }
    for (int g = 0; g < demand.size(); ++g) {
      const double left = program.member(g).steps_remaining;
      if (left <= 0 || !program.can_run(g)) continue;
      demand[g].unit = 1 / program.proportional(g);
      demand[g].slope = left / program.proportional(g) / longest;
    }
    program.pose(demand, 1, table<double>(program.columns().size(), 0.0));
    program.solve();
    const double level = program.level();
    program.break_ties();
    allocation found = program.read();
    found.objective = longest > 0 ? longest / level : 0;
    for (double& price : found.prices) price *= level > 0 ? found.objective / level : 0;
    if (stranded) found.objective = infinity;
    found.seconds = detail::seconds_now() - began;
    return found;
  }
};

}  // namespace plait
