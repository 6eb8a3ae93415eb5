// SPDX-License-Identifier: Apache-2.0
// Instances made from seeds, and the feasible shares written out plainly, one column for each job, or pair, and type.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <plait/alloc.hpp>

#include "dense.hpp"

namespace made {

using plait::instance;
using plait::job;

class dice {
 public:
  explicit dice(std::uint64_t seed) : state_{seed * 0x9E3779B97F4A7C15u + 12345} {}
  double unit() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }
  int below(int count) { return static_cast<int>(unit() * count); }
  double between(double low, double high) { return low + (high - low) * unit(); }

 private:
  std::uint64_t state_;
};

struct kind {
  std::string name;
  int jobs = 6, types = 3;
  bool gangs = false, weights = false, zeros = false, empty_type = false, equal_types = false, twins = false,
       pairs = false, allow_oversize = false, options = false;
  double workers = 2;  ///< of a type, about
  double spread = 30;  ///< between rates of different jobs
};

/// What the laws are checked on.
inline std::vector<kind> kinds() {
  return {
      {.name = "plain"},
      {.name = "crowded", .jobs = 12, .workers = 1},
      {.name = "more workers than jobs", .jobs = 3, .workers = 6},
      {.name = "one worker", .jobs = 4, .types = 1, .workers = 1},
      {.name = "one job", .jobs = 1, .types = 2},
      {.name = "gangs", .jobs = 8, .gangs = true, .workers = 4},
      {.name = "oversize allowed", .jobs = 7, .gangs = true, .allow_oversize = true, .workers = 2},
      {.name = "weights", .jobs = 7, .weights = true},
      {.name = "gangs and weights", .jobs = 9, .gangs = true, .weights = true, .workers = 5},
      {.name = "zero throughputs", .jobs = 8, .zeros = true},
      {.name = "an empty type", .jobs = 6, .zeros = true, .empty_type = true},
      {.name = "equal types", .jobs = 6, .equal_types = true},
      {.name = "twins", .jobs = 10, .gangs = true, .weights = true, .twins = true, .workers = 4},
      {.name = "pairs", .jobs = 6, .weights = true, .pairs = true, .workers = 1},
      {.name = "1e12 between jobs", .jobs = 7, .weights = true, .spread = 1e12},
      {.name = "options", .jobs = 8, .weights = true, .options = true, .workers = 6},
  };
}

/// Gangs of 1, 2, 4 in place of one, each on most types and with a loss for its size; the usual gang may be none of
/// them. One that must stand in one server is beside the same spread over servers.
inline void offer_gangs(job& one, dice& d) {
  const auto single = one.options;
  one.options.clear();
  const int smallest = 1 << d.below(2);
  for (const plait::run_option& o : single) {
    for (int gang = smallest; gang <= 4; gang *= 2) {
      if (gang > smallest && d.unit() < 0.25) continue;
      const double rate = o.throughput * std::pow(gang, d.between(0.5, 1));
      one.options.push_back({.type = o.type, .workers = gang, .throughput = rate});
      if (gang == 4 && d.unit() < 0.5)
        one.options.push_back({.type = o.type, .workers = gang, .throughput = 1.2 * rate, .consolidated = true});
    }
  }
  one.scale_factor = 1 << d.below(3);
}

inline instance make(const kind& k, std::uint64_t seed) {
  dice d{seed};
  instance g;
  g.forbid_oversize = !k.allow_oversize;
  for (int j = 0; j < k.types; ++j) {
    const double workers = std::fmax(1, std::round(k.workers * d.between(0.6, 1.5)));
    g.cluster.types.push_back({.name = std::string(1, static_cast<char>('c' - j % 3)) + std::to_string(j),
                               .num_workers = k.empty_type && j == 1 ? 0 : workers,
                               .cost_per_hour = d.between(0.3, 3),
                               .workers_per_server = k.options && j == 1 ? 2 : 0});
  }
  double largest = 0;
  for (const auto& t : g.cluster.types) largest = std::fmax(largest, t.num_workers);
  for (int i = 0; i < k.jobs; ++i) {
    if (k.twins && i > 0 && d.unit() < 0.6) {
      g.jobs.push_back(g.jobs[static_cast<std::size_t>(d.below(i))]);
      continue;
    }
    const double base = std::exp(std::log(k.spread) * d.unit());
    std::vector<double> rate;
    for (int j = 0; j < k.types; ++j) {
      double r = base * (k.equal_types ? 1 : d.between(0.1, 1));
      if (k.zeros && d.unit() < 0.35) r = 0;
      rate.push_back(r);
    }
    int gang = 1;
    if (k.gangs) gang = 1 << d.below(3);
    if (gang > (g.forbid_oversize ? largest : g.cluster.workers())) gang = 1;
    job one = plait::job_of(rate, gang);
    if (k.options) offer_gangs(one, d);
    one.priority = k.weights && d.unit() < 0.4 ? 5 : 1;
    one.steps_remaining = base * d.between(100, 10000);
    one.elapsed = d.between(0, 5000);
    one.isolated_time_so_far = one.elapsed * d.unit();
    g.jobs.push_back(one);
  }
  if (k.pairs) {
    for (int i = 0; i < k.jobs; ++i) g.jobs[static_cast<std::size_t>(i)].kind = i;
    for (int a = 0; a < k.jobs; ++a) {
      for (int b = a + 1; b < k.jobs; ++b) {
        for (int j = 0; j < k.types; ++j) {
          const auto rate = [&](int i) {
            return g.jobs[static_cast<std::size_t>(i)].options[j].throughput * d.between(0.3, 1);
          };
          const double first = rate(a), second = rate(b);
          g.pair_rates.push_back({a, b, j, first, second});
        }
      }
    }
  }
  g.entities.push_back({1, plait::entity_policy::fairness, {}});
  g.entities.push_back({2, plait::entity_policy::fifo, {}});
  for (int i = 0; i < k.jobs; ++i) g.entities[static_cast<std::size_t>(d.below(2))].jobs.push_back(i);
  return g;
}

/// Whether an option has room.
inline bool runs_so(const instance& g, const plait::run_option& o) {
  const auto& type = g.cluster.types[static_cast<std::size_t>(o.type)];
  if (o.consolidated && type.workers_per_server > 0 && o.workers > type.workers_per_server) return false;
  return o.throughput > 0 && type.num_workers > 0 && (!g.forbid_oversize || o.workers <= type.num_workers);
}

/// Whether a job has a type with room for it.
inline bool runs(const instance& g, int i) {
  for (const auto& o : g.jobs[static_cast<std::size_t>(i)].options)
    if (runs_so(g, o)) return true;
  return false;
}

/// Columns and rows of the feasible shares, without any grouping; the level, if any, is the last column.
struct plain {
  const instance* given;
  struct column {
    int a, b, type;
    double rate_a, rate_b;
    int workers;  ///< held at once
  };
  std::vector<column> columns;
  std::vector<double> proportional;

  explicit plain(const instance& g, bool pairs = false) : given{&g} {
    double all = 0;
    for (const auto& t : g.cluster.types) all += t.num_workers;
    for (int i = 0; i < g.size(); ++i) {
      const job& one = at(i);
      std::vector<double> best(g.cluster.types.size(), 0);  // steps/s of a worker, on each type
      for (const auto& o : one.options) {
        double& there = best[static_cast<std::size_t>(o.type)];
        there = std::fmax(there, o.throughput / o.workers);
        if (runs_so(g, o)) columns.push_back({i, -1, o.type, o.throughput, 0, o.workers});
      }
      double mix = 0;
      for (std::size_t j = 0; j < best.size(); ++j) mix += one.scale_factor * best[j] * g.cluster.types[j].num_workers;
      proportional.push_back(mix / all);
    }
    if (!pairs) return;
    for (const auto& r : g.pair_rates) {
      const int gang = at(r.first_kind).scale_factor;
      const bool fits = !g.forbid_oversize || gang <= g.cluster.types[static_cast<std::size_t>(r.type)].num_workers;
      if (fits && gang == at(r.second_kind).scale_factor)
        columns.push_back({r.first_kind, r.second_kind, r.type, r.first, r.second, gang});
    }
  }

  [[nodiscard]] const job& at(int i) const { return given->jobs[static_cast<std::size_t>(i)]; }
  [[nodiscard]] std::vector<dense::number> zeros() const { return std::vector<dense::number>(columns.size() + 1, 0); }
  /// unit * thr_i, and the level with a factor.
  [[nodiscard]] std::vector<dense::number> rate_row(int i, double unit, double level) const {
    auto row = zeros();
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (columns[c].a == i) row[c] += static_cast<dense::number>(unit) * columns[c].rate_a;
      if (columns[c].b == i) row[c] += static_cast<dense::number>(unit) * columns[c].rate_b;
    }
    row.back() = level;
    return row;
  }
  /// Budgets and capacities; times `scale`, a column, where one is named.
  [[nodiscard]] dense::program shares(bool scaled = false) const {
    dense::program p;
    p.cost = zeros();
    for (int i = 0; i < given->size(); ++i) {
      auto row = zeros();
      for (std::size_t c = 0; c < columns.size(); ++c)
        if (columns[c].a == i || columns[c].b == i) row[c] = 1;
      if (scaled) row.back() = -1;
      p.at_most(row, scaled ? 0 : 1);
    }
    for (int j = 0; j < given->cluster.size(); ++j) {
      auto row = zeros();
      const double there = given->cluster.types[static_cast<std::size_t>(j)].num_workers;
      for (std::size_t c = 0; c < columns.size(); ++c)
        if (columns[c].type == j) row[c] = columns[c].workers;
      if (scaled) row.back() = -there;
      p.at_most(row, scaled ? 0 : there);
    }
    return p;
  }
  /// max level with thr_i * unit_i >= least_i + slope_i level; nothing where it cannot be.
  [[nodiscard]] std::optional<dense::solution> best_level(const std::vector<double>& unit,
                                                          const std::vector<double>& least,
                                                          const std::vector<double>& slope) const {
    dense::program p = shares();
    for (int i = 0; i < given->size(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (unit[at] > 0) p.at_least(rate_row(i, unit[at], -slope[at]), least[at]);
    }
    p.cost.back() = 1;
    return dense::solve(p);
  }
};

/// Of each kind as many instances, from a first seed on.
inline std::vector<instance> of_all_kinds(int first_seed, int seeds) {
  std::vector<instance> all;
  for (const kind& k : kinds())
    for (int seed = first_seed; seed < first_seed + seeds; ++seed)
      all.push_back(make(k, static_cast<std::uint64_t>(seed)));
  return all;
}

}  // namespace made
