// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string_view>

#include <plait/alloc/detail/share_program.hpp>
#include <plait/alloc/policy.hpp>

namespace plait {

/// First in, first out as a linear program: max sum_i (J - i) thr_i / max_j T_ij, jobs counted from 0 in the order of
/// arrival, J of them. Every place in the queue is worth one more, so no two jobs are equal.
/// Source: Narayanan et al., OSDI 2020, section 4.2.
struct fifo_lp {
  static constexpr std::string_view name = "fifo_lp";
  static allocation share(const instance& given, const share_settings& how = {}) {
    const double began = detail::seconds_now();
    detail::share_program program{given, group_jobs(given, grouping_rule{.together = false}), how};
    const int jobs = given.size();
    table<double> unit(jobs, 0.0), cost;
    for (int i = 0; i < jobs; ++i) {
      double fastest = 0;
      for (const run_option& option : given.jobs[i].options) fastest = std::fmax(fastest, option.throughput);
      if (fastest > 0) unit[i] = static_cast<double>(jobs - i) / jobs / fastest;
    }
    for (const detail::share_column& c : program.columns())
      cost.push_back(c.rate * unit[c.group] + (c.other >= 0 ? c.other_rate * unit[c.other] : 0));
    program.pose(table<detail::share_demand>(jobs), 0, cost);
    program.solve();
    const double objective = program.objective() * jobs;
    program.break_ties();
    allocation found = program.read();
    found.objective = objective;
    for (double& price : found.prices) price *= jobs;
    found.seconds = detail::seconds_now() - began;
    return found;
  }
};

}  // namespace plait
