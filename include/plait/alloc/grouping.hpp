// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include <plait/alloc/instance.hpp>
#include <plait/solve/table.hpp>

namespace plait {

/// Jobs that no policy can tell apart, put together.
///
/// Exact: the feasible shares are convex and stay feasible when two equal jobs change places, so averaging over all
/// such changes keeps every concave objective, and the least of the members, and gives equal jobs equal shares. A
/// program then needs one set of columns for a group instead of one for each job.
struct grouping {
  table<int> group_of;  ///< of each job
  table<int> first;     ///< of each group: its first job
  table<int> count;     ///< of each group: its jobs
  table<std::uint64_t> key;  ///< of each group a number made of what its jobs have in common, so that it is known again
                             ///< in the next instance; none where jobs are not put together

  [[nodiscard]] int size() const { return first.size(); }
};

namespace detail {

inline std::uint64_t mixed(std::uint64_t hash, double value) {
  const double plain = value == 0 ? 0 : value;  // one zero
  std::uint64_t bits;
  std::memcpy(&bits, &plain, sizeof bits);
  hash = (hash ^ bits) * 0x9E3779B97F4A7C15u;
  return hash ^ (hash >> 29);
}

/// To 36 bits, ties to even, so that what differs by the rounding of a unit is equal. Needs: what is no infinity.
inline double rounded(double value) {
  constexpr int dropped = 53 - 36;
  std::uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  bits += (std::uint64_t{1} << (dropped - 1)) - 1 + ((bits >> dropped) & 1);
  bits &= ~((std::uint64_t{1} << dropped) - 1);
  std::memcpy(&value, &bits, sizeof bits);
  return value;
}

}  // namespace detail

/// What makes jobs equal, beside their options and gangs.
struct grouping_rule {
  table<double> marks =
      {};  ///< what else the policy asks about a job: `each` numbers for each job, one after the other
  int each = 0;
  bool together = true;  ///< false: every job is a group of its own
  bool by_kind = false;  ///< jobs of different kinds are different, because they may share workers
  bool any_unit =
      true;  ///< rates are compared as parts of the job's proportional throughput, to 2^-36; else as they are
};

/// Groups the jobs that are equal by the rule. Groups are in the order of their first jobs. Cost: O(jobs), expected.
inline grouping group_jobs(const instance& given, const grouping_rule& rule) {
  grouping made;
  const int jobs = given.size();
  made.group_of.resize(jobs);
  int room = 16;
  while (room < 2 * jobs) room *= 2;
  table<int> slot(rule.together ? room : 0, -1);
  // Options that nobody can use do not matter, but for the proportional throughput.
  table<double> unit(jobs, 1.0);
  for (int i = 0; rule.together && i < jobs; ++i) unit[i] = proportional_throughput(given, given.jobs[i]);
  // What rates are compared by, job after job in the order of their options.
  table<double> rates;
  table<int> begin(rule.together ? jobs : 0, 0);
  for (int i = 0; rule.together && i < jobs; ++i) {
    begin[i] = rates.size();
    for (const run_option& option : given.jobs[i].options)
      rates.push_back(rule.any_unit ? detail::rounded(option.throughput / unit[i]) : option.throughput);
  }
  const auto same = [&](int a, int b) {
    const job &x = given.jobs[a], &y = given.jobs[b];
    if (x.scale_factor != y.scale_factor || (rule.by_kind && x.kind != y.kind)) return false;
    if (!rule.any_unit && unit[a] != unit[b]) return false;
    int p = -1, q = -1;
    while (true) {
      p = detail::next_usable(given, x, p);
      q = detail::next_usable(given, y, q);
      if (p < 0 || q < 0) break;
      const run_option &one = x.options[p], &other = y.options[q];
      if (one.type != other.type || one.workers != other.workers) return false;
      if (x.move_to(one.type) != y.move_to(other.type)) return false;
      if (rates[begin[a] + p] != rates[begin[b] + q]) return false;
    }
    if (p >= 0 || q >= 0) return false;
    for (int m = 0; m < rule.each; ++m)
      if (rule.marks[a * rule.each + m] != rule.marks[b * rule.each + m]) return false;
    return true;
  };
  for (int i = 0; i < jobs; ++i) {
    int group = -1, at = 0;
    std::uint64_t hash = 0;
    if (rule.together) {
      const job& one = given.jobs[i];
      hash = detail::mixed(0xcbf29ce484222325u, one.scale_factor);
      if (rule.by_kind) hash = detail::mixed(hash, one.kind);
      for (int k = detail::next_usable(given, one, -1); k >= 0; k = detail::next_usable(given, one, k)) {
        const run_option& option = one.options[k];
        hash = detail::mixed(detail::mixed(hash, rates[begin[i] + k]), 64.0 * option.workers + option.type);
        const move_cost move = one.move_to(option.type);
        if (move.is_charged) hash = detail::mixed(detail::mixed(hash, move.time_kept), move.dollars_per_hour);
      }
      for (int m = 0; m < rule.each; ++m) hash = detail::mixed(hash, rule.marks[i * rule.each + m]);
      at = static_cast<int>(hash >> 33) & (room - 1);
      while (slot[at] >= 0 && !same(made.first[slot[at]], i)) at = (at + 1) & (room - 1);
      group = slot[at];
    }
    if (group < 0) {
      group = made.first.size();
      if (rule.together) {
        slot[at] = group;
        made.key.push_back(hash);
      }
      made.first.push_back(i);
      made.count.push_back(0);
    }
    made.group_of[i] = group;
    ++made.count[group];
  }
  return made;
}

}  // namespace plait
