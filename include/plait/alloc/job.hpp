// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/solve/lp.hpp>
#include <plait/solve/table.hpp>

namespace plait {

/// One way to run a job: so many workers of one type at once, and what the gang then does.
///
/// A job that is measured once for each type has one option a type. Several gang sizes, plans or placements of the same
/// job are only more options, and every policy chooses among them.
struct run_option {
  int type = 0;               ///< of workers
  int workers = 1;            ///< held at once
  double throughput = 0;      ///< steps/s of the whole gang; 0: it cannot run so
  bool consolidated = false;  ///< measured with the gang in one server; where a server is too small there is no share
  friend bool operator==(const run_option&, const run_option&) = default;
};

/// What policies take a move to a type of workers to cost, spread over the time in which it has to pay.
struct move_cost {
  double time_kept = 1;  ///< part of that time that is left after checkpoint and restart; 0: it never moves there
  double dollars_per_hour = 0;  ///< for its checkpoint, beside what the workers cost
  bool is_charged = false;      ///< to run there is a move
  friend bool operator==(const move_cost&, const move_cost&) = default;
};

/// A job and what policies ask about it. The fields are called as in the files that `share_cluster` reads.
struct job {
  table<run_option> options;
  int scale_factor = 1;        ///< workers of its usual gang
  double priority = 1;         ///< weight: under fairness, twice the weight is due twice the worker time
  double steps_remaining = 0;  ///< steps
  double elapsed = 0;          ///< seconds since it arrived
  double isolated_time_so_far =
      0;                          ///< seconds the steps done so far would have taken with an equal part of the cluster
  double slo_seconds = infinity;  ///< seconds from now within which it should end; infinity: no matter
  int runs_on = -1;         ///< type of workers that it has now; -1: none. First come, first served keeps it there
  int kind = -1;            ///< jobs of one kind behave alike beside others, see `pair_rate`; -1: never shares
  int last_type = -1;       ///< type of workers that it ran on last, where its checkpoint is; -1: it never ran
  double move_seconds = 0;  ///< to save it and to start it again on workers of another type
  double checkpoint_gigabytes = 0;  ///< that go along when it moves
  table<move_cost> moves;           ///< [types], from `charge_moves`; empty: it may run anywhere for nothing
  int number = -1;                  ///< the caller's, by which a policy of the caller's own can know it again

  /// What to run on a type costs it as a move.
  [[nodiscard]] move_cost move_to(int type) const { return type < moves.size() ? moves[type] : move_cost{}; }
};

/// A job with one option a type: `scale_factor` workers at once, and `throughput[j]` steps/s on type j.
template <class Throughputs>
job job_of(const Throughputs& throughput, int scale_factor = 1) {
  job made;
  made.scale_factor = scale_factor;
  int type = 0;
  for (const double rate : throughput) {
    if (rate != 0) made.options.push_back(run_option{.type = type, .workers = scale_factor, .throughput = rate});
    ++type;
  }
  return made;
}

}  // namespace plait
