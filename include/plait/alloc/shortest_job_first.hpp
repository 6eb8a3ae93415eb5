// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <queue>
#include <string_view>
#include <vector>

#include <plait/alloc/fifo.hpp>

namespace plait {

/// Shortest job first: of all jobs and types with room, the pair of least steps_remaining / T is served for all of the
/// time, then the next. Jobs that do not fit wait and block nobody; of equal times the earlier arrival comes first.
/// Objective: the least steps_remaining_i / thr_i, in seconds. Cost: O(jobs types log jobs).
/// Source: Narayanan et al., OSDI 2020, section 4.2.
struct shortest_job_first {
  static constexpr std::string_view name = "sjf";
  static allocation share(const instance& given, const share_settings& how = {}) {
    const double began = detail::seconds_now();
    table<int> option_begin;
    allocation found = detail::no_shares(given, option_begin);
    detail::free_workers left{given};
    struct waiting {
      double seconds;
      int job, option;
      bool operator<(const waiting& other) const {  // the queue has the greatest first
        return seconds != other.seconds ? seconds > other.seconds : job > other.job;
      }
    };
    std::priority_queue<waiting> queue;
    const auto enter = [&](int i) {
      const int option = left.fastest(given.jobs[i]);
      if (option >= 0)
        queue.push({given.jobs[i].steps_remaining / given.jobs[i].options[option].throughput, i, option});
    };
    for (int i = 0; i < given.size(); ++i) enter(i);
    found.objective = queue.empty() ? 0 : queue.top().seconds;
    while (!queue.empty()) {
      const waiting next = queue.top();
      queue.pop();
      const run_option& option = given.jobs[next.job].options[next.option];
      if (left.fits(option)) {
        left.take(option);
        detail::give(given, option_begin, found, next.job, next.option, 1);
      } else {
        enter(next.job);
      }
    }
    detail::note_left_out(given, found);
    detail::note_unused_pairs(given, how, found);
    found.seconds = detail::seconds_now() - began;
    return found;
  }
};

}  // namespace plait
