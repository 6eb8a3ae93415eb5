// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <plait/alloc/detail/filling.hpp>
#include <plait/alloc/policy.hpp>
#include <plait/core/require.hpp>

namespace plait {

/// Fairness among entities by their weights, and inside each entity fairness by priorities or first in, first out.
///
/// All rise together, as in `water_filling`. An entity of fairness spreads its weight over its jobs that can still
/// rise, in proportion to their priorities; one of first in, first out gives all of it to its first job that can, in
/// the order in which the entity lists them. When a job is stuck the others of its entity rise faster.
///
/// `levels`: thr_i / Tp_i. `objective`: what the first filling gave for each unit of weight; `prices`: of that.
/// Needs: entities in which every job is once.
/// Source: Narayanan et al., OSDI 2020, section 4.3. The published program stops all jobs too early where an entity is
/// first in, first out: its integer program has no answer once a job waits at level 0.
struct hierarchical {
  static constexpr std::string_view name = "hierarchical";
  static allocation share(const instance& given, const share_settings& how = {}) {
    const double began = detail::seconds_now();
    const int jobs = given.size(), entities = static_cast<int>(given.entities.size());
    // Jobs of one entity may be grouped where order does not count.
    table<double> marks(3 * jobs, -1.0);
    for (int e = 0; e < entities; ++e) {
      const entity& team = given.entities[e];
      double place = 0;
      for (const int i : team.jobs) {
        marks[3 * i] = e;
        marks[3 * i + 1] = team.policy == entity_policy::fifo ? place : given.jobs[i].priority;
        marks[3 * i + 2] = team.policy == entity_policy::fifo ? 1 : 0;
        ++place;
      }
    }
    for (int i = 0; i < jobs; ++i) {
      require(marks[3 * i] >= 0, "plait::hierarchical",
              [&] { return std::string{"entities: job "}.append(std::to_string(i)).append(" is in none of them"); });
    }
    detail::share_program program{given, group_jobs(given, detail::rule_of(given, how, marks, 3)), how};
    const grouping& groups = program.groups();
    const auto speeds = [&](const table<char>& frozen) {
      table<double> speed(groups.size(), 0.0), sum(entities, 0.0);
      table<int> head(entities, -1);
      for (int g = 0; g < groups.size(); ++g) {
        if (frozen[g] != 0) continue;
        const int e = static_cast<int>(marks[3 * groups.first[g]]);
        sum[e] += groups.count[g] * program.member(g).priority;
        if (head[e] < 0 || marks[3 * groups.first[g] + 1] < marks[3 * groups.first[head[e]] + 1]) head[e] = g;
      }
      for (int g = 0; g < groups.size(); ++g) {
        const int e = static_cast<int>(marks[3 * groups.first[g]]);
        const entity& team = given.entities[e];
        if (frozen[g] != 0 || (team.policy == entity_policy::fifo && head[e] != g)) continue;
        const double part = team.policy == entity_policy::fifo ? 1 : program.member(g).priority / sum[e];
        speed[g] = team.weight * part / program.member(g).scale_factor;
      }
      return speed;
    };
    double objective = 0;
    table<double> prices;
    const table<double> level = detail::fill(program, speeds, objective, prices);
    allocation found = detail::filled(program, level, objective, std::move(prices));
    found.seconds = detail::seconds_now() - began;
    return found;
  }
};

}  // namespace plait
