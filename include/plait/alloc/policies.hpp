// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <plait/alloc/allox.hpp>
#include <plait/alloc/fifo.hpp>
#include <plait/alloc/fifo_lp.hpp>
#include <plait/alloc/finish_time_fairness.hpp>
#include <plait/alloc/gandiva.hpp>
#include <plait/alloc/hierarchical.hpp>
#include <plait/alloc/isolated.hpp>
#include <plait/alloc/least_makespan.hpp>
#include <plait/alloc/max_min.hpp>
#include <plait/alloc/nash.hpp>
#include <plait/alloc/policy.hpp>
#include <plait/alloc/pop.hpp>
#include <plait/alloc/proportional.hpp>
#include <plait/alloc/shortest_job_first.hpp>
#include <plait/alloc/sum_throughput.hpp>
#include <plait/alloc/throughput_per_dollar.hpp>
#include <plait/alloc/water_filling.hpp>
#include <plait/core/require.hpp>

namespace plait {

/// A policy as a value, for programs that choose one by name.
struct named_policy {
  std::string_view name;
  allocation (*share)(const instance&, const share_settings&);
  bool solves_programs;  ///< linear programs stand behind its shares, so they come with a certificate
};

namespace detail {

template <allocation_policy P>
constexpr named_policy named(bool solves_programs) {
  return {P::name, [](const instance& given, const share_settings& how) { return P::share(given, how); },
          solves_programs};
}

}  // namespace detail

/// All policies, in the order of docs/allocation.md.
inline constexpr named_policy policies[] = {
    detail::named<max_min_agnostic>(true),
    detail::named<max_min_perf>(true),
    detail::named<max_min_packed>(true),
    detail::named<least_makespan>(true),
    detail::named<finish_time_fairness>(true),
    detail::named<sum_throughput>(true),
    detail::named<sum_throughput_over_cost>(true),
    detail::named<sum_throughput_over_cost_slo>(true),
    detail::named<throughput_per_dollar>(true),
    detail::named<throughput_per_dollar_slo>(true),
    detail::named<fifo>(false),
    detail::named<fifo_lp>(true),
    detail::named<shortest_job_first>(false),
    detail::named<water_filling>(true),
    detail::named<hierarchical>(true),
    detail::named<allox>(false),
    detail::named<gandiva>(false),
    detail::named<isolated>(false),
    detail::named<proportional>(false),
    detail::named<nash>(true),
    detail::named<pop>(true),
};

/// The policy of a name. Throws: usage, with the names that there are.
inline const named_policy& policy_of(std::string_view name) {
  for (const named_policy& one : policies)
    if (one.name == name) return one;
  std::string known;
  for (const named_policy& one : policies) known.append(known.empty() ? "" : ", ").append(one.name);
  throw error{error_kind::usage, "plait::policy_of",
              std::string{"there is no policy '"}.append(name).append("'; there are ").append(known)};
}

}  // namespace plait
