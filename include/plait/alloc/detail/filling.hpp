// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <utility>

#include <plait/alloc/detail/share_program.hpp>
#include <plait/alloc/policy.hpp>

namespace plait::detail {

/// Raises normalised throughputs thr_i / Tp_i together, each at its own speed, until none can rise.
///
///     level_i = 0
///     repeat  maximize c:   thr_i / Tp_i >= level_i + c speed_i for all jobs
///             level_i += c speed_i;   jobs that can rise no further stay where they are
///
/// `speeds(frozen)` gives the speed of each group, 0 for one that waits or is frozen; when all are 0 the filling ends.
/// A group whose demand has a positive dual, or could have one, is at its level in every optimum, so it is frozen;
/// there always is one. One that is stuck and not found so makes a later step of no height, and changes nothing. So no
/// integer program is needed.
/// Returns the levels; the program is left with the shares that keep them, ties broken.
///
/// Cost: at most one linear program a group, each from the basis of the one before.
template <class Speeds>
table<double> fill(share_program& program, Speeds&& speeds, double& first_level, table<double>& first_prices) {
  const int groups = program.groups().size();
  table<double> level(groups, 0.0);
  table<char> frozen(groups, 0);
  for (int g = 0; g < groups; ++g) frozen[g] = program.can_run(g) ? 0 : 1;
  table<share_demand> demand(groups);
  for (int g = 0; g < groups; ++g)
    if (frozen[g] == 0) demand[g].unit = 1 / program.proportional(g);
  const table<double> no_cost(program.columns().size(), 0.0);
  table<double> first_speed;
  first_level = 0;
  for (int step = 0;; ++step) {
    const table<double> speed = speeds(frozen);
    if (step == 0) first_speed = speed;
    double fastest = 0;
    for (int g = 0; g < groups; ++g) {
      demand[g].least = level[g];
      demand[g].slope = frozen[g] != 0 ? 0 : speed[g];
      fastest = std::fmax(fastest, demand[g].slope);
    }
    if (fastest == 0) break;
    for (int g = 0; g < groups; ++g) demand[g].slope /= fastest;
    // Levels that were reached are reached again but for rounding, so the height may be a little below zero.
    program.pose(demand, 1, no_cost, -1e-7);
    program.solve();
    const double height = std::fmax(0, program.level());
    if (step == 0) {
      first_level = height / fastest;
      first_prices = program.prices();
      for (double& price : first_prices) price /= fastest;
    }
    double largest = 0;
    for (int g = 0; g < groups; ++g) largest = std::fmax(largest, program.demand_price(g) * demand[g].slope);
    for (int g = 0; g < groups; ++g) {
      if (demand[g].slope == 0) continue;
      level[g] += height * demand[g].slope;
      if (program.demand_price(g) * demand[g].slope > 1e-9 * largest) frozen[g] = 1;
    }
    if (largest == 0) {
      program.disprove();
      break;
    }
    program.mark_without_slack(frozen);
  }
  if (program.programs() == 0) {  // nobody can run
    program.pose(demand, 0, no_cost);
    program.solve();
  }
  table<double> marks = first_speed;
  for (int g = 0; g < groups; ++g) marks[g] = 2.2361 * marks[g] + 1.618 * level[g];
  program.set_marks(marks);
  // The optima of the last program are all shares that keep the levels.
  program.break_ties();
  return level;
}

/// An allocation from what `fill` left.
inline allocation filled(const share_program& program, const table<double>& level, double objective,
                         table<double> prices) {
  allocation found = program.read();
  found.objective = objective;
  found.prices = std::move(prices);
  found.levels.resize(found.jobs);
  for (int i = 0; i < found.jobs; ++i) found.levels[i] = level[program.groups().group_of[i]];
  return found;
}

}  // namespace plait::detail
