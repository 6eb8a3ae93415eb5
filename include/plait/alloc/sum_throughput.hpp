// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <utility>

#include <plait/alloc/detail/share_program.hpp>
#include <plait/alloc/policy.hpp>
#include <plait/core/require.hpp>

namespace plait {

namespace detail {

/// Groups for policies that add up steps; with the times that jobs should end in, where these count.
inline grouping group_for_sums(const instance& given, bool with_slo, const share_settings& how) {
  if (!with_slo) {
    grouping_rule rule = rule_of(given, how);
    rule.any_unit = false;
    return group_jobs(given, rule);
  }
  table<double> marks;
  for (const job& one : given.jobs) {
    marks.push_back(one.slo_seconds < infinity ? one.steps_remaining / one.slo_seconds : 0);
  }
  grouping_rule rule = rule_of(given, how, std::move(marks), 1);
  rule.any_unit = false;
  return group_jobs(given, rule);
}

/// Throughputs that jobs need to end in time. False where a job that needs one can run nowhere.
inline bool slo_demands(const share_program& program, bool with_slo, table<share_demand>& demand) {
  demand.assign(program.groups().size(), share_demand{});
  for (int g = 0; with_slo && g < demand.size(); ++g) {
    const job& one = program.member(g);
    if (one.slo_seconds == infinity || one.steps_remaining <= 0) continue;
    if (!program.can_run(g)) return false;
    demand[g].unit = 1 / program.proportional(g);
    demand[g].least = one.steps_remaining / one.slo_seconds / program.proportional(g);
  }
  return true;
}

/// Solves with the demands of SLOs; without them, and with a note, where they cannot be met.
template <class Solve>
bool solve_with_slo(share_program& program, bool with_slo, Solve&& solve) {
  table<share_demand> demand;
  if (slo_demands(program, with_slo, demand) && solve(demand)) return true;
  slo_demands(program, false, demand);
  solve(demand);
  return false;
}

inline constexpr const char* slo_given_up = "slo_seconds cannot all be met, so none of them is asked for";

/// max sum_c worth(c) thr_c x_c, which the sums of throughputs and of throughputs over costs are.
template <class Worth>
allocation share_by_sum(const instance& given, const share_settings& how, bool with_slo, Worth&& worth) {
  const double began = seconds_now();
  share_program program{given, group_for_sums(given, with_slo, how), how};
  table<double> cost;
  double largest = 0;
  for (const share_column& c : program.columns()) {
    double rate = c.rate * program.groups().count[c.group];
    if (c.other >= 0 && c.other != c.group) rate += c.other_rate * program.groups().count[c.other];
    cost.push_back(rate * worth(c));
    largest = std::fmax(largest, cost.back());
  }
  for (double& one : cost) one /= largest;
  const bool met = solve_with_slo(program, with_slo, [&](const table<share_demand>& demand) {
    program.pose(demand, 0, cost);
    return program.solve();
  });
  const double objective = program.objective() * largest;
  program.break_ties();
  allocation found = program.read();
  found.objective = program.columns().empty() ? 0 : objective;
  for (double& price : found.prices) price *= largest;
  if (!met) add_note(found, slo_given_up);
  found.seconds = seconds_now() - began;
  return found;
}

/// 1 / (dollars an hour for one worker), with what moves cost.
struct worth_of_a_dollar {
  const cluster* where;
  double operator()(const share_column& c) const {
    return 1 / (where->types[static_cast<std::size_t>(c.type)].cost_per_hour + c.dollars / c.workers);
  }
};

inline void require_costs(const instance& given, std::string_view policy) {
  for (int j = 0; j < given.cluster.size(); ++j) {
    require(given.cluster.types[j].cost_per_hour > 0, policy, [&] {
      return std::string{"cost_per_hour["}.append(std::to_string(j)).append("] must be positive for this policy");
    });
  }
}

}  // namespace detail

/// The most steps/s of all jobs together: max sum_i thr_i. Not normalised, so jobs that count small steps come first.
/// Source: Narayanan et al., OSDI 2020, section 4.2.
struct sum_throughput {
  static constexpr std::string_view name = "sum_throughput";
  static allocation share(const instance& given, const share_settings& how = {}) {
    return detail::share_by_sum(given, how, false, [](const detail::share_column& /*of*/) { return 1.0; });
  }
};

/// The published cost policy, which is linear: max sum_ij (T_ij / c_j) X_ij, in steps/s for each dollar an hour of one
/// worker. It adds up ratios and leaves out the size of gangs; `throughput_per_dollar` is the ratio of the sums.
/// Needs: a cost for every type. Source: the program published with Narayanan et al., OSDI 2020.
struct sum_throughput_over_cost {
  static constexpr std::string_view name = "sum_throughput_over_cost";
  static allocation share(const instance& given, const share_settings& how = {}) {
    detail::require_costs(given, name);
    return detail::share_by_sum(given, how, false, detail::worth_of_a_dollar{&given.cluster});
  }
};

/// The same, and each job with `slo_seconds` has thr_i >= steps_remaining_i / slo_seconds_i. Where not all of these can
/// hold none is asked for, as published, and `allocation::note` says so.
struct sum_throughput_over_cost_slo {
  static constexpr std::string_view name = "sum_throughput_over_cost_slo";
  static allocation share(const instance& given, const share_settings& how = {}) {
    detail::require_costs(given, name);
    return detail::share_by_sum(given, how, true, detail::worth_of_a_dollar{&given.cluster});
  }
};

}  // namespace plait
