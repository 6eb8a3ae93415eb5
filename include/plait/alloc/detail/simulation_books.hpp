// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <plait/alloc/cluster.hpp>
#include <plait/alloc/prices.hpp>
#include <plait/alloc/round_entry.hpp>
#include <plait/alloc/simulation.hpp>

namespace plait::detail {

/// What a simulation writes down while it runs: who ended when, how busy workers were, what they cost. Nothing that
/// happens depends on it but when the simulation ends.
struct simulation_books {
  int measure_begin = 0, measure_end = 0;  ///< jobs that are measured
  int left_to_measure = 0, recorded = 0;   ///< jobs that have not ended, and rounds that were written down in full
  std::vector<double> busy, there;         ///< seconds of workers, by type
  simulation_result result;

  void begin(std::pair<int, int> measured, std::size_t types, std::size_t jobs) {
    measure_begin = measured.first;
    measure_end = measured.second;
    left_to_measure = measure_end - measure_begin;
    result.completed.assign(jobs, -1.0);
    result.in_use.resize(types);
    result.worker_dollars.assign(types, 0.0);
    result.job_dollars.assign(jobs, 0.0);
    busy.assign(types, 0.0);
    there.assign(types, 0.0);
  }

  /// Measured jobs, and those of them that have ended.
  [[nodiscard]] int measured() const { return measure_end - measure_begin; }
  [[nodiscard]] int ended() const { return measured() - left_to_measure; }

  /// A job had its last step.
  void end(int id, double at) {
    result.completed[static_cast<std::size_t>(id)] = at;
    if (measure_begin <= id && id < measure_end) --left_to_measure;
  }

  /// An entry had its workers for so many seconds, for so many dollars a worker.
  void bill(const round_entry& entry, double seconds, double dollars_each) {
    busy[static_cast<std::size_t>(entry.type)] += seconds * entry.workers;
    const double dollars = entry.workers * dollars_each;
    result.worker_dollars[static_cast<std::size_t>(entry.type)] += dollars;
    const double part = entry.second < 0 ? dollars : dollars / 2;
    result.job_dollars[static_cast<std::size_t>(entry.first)] += part;
    if (entry.second >= 0) result.job_dollars[static_cast<std::size_t>(entry.second)] += part;
  }

  /// A checkpoint left its zone.
  void bill_checkpoint(int id, double dollars) {
    result.egress_dollars += dollars;
    result.job_dollars[static_cast<std::size_t>(id)] += dollars;
  }

  /// A round of so many seconds, with what ran in it.
  void close_round(double begin, double seconds, const cluster& where, std::span<const round_entry> runs) {
    result.round_begin.push_back(begin);
    for (std::size_t j = 0; j < busy.size(); ++j) {
      const double all = where.types[j].num_workers;
      double used = 0;
      for (const round_entry& entry : runs)
        if (entry.type == static_cast<int>(j)) used += entry.workers;
      result.in_use[j].push_back(all > 0 ? used / all : 0);
      there[j] += all * seconds;
    }
  }

  /// What was found so far.
  [[nodiscard]] simulation_result found(std::span<const arriving_job> jobs) const {
    simulation_result made = result;
    for (int i = measure_begin; i < measure_end; ++i) {
      const double end = made.completed[static_cast<std::size_t>(i)];
      if (end < 0) continue;
      made.completion_times.push_back(end - jobs[static_cast<std::size_t>(i)].arrival);
      made.end = std::max(made.end, end);
    }
    std::sort(made.completion_times.begin(), made.completion_times.end());
    for (std::size_t j = 0; j < busy.size(); ++j) made.utilisation.push_back(there[j] > 0 ? busy[j] / there[j] : 0);
    return made;
  }
};

}  // namespace plait::detail
