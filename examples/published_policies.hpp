// SPDX-License-Identifier: Apache-2.0
#pragma once

// Shares as the program published with Narayanan et al., OSDI 2020, computes them, where they differ from those of
// plait although both are optimal, or where it has a peculiarity that its published figures show. For comparison alone:
// simulate_cluster --as-published, docs/gavel.md.

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <plait/alloc.hpp>

namespace published {

using plait::allocation;
using plait::instance;
using plait::share_settings;

/// The analytic centre of the shares with unit_i thr_i >= least_i for each group of equal jobs: where the sum of the
/// logarithms of all slacks is largest. An interior-point method ends near that point of the optimal shares, a simplex
/// method in a corner. Newton's method, from shares that keep every demand with something to spare.
///
/// `conic`: demands on times, time_i <= given, are put to a conic solver as t thr_i >= 1, t <= given. The best t is in
/// the middle, and what is left of both logarithms is 2 log(slack_i) - log(thr_i).
class analytic_centre {
 public:
  analytic_centre(const instance& given, const plait::grouping& groups, bool conic)
      : given_{given}, groups_{groups}, conic_{conic} {
    types_ = given.cluster.size();
    rate_.assign(static_cast<std::size_t>(groups.size() * types_), 0.0);
    for (int g = 0; g < groups.size(); ++g)
      for (const plait::run_option& option : given.jobs[static_cast<std::size_t>(groups.first[g])].options)
        if (plait::detail::is_usable(given, given.jobs[static_cast<std::size_t>(groups.first[g])], option))
          rate_[at(g, option.type)] = option.throughput;
  }

  /// `start[g, j]`: shares with positive slack everywhere. `unit`, `least`: of each group; unit 0: no demand.
  std::vector<double> find(std::vector<double> start, const std::vector<double>& unit,
                           const std::vector<double>& least) const {
    std::vector<double> x = std::move(start), step;
    double worth = barrier(x, unit, least);
    for (int iteration = 0; iteration < 200; ++iteration) {
      const double decrement = newton(x, unit, least, step);
      if (decrement < 1e-8) break;
      double length = 1;
      std::vector<double> next = x;
      while (length > 1e-14) {
        for (std::size_t k = 0; k < x.size(); ++k) next[k] = x[k] + length * step[k];
        const double there = barrier(next, unit, least);
        if (there > worth + 1e-4 * length * decrement) {
          worth = there;
          x = next;
          break;
        }
        length /= 2;
      }
      if (length <= 1e-14) break;
    }
    return x;
  }

  [[nodiscard]] std::size_t at(int group, int type) const { return static_cast<std::size_t>(group * types_ + type); }

 private:
  [[nodiscard]] double count(int g) const { return groups_.count[g]; }
  [[nodiscard]] double gang(int g) const {
    return given_.jobs[static_cast<std::size_t>(groups_.first[g])].scale_factor;
  }

  struct slacks {
    std::vector<double> budget, demand, throughput, capacity;
  };
  [[nodiscard]] slacks slacks_at(const std::vector<double>& x, const std::vector<double>& unit,
                                 const std::vector<double>& least) const {
    slacks made;
    for (int j = 0; j < types_; ++j)
      made.capacity.push_back(given_.cluster.types[static_cast<std::size_t>(j)].num_workers);
    for (int g = 0; g < groups_.size(); ++g) {
      double busy = 0, throughput = 0;
      for (int j = 0; j < types_; ++j) {
        if (rate_[at(g, j)] <= 0) continue;
        busy += x[at(g, j)];
        throughput += rate_[at(g, j)] * x[at(g, j)];
        made.capacity[static_cast<std::size_t>(j)] -= count(g) * gang(g) * x[at(g, j)];
      }
      const auto k = static_cast<std::size_t>(g);
      made.budget.push_back(1 - busy);
      made.throughput.push_back(throughput);
      made.demand.push_back(unit[k] > 0 ? unit[k] * throughput - least[k] : 1.0);
    }
    return made;
  }

  [[nodiscard]] double barrier(const std::vector<double>& x, const std::vector<double>& unit,
                               const std::vector<double>& least) const {
    const slacks s = slacks_at(x, unit, least);
    double sum = 0;
    const auto add = [&](double weight, double slack) {
      sum += slack > 0 ? weight * std::log(slack) : -plait::infinity;
    };
    for (const double one : s.capacity) add(1, one);
    for (int g = 0; g < groups_.size(); ++g) {
      const auto k = static_cast<std::size_t>(g);
      add(count(g), s.budget[k]);
      add(conic_ ? 2 * count(g) : count(g), s.demand[k]);
      if (conic_) add(-count(g), s.throughput[k]);
      for (int j = 0; j < types_; ++j)
        if (rate_[at(g, j)] > 0) add(count(g), x[at(g, j)]);
    }
    return sum;
  }

  /// The step of Newton's method, and half of what it promises, times two. Groups meet only in the few rows of
  /// capacity, so each group is eliminated by itself.
  double newton(const std::vector<double>& x, const std::vector<double>& unit, const std::vector<double>& least,
                std::vector<double>& step) const {
    const slacks s = slacks_at(x, unit, least);
    const auto types = static_cast<std::size_t>(types_);
    step.assign(x.size(), 0.0);
    std::vector<double> gradient(x.size(), 0.0), inverse(x.size() * types, 0.0);
    std::vector<double> system(types * types, 0.0), right(types, 0.0);
    for (std::size_t j = 0; j < types; ++j) system[j * types + j] = s.capacity[j] * s.capacity[j];
    for (int g = 0; g < groups_.size(); ++g) {
      const auto k = static_cast<std::size_t>(g);
      std::vector<double> block(types * types, 0.0);
      for (std::size_t i = 0; i < types; ++i) {
        const std::size_t here = k * types + i;
        if (rate_[here] <= 0) {
          block[i * types + i] = 1;
          continue;
        }
        const double twice = conic_ ? 2 : 1, rise = unit[k] * rate_[here] / s.demand[k];
        const double part = conic_ ? rate_[here] / s.throughput[k] : 0;
        gradient[here] =
            count(g) * (1 / x[here] - 1 / s.budget[k] + twice * rise - part) - count(g) * gang(g) / s.capacity[i];
        for (std::size_t j = 0; j < types; ++j) {
          if (rate_[k * types + j] <= 0) continue;
          const double other = unit[k] * rate_[k * types + j] / s.demand[k];
          const double other_part = conic_ ? rate_[k * types + j] / s.throughput[k] : 0;
          block[i * types + j] =
              count(g) * (1 / (s.budget[k] * s.budget[k]) + twice * rise * other - part * other_part);
        }
        block[i * types + i] += count(g) / (x[here] * x[here]);
      }
      invert(block, types);
      for (std::size_t i = 0; i < types; ++i) {
        for (std::size_t j = 0; j < types; ++j) {
          inverse[(k * types + i) * types + j] = block[i * types + j];
          const double both = count(g) * gang(g) * count(g) * gang(g);
          if (rate_[k * types + i] > 0 && rate_[k * types + j] > 0)
            system[i * types + j] += both * block[i * types + j];
          if (rate_[k * types + i] > 0) right[i] += count(g) * gang(g) * block[i * types + j] * gradient[k * types + j];
        }
      }
    }
    // (H + U S^-2 U') step = gradient, U the held workers: Woodbury's identity with the capacities' rows.
    invert(system, types);
    std::vector<double> price(types, 0.0);
    for (std::size_t i = 0; i < types; ++i)
      for (std::size_t j = 0; j < types; ++j) price[i] += system[i * types + j] * right[j];
    double decrement = 0;
    for (int g = 0; g < groups_.size(); ++g) {
      const auto k = static_cast<std::size_t>(g);
      for (std::size_t i = 0; i < types; ++i) {
        for (std::size_t j = 0; j < types; ++j) {
          if (rate_[k * types + i] <= 0 || rate_[k * types + j] <= 0) continue;
          const double push = gradient[k * types + j] - count(g) * gang(g) * price[j];
          step[k * types + i] += inverse[(k * types + i) * types + j] * push;
        }
        decrement += step[k * types + i] * gradient[k * types + i];
      }
    }
    return decrement;
  }

  /// In place, by Gauss and Jordan, for the few types; the matrices are positive definite.
  static void invert(std::vector<double>& a, std::size_t n) {
    for (std::size_t p = 0; p < n; ++p) {
      const double pivot = 1 / a[p * n + p];
      a[p * n + p] = 1;
      for (std::size_t j = 0; j < n; ++j) a[p * n + j] *= pivot;
      for (std::size_t i = 0; i < n; ++i) {
        if (i == p) continue;
        const double factor = a[i * n + p];
        a[i * n + p] = 0;
        for (std::size_t j = 0; j < n; ++j) a[i * n + j] -= factor * a[p * n + j];
      }
    }
  }

  const instance& given_;
  const plait::grouping& groups_;
  bool conic_ = false;
  int types_ = 0;
  std::vector<double> rate_;  ///< [groups, types]
};

/// Shares near those of an interior-point method: of `exact`, that reaches unit_i thr_i >= least_i, the centre of all
/// that reach it less a thousandth.
inline allocation centred(const instance& given, const allocation& exact, const plait::grouping& groups,
                          const std::vector<double>& unit, std::vector<double> least, bool conic) {
  constexpr double given_up = 1e-3, mixed_in = 3e-4;
  const analytic_centre centre{given, groups, conic};
  const int types = given.cluster.size();
  double gangs = 0;
  for (const plait::job& one : given.jobs) gangs += one.scale_factor;
  std::vector<double> start(static_cast<std::size_t>(groups.size() * types), 0.0);
  for (int g = 0; g < groups.size(); ++g) {
    const int i = groups.first[g];
    least[static_cast<std::size_t>(g)] *= 1 - given_up;
    for (const plait::run_option& option : given.jobs[static_cast<std::size_t>(i)].options) {
      if (!plait::detail::is_usable(given, given.jobs[static_cast<std::size_t>(i)], option)) continue;
      const double workers = given.cluster.types[static_cast<std::size_t>(option.type)].num_workers;
      const double equal = 0.5 * std::fmin(1.0 / types, workers / gangs);
      start[centre.at(g, option.type)] = (1 - mixed_in) * exact.share(i, option.type) + mixed_in * equal;
    }
  }
  const std::vector<double> x = centre.find(std::move(start), unit, least);
  plait::table<int> option_begin;
  allocation made = plait::detail::no_shares(given, option_begin);
  for (int i = 0; i < given.size(); ++i) {
    const plait::job& one = given.jobs[static_cast<std::size_t>(i)];
    for (int k = 0; k < one.options.size(); ++k)
      if (plait::detail::is_usable(given, one, one.options[k]))
        plait::detail::give(given, option_begin, made, i, k, x[centre.at(groups.group_of[i], one.options[k].type)]);
  }
  made.objective = exact.objective;
  made.certificate_verified = exact.certificate_verified;
  made.programs = exact.programs;
  made.seconds = exact.seconds;
  return made;
}

/// Max-min fairness (`max_min_perf`).
inline allocation max_min(const instance& given, const share_settings& how) {
  const allocation exact = plait::max_min_perf::share(given, how);
  plait::table<double> weights;
  for (const plait::job& one : given.jobs) weights.push_back(one.priority);
  const plait::grouping groups = plait::group_jobs(given, plait::detail::rule_of(given, how, std::move(weights), 1));
  std::vector<double> unit, least;
  for (int g = 0; g < groups.size(); ++g) {
    const plait::job& one = given.jobs[static_cast<std::size_t>(groups.first[g])];
    unit.push_back(one.scale_factor / (one.priority * plait::proportional_throughput(given, one)));
    least.push_back(exact.objective);
  }
  return centred(given, exact, groups, unit, least, false);
}

/// The same with all types taken for equal (`max_min_agnostic`).
inline allocation max_min_agnostic(const instance& given, const share_settings& how) {
  return plait::agnostic_share([&](const instance& seen) { return max_min(seen, how); }, given);
}

/// Finish-time fairness (`ftf`), as the program had it before it kept account of isolated time: a job's time so far
/// counts whole as time that it would have taken alone. Its figures were published with that, see docs/gavel.md.
inline allocation finish_time_fairness(instance given, const share_settings& how) {
  for (plait::job& one : given.jobs) one.isolated_time_so_far = one.elapsed;
  const allocation exact = plait::finish_time_fairness::share(given, how);
  plait::grouping_rule rule;
  rule.together = false;
  const plait::grouping groups = plait::group_jobs(given, rule);
  std::vector<double> unit, least;
  for (int g = 0; g < groups.size(); ++g) {
    const plait::job& one = given.jobs[static_cast<std::size_t>(groups.first[g])];
    const double scale = plait::proportional_throughput(given, one);
    const double fair = one.isolated_time_so_far + one.steps_remaining / plait::isolated_throughput(given, one);
    unit.push_back(1 / scale);
    least.push_back(one.steps_remaining / (exact.objective * fair - one.elapsed) / scale);
  }
  return centred(given, exact, groups, unit, least, true);
}

/// First in, first out, for a scheduler that takes types for equal. A job stays where it began. The place of a job that
/// has ended goes to the head of the queue, wherever it is; other heads take the free type that is listed first.
class fifo_queue {
 public:
  allocation operator()(const instance& given, const share_settings& /*how*/) {
    const int types = given.cluster.size();
    std::vector<double> left, held(static_cast<std::size_t>(types), 0.0);
    for (const plait::worker_type& type : given.cluster.types) left.push_back(type.num_workers);
    for (const plait::job& one : given.jobs)
      if (one.runs_on >= 0) held[static_cast<std::size_t>(one.runs_on)] += one.scale_factor;
    std::vector<int> ended;  // types with places that have become free
    held_.resize(held.size(), 0.0);
    for (int j = 0; j < types; ++j) {
      const auto k = static_cast<std::size_t>(j);
      for (double freed = held_[k] - held[k]; freed > 0; --freed) ended.push_back(j);
      left[k] -= held[k];
    }
    plait::table<int> option_begin;
    allocation made = plait::detail::no_shares(given, option_begin);
    std::size_t next_ended = 0;
    bool blocked = false;
    for (int i = 0; i < given.size(); ++i) {
      const plait::job& one = given.jobs[static_cast<std::size_t>(i)];
      int type = one.runs_on;
      const auto fits = [&](int j) { return one.scale_factor <= left[static_cast<std::size_t>(j)]; };
      if (type < 0) {
        while (!blocked && type < 0 && next_ended < ended.size()) {
          const int j = ended[next_ended++];
          if (fits(j) && runs_on(one, j)) type = j;
        }
        for (int j = 0; !blocked && type < 0 && j < types; ++j)
          if (fits(j)) type = j;
        blocked = blocked || type < 0;
        if (type < 0) continue;
        left[static_cast<std::size_t>(type)] -= one.scale_factor;
        held[static_cast<std::size_t>(type)] += one.scale_factor;
      }
      for (int k = 0; k < one.options.size(); ++k)
        if (one.options[k].type == type) plait::detail::give(given, option_begin, made, i, k, 1);
    }
    held_ = held;
    return made;
  }

 private:
  static bool runs_on(const plait::job& one, int type) {
    for (const plait::run_option& option : one.options)
      if (option.type == type && option.throughput > 0) return true;
    return false;
  }
  std::vector<double> held_;  ///< workers of each type, when it was last asked
};

}  // namespace published
