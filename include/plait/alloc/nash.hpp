// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string_view>

#include <plait/alloc/detail/share_program.hpp>
#include <plait/alloc/policy.hpp>

namespace plait {

namespace detail {

/// Shares of greatest sum_i log(thr_i / Tp_i), by tangents of the logarithm: where each program's throughputs are, the
/// logarithm gets a tangent more, until what the tangents allow and what there is differ by less than 1e-9 a job, or no
/// longer come nearer.
///
/// Each logarithm is a function of one number, so near the end each program at least halves the distance between the
/// tangents that meet at its optimum. Throws: numerics, as `share_program::solve`.
class nash_program {
 public:
  nash_program(const instance& given, const share_settings& how)
      : program_{given, group_jobs(given, rule_of(given, how)), how} {}

  /// The greatest sum of logarithms, over the jobs that can run. `guess`: of thr / Tp of each group's first job, where
  /// something is known; more tangents start there.
  template <class Guess>
  double solve(simplex& solver, Guess&& guess) {
    const grouping& groups = program_.groups();
    const int count = groups.size(), n = program_.columns().size();
    table<share_demand> demand(count);
    for (int g = 0; g < count; ++g)
      if (program_.can_run(g)) demand[g].unit = 1 / program_.proportional(g);
    program_.pose(demand, 0, table<double>(n, 0.0));
    lp model = program_.model();
    table<int> rate_column(count, -1), value_column(count, -1);
    double jobs = 0;
    for (int g = 0; g < count; ++g) {
      if (!program_.can_run(g)) continue;
      const lp_entry entry[] = {{program_.demand_row(g), -1}};
      rate_column[g] = model.add_column(0, 0, infinity, entry);
      value_column[g] = model.add_column(groups.count[g], -infinity, infinity);
      jobs += groups.count[g];
    }
    const auto tangent = [&](int g, double at) {
      const lp_entry entries[] = {{value_column[g], 1}, {rate_column[g], -1 / at}};
      model.add_row(-infinity, std::log(at) - 1, entries);
    };
    for (int g = 0; g < count; ++g) {
      if (!program_.can_run(g)) continue;
      for (double at = 4; at > 1e-4 / jobs; at *= 0.25) tangent(g, at);
      const double near = guess(g);
      for (double at = 0.8; near > 0 && at < 1.5; at *= 1.1) tangent(g, near * at);
    }
    answer found;
    proved = true;
    double best = -infinity, least_gap = infinity;
    if (jobs == 0) {
      program_.solve();
      return 0;
    }
    for (int round = 0, idle = 0; round < 60 && idle < 15; ++round) {
      found = solver.solve(model, {}, found.basis);
      ++programs;
      if (found.status != termination::optimal) {
        throw error{error_kind::numerics, "plait::nash", "a program of tangents was not solved to its end"};
      }
      double sum = 0;
      for (int g = 0; g < count; ++g) {
        if (!program_.can_run(g)) continue;
        const double rate = std::fmax(found.x[rate_column[g]], 1e-300);
        sum += groups.count[g] * std::log(rate);
      }
      best = sum;
      gap = (found.objective - sum) / jobs;
      proved = found.verified && gap < 1e-8;
      if (gap < 1e-9) break;
      idle = gap < 0.9 * least_gap ? 0 : idle + 1;
      least_gap = std::fmin(gap, least_gap);
      for (int g = 0; g < count; ++g)
        if (program_.can_run(g)) tangent(g, std::fmax(found.x[rate_column[g]], 1e-9 / jobs));
    }
    program_.adopt(found, proved);
    return best;
  }

  [[nodiscard]] const share_program& shares() const { return program_; }
  bool proved = false;
  int programs = 0;
  double gap = 0;  ///< of the mean logarithm

 private:
  share_program program_;
};

}  // namespace detail

/// Nash welfare made strategy-proof: the shares of the greatest geometric mean of throughputs, and of these each job
/// keeps the part prod_{k != i} thr_k(with i) / thr_k(without i), so what its presence costs the others. No job can
/// gain by reporting other throughputs than it has; workers are left idle for it.
///
/// With V the greatest sum of logarithms, the throughput that a job keeps is exp(V(all) - V(without i)), so errors of
/// single throughputs cancel. Objective: the geometric mean of thr_i / Tp_i before that reduction, of jobs that can
/// run. `prices`: of it. Priorities play no part. Cost: one problem more for each group of equal jobs, of some ten
/// linear programs each.
/// Source: Cole, Gkatzelis, Goel, "Mechanism Design for Fair Division: Allocating Divisible Items without Payments", EC
/// 2013; a variant published with Narayanan et al., OSDI 2020.
struct nash {
  static constexpr std::string_view name = "nash";
  static allocation share(const instance& given, const share_settings& how = {}) {
    const double began = detail::seconds_now();
    simplex solver;
    detail::nash_program all{given, how};
    const double welfare = all.solve(solver, [](int /*group*/) { return 0.0; });
    allocation found = all.shares().read();
    const grouping& groups = all.shares().groups();
    bool proved = all.proved;
    int programs = all.programs;
    double jobs = 0;
    table<double> kept(groups.size(), 0.0);
    const table<double> rates = all.shares().throughputs();
    for (int g = 0; g < groups.size(); ++g) {
      if (!all.shares().can_run(g)) continue;
      jobs += groups.count[g];
      instance others = given;
      others.jobs.erase(others.jobs.begin() + groups.first[g]);
      double without = 0;
      if (!others.jobs.empty()) {
        detail::nash_program rest{others, how};
        const grouping& theirs = rest.shares().groups();
        without = rest.solve(solver, [&](int group) {
          const int other = theirs.first[group] + (theirs.first[group] >= groups.first[g] ? 1 : 0);
          return rates[groups.group_of[other]] / all.shares().proportional(groups.group_of[other]);
        });
        proved = proved && rest.proved;
        programs += rest.programs;
      }
      const double keeps = std::exp(welfare - without) * all.shares().proportional(g);
      kept[g] = std::fmin(1, keeps / rates[g]);
    }
    // A pair is as long together as the one that keeps less allows.
    for (int i = 0, at = 0; i < given.size(); ++i) {
      const double part = kept[groups.group_of[i]];
      found.throughputs[i] = 0;
      for (int j = 0; j < found.types; ++j) found.shares[i * found.types + j] *= part;
      for (const run_option& option : given.jobs[i].options) {
        found.option_shares[at] *= part;
        found.throughputs[i] += found.option_shares[at++] * option.throughput;
      }
    }
    for (pair_share& one : found.pairs) {
      one.share *= std::fmin(kept[one.first_group], kept[one.second_group]);
      const bool same = one.first_group == one.second_group;
      for (int i = 0; i < given.size(); ++i) {
        const int g = groups.group_of[i];
        if (g == one.first_group)
          found.throughputs[i] += one.share * one.first * (groups.count[one.second_group] - same);
        if (g == one.second_group && !same)
          found.throughputs[i] += one.share * one.second * groups.count[one.first_group];
      }
    }
    found.objective = jobs > 0 ? std::exp(welfare / jobs) : 0;
    for (double& price : found.prices) price *= jobs > 0 ? found.objective / jobs : 0;
    found.certificate_verified = proved;
    found.programs = programs;
    found.seconds = detail::seconds_now() - began;
    return found;
  }
};

}  // namespace plait
