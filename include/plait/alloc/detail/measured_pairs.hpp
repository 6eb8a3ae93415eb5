// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <plait/alloc/allocation.hpp>
#include <plait/alloc/instance.hpp>

namespace plait::detail {

/// Steps/s of two jobs while they share workers.
struct both_rates {
  double first = 0, second = 0;
};

/// The rates of pairs of an instance, found by two jobs and a type.
class measured_pairs {
 public:
  explicit measured_pairs(const instance& given) : given_{&given} {
    for (const pair_rate& one : given.pair_rates) sorted_.push_back(&one);
    std::stable_sort(sorted_.begin(), sorted_.end(), [](const pair_rate* a, const pair_rate* b) {
      return goes_before(*a, b->first_kind, b->second_kind, b->type);
    });
  }

  /// What jobs a and b do on a type, in this order; zero where nobody measured it.
  [[nodiscard]] both_rates of(int a, int b, int type) const {
    const int x = given_->jobs[static_cast<std::size_t>(a)].kind, y = given_->jobs[static_cast<std::size_t>(b)].kind;
    if (x < 0 || y < 0) return {};
    const int first = std::min(x, y), second = std::max(x, y);
    const auto at = std::partition_point(sorted_.begin(), sorted_.end(),
                                         [&](const pair_rate* one) { return goes_before(*one, first, second, type); });
    if (at == sorted_.end() || (*at)->first_kind != first || (*at)->second_kind != second || (*at)->type != type)
      return {};
    return x <= y ? both_rates{(*at)->first, (*at)->second} : both_rates{(*at)->second, (*at)->first};
  }

 private:
  static bool goes_before(const pair_rate& one, int first, int second, int type) {
    if (one.first_kind != first) return one.first_kind < first;
    if (one.second_kind != second) return one.second_kind < second;
    return one.type < type;
  }

  const instance* given_;
  std::vector<const pair_rate*> sorted_;
};

/// Gives two jobs time on the workers of one usual gang, in an allocation where each job is a group of its own.
inline void give_both(const instance& given, allocation& made, int a, int b, int type, double share,
                      const both_rates& rate) {
  const job &one = given.jobs[static_cast<std::size_t>(a)], &other = given.jobs[static_cast<std::size_t>(b)];
  made.pairs.push_back(pair_share{.first_group = a,
                                  .second_group = b,
                                  .type = type,
                                  .workers = one.scale_factor,
                                  .share = share,
                                  .first = rate.first,
                                  .second = rate.second});
  made.throughputs[a] += share * rate.first * one.move_to(type).time_kept;
  made.throughputs[b] += share * rate.second * other.move_to(type).time_kept;
}

}  // namespace plait::detail
