// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string_view>
#include <utility>

#include <plait/alloc/detail/share_program.hpp>
#include <plait/alloc/isolated.hpp>
#include <plait/alloc/policy.hpp>

namespace plait {

/// Finish-time fairness: the largest rho_i is as small as can be, where rho_i is the time that job i will have taken
/// over the time it would have taken with its own equal part of the cluster:
///
///     rho_i = (elapsed_i + steps_remaining_i / thr_i) / D_i,
///     D_i   = isolated_time_so_far_i + steps_remaining_i / (isolated throughput of i)
///
/// Exact. A rho can be kept where thr_i >= need_i(rho) = steps_i / (rho D_i - elapsed_i) for all jobs, so for a rho
/// max level, thr_i >= level need_i(rho) tells. Its duals y of the demands say more: no shares can have
/// sum y_i thr_i above the worth V of the resources, so every rho that can be kept has sum y_i need_i(rho) <= V. The
/// least such rho is the next one to try: a method of cuts that comes from below and ends after as many programs as
/// dual vertices are met, usually three to six; the shares of each program give a rho from above. The answer is proved
/// when both meet to 1e-9, else `certificate_verified` is false.
///
/// No rho is below the largest elapsed_i / D_i. All is computed as what is beyond that: where that job has little left
/// to do, the best rho is just beyond, and the job's need would be lost in the digits of rho.
///
/// `prices`: how much the largest rho falls for one more worker. Weights play no part, as published.
/// Source: Mahajan et al., "Themis: Fair and Efficient GPU Cluster Scheduling", NSDI 2020; Narayanan et al., OSDI 2020,
/// section 4.2. Kelley, "The cutting-plane method for solving convex programs", SIAM J. 8, 1960.
struct finish_time_fairness {
  static constexpr std::string_view name = "ftf";

  static allocation share(const instance& given, const share_settings& how = {}) {
    const double began = detail::seconds_now();
    table<double> marks;
    for (const job& one : given.jobs) {
      marks.push_back(detail::rounded(detail::proportional_seconds(given, one)));
      marks.push_back(one.elapsed);
      marks.push_back(one.isolated_time_so_far);
    }
    detail::share_program program{given, group_jobs(given, detail::rule_of(given, how, std::move(marks), 3)), how};
    const int groups = program.groups().size();
    table<double> fair(groups, 0.0), alone(groups, 0.0);  // D of each group, and what of it is to come
    double floor = 0;
    bool any = false, stranded = false;
    for (int g = 0; g < groups; ++g) {
      const job& one = program.member(g);
      const double left = one.steps_remaining;
      stranded = stranded || (left > 0 && !program.can_run(g));
      if (left > 0 && !program.can_run(g)) continue;
      if (left > 0) alone[g] = left / isolated_throughput(given, one);
      fair[g] = one.isolated_time_so_far + alone[g];
      if (fair[g] <= 0) continue;
      floor = std::fmax(floor, one.elapsed / fair[g]);
      any = any || left > 0;
    }
    const auto asks = [&](int g) { return program.can_run(g) && program.member(g).steps_remaining > 0; };
    table<double> spare(groups, 0.0);  // seconds that a group's jobs have left where rho is at the floor
    double low = 0, high = 0;          // the best rho is between, both beyond the floor
    for (int g = 0; g < groups; ++g) {
      if (fair[g] <= 0) continue;
      spare[g] = std::fmax(0, std::fma(floor, fair[g], -program.member(g).elapsed));
      high = std::fmax(high, (alone[g] - spare[g]) / fair[g]);
    }
    const auto seconds = [&](int g, double beyond) { return beyond * fair[g] + spare[g]; };
    const auto need = [&](int g, double beyond) {
      return program.member(g).steps_remaining / seconds(g, beyond) / program.proportional(g);
    };
    table<detail::share_demand> demand(groups);
    const table<double> no_cost(program.columns().size(), 0.0);
    double beyond = high;
    table<double> duals(groups, 0.0);
    for (int round = 0; any && round < 100; ++round) {
      for (int g = 0; g < groups; ++g)
        if (asks(g)) demand[g] = {.unit = 1 / program.proportional(g), .least = 0, .slope = need(g, beyond)};
      program.pose(demand, 1, no_cost);
      program.solve();
      const table<double> rates = program.throughputs();
      double reached = 0;
      for (int g = 0; g < groups; ++g) {
        if (!asks(g)) continue;
        duals[g] = program.demand_price(g);
        reached = std::fmax(reached, (program.member(g).steps_remaining / rates[g] - spare[g]) / fair[g]);
      }
      high = std::fmin(high, reached);
      const double bound = least_beyond(program, duals, beyond, need);
      low = std::fmax(low, std::fmin(bound, high));
      if (high - low <= 1e-12 * (floor + high) || (round > 0 && beyond == low)) break;
      beyond = low > 0 ? low : 0.5 * (low + high);
      if (!program.is_scarce()) program.forget_basis();
    }
    allocation found;
    if (any) {
      // The shares of the last program keep rho at most; ties are broken with every rho_i held at the largest.
      for (int g = 0; g < groups; ++g)
        if (asks(g)) demand[g].slope = need(g, high);
      if (!program.is_scarce()) program.forget_basis();
      program.pose(demand, 1, no_cost);
      program.solve();
      double slope = 0;
      for (int g = 0; g < groups; ++g)
        if (asks(g)) slope += program.demand_price(g) * need(g, high) * fair[g] / seconds(g, high);
      program.break_ties();
      found = program.read();
      for (double& price : found.prices) price = slope > 0 ? price / slope : 0;
    } else {
      program.pose(demand, 0, no_cost);
      program.solve();
      program.break_ties();
      found = program.read();
      for (double& price : found.prices) price = 0;
    }
    found.objective = stranded ? infinity : floor + high;
    // As near as `check` asks of two objectives; cuts from duals that are proved to that come no nearer for sure.
    if (high - low > 1e-9 * (floor + high)) found.certificate_verified = false;
    found.seconds = detail::seconds_now() - began;
    return found;
  }

 private:
  /// What is the least rho with sum y_i need_i(rho) <= V beyond the floor, by halving: the sum falls.
  template <class Need>
  static double least_beyond(const detail::share_program& program, const table<double>& duals, double from,
                             Need&& need) {
    const double worth = program.worth_of_resources();
    const auto sum = [&](double beyond) {
      double total = 0;
      for (int g = 0; g < duals.size(); ++g)
        if (duals[g] > 0) total += duals[g] * need(g, beyond);
      return total;
    };
    // Between a rho that cannot be kept and one that these duals do not exclude.
    double low = 0, high = from;
    for (int k = 0; k < 200 && sum(high) > worth; ++k) {
      low = high;
      high = 2 * high + 1e-300;
    }
    for (int k = 0; k < 200 && high - low > 1e-15 * high; ++k) {
      const double middle = 0.5 * (low + high);
      (sum(middle) > worth ? low : high) = middle;
    }
    return low;
  }
};

}  // namespace plait
