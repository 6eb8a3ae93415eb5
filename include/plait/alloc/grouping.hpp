// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>

#include <plait/alloc/detail/job_classes.hpp>
#include <plait/alloc/instance.hpp>
#include <plait/solve/table.hpp>

namespace plait {

/// Jobs that no policy can tell apart, put together.
///
/// Exact: the feasible shares are convex and stay feasible when two equal jobs change places, so averaging over all
/// such changes keeps every concave objective, and the least of the members, and gives equal jobs equal shares. A
/// program then needs one set of columns for a group instead of one for each job.
struct grouping {
  table<int> group_of;       ///< of each job
  table<int> first;          ///< of each group: its first job
  table<int> count;          ///< of each group: its jobs
  table<std::uint64_t> key;  ///< of each group a number made of what its jobs have in common, so that it is known again
                             ///< in the next instance; none where jobs are not put together

  [[nodiscard]] int size() const { return first.size(); }
};

namespace detail {

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
  if (!rule.together) {
    for (int i = 0; i < jobs; ++i) made.group_of[i] = i;
    made.first = made.group_of;
    made.count.assign(jobs, 1);
    return made;
  }
  const detail::job_classes ways = detail::classes_of(given);
  const int classes = ways.first.size();
  // What rates are compared by, class after class in the order of their options. Options that nobody can use do not
  // matter, but for the proportional throughput.
  table<double> unit(classes), rates;
  table<int> begin(classes);
  table<std::uint64_t> hash_of(classes);
  for (int c = 0; c < classes; ++c) {
    const job& one = given.jobs[static_cast<std::size_t>(ways.first[c])];
    unit[c] = proportional_throughput(given, one);
    begin[c] = rates.size();
    for (const run_option& option : one.options)
      rates.push_back(rule.any_unit ? detail::rounded(option.throughput / unit[c]) : option.throughput);
    std::uint64_t hash = detail::mixed(0xcbf29ce484222325u, one.scale_factor);
    for (int k = detail::next_usable(given, one, -1); k >= 0; k = detail::next_usable(given, one, k)) {
      const run_option& option = one.options[k];
      hash = detail::mixed(detail::mixed(hash, rates[begin[c] + k]), 64.0 * option.workers + option.type);
      const move_cost move = one.move_to(option.type);
      if (move.is_charged) hash = detail::mixed(detail::mixed(hash, move.time_kept), move.dollars_per_hour);
    }
    hash_of[c] = hash;
  }
  // Whether jobs of two classes can do the same.
  const auto do_the_same = [&](int a, int b) {
    const job &x = given.jobs[static_cast<std::size_t>(ways.first[a])],
              &y = given.jobs[static_cast<std::size_t>(ways.first[b])];
    if (x.scale_factor != y.scale_factor) return false;
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
    return p < 0 && q < 0;
  };
  detail::hash_places places{jobs};
  for (int i = 0; i < jobs; ++i) {
    const job& one = given.jobs[static_cast<std::size_t>(i)];
    const int c = ways.class_of[i];
    std::uint64_t hash = hash_of[c];
    if (rule.by_kind) hash = detail::mixed(hash, one.kind);
    for (int m = 0; m < rule.each; ++m) hash = detail::mixed(hash, rule.marks[i * rule.each + m]);
    int& slot = places.find(hash, [&](int group) {
      const int other = made.first[group];
      if (rule.by_kind && one.kind != given.jobs[static_cast<std::size_t>(other)].kind) return false;
      for (int m = 0; m < rule.each; ++m)
        if (rule.marks[i * rule.each + m] != rule.marks[other * rule.each + m]) return false;
      return c == ways.class_of[other] || do_the_same(c, ways.class_of[other]);
    });
    if (slot < 0) {
      slot = made.first.size();
      made.first.push_back(i);
      made.count.push_back(0);
      made.key.push_back(hash);
    }
    made.group_of[i] = slot;
    ++made.count[slot];
  }
  return made;
}

}  // namespace plait
