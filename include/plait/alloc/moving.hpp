// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include <plait/alloc/instance.hpp>
#include <plait/core/require.hpp>

namespace plait {

/// What it costs to move jobs to workers of another type, cloud or zone, and how soon that has to pay.
struct moving {
  double horizon_seconds = 0;  ///< time in which a move has to pay for itself; 0: policies take moves to be free
  double dollars_per_gigabyte_between_zones = 0;   ///< of a checkpoint, inside one cloud
  double dollars_per_gigabyte_between_clouds = 0;  ///< of a checkpoint
};

/// Dollars that leave with the checkpoint of a job when it goes from one type of workers to another.
inline double egress_dollars(const cluster& where, const moving& how, const job& one, int from, int to) {
  const worker_type &a = where.types[static_cast<std::size_t>(from)], &b = where.types[static_cast<std::size_t>(to)];
  if (one.checkpoint_gigabytes == 0) return 0;
  if (a.cloud != b.cloud) return one.checkpoint_gigabytes * how.dollars_per_gigabyte_between_clouds;
  return a.zone == b.zone ? 0 : one.checkpoint_gigabytes * how.dollars_per_gigabyte_between_zones;
}

/// Throws: usage, where a number is negative; infinite costs are allowed, and forbid to move.
inline void validate(const moving& how) {
  require(how.horizon_seconds >= 0 && how.horizon_seconds < infinity, "plait::moving",
          "horizon_seconds must be finite and not negative");
  require(how.dollars_per_gigabyte_between_zones >= 0 && how.dollars_per_gigabyte_between_clouds >= 0, "plait::moving",
          "dollars_per_gigabyte must not be negative");
}

/// Tells the policies what moves cost, by `job::moves`. A job that has run stays on its type for nothing; to run on
/// another one it loses `move_seconds` and pays for its checkpoint, once in a horizon H:
///
///     stay:  T steps/s for s c dollars/h      move:  T (H - m) / H steps/s for s c + egress 3600 / H dollars/h
///
/// So steps and dollars over the horizon are what they would be, and a policy that weighs them moves a job only where
/// that pays within the horizon at the prices in force. H is at most m and the steps left at full speed, since a job
/// that ends soon has little to gain. Costs are linear in the share: exact for a job that moves whole or stays; one
/// that is split between types, at most one for each type in a cheapest answer, is charged the part that moves.
inline void charge_moves(instance& given, const moving& how) {
  validate(how);
  if (how.horizon_seconds == 0) return;
  for (job& one : given.jobs) {
    one.moves.clear();
    if (one.last_type < 0) continue;
    one.moves.resize(given.cluster.size());
    for (const run_option& option : one.options) {
      if (option.type == one.last_type || option.throughput <= 0) continue;
      double horizon = how.horizon_seconds;
      if (one.steps_remaining > 0)
        horizon = std::fmin(horizon, one.move_seconds + one.steps_remaining / option.throughput);
      const double egress = egress_dollars(given.cluster, how, one, one.last_type, option.type);
      const double kept = egress < infinity ? std::fmax(0, 1 - one.move_seconds / horizon) : 0;
      move_cost& cost = one.moves[option.type];
      // Of several ways to run on a type the one with most time left counts.
      if (cost.is_charged && cost.time_kept >= kept) continue;
      cost.is_charged = true;
      cost.time_kept = kept;
      cost.dollars_per_hour = kept > 0 ? egress * 3600 / horizon : 0;
    }
  }
}

}  // namespace plait
