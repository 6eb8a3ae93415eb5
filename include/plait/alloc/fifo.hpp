// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string_view>
#include <vector>

#include <plait/alloc/allocation.hpp>
#include <plait/alloc/detail/partners.hpp>
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
  /// Whether a type has workers for a job, be it one that it cannot run on: for its smallest gang on that type, or for
  /// its smallest of all where it has none there.
  [[nodiscard]] bool any_fits(const job& one) const {
    const auto smallest = [&](int type) {
      int least = 0;
      for (const run_option& option : one.options)
        if (option.throughput > 0 && (type < 0 || option.type == type) && (least == 0 || option.workers < least))
          least = option.workers;
      return least;
    };
    const int anywhere = smallest(-1), usual = anywhere > 0 ? anywhere : one.scale_factor;
    for (int j = 0; j < left_.size(); ++j) {
      const int there = smallest(j);
      if ((there > 0 ? there : usual) <= left_[j]) return true;
    }
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
///
/// With `share_settings::space_sharing` a job that is not placed so joins one that was, of equal gang and with nobody
/// beside it: the one with which it does most, in parts of what both do alone there, if that is more than 1.5, the
/// published threshold. Who finds a partner blocks nobody, so the next in turn may find workers or a partner as well.
///
/// Objective: that of `fifo_lp`. Source: Narayanan et al., OSDI 2020, section 4.2, and the program published with it,
/// which puts jobs together only behind the first that fits nowhere.
struct fifo {
  static constexpr std::string_view name = "fifo";
  static allocation share(const instance& given, const share_settings& how = {}) {
    const double began = detail::seconds_now();
    table<int> option_begin;
    allocation found = detail::no_shares(given, option_begin);
    detail::free_workers left{given};
    detail::partners partners{given};
    const bool packs = how.space_sharing && !given.pair_rates.empty();
    table<int> option_of(given.size(), -1);
    for (int i = 0; i < given.size(); ++i) {
      const job& one = given.jobs[i];
      const bool has_room = left.any_fits(one);
      const int option = has_room ? left.fastest(one) : -1;
      if (option >= 0) {
        left.take(one.options[option]);
        option_of[i] = option;
        if (packs) partners.place(i, option);
      } else if (!(packs && partners.join(i)) && !has_room) {
        break;
      }
    }
    for (int i = 0; i < given.size(); ++i)
      if (option_of[i] >= 0 && !partners.has_guest(i)) detail::give(given, option_begin, found, i, option_of[i], 1);
    partners.give(found);
    found.objective = detail::fifo_worth(given, found);
    detail::note_left_out(given, found);
    found.seconds = detail::seconds_now() - began;
    return found;
  }
};

}  // namespace plait
