// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string_view>

#include <plait/alloc/allocation.hpp>
#include <plait/alloc/isolated.hpp>
#include <plait/alloc/policy.hpp>

namespace plait {

/// The mix of the cluster for each gang: X_ij = n_j / sum_k n_k, so that all workers of a gang together hold as many of
/// each type as its part of the cluster says. Where the gangs exceed the workers, all shares are made smaller alike, by
/// workers / sum of gangs. Objective: the least s_i thr_i / (w_i Tp_i).
struct proportional {
  static constexpr std::string_view name = "proportional";
  static allocation share(const instance& given, const share_settings& how = {}) {
    const double began = detail::seconds_now();
    table<int> option_begin;
    allocation found = detail::no_shares(given, option_begin);
    double gangs = 0;
    for (const job& one : given.jobs) gangs += one.scale_factor;
    const double all = given.cluster.workers(), part = 1 / std::fmax(all, gangs);
    for (int i = 0; i < given.size(); ++i) {
      const job& one = given.jobs[i];
      detail::use_part(
          given, one, [&](int j) { return given.cluster.types[j].num_workers * part * one.scale_factor; },
          [&](int option, double share) { detail::give(given, option_begin, found, i, option, share); });
    }
    found.objective = detail::least_level(given, found);
    detail::note_left_out(given, found);
    detail::note_unused_pairs(given, how, found);
    found.seconds = detail::seconds_now() - began;
    return found;
  }
};

}  // namespace plait
