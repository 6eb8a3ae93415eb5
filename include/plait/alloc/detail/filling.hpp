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
///
/// While no type is scarce the next to stop is the one nearest to its own fastest rate, so many steps are taken at
/// once: as if there were no capacities, and then one program tells whether there are shares of those levels.
template <class Speeds>
table<double> fill(share_program& program, Speeds&& speeds, double& first_level, table<double>& first_prices) {
  const int groups = program.groups().size();
  struct state {
    table<double> level;
    table<char> frozen;
  };
  state now{table<double>(groups, 0.0), table<char>(groups, 0)};
  table<double> most(groups, 0.0);  // of each group, whatever the others do
  for (const share_column& c : program.columns()) {
    most[c.group] = std::fmax(most[c.group], c.rate / c.time / program.proportional(c.group));
    if (c.other >= 0)
      most[c.other] = std::fmax(most[c.other], c.other_rate / c.other_time / program.proportional(c.other));
  }
  table<share_demand> demand(groups);
  for (int g = 0; g < groups; ++g) {
    now.frozen[g] = program.can_run(g) ? 0 : 1;
    if (now.frozen[g] == 0) demand[g].unit = 1 / program.proportional(g);
  }
  const table<double> no_cost(program.columns().size(), 0.0);
  table<double> first_speed = speeds(now.frozen);
  first_level = 0;
  const auto fastest_of = [](const table<double>& speed) {
    double fastest = 0;
    for (const double v : speed) fastest = std::fmax(fastest, v);
    return fastest;
  };
  int leap = 0;
  bool leapt = false;
  for (bool first = true;;) {
    state next = now;
    table<double> speed = speeds(next.frozen);
    for (int k = 0; k < leap && fastest_of(speed) > 0; ++k) {
      double height = infinity;
      for (int g = 0; g < groups; ++g)
        if (speed[g] > 0) height = std::fmin(height, (most[g] - next.level[g]) / speed[g]);
      for (int g = 0; g < groups; ++g) {
        if (speed[g] == 0) continue;
        if ((most[g] - next.level[g]) / speed[g] <= height) {
          next.level[g] = most[g];
          next.frozen[g] = 1;
        } else {
          next.level[g] += height * speed[g];
        }
      }
      speed = speeds(next.frozen);
    }
    const double fastest = fastest_of(speed);
    for (int g = 0; g < groups; ++g) {
      demand[g].least = next.level[g] * (leap > 0 ? 1 - 1e-10 : 1);
      demand[g].slope = leap > 0 || fastest == 0 ? 0 : speed[g] / fastest;
    }
    if (leap > 0) {
      const bool reached = program.try_demands(demand);
      if (reached) now = next;
      leap = reached ? 2 * leap : leap / 2;
      leapt = reached && fastest == 0;  // then all have what they can have at most
      if (leapt) break;
      continue;
    }
    if (fastest == 0) break;
    // Levels that were reached are reached again but for rounding, so the height may be a little below zero.
    program.pose(demand, 1, no_cost, -1e-7);
    if (!program.solve()) {
      program.disprove();
      break;
    }
    const double height = std::fmax(0, program.level());
    if (first) {
      first_level = height / fastest;
      first_prices = program.prices();
      for (double& price : first_prices) price /= fastest;
    }
    first = false;
    double largest = 0;
    for (int g = 0; g < groups; ++g) largest = std::fmax(largest, program.demand_price(g) * demand[g].slope);
    for (int g = 0; g < groups; ++g) {
      if (demand[g].slope == 0) continue;
      now.level[g] += height * demand[g].slope;
      if (program.demand_price(g) * demand[g].slope > 1e-9 * largest) now.frozen[g] = 1;
    }
    if (largest == 0) {
      program.disprove();
      break;
    }
    program.mark_without_slack(now.frozen);
    leap = program.is_scarce() ? 0 : 1;
  }
  if (program.programs() == 0) {  // nobody can run
    program.pose(demand, 0, no_cost);
    program.solve();
  }
  table<double> marks = first_speed;
  for (int g = 0; g < groups; ++g) marks[g] = 2.2361 * marks[g] + 1.618 * now.level[g];
  program.set_marks(marks);
  // The optima of the last program, or all shares that keep the demands of the last leap, are those of the levels.
  program.break_ties(leapt);
  return now.level;
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
