// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string_view>

#include <plait/alloc/detail/share_program.hpp>
#include <plait/alloc/policy.hpp>
#include <plait/alloc/sum_throughput.hpp>

namespace plait {

namespace detail {

/// max (sum_i thr_i) / (sum_c workers_c cost_c x_c). For a ratio r the program max sum (thr - r cost) has an optimum
/// above 0 exactly where r can be bettered, and the ratio of its optimum is better (Dinkelbach, Management Science 13,
/// 1967); the last one has the optimum 0, whose duals prove the ratio. The optimum is that of Charnes' and Cooper's
/// one program in shares times a scale (Naval Research Logistics 9, 1962), and each step keeps the form that the
/// solver has a fast start for.
inline allocation share_by_ratio(const instance& given, const share_settings& how, bool with_slo) {
  const double began = seconds_now();
  share_program program{given, group_for_sums(given, with_slo, how), how};
  const table<share_column>& columns = program.columns();
  table<double> rate, dollars, cost(columns.size(), 0.0);
  double best_column = 0, scale = 0;
  for (const share_column& c : columns) {
    rate.push_back(c.rate * program.groups().count[c.group]);
    if (c.other >= 0 && c.other != c.group) rate.back() += c.other_rate * program.groups().count[c.other];
    dollars.push_back(c.workers * given.cluster.types[c.type].cost_per_hour + c.dollars);
    best_column = std::fmax(best_column, rate.back() / dollars.back());
    scale = std::fmax(scale, rate.back());
  }
  double ratio = 0, spent = 0;
  const auto sums = [&] {
    double steps = 0;
    spent = 0;
    for (int c = 0; c < columns.size(); ++c) {
      steps += rate[c] * program.value(c);
      spent += dollars[c] * program.value(c);
    }
    return spent > 0 ? steps / spent : 0;
  };
  const bool met = solve_with_slo(program, with_slo, [&](const table<share_demand>& demand) {
    bool any_demand = false;
    for (const share_demand& one : demand) any_demand = any_demand || one.unit != 0;
    // Without demands the best column alone is best.
    ratio = any_demand ? 0 : best_column;
    for (int round = 0; round < 60; ++round) {
      for (int c = 0; c < columns.size(); ++c) {
        const double gain = rate[c] - ratio * dollars[c];
        cost[c] = std::fabs(gain) <= 4e-16 * rate[c] ? 0 : gain / scale;
      }
      program.pose(demand, 0, cost);
      if (!program.solve()) return false;
      const double next = sums();
      if (!any_demand || next <= ratio * (1 + 1e-13)) break;
      ratio = next;
    }
    return true;
  });
  program.break_ties();
  sums();
  allocation found = program.read();
  found.objective = ratio;
  // d ratio / d n_j = price_j / dollars spent, because the optimum falls by the dollars for one more of the ratio.
  for (double& price : found.prices) price = spent > 0 ? price * scale / spent : 0;
  if (!met) add_note(found, slo_given_up);
  found.seconds = seconds_now() - began;
  return found;
}

}  // namespace detail

/// The most steps for a dollar: max (sum_i thr_i) / (sum_ij s_i c_j X_ij), with c in dollars an hour, so the objective
/// is in steps/s for each dollar an hour. Only the best ratio counts, so jobs that are dear may get nothing; among
/// shares of the best ratio the one of most total normalised throughput is taken. Needs: a cost for every type.
/// Source: Narayanan et al., OSDI 2020, section 4.2.
struct throughput_per_dollar {
  static constexpr std::string_view name = "throughput_per_dollar";
  static allocation share(const instance& given, const share_settings& how = {}) {
    detail::require_costs(given, name);
    return detail::share_by_ratio(given, how, false);
  }
};

/// The same, and each job with `slo_seconds` has thr_i >= steps_remaining_i / slo_seconds_i; see
/// `sum_throughput_over_cost_slo` for what happens where that cannot be.
struct throughput_per_dollar_slo {
  static constexpr std::string_view name = "throughput_per_dollar_slo";
  static allocation share(const instance& given, const share_settings& how = {}) {
    detail::require_costs(given, name);
    return detail::share_by_ratio(given, how, true);
  }
};

}  // namespace plait
