// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <plait/alloc.hpp>

namespace published {

using plait::allocation;
using plait::instance;
using plait::share_settings;

/// Calls `act` with 0 .. n - 1, each a constant where n is one. g++ -O2 leaves a loop of three steps rolled and what it
/// works on in memory: Newton's steps took twice the instructions so.
template <class Act, std::size_t... Number>
void each(std::index_sequence<Number...> /*numbers*/, const Act& act) {
  (act(std::integral_constant<std::size_t, Number>{}), ...);
}
template <std::size_t Size, class Act>
void each(std::integral_constant<std::size_t, Size> /*n*/, const Act& act) {
  each(std::make_index_sequence<Size>{}, act);
}
template <class Act>
void each(std::size_t n, const Act& act) {
  for (std::size_t i = 0; i < n; ++i) act(i);
}

/// The analytic centre of the shares with unit_i thr_i >= least_i for each group of equal jobs: where the sum of the
/// logarithms of all slacks is largest. An interior-point method ends near that point of the optimal shares, a simplex
/// method in a corner. Newton's method, from shares that keep every demand with something to spare.
///
/// `conic`: demands on times, time_i <= given, are put to a conic solver as t thr_i >= 1, t <= given. The best t is in
/// the middle, and what is left of both logarithms is 2 log(slack_i) - log(thr_i).
class analytic_centre {
 public:
  analytic_centre(const instance& given, const plait::grouping& groups, bool conic) : conic_{conic} {
    types_ = static_cast<std::size_t>(given.cluster.size());
    rate_.assign(static_cast<std::size_t>(groups.size()) * types_, 0.0);
    for (int g = 0; g < groups.size(); ++g) {
      const plait::job& one = given.jobs[static_cast<std::size_t>(groups.first[g])];
      count_.push_back(groups.count[g]);
      gang_.push_back(one.scale_factor);
      held_.push_back(count_.back() * one.scale_factor);
      for (const plait::run_option& option : one.options)
        if (plait::detail::is_usable(given, one, option)) rate_[at(g, option.type)] = option.throughput;
    }
    for (const plait::worker_type& type : given.cluster.types) workers_.push_back(type.num_workers);
  }

  /// `start[g, j]`: shares with positive slack everywhere. `unit`, `least`: of each group; unit 0: no demand.
  std::vector<double> find(std::vector<double> start, const std::vector<double>& unit,
                           const std::vector<double>& least) {
    // Nearly all clusters have three types here, and loops of known length take half the time.
    return types_ == 3 ? find(std::integral_constant<std::size_t, 3>{}, std::move(start), unit, least)
                       : find(types_, std::move(start), unit, least);
  }

  [[nodiscard]] std::size_t at(int group, int type) const {
    return static_cast<std::size_t>(group) * types_ + static_cast<std::size_t>(type);
  }

 private:
  /// What is left of each bound.
  struct slacks {
    std::vector<double> budget, demand, throughput, capacity;
  };

  template <class Types>
  std::vector<double> find(Types types, std::vector<double> x, const std::vector<double>& unit,
                           const std::vector<double>& least) {
    std::vector<double> step, next = x;
    slacks here, there;
    double worth = barrier(types, x, unit, least, here);
    for (int iteration = 0; iteration < 200; ++iteration) {
      const double decrement = newton(types, x, unit, here, step);
      if (decrement < 1e-8) break;
      double length = 1;
      while (length > 1e-14) {
        for (std::size_t k = 0; k < x.size(); ++k) next[k] = x[k] + length * step[k];
        const double worth_there = barrier(types, next, unit, least, there);
        if (worth_there > worth + 1e-4 * length * decrement) {
          worth = worth_there;
          x.swap(next);
          std::swap(here, there);
          break;
        }
        length /= 2;
      }
      if (length <= 1e-14) break;
    }
    return x;
  }

  template <class Types>
  void find_slacks(Types types, const std::vector<double>& x, const std::vector<double>& unit,
                   const std::vector<double>& least, slacks& made) const {
    const std::size_t groups = count_.size();
    auto capacity = numbers(types);
    each(types, [&](auto j) { capacity[j] = workers_[j]; });
    made.budget.resize(groups);
    made.throughput.resize(groups);
    made.demand.resize(groups);
    for (std::size_t g = 0; g < groups; ++g) {
      double busy = 0, throughput = 0;
      each(types, [&](auto j) {
        const std::size_t here = g * types + j;
        if (rate_[here] <= 0) return;
        busy += x[here];
        throughput += rate_[here] * x[here];
        capacity[j] -= held_[g] * x[here];
      });
      made.budget[g] = 1 - busy;
      made.throughput[g] = throughput;
      made.demand[g] = unit[g] > 0 ? unit[g] * throughput - least[g] : 1.0;
    }
    made.capacity.assign(capacity.begin(), capacity.end());
  }

  template <class Types>
  [[nodiscard, gnu::flatten]] double barrier(Types types, const std::vector<double>& x, const std::vector<double>& unit,
                                             const std::vector<double>& least, slacks& s) const {
    find_slacks(types, x, unit, least, s);
    bool inside = true;
    double product = 1;  // of slacks of one weight: one logarithm for all of them
    const auto with = [&](double slack) {
      inside = inside && slack > 0;
      product *= slack;
    };
    for (const double one : s.capacity) with(one);
    double sum = std::log(inside ? product : 1);
    for (std::size_t g = 0; g < count_.size() && inside; ++g) {
      product = 1;
      with(s.budget[g]);
      with(s.demand[g]);
      if (conic_) with(s.demand[g] / s.throughput[g]);
      each(types, [&](auto j) {
        if (rate_[g * types + j] > 0) with(x[g * types + j]);
      });
      if (inside) sum += count_[g] * std::log(product);
    }
    return inside ? sum : -plait::infinity;
  }

  /// `size` numbers for a while, in registers where the size is known.
  template <std::size_t Size>
  static std::array<double, Size> numbers(std::integral_constant<std::size_t, Size> /*size*/) {
    return {};
  }
  static std::vector<double> numbers(std::size_t size) { return std::vector<double>(size, 0.0); }
  template <std::size_t Size>
  static std::array<double, Size * Size> square(std::integral_constant<std::size_t, Size> /*size*/) {
    return {};
  }
  static std::vector<double> square(std::size_t size) { return std::vector<double>(size * size, 0.0); }

  /// The step of Newton's method, and half of what it promises, times two. Groups meet only in the few rows of
  /// capacity, so each group is eliminated by itself.
  template <class Types>
  [[gnu::flatten]] double newton(Types types, const std::vector<double>& x, const std::vector<double>& unit,
                                 const slacks& s, std::vector<double>& step) {
    const std::size_t groups = count_.size();
    step.resize(x.size());
    gradient_.resize(x.size());
    inverse_.resize(x.size() * types);
    auto system = square(types), block = square(types);
    auto right = numbers(types), price = numbers(types);
    auto rate = numbers(types), rise = numbers(types), part = numbers(types), gradient = numbers(types);
    each(types, [&](auto j) { system[j * types + j] = s.capacity[j] * s.capacity[j]; });
    const double twice = conic_ ? 2 : 1;
    for (std::size_t g = 0; g < groups; ++g) {
      const double count = count_[g], held = held_[g], both = held * count * gang_[g];
      const double busy = 1 / (s.budget[g] * s.budget[g]), idle = 1 / s.budget[g];
      each(types, [&](auto i) {
        rate[i] = rate_[g * types + i];
        rise[i] = unit[g] * rate[i] / s.demand[g];
        part[i] = conic_ ? rate[i] / s.throughput[g] : 0;
      });
      each(types, [&](auto i) {
        gradient[i] = 0;
        each(types, [&](auto j) { block[i * types + j] = 0; });
        if (rate[i] <= 0) {
          block[i * types + i] = 1;
          return;
        }
        const double here = x[g * types + i];
        gradient[i] = count * (1 / here - idle + twice * rise[i] - part[i]) - held / s.capacity[i];
        each(types, [&](auto j) {
          if (rate[j] > 0) block[i * types + j] = count * (busy + twice * rise[i] * rise[j] - part[i] * part[j]);
        });
        block[i * types + i] += count / (here * here);
      });
      invert(block, types);
      each(types, [&](auto i) {
        gradient_[g * types + i] = gradient[i];
        each(types, [&](auto j) { inverse_[(g * types + i) * types + j] = block[i * types + j]; });
        if (rate[i] <= 0) return;
        each(types, [&](auto j) {
          if (rate[j] > 0) system[i * types + j] += both * block[i * types + j];
          right[i] += held * block[i * types + j] * gradient[j];
        });
      });
    }
    // (H + U S^-2 U') step = gradient, U the held workers: Woodbury's identity with the capacities' rows.
    invert(system, types);
    for (std::size_t i = 0; i < types; ++i)
      for (std::size_t j = 0; j < types; ++j) price[i] += system[i * types + j] * right[j];
    double decrement = 0;
    auto push = numbers(types);
    for (std::size_t g = 0; g < groups; ++g) {
      each(types, [&](auto j) {
        rate[j] = rate_[g * types + j];
        gradient[j] = gradient_[g * types + j];
        push[j] = gradient[j] - held_[g] * price[j];
      });
      each(types, [&](auto i) {
        double sum = 0;
        each(types, [&](auto j) {
          if (rate[i] > 0 && rate[j] > 0) sum += inverse_[(g * types + i) * types + j] * push[j];
        });
        step[g * types + i] = sum;
        decrement += sum * gradient[i];
      });
    }
    return decrement;
  }

  /// In place, by Gauss and Jordan, for the few types; the matrices are positive definite.
  template <class Types, class Square>
  static void invert(Square& a, Types n) {
    each(n, [&](auto p) {
      const double pivot = 1 / a[p * n + p];
      a[p * n + p] = 1;
      each(n, [&](auto j) { a[p * n + j] *= pivot; });
      each(n, [&](auto i) {
        if (i == p) return;
        const double factor = a[i * n + p];
        a[i * n + p] = 0;
        each(n, [&](auto j) { a[i * n + j] -= factor * a[p * n + j]; });
      });
    });
  }

  bool conic_ = false;
  std::size_t types_ = 0;
  std::vector<double> rate_;                 ///< [groups, types]
  std::vector<double> count_, gang_, held_;  ///< [groups]: members, workers of a gang, and of all their gangs
  std::vector<double> workers_;              ///< [types]
  std::vector<double> gradient_, inverse_;
};

/// Shares near those of an interior-point method: of `exact`, that reaches unit_i thr_i >= least_i, the centre of all
/// that reach it less a thousandth.
inline allocation centred(const instance& given, const allocation& exact, const plait::grouping& groups,
                          const std::vector<double>& unit, std::vector<double> least, bool conic) {
  constexpr double given_up = 1e-3, mixed_in = 3e-4;
  analytic_centre centre{given, groups, conic};
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

}  // namespace published
