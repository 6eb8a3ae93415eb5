// SPDX-License-Identifier: Apache-2.0
// Linear programs of sharing a cluster of three kinds of processors among many jobs, made from a seed.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/solve/lp.hpp>

namespace shares {

inline constexpr int kinds = 3;

/// A job: processors that it takes at once, its weight, and its steps per second on each kind of processor.
struct job {
  int gang = 1;
  double weight = 1, work = 1, rate[kinds]{};
};

struct cluster {
  std::vector<job> jobs;
  double processors[kinds]{}, price[kinds]{2.48, 1.46, 0.45};  // dollars an hour of V100, P100, K80
};

class dice {
 public:
  explicit dice(std::uint64_t seed) : state_{seed * 0x9E3779B97F4A7C15u + 1} {}
  double unit() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }

 private:
  std::uint64_t state_;
};

/// Gangs of 1, 2, 4, 8 for 70, 10, 15, 5 % of the jobs, a fifth of weight 5, as many processors of each kind as a
/// sixteenth of the jobs. Source of the mix: Narayanan et al., "Heterogeneity-Aware Cluster Scheduling Policies for
/// Deep Learning Workloads", OSDI 2020, section 7.1.
inline cluster made(int jobs, std::uint64_t seed) {
  dice d{seed};
  cluster c;
  for (double& n : c.processors) n = std::fmax(1, jobs / 16);
  for (int m = 0; m < jobs; ++m) {
    job one;
    const double u = d.unit();
    one.gang = u < 0.70 ? 1 : u < 0.80 ? 2 : u < 0.95 ? 4 : 8;
    one.weight = d.unit() < 0.2 ? 5 : 1;
    const double fastest = std::exp(1 + 4 * d.unit());  // steps per second
    one.rate[0] = fastest;
    one.rate[1] = fastest * (0.25 + 0.55 * d.unit());
    one.rate[2] = fastest * (0.05 + 0.30 * d.unit());
    one.work = fastest * 3600 * std::exp(std::log(10.0) * (1.5 * d.unit()));
    c.jobs.push_back(one);
  }
  return c;
}

/// Jobs of few kinds: 26 models in 4 sizes with weight 1 or 5, so about 200 kinds, drawn with equal odds.
inline cluster made_of_kinds(int jobs, std::uint64_t seed) {
  dice d{seed};
  cluster c;
  for (double& n : c.processors) n = std::fmax(1, jobs / 16);
  constexpr int models = 26, sizes = 4;
  std::vector<job> kind;
  for (int m = 0; m < models * sizes; ++m) {
    job one;
    one.gang = 1 << (m % sizes);
    const double fastest = std::exp(1 + 4 * d.unit());
    one.rate[0] = fastest;
    one.rate[1] = fastest * (0.25 + 0.55 * d.unit());
    one.rate[2] = fastest * (0.05 + 0.30 * d.unit());
    one.work = fastest * 3600 * std::exp(std::log(10.0) * (1.5 * d.unit()));
    kind.push_back(one);
  }
  for (int m = 0; m < jobs; ++m) {
    const int size = [&] {
      const double u = d.unit();
      return u < 0.70 ? 0 : u < 0.80 ? 1 : u < 0.95 ? 2 : 3;
    }();
    c.jobs.push_back(kind[static_cast<std::size_t>(static_cast<int>(d.unit() * models) * sizes + size)]);
    c.jobs.back().weight = d.unit() < 0.2 ? 5 : 1;
  }
  return c;
}

inline double proportional(const cluster& c, const job& one) {
  double rate = 0, all = 0;
  for (int k = 0; k < kinds; ++k) {
    rate += one.rate[k] * c.processors[k];
    all += c.processors[k];
  }
  return rate / all;
}

/// Rows: demand of each job (where it has one), budget of each job, then processors of each kind.
///   maxmin    max t, sum_k gang rate_k / (weight proportional) x_k >= t
///   makespan  max t, sum_k rate_k x_k >= work t
///   cost      max sum rate_k / price_k x_k, a third of the jobs with sum_k rate_k x_k >= a deadline's rate
inline plait::lp program(const cluster& c, std::string_view family) {
  using plait::infinity;
  using plait::lp_entry;
  const int jobs = static_cast<int>(c.jobs.size());
  plait::lp model;
  model.set_sense(plait::objective_sense::maximize);
  const bool maxmin = family == "maxmin", makespan = family == "makespan";
  std::vector<int> demand(c.jobs.size(), -1);
  for (int m = 0; m < jobs; ++m) {
    const job& one = c.jobs[static_cast<std::size_t>(m)];
    if (maxmin || makespan) {
      demand[static_cast<std::size_t>(m)] = model.add_row(0, infinity);
    } else if (m % 3 == 0) {
      // What a small share of the fastest kind gives.
      demand[static_cast<std::size_t>(m)] = model.add_row(0.05 * one.rate[2], infinity);
    }
  }
  const int budget = model.rows();
  for (int m = 0; m < jobs; ++m) model.add_row(-infinity, 1);
  const int link = model.rows();
  for (int k = 0; k < kinds; ++k) model.add_row(-infinity, c.processors[k]);
  std::vector<lp_entry> column;
  for (int m = 0; m < jobs; ++m) {
    const job& one = c.jobs[static_cast<std::size_t>(m)];
    const double unit = maxmin ? one.gang / (one.weight * proportional(c, one)) : 1;
    for (int k = 0; k < kinds; ++k) {
      column.clear();
      if (demand[static_cast<std::size_t>(m)] >= 0)
        column.push_back({demand[static_cast<std::size_t>(m)], unit * one.rate[k]});
      column.push_back({budget + m, 1});
      column.push_back({link + k, static_cast<double>(one.gang)});
      model.add_column(maxmin || makespan ? 0 : one.rate[k] / c.price[k], 0, infinity, column);
    }
  }
  if (maxmin || makespan) {
    column.clear();
    for (int m = 0; m < jobs; ++m) {
      column.push_back(
          {demand[static_cast<std::size_t>(m)], maxmin ? -1 : -c.jobs[static_cast<std::size_t>(m)].work / 3600});
    }
    model.add_column(1, 0, infinity, column);
  }
  return model;
}

/// Max-min fairness where two jobs of the same gang may share a processor: a column for each job, and each pair, on
/// each kind. `partners`: pairs of each job, drawn; 0: all pairs. What a job keeps of its rate in a pair is drawn, or,
/// where `alike`, follows from the rates of both, so that jobs of one kind stay alike.
inline plait::lp pairs(const cluster& c, int partners, std::uint64_t seed, bool alike = false) {
  using plait::infinity;
  using plait::lp_entry;
  const int jobs = static_cast<int>(c.jobs.size());
  dice d{seed};
  plait::lp model;
  model.set_sense(plait::objective_sense::maximize);
  for (int m = 0; m < jobs; ++m) model.add_row(0, infinity);
  for (int m = 0; m < jobs; ++m) model.add_row(-infinity, 1);
  for (int k = 0; k < kinds; ++k) model.add_row(-infinity, c.processors[k]);
  std::vector<double> unit;
  for (const job& one : c.jobs) unit.push_back(one.gang / (one.weight * proportional(c, one)));
  std::vector<lp_entry> column;
  const auto enter = [&](int m, int other) {
    const job& one = c.jobs[static_cast<std::size_t>(m)];
    for (int k = 0; k < kinds; ++k) {
      column.clear();
      if (other < 0) {
        column.push_back({m, unit[static_cast<std::size_t>(m)] * one.rate[k]});
        column.push_back({jobs + m, 1});
      } else {
        for (const int j : {m, other}) {
          const double drawn = d.unit();
          const auto of_rates = [&] {
            const double both =
                c.jobs[static_cast<std::size_t>(m)].rate[0] + c.jobs[static_cast<std::size_t>(other)].rate[0];
            const double own = 40.7 * (both + c.jobs[static_cast<std::size_t>(j)].rate[k]);
            return own - std::floor(own);
          };
          const double kept = 0.35 + 0.6 * (alike ? of_rates() : drawn);
          column.push_back({j, unit[static_cast<std::size_t>(j)] * c.jobs[static_cast<std::size_t>(j)].rate[k] * kept});
          column.push_back({jobs + j, 1});
        }
      }
      column.push_back({2 * jobs + k, static_cast<double>(one.gang)});
      model.add_column(0, 0, infinity, column);
    }
  };
  for (int m = 0; m < jobs; ++m) enter(m, -1);
  for (int m = 0; m < jobs; ++m) {
    const int gang = c.jobs[static_cast<std::size_t>(m)].gang;
    if (partners == 0) {
      for (int j = m + 1; j < jobs; ++j)
        if (c.jobs[static_cast<std::size_t>(j)].gang == gang) enter(m, j);
    } else {
      std::vector<int> drawn;
      for (int tries = 0; static_cast<int>(drawn.size()) < partners && tries < 40 * partners; ++tries) {
        const int j = static_cast<int>(d.unit() * jobs);
        bool fresh = j != m && c.jobs[static_cast<std::size_t>(j)].gang == gang;
        for (const int k : drawn) fresh = fresh && k != j;
        if (fresh) drawn.push_back(j);
      }
      for (const int j : drawn) enter(m, j);
    }
  }
  column.clear();
  for (int m = 0; m < jobs; ++m) column.push_back({m, -1});
  model.add_column(1, 0, infinity, column);
  return model;
}

/// A program by name: maxmin, makespan, cost, pack (4 pairs a job) or packall; ample_maxmin and ample_makespan with
/// four times the processors, so that one job alone may hold all back; kinds_maxmin and kinds_packall of jobs of few
/// kinds.
inline plait::lp by_name(std::string_view family, int jobs, std::uint64_t seed = 1) {
  cluster c = made(jobs, seed);
  if (constexpr std::string_view ample = "ample_"; family.starts_with(ample)) {
    for (double& n : c.processors) n *= 4;
    return program(c, family.substr(ample.size()));
  }
  if (family == "maxmin" || family == "makespan" || family == "cost") return program(c, family);
  if (family == "pack") return pairs(c, 4, seed + 1);
  if (family == "packall") return pairs(c, 0, seed + 1);
  const cluster k = made_of_kinds(jobs, seed);
  if (family == "kinds_maxmin") return program(k, "maxmin");
  if (family == "kinds_packall") return pairs(k, 0, seed + 1, true);
  throw plait::error{plait::error_kind::usage, "shares::by_name",
                     "families are maxmin, makespan, cost, pack, packall, ample_maxmin, ample_makespan, kinds_maxmin "
                     "and kinds_packall, "
                     "not " +
                         std::string{family}};
}

}  // namespace shares
