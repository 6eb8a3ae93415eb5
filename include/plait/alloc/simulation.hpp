// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <plait/alloc/cluster.hpp>
#include <plait/alloc/instance.hpp>
#include <plait/alloc/job.hpp>
#include <plait/alloc/moving.hpp>
#include <plait/alloc/policy.hpp>
#include <plait/alloc/prices.hpp>
#include <plait/alloc/rounds.hpp>

namespace plait {

/// A job of a stream, with what it really does.
struct arriving_job {
  double arrival = 0;  ///< seconds; not before that of the job in front of it
  job shape;           ///< its ways to run with true rates, `steps_remaining` for the whole job, `slo_seconds` from
                       ///< its arrival; what has to do with time is filled in as time goes by
  table<run_option> believed;  ///< the same ways with the rates that the policy is told at first; empty: the true ones
  int entity = -1;             ///< that it belongs to, of `simulation_settings::entities`; -1: where there are none
};

/// A worker that fails, or that is back.
struct worker_event {
  double at = 0;  ///< seconds
  int type = 0, worker = 0;
  bool failed = true;
};

/// What is simulated beside the jobs.
struct simulation_settings {
  round_settings round;
  double reset_seconds = 1920;    ///< least time between two computations of shares; 0: whenever jobs have changed
  bool newcomers_wait = false;    ///< as published: who came after shares were computed does not run before the next
  double preemption_seconds = 0;  ///< of a round, lost by a job that has run before and is started on other workers
  cluster_prices prices;          ///< over time; empty: `worker_type::cost_per_hour` for ever. A change is an event
  plait::moving moving;           ///< what moves cost; with a horizon of 0 they are paid for, and policies know nothing
  bool agnostic = false;          ///< the policy takes each job's rate on its first type for that on all types
  share_settings how;
  std::vector<entity> entities;  ///< weights and policies, for `hierarchical`; `arriving_job::entity` says who is in
                                 ///< them, in the order of arrival, and their own lists are not looked at
  std::vector<pair_rate> pair_rates;  ///< for `how.space_sharing` and policies that pack
  std::vector<char> known_pairs;      ///< of each of `pair_rates` whether the policy knows it at first; the others are
                                      ///< estimated, and known once they have run; empty: all are known
  int measure_begin = 0;              ///< jobs measure_begin .. measure_end - 1 are measured, and the simulation ends
  int measure_end = -1;               ///< when all of them have; -1: all jobs
  int recorded_rounds = 0;            ///< from the arrival of the first measured job on, with who runs where
};

/// Jobs on workers in one round.
struct recorded_use {
  double begin = 0, end = 0;  ///< seconds
  int type = 0, worker = 0;
  int first = 0, second = -1;  ///< jobs of the stream

  template <class Archive>
  void visit(Archive& archive) {
    archive(begin, end, type, worker, first, second);
  }
};

/// What a simulation found, so far or in the end. Times are in seconds.
struct simulation_result {
  std::vector<double> completed;            ///< of each job of the stream the time of its last step; negative: not yet
  std::vector<double> completion_times;     ///< of the measured jobs that have ended, arrival to last step, ascending
  double end = 0;                           ///< when the last measured job that has ended had its last step
  std::vector<double> round_begin;          ///< of each round
  std::vector<std::vector<double>> in_use;  ///< [types][rounds]: part of the type's workers that had a job
  std::vector<double> utilisation;          ///< [types]: part of all worker time in which they were busy
  std::vector<recorded_use> recorded;
  int allocations = 0;                 ///< how often shares were computed
  int programs = 0;                    ///< linear programs behind them
  bool all_verified = true;            ///< each of those proved optimal, where the policy has programs
  double solve_seconds = 0;            ///< wall time of the policy
  long restarts = 0;                   ///< of jobs that had run before, on other workers
  long moves = 0;                      ///< of them those to another type
  std::vector<double> worker_dollars;  ///< [types]: paid for workers while they had jobs, at the prices in force
  double egress_dollars = 0;           ///< paid for checkpoints that left their zone
  std::vector<double> job_dollars;     ///< of each job of the stream, for both; who shares workers pays half of them
  int pairs_known = 0;                 ///< that were known or have run, where some are estimated
  double pair_error = 0;               ///< `pair_estimator::error` of the last estimate
  bool stream_ended = false;  ///< no job was left to arrive while measured jobs ran, so the load was lighter than meant

  [[nodiscard]] double mean_completion_time() const {
    double sum = 0;
    for (const double t : completion_times) sum += t;
    return completion_times.empty() ? 0 : sum / static_cast<double>(completion_times.size());
  }

  /// Dollars for workers and for checkpoints, of all jobs that ran, measured or not.
  [[nodiscard]] double cost_dollars() const {
    double sum = egress_dollars;
    for (const double one : worker_dollars) sum += one;
    return sum;
  }

  /// What grows while it runs, to save and to load.
  template <class Archive>
  void visit(Archive& archive) {
    archive(completed, round_begin, in_use, recorded, allocations, programs, all_verified, solve_seconds, restarts,
            moves, worker_dollars, egress_dollars, job_dollars, pairs_known, pair_error, stream_ended);
  }

  /// The completion time that a part of the measured jobs, 0 .. 1, does not exceed (nearest rank).
  [[nodiscard]] double quantile(double part) const {
    if (completion_times.empty()) return 0;
    const auto count = static_cast<double>(completion_times.size());
    const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(part * count)));
    return completion_times[std::min(rank, completion_times.size()) - 1];
  }
};

}  // namespace plait
