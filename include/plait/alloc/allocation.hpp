// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <plait/alloc/grouping.hpp>
#include <plait/alloc/instance.hpp>
#include <plait/solve/table.hpp>

namespace plait {

/// Time that jobs of two groups spend on the same workers.
struct pair_share {
  int first_group = 0, second_group = 0;  ///< of `allocation::groups`; the same where two of one group share
  int type = 0;                           ///< of workers
  int workers = 1;                        ///< held by the two together
  double share = 0;                       ///< of wall-clock time, for each pair of two jobs of these groups
  double first = 0, second = 0;           ///< steps/s while they share
};

/// How the workers are shared: of wall-clock time, how much each job runs on each type, and what follows from that.
struct allocation {
  int jobs = 0, types = 0;
  table<double> shares;         ///< [jobs, types]: part of the time that a job runs there alone, over all its options
  table<double> option_shares;  ///< the same for each option, job after job, in the order of `job::options`
  table<double> throughputs;    ///< [jobs], steps/s, alone and in pairs
  table<pair_share> pairs;      ///< of groups; `pair_time` says what two jobs do
  grouping groups;              ///< that `pairs` speak of
  double objective = 0;         ///< as the policy defines it
  table<double> prices;  ///< [types]: how much better the objective gets for one more worker of a type, at the margin;
                         ///< not negative. Empty where a policy has none.
  table<double> levels;  ///< [jobs]: guaranteed normalised throughput, where the policy has such levels
  bool certificate_verified = false;  ///< every linear program behind this was proved optimal, see `check`
  int programs = 0;                   ///< linear programs solved
  std::int64_t pivots = 0;            ///< of the simplex methods in them, those of policies of one program
  int rows = 0, columns = 0;          ///< of the largest of them
  double seconds = 0;                 ///< wall time
  std::string note;                   ///< one sentence where something was left out or given up

  [[nodiscard]] double share(int job, int type) const { return shares[job * types + type]; }

  /// Part of the time that two different jobs share workers of a type.
  [[nodiscard]] double pair_time(int a, int b, int type) const {
    double time = 0;
    const int x = groups.group_of[a], y = groups.group_of[b];
    for (const pair_share& one : pairs) {
      if (one.type != type) continue;
      if ((one.first_group == x && one.second_group == y) || (one.first_group == y && one.second_group == x))
        time += one.share;
    }
    return time;
  }

  /// Part of the time that a job runs at all. Law: at most 1.
  [[nodiscard]] double busy(int job) const {
    double time = 0;
    for (int j = 0; j < types; ++j) time += share(job, j);
    const int group = groups.group_of.empty() ? -1 : groups.group_of[job];
    for (const pair_share& one : pairs) {
      if (one.first_group == group) time += one.share * (groups.count[one.second_group] - (one.second_group == group));
      if (one.second_group == group && one.first_group != group) time += one.share * groups.count[one.first_group];
    }
    return time;
  }
};

/// Workers of a type that are busy, on average over time. Law: at most `num_workers`.
inline double workers_used(const instance& given, const allocation& found, int type) {
  double used = 0;
  int at = 0;
  for (const job& one : given.jobs) {
    for (const run_option& option : one.options) {
      if (option.type == type) used += option.workers * found.option_shares[at];
      ++at;
    }
  }
  for (const pair_share& one : found.pairs) {
    if (one.type != type) continue;
    const double a = found.groups.count[one.first_group], b = found.groups.count[one.second_group];
    used += one.workers * one.share * (one.first_group == one.second_group ? a * (a - 1) / 2 : a * b);
  }
  return used;
}

namespace detail {

/// An allocation of nothing, and places for the options of each job.
inline allocation no_shares(const instance& given, table<int>& option_begin) {
  allocation made;
  made.jobs = given.size();
  made.types = given.cluster.size();
  made.shares.assign(made.jobs * made.types, 0.0);
  made.throughputs.assign(made.jobs, 0.0);
  option_begin.resize(made.jobs + 1);
  int at = 0;
  for (int i = 0; i < made.jobs; ++i) {
    option_begin[i] = at;
    at += given.jobs[i].options.size();
  }
  option_begin[made.jobs] = at;
  made.option_shares.assign(at, 0.0);
  return made;
}

/// Gives a job more time on one of its options.
inline void give(const instance& given, const table<int>& option_begin, allocation& made, int job, int option,
                 double share) {
  const run_option& how = given.jobs[job].options[option];
  made.option_shares[option_begin[job] + option] += share;
  made.shares[job * made.types + how.type] += share;
  made.throughputs[job] += share * how.throughput * given.jobs[job].move_to(how.type).time_kept;
}

/// One more thing to say in the note.
inline void add_note(allocation& made, std::string_view words) {
  if (!made.note.empty()) made.note.append("; ");
  made.note.append(words);
}

/// Says how many jobs can run on no type, and so have nothing.
inline void note_left_out(const instance& given, allocation& made) {
  int left_out = 0;
  for (int i = 0; i < made.jobs; ++i)
    left_out += made.throughputs[i] <= 0 && !runs_somewhere(given, given.jobs[static_cast<std::size_t>(i)]) ? 1 : 0;
  if (left_out > 0) add_note(made, std::to_string(left_out).append(" jobs can run on no type and have no share"));
}

/// The least scaled throughput, s_i thr_i / (w_i Tp_i), over the jobs that can run: what fairness is about.
inline double least_level(const instance& given, const allocation& made) {
  double least = infinity;
  for (int i = 0; i < given.size(); ++i) {
    const job& one = given.jobs[i];
    if (!runs_somewhere(given, one)) continue;
    const double unit = one.scale_factor / (one.priority * proportional_throughput(given, one));
    least = std::fmin(least, unit * made.throughputs[i]);
  }
  return least < infinity ? least : 0;
}

}  // namespace detail

}  // namespace plait
