// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include <plait/alloc/allocation.hpp>
#include <plait/alloc/instance.hpp>
#include <plait/alloc/policy.hpp>

namespace plait {

namespace detail {

/// A gang size of a job, as it looks to a scheduler that takes all types of workers for equal.
struct equal_way {
  int workers = 1;
  double rate = 1;  ///< on every type
};

/// The gang sizes that a job has, smallest first, each with one rate; its usual gang where it can run nowhere.
///
/// Several sizes have rates that go with each other: of each the mean over the workers on which it was measured, in
/// parts of that of the smallest. `measured`: the rate on the first type listed that the size can run on.
inline table<equal_way> equal_ways(const instance& given, const job& one, bool measured) {
  table<equal_way> ways;
  const auto is_measured = [&](const run_option& option) {
    const int server = given.cluster.types[static_cast<std::size_t>(option.type)].workers_per_server;
    return option.throughput > 0 && !(option.consolidated && server > 0 && option.workers > server);
  };
  for (const run_option& option : one.options) {
    if (!is_measured(option)) continue;
    int at = 0;
    while (at < ways.size() && ways[at].workers < option.workers) ++at;
    if (at < ways.size() && ways[at].workers == option.workers) continue;
    ways.push_back({});
    for (int k = ways.size() - 1; k > at; --k) ways[k] = ways[k - 1];
    ways[at].workers = option.workers;
  }
  for (equal_way& way : ways) {
    double first = 0, sum = 0, workers = 0, any = 0;
    for (int j = 0; j < given.cluster.size(); ++j) {
      double fastest = 0;
      for (const run_option& option : one.options)
        if (option.type == j && option.workers == way.workers && is_measured(option))
          fastest = std::fmax(fastest, option.throughput);
      if (fastest <= 0) continue;
      if (first <= 0) first = fastest;
      const double there = given.cluster.types[static_cast<std::size_t>(j)].num_workers;
      sum += fastest * there;
      workers += there;
      any = std::fmax(any, fastest);
    }
    way.rate = measured ? first : workers > 0 ? sum / workers : any;
  }
  if (ways.empty()) ways.push_back({.workers = one.scale_factor, .rate = measured ? 0.0 : 1.0});
  const double smallest = ways[0].rate;
  if (!measured)
    for (equal_way& way : ways) way.rate /= smallest;
  return ways;
}

}  // namespace detail

/// The instance as a scheduler sees it that takes all types of workers for equal: each gang size of a job runs on every
/// type, with one rate, and holds its own workers. So it knows what a larger gang is worth to a job, and not that one
/// type is faster than another. A job of one gang size has rate 1, or where `measured` the rate on the first type that
/// it can run on, so that policies which speak of seconds still can; of several sizes `detail::equal_ways` has the
/// rates. Nobody shares workers: rates of pairs differ by type.
inline instance as_if_equal(const instance& given, bool measured = false) {
  instance seen = given;
  seen.pair_rates.clear();
  seen.types_are_equal = true;
  for (int i = 0; i < given.size(); ++i) {
    table<run_option>& options = seen.jobs[static_cast<std::size_t>(i)].options;
    options.clear();
    for (const detail::equal_way& way : detail::equal_ways(given, given.jobs[static_cast<std::size_t>(i)], measured))
      for (int j = 0; j < given.cluster.size(); ++j)
        options.push_back(run_option{.type = j, .workers = way.workers, .throughput = way.rate});
    seen.jobs[static_cast<std::size_t>(i)].kind = -1;
  }
  return seen;
}

/// What a policy, `share(instance)`, says of `as_if_equal(given)`, in terms of `given`: with the rates that the jobs
/// really have. A share of a type is used with the fastest option there that needs no more workers than were given.
/// Time on a type that a job cannot run on is time it waits.
///
/// Policies of programs give each job its time in the mix of the workers, n_j / sum n of it on type j. Types with fewer
/// workers than its gang are left out, and smaller gangs then have the mix of what is left (`spread_over_types`). So
/// the answer does not depend on names and order of types. Policies of whole jobs, such as `fifo`, place each on one.
template <class Share>
allocation agnostic_share(Share&& share, const instance& given, bool measured = false) {
  const instance seen = as_if_equal(given, measured);
  allocation found = share(seen);
  const table<double> seen_shares = std::move(found.option_shares);
  table<int> option_begin;
  allocation blank = detail::no_shares(given, option_begin);
  found.option_shares = std::move(blank.option_shares);
  int in_vain = 0;
  for (int i = 0, at = 0; i < given.size(); ++i) {
    const job& one = given.jobs[static_cast<std::size_t>(i)];
    double time = 0;
    found.throughputs[i] = 0;
    for (const run_option& way : seen.jobs[static_cast<std::size_t>(i)].options) {
      const double part = seen_shares[at++];
      if (part <= 0) continue;
      time += part;
      int best = -1;
      for (int k = 0; k < one.options.size(); ++k) {
        const run_option& option = one.options[k];
        if (option.type != way.type || option.workers > way.workers || !detail::is_usable(given, one, option)) continue;
        if (best < 0 || option.throughput > one.options[best].throughput) best = k;
      }
      if (best < 0) continue;
      found.option_shares[option_begin[i] + best] += part;
      found.throughputs[i] += part * one.options[best].throughput * one.move_to(way.type).time_kept;
    }
    in_vain += time > 0 && found.throughputs[i] <= 0 ? 1 : 0;
  }
  if (in_vain > 0) {
    detail::add_note(found,
                     std::to_string(in_vain).append(
                         " jobs have time only where they cannot run, as who takes types for equal cannot know"));
  }
  return found;
}

template <class Policy>
allocation agnostic_share(const instance& given, const share_settings& how, bool measured = false) {
  allocation found = agnostic_share([&](const instance& seen) { return Policy::share(seen, how); }, given, measured);
  detail::note_unused_pairs(given, how, found);
  return found;
}

}  // namespace plait
