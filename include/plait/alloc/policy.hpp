// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>
#include <utility>

#include <plait/alloc/allocation.hpp>
#include <plait/alloc/grouping.hpp>
#include <plait/alloc/instance.hpp>

namespace plait {

class share_memory;

/// How a policy is to work. The defaults are meant for use, the others for comparison.
struct share_settings {
  bool space_sharing = false;  ///< two jobs may share workers, see `instance::pair_rates`; a policy that has no use for
                               ///< pairs says so in `allocation::note`
  bool group = true;           ///< put equal jobs together; the answer is the same without, and later
  bool break_ties = true;      ///< among equally good shares take those of the stated rule; else any
  int partitions = 4;          ///< `pop` alone
  int listed_pairs = 20000;  ///< max-min: more columns of pairs than these come into the program one by one, as needed
  std::uint64_t seed = 0;    ///< `gandiva` alone
  share_memory* memory = nullptr;  ///< policies of programs: what they keep from one allocation to the next
};

namespace detail {

/// How a policy of programs puts jobs together. Rates of pairs are those of the jobs as they are, in their units.
inline grouping_rule rule_of(const instance& given, const share_settings& how, table<double> marks = {}, int each = 0) {
  grouping_rule rule;
  rule.marks = std::move(marks);
  rule.each = each;
  rule.together = how.group;
  rule.by_kind = how.space_sharing && !given.pair_rates.empty();
  rule.any_unit = !rule.by_kind;
  return rule;
}

/// Says that a policy has no use for rates of pairs, where it was asked to use them.
inline void note_unused_pairs(const instance& given, const share_settings& how, allocation& made) {
  if (how.space_sharing && !given.pair_rates.empty()) add_note(made, "no two jobs share workers under this policy");
}

}  // namespace detail

/// A policy says how the workers of a cluster are shared among jobs.
///
/// Laws, for every instance that `validate` accepts (checked by `laws::policy<P>`):
///   1. shares are not negative, no job is busy for more than all of the time, no type is used beyond its workers
///   2. a job has no share of a type on which it cannot run, nor, where that is forbidden, of one smaller than its gang
///   3. jobs of equal data have equal shares, and the order of the others does not matter where it is not the policy's
///      business
///   4. to count steps of a job in another unit changes no share, unless the policy adds up steps of different jobs
///   5. where a policy solves programs, each answer is proved optimal and `certificate_verified` says so
template <class P>
concept allocation_policy = requires(const instance& given, const share_settings& how) {
  { P::name } -> std::convertible_to<std::string_view>;
  { P::share(given, how) } -> std::same_as<allocation>;
};

}  // namespace plait
