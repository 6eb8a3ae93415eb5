// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <utility>

#include <plait/alloc/detail/filling.hpp>
#include <plait/alloc/policy.hpp>

namespace plait {

/// Lexicographic max-min fairness: the least s_i thr_i / (w_i Tp_i) is as large as can be, then the next to least, and
/// so on. So no job can be given more without taking from one that has less.
///
/// `levels`: thr_i / Tp_i, which no tie can change. `objective` and `prices`: of the least level, as for
/// `max_min_perf`. Source: Bertsekas, Gallager, "Data Networks", 1992, section 6.5.2 (filling); Narayanan et al., OSDI
/// 2020, section 4.3, whose program of integers for the jobs that are stuck is not needed, see `detail::fill`.
struct water_filling {
  static constexpr std::string_view name = "water_filling";
  static allocation share(const instance& given, const share_settings& how = {}) {
    const double began = detail::seconds_now();
    table<double> weights;
    for (const job& one : given.jobs) weights.push_back(one.priority);
    detail::share_program program{given, group_jobs(given, detail::rule_of(given, how, std::move(weights), 1)), how};
    const int groups = program.groups().size();
    double objective = 0;
    table<double> prices;
    const auto speeds = [&](const table<char>& frozen) {
      table<double> speed(groups, 0.0);
      for (int g = 0; g < groups; ++g)
        if (frozen[g] == 0) speed[g] = program.member(g).priority / program.member(g).scale_factor;
      return speed;
    };
    const table<double> level = detail::fill(program, speeds, objective, prices);
    allocation found = detail::filled(program, level, objective, std::move(prices));
    found.seconds = detail::seconds_now() - began;
    return found;
  }
};

}  // namespace plait
