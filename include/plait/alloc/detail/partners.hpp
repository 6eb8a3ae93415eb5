// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <plait/alloc/allocation.hpp>
#include <plait/alloc/detail/measured_pairs.hpp>
#include <plait/alloc/grouping.hpp>

namespace plait::detail {

/// Who shares workers with whom under policies that place whole gangs: jobs that were placed alone, in the order of
/// that, and those that came to them.
class partners {
 public:
  /// Together two jobs have to do more than this, in parts of what each does alone there.
  static constexpr double least_gain = 1.5;

  explicit partners(const instance& given) : given_{&given}, rates_{given} {}

  void place(int job, int option) {
    if (of(job).options[option].workers == of(job).scale_factor) alone_.push_back({job, option});
  }
  /// Puts a job to the one, of those placed alone with an equal gang, with which it does most, the first of several.
  /// False: with none the two do more than `least_gain`.
  bool join(int job) {
    std::size_t best = alone_.size();
    double most = least_gain;
    both_rates rate;
    for (std::size_t at = 0; at < alone_.size(); ++at) {
      const int other = alone_[at].job, type = of(other).options[alone_[at].option].type;
      if (of(other).scale_factor != of(job).scale_factor) continue;
      const double alone = usual_rate(of(job), type);
      const both_rates both = rates_.of(other, job, type);
      if (alone <= 0 || both.first <= 0 || both.second <= 0) continue;
      const double gain = both.first / of(other).options[alone_[at].option].throughput + both.second / alone;
      if (gain <= most) continue;
      best = at;
      most = gain;
      rate = both;
    }
    if (best == alone_.size()) return false;
    const placed& with = alone_[best];
    pairs_.push_back({with.job, job, of(with.job).options[with.option].type, rate});
    alone_.erase(alone_.begin() + static_cast<std::ptrdiff_t>(best));
    return true;
  }
  /// Whether a job shares with one that came later.
  [[nodiscard]] bool has_guest(int job) const {
    return std::any_of(pairs_.begin(), pairs_.end(), [&](const together& one) { return one.first == job; });
  }
  /// Gives the pairs all of the time.
  void give(allocation& made) const {
    if (pairs_.empty()) return;
    made.groups = group_jobs(*given_, grouping_rule{.together = false});
    for (const together& one : pairs_) give_both(*given_, made, one.first, one.second, one.type, 1, one.rate);
  }

 private:
  struct placed {
    int job, option;
  };
  struct together {
    int first, second, type;
    both_rates rate;
  };
  [[nodiscard]] const plait::job& of(int job) const { return given_->jobs[static_cast<std::size_t>(job)]; }
  /// Steps/s alone with the usual gang, in which pairs are measured.
  [[nodiscard]] double usual_rate(const plait::job& one, int type) const {
    double rate = 0;
    for (const run_option& option : one.options)
      if (option.type == type && option.workers == one.scale_factor && is_usable(*given_, one, option))
        rate = std::fmax(rate, option.throughput);
    return rate;
  }

  const instance* given_;
  measured_pairs rates_;
  std::vector<placed> alone_;
  std::vector<together> pairs_;
};

}  // namespace plait::detail
