// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string_view>
#include <vector>

#include <plait/alloc/allocation.hpp>
#include <plait/alloc/policy.hpp>
#include <plait/solve/detail/monitor.hpp>

namespace plait {

namespace detail {

/// Workers of each type that nobody holds, for policies that place whole gangs.
class free_workers {
 public:
  explicit free_workers(const instance& given) : given_{&given} {
    for (const worker_type& type : given.cluster.types) left_.push_back(std::floor(type.num_workers));
  }

  [[nodiscard]] bool fits(const run_option& option) const { return option.workers <= left_[option.type]; }
  [[nodiscard]] bool any_fits(int workers) const {
    for (const double left : left_)
      if (workers <= left) return true;
    return false;
  }
  void take(const run_option& option) { left_[option.type] -= option.workers; }

  /// The option of greatest throughput that fits; of equal ones that of the type where the job is, then that of the
  /// type whose name comes first, or that is listed first where all types count as equal, then that of fewer workers.
  /// -1: none.
  [[nodiscard]] int fastest(const job& one) const {
    int best = -1;
    for (int k = 0; k < one.options.size(); ++k) {
      const run_option& option = one.options[k];
      if (!is_usable(*given_, one, option) || !fits(option)) continue;
      if (best < 0 || option.throughput > one.options[best].throughput ||
          (option.throughput == one.options[best].throughput && goes_before(one, option, one.options[best])))
        best = k;
    }
    return best;
  }

 private:
  [[nodiscard]] bool goes_before(const job& one, const run_option& a, const run_option& b) const {
    if (a.type != b.type && (a.type == one.runs_on || b.type == one.runs_on)) return a.type == one.runs_on;
    if (given_->types_are_equal && a.type != b.type) return a.type < b.type;
    const int names = given_->cluster.types[a.type].name.compare(given_->cluster.types[b.type].name);
    return names != 0 ? names < 0 : a.type != b.type ? a.type < b.type : a.workers < b.workers;
  }

  const instance* given_;
  table<double> left_;
};

/// sum_i (J - i) thr_i / max_j T_ij, which `fifo_lp` maximizes.
inline double fifo_worth(const instance& given, const allocation& found) {
  double worth = 0;
  for (int i = 0; i < given.size(); ++i) {
    double fastest = 0;
    for (const run_option& option : given.jobs[i].options) fastest = std::fmax(fastest, option.throughput);
    if (fastest > 0) worth += (given.size() - i) * (found.throughputs[i] / fastest);
  }
  return worth;
}

}  // namespace detail

/// First in, first out: each job in turn gets its fastest type that has workers left for its gang, for all of the time.
/// The first job that fits nowhere blocks all behind it; one that cannot run where it would fit is passed over.
/// Objective: that of `fifo_lp`. Source: Narayanan et al., OSDI 2020, section 4.2, and the program published with it.
struct fifo {
  static constexpr std::string_view name = "fifo";
  static allocation share(const instance& given, const share_settings& /*how*/ = {}) {
    const double began = detail::seconds_now();
    table<int> option_begin;
    allocation found = detail::no_shares(given, option_begin);
    detail::free_workers left{given};
    for (int i = 0; i < given.size(); ++i) {
      const job& one = given.jobs[i];
      int smallest = one.scale_factor;
      for (const run_option& option : one.options) smallest = option.workers < smallest ? option.workers : smallest;
      if (!left.any_fits(smallest)) break;
      const int option = left.fastest(one);
      if (option < 0) continue;
      left.take(one.options[option]);
      detail::give(given, option_begin, found, i, option, 1);
    }
    found.objective = detail::fifo_worth(given, found);
    found.seconds = detail::seconds_now() - began;
    return found;
  }
};

}  // namespace plait
