// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/alloc/allocation.hpp>
#include <plait/alloc/instance.hpp>
#include <plait/alloc/policy.hpp>

namespace plait {

/// The instance as a scheduler sees it that takes all types of workers for equal: each job has its usual gang on every
/// type, with one rate. The rate is 1, or where `measured` the rate on the first type that it can run on, so that
/// policies which speak of seconds still can.
inline instance as_if_equal(const instance& given, bool measured = false) {
  instance seen = given;
  seen.pair_rates.clear();
  seen.types_are_equal = true;
  for (int i = 0; i < given.size(); ++i) {
    const job& one = given.jobs[i];
    double rate = 1;
    if (measured) {
      rate = 0;
      int first = given.cluster.size();
      for (const run_option& option : one.options) {
        if (option.throughput <= 0 || option.type > first) continue;
        rate = option.type < first ? option.throughput : std::fmax(rate, option.throughput);
        first = option.type;
      }
    }
    seen.jobs[i].kind = -1;
    seen.jobs[i].options.clear();
    for (int j = 0; j < given.cluster.size(); ++j)
      seen.jobs[i].options.push_back(run_option{.type = j, .workers = one.scale_factor, .throughput = rate});
  }
  return seen;
}

/// What a policy, `share(instance)`, says of `as_if_equal(given)`, in terms of `given`: with the rates that the jobs
/// really have. Time on a type that a job cannot run on is time it waits.
///
/// Policies of programs give each job its time in the mix of the workers, n_j / sum n of it on type j. Types with fewer
/// workers than its gang are left out, and smaller gangs then have the mix of what is left (`spread_over_types`). So
/// the answer does not depend on names and order of types. Policies of whole jobs, such as `fifo`, place each on one.
template <class Share>
allocation agnostic_share(Share&& share, const instance& given, bool measured = false) {
  allocation found = share(as_if_equal(given, measured));
  table<int> option_begin;
  const allocation blank = detail::no_shares(given, option_begin);
  found.option_shares = blank.option_shares;
  for (int i = 0; i < given.size(); ++i) {
    const job& one = given.jobs[i];
    found.throughputs[i] = 0;
    for (int j = 0; j < found.types; ++j) {
      // The option that the share is used with: the fastest of the type.
      int best = -1;
      for (int k = 0; k < one.options.size(); ++k) {
        const run_option& option = one.options[k];
        if (option.type != j || option.workers > one.scale_factor || !detail::is_usable(given, one, option)) continue;
        if (best < 0 || option.throughput > one.options[best].throughput) best = k;
      }
      if (best < 0) continue;
      found.option_shares[option_begin[i] + best] = found.share(i, j);
      found.throughputs[i] += found.share(i, j) * one.options[best].throughput * one.move_to(j).time_kept;
    }
  }
  return found;
}

template <class Policy>
allocation agnostic_share(const instance& given, const share_settings& how, bool measured = false) {
  return agnostic_share([&](const instance& seen) { return Policy::share(seen, how); }, given, measured);
}

}  // namespace plait
