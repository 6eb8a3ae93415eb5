// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <plait/alloc/cluster.hpp>
#include <plait/alloc/job.hpp>
#include <plait/core/require.hpp>

namespace plait {

/// What two jobs do while they share the same workers of one type (space sharing). Both hold the same number.
struct pair_rate {
  int first_kind = 0, second_kind = 0;  ///< of `job::kind`; first_kind <= second_kind, and each pair once a type
  int type = 0;                         ///< of workers
  double first = 0, second = 0;         ///< steps/s of a job of each kind

  template <class Archive>
  void visit(Archive& archive) {
    archive(first_kind, second_kind, type, first, second);
  }
};

/// How an entity divides among its jobs what is its own.
enum class entity_policy { fairness, fifo };

/// A group of jobs with one weight, such as a team: the upper level of `hierarchical`.
struct entity {
  double weight = 1;
  entity_policy policy = entity_policy::fairness;
  std::vector<int> jobs;
};

/// A cluster and the jobs that want it, in the order of their arrival.
struct instance {
  plait::cluster cluster;
  std::vector<job> jobs;
  std::vector<pair_rate> pair_rates;
  std::vector<entity> entities;
  bool forbid_oversize = true;   ///< no share of a type with fewer workers than the gang, which no round could run
  bool types_are_equal = false;  ///< as a scheduler sees them that knows no better; see `as_if_equal`

  [[nodiscard]] int size() const { return static_cast<int>(jobs.size()); }
};

namespace detail {

inline bool is_amount(double v) {
  return v >= 0 && v < infinity;
}

/// Whether so many workers of a type may be held at once.
inline bool gang_fits(const instance& given, int type, int workers) {
  const worker_type& there = given.cluster.types[type];
  const double most = there.largest_gang < 0 ? there.num_workers : there.largest_gang;
  return there.num_workers > 0 && (!given.forbid_oversize || workers <= most);
}

/// Whether a job may have a share of an option.
inline bool is_usable(const instance& given, const job& one, const run_option& option) {
  const int server = given.cluster.types[option.type].workers_per_server;
  if (option.consolidated && server > 0 && option.workers > server) return false;
  if (one.move_to(option.type).time_kept <= 0) return false;
  return option.throughput > 0 && gang_fits(given, option.type, option.workers);
}

/// The first usable option of a job behind one; -1: none.
inline int next_usable(const instance& given, const job& one, int behind) {
  for (int k = behind + 1; k < one.options.size(); ++k)
    if (is_usable(given, one, one.options[k])) return k;
  return -1;
}

inline bool runs_somewhere(const instance& given, const job& one) {
  return next_usable(given, one, -1) >= 0;
}

}  // namespace detail

/// Steps/s of a job that has the workers of its usual gang in the mix of the cluster: sum_j T_j n_j / sum_k n_k. With
/// several options on a type the one with most steps a worker counts. It is what throughputs are normalised by.
inline double proportional_throughput(const instance& given, const job& one) {
  double rate = 0;
  for (int type = 0; type < given.cluster.size(); ++type) {
    double best = 0;
    for (const run_option& option : one.options)
      if (option.type == type) best = std::fmax(best, option.throughput / option.workers);
    rate += best * given.cluster.types[type].num_workers;
  }
  return rate / given.cluster.workers() * one.scale_factor;
}

namespace detail {

/// Seconds that the steps left take with the proportional part of the cluster. -1 where the job can run nowhere.
inline double proportional_seconds(const instance& given, const job& one) {
  const double rate = proportional_throughput(given, one);
  return rate > 0 ? one.steps_remaining / rate : -1;
}

}  // namespace detail

/// Refuses what no policy can work with. Throws: usage, with the field and the place of the first fault.
inline void validate(const instance& given) {
  const auto place = [](const char* field, int at) {
    return std::string{field}.append("[").append(std::to_string(at)).append("]");
  };
  const auto amount = [&](double value, const char* field, int at) {
    require(detail::is_amount(value), "plait::instance", [&] {
      return place(field, at)
          .append(" is ")
          .append(std::to_string(value))
          .append("; it must be finite and not negative");
    });
  };
  const auto count = [&](double value, const char* field, int at) {
    require(value >= 1, "plait::instance",
            [&] { return place(field, at).append(" must be at least 1; it counts the workers of a gang"); });
  };
  const int types = given.cluster.size(), jobs = given.size();
  require(types > 0, "plait::instance", "worker_types is empty; name at least one type of worker");
  double largest = 0;
  for (int j = 0; j < types; ++j) {
    const worker_type& type = given.cluster.types[j];
    amount(type.num_workers, "num_workers", j);
    amount(type.cost_per_hour, "cost_per_hour", j);
    largest = std::fmax(largest, type.num_workers);
  }
  require(given.cluster.workers() > 0, "plait::instance",
          "num_workers is zero for every type; there is nothing to share");
  for (int i = 0; i < jobs; ++i) {
    const job& one = given.jobs[i];
    count(one.scale_factor, "scale_factor", i);
    require(one.scale_factor <= (given.forbid_oversize ? largest : given.cluster.workers()), "plait::instance", [&] {
      return place("scale_factor", i)
          .append(" is ")
          .append(std::to_string(one.scale_factor))
          .append("; the job is larger than the cluster");
    });
    require(one.priority > 0 && one.priority < infinity, "plait::instance",
            [&] { return place("priority", i).append(" must be positive and finite"); });
    amount(one.steps_remaining, "steps_remaining", i);
    amount(one.elapsed, "elapsed", i);
    amount(one.isolated_time_so_far, "isolated_time_so_far", i);
    amount(one.move_seconds, "move_seconds", i);
    amount(one.checkpoint_gigabytes, "checkpoint_gigabytes", i);
    require(one.last_type < types, "plait::instance",
            [&] { return place("last_type", i).append(" speaks of a type of workers that is not there"); });
    require(one.slo_seconds > 0, "plait::instance",
            [&] { return place("slo_seconds", i).append(" must be positive"); });
    for (const run_option& option : one.options) {
      require(0 <= option.type && option.type < types, "plait::instance",
              [&] { return place("throughput", i).append(" speaks of a type of workers that is not there"); });
      require(detail::is_amount(option.throughput), "plait::instance", [&] {
        return place("throughput", i)
            .append(place("", option.type))
            .append(" is ")
            .append(std::to_string(option.throughput))
            .append("; it must be finite and not negative");
      });
      count(option.workers, "options", i);
    }
  }
  for (int p = 0; p < static_cast<int>(given.pair_rates.size()); ++p) {
    const pair_rate& rate = given.pair_rates[p];
    amount(rate.first, "pair_throughput", p);
    amount(rate.second, "pair_throughput", p);
    require(0 <= rate.type && rate.type < types && 0 <= rate.first_kind && rate.first_kind <= rate.second_kind,
            "plait::instance", [&] { return place("pair_throughput", p).append(" has no such type or kinds"); });
    require(rate.first_kind < rate.second_kind || rate.first == rate.second, "plait::instance", [&] {
      return place("pair_throughput", p)
          .append(" gives two jobs of one kind different rates; nobody can tell them apart");
    });
  }
  std::vector<char> owned(given.jobs.size(), 0);
  for (int e = 0; e < static_cast<int>(given.entities.size()); ++e) {
    const entity& team = given.entities[e];
    require(team.weight > 0 && team.weight < infinity, "plait::instance",
            [&] { return place("entities", e).append(".weight must be positive and finite"); });
    for (const int i : team.jobs) {
      require(0 <= i && i < jobs, "plait::instance", [&] {
        return place("entities", e).append(".jobs names job ").append(std::to_string(i)).append(", which is not there");
      });
      require(owned[i] == 0, "plait::instance", [&] {
        return place("entities", e).append(".jobs names job ").append(std::to_string(i)).append(" for the second time");
      });
      owned[i] = 1;
    }
  }
}

}  // namespace plait
