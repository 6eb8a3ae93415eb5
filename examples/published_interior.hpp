// SPDX-License-Identifier: Apache-2.0
#pragma once

// Max-min fairness and least makespan with pairs as an interior-point method ends them. For comparison alone:
// published_pairs.hpp.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include <plait/alloc.hpp>

namespace published {

/// Columns of one sort: of one group alone, of two groups, or of two jobs of the same group.
struct path_column {
  int group = 0, other = -1;        ///< -1: alone
  int type = 0;                     ///< of workers
  double workers = 1;               ///< held
  double rate = 0, other_rate = 0;  ///< scaled steps/s of either job
  double value = 0;                 ///< found: share of time of each such column
  double times = 1, dual = 0;       ///< how many there are; reduced cost
};

/// Follows the central path of a level t that all jobs can have, over single jobs and all pairs of jobs,
///
///     maximize t    thr_i - need_i t >= 0 and time_i <= 1 for each job, held_j <= workers_j for each type,    x >= 0,
///
/// where every single job and every pair of two jobs has a column on every type. Jobs of a group are equal, so on the
/// path all columns of one sort are equal: one number stands for them, and its logarithm counts as often as there are
/// such columns. Predictor and corrector steps from a feasible point, until the gap between the two programs is
/// `end_gap`, and then to the path itself. `Real`: in which the systems are solved.
///
/// Source: Mehrotra, "On the implementation of a primal-dual interior point method", SIAM J. Optimization 2, 1992.
/// Cost of a step: O(columns + (groups + types)^3).
template <class Real>
class central_path_in {
 public:
  using column = path_column;

  /// The published solver stops at 1e-8, where rounding would lose the path here. docs/gavel.md says how little it is.
  static constexpr double end_gap = 1e-5;

  /// `needs`: of the groups, one where there are none. With them both rows of a group are neighbours, so that groups
  /// that are in no column together have little to do with each other if they are listed apart.
  central_path_in(std::vector<double> members, std::vector<double> workers, std::vector<column> columns,
                  const std::vector<double>& needs = {})
      : groups_{members.size()}, types_{workers.size()}, are_neighbours_{!needs.empty()}, columns_{std::move(columns)} {
    rows_.resize(2 * groups_);
    for (std::size_t g = 0; g < groups_; ++g) {
      rows_[demand(g)] = {.times = members[g], .right = 0, .level = members[g] * (needs.empty() ? 1 : needs[g])};
      rows_[time(g)] = {.times = members[g], .right = members[g]};
    }
    for (const double there : workers) rows_.push_back({.times = 1, .right = there});
    weight_ = 0;
    for (column& c : columns_) {
      const double m = members[index(c.group)];
      c.times = c.other < 0 ? m : c.other == c.group ? m * (m - 1) / 2 : m * members[index(c.other)];
      weight_ += c.times;
    }
    for (const row& r : rows_) weight_ += r.times;
  }

  /// False: the path was lost, which does not happen but by rounding.
  bool follow() {
    begin();
    return reach(end_gap / weight_);
  }

  /// To where the path has this level, to a twentieth of what is missing of the `best` one: of all shares with the
  /// level this is the analytic centre, since t is given then and nothing but logarithms is left. False: see `follow`.
  bool follow_to(double level, double best) {
    begin();
    // What is missing of the best level grows with mu, and is weight_ mu at most. From above, as the path is lost where
    // mu is far too small; then between a mu that is too large and one that is too small, along a power of it.
    const double wanted = best - level;
    double mu = best / weight_, large = 0, large_missing = 0, small = 0, small_missing = 0;
    for (int trial = 0; trial < 60; ++trial) {
      if (!reach(mu)) return false;
      const double missing = best - level_;
      if (std::fabs(missing - wanted) <= 0.05 * wanted) return true;
      if (!(missing > 0)) return false;
      (missing > wanted ? large : small) = mu;
      (missing > wanted ? large_missing : small_missing) = missing;
      if (small <= 0 || large <= 0) {
        mu *= std::clamp(wanted / missing, 0.1, 10.0);
        continue;
      }
      const double part = std::log(wanted / small_missing) / std::log(large_missing / small_missing);
      mu = small * std::pow(large / small, std::clamp(part, 0.1, 0.9));
    }
    return false;
  }

  [[nodiscard]] const std::vector<column>& columns() const { return columns_; }
  [[nodiscard]] double level() const { return level_; }
  /// What the best level can be above `level` at most.
  [[nodiscard]] double gap() const {
    double sum = 0;
    for (const column& c : columns_) sum += c.times * c.value * c.dual;
    for (const row& r : rows_) sum += r.times * r.slack * r.price;
    return sum;
  }

 private:
  /// To the point of the path where all products are `end`.
  bool reach(double end) {
    for (int iteration = 0; iteration < 200; ++iteration) {
      const double mu = gap() / weight_;
      if (is_on_path(end)) return true;
      if (mu < 2 * end) {
        if (!step_towards(end, false, 1)) return false;
        continue;
      }
      if (!step_towards(0, false, 0)) return false;
      const double ahead = gap_ahead() / weight_ / mu;
      if (!step_towards(std::fmax(end, ahead * ahead * ahead * mu), true, 1)) return false;
    }
    return false;
  }

  /// times * slack = right - level t - sum of what columns take
  struct row {
    double times = 1, right = 0, level = 0;
    double slack = 0, price = 0, slack_step = 0, price_step = 0;
  };
  struct entry {
    std::size_t row;
    double value;
  };
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }
  /// Rows of a group.
  [[nodiscard]] std::size_t demand(std::size_t g) const { return are_neighbours_ ? 2 * g : g; }
  [[nodiscard]] std::size_t time(std::size_t g) const { return are_neighbours_ ? 2 * g + 1 : groups_ + g; }

  /// Rows that a column is in, with what it takes of them.
  std::size_t entries(const column& c, entry (&made)[5]) const {
    const double both = c.other == c.group ? 2 : 1;
    std::size_t count = 0;
    made[count++] = {demand(index(c.group)), -both * c.rate};
    made[count++] = {time(index(c.group)), both};
    if (c.other >= 0 && c.other != c.group) {
      made[count++] = {demand(index(c.other)), -c.other_rate};
      made[count++] = {time(index(c.other)), 1};
    }
    made[count++] = {2 * groups_ + index(c.type), c.workers};
    return count;
  }

  /// Equal shares of half of what there is, and prices at which nothing is worth while.
  void begin() {
    std::vector<double> taken(rows_.size(), 0.0);
    double most = 0, jobs = 0;
    entry in[5];
    for (const column& c : columns_)
      for (std::size_t e = 0, end = entries(c, in); e < end; ++e) taken[in[e].row] += c.times * in[e].value;
    for (std::size_t r = 0; r < rows_.size(); ++r)
      if (rows_[r].right > 0) most = std::fmax(most, taken[r] / rows_[r].right);
    const double part = 0.5 / most;
    level_ = plait::infinity;
    for (std::size_t g = 0; g < groups_; ++g) {
      const double wanted = rows_[demand(g)].level;
      if (wanted > 0) level_ = std::fmin(level_, -0.5 * part * taken[demand(g)] / wanted);
      jobs += wanted;
    }
    double held = 0;
    for (std::size_t r = 2 * groups_; r < rows_.size(); ++r) held += rows_[r].right;
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      row& one = rows_[r];
      one.slack = (one.right - one.level * level_ - part * taken[r]) / one.times;
      one.price = r < 2 * groups_ ? 0 : 1 / held;
    }
    for (std::size_t g = 0; g < groups_; ++g) rows_[demand(g)].price = 1 / jobs;
    for (const column& c : columns_) {
      const auto worth = [&](int group, double rate) {
        double& price = rows_[time(index(group))].price;
        price = std::fmax(price, rate / jobs + 1 / held);
      };
      worth(c.group, c.rate);
      if (c.other >= 0) worth(c.other, c.other_rate);
    }
    for (column& c : columns_) {
      c.value = part;
      c.dual = 0;
      for (std::size_t e = 0, end = entries(c, in); e < end; ++e) c.dual += in[e].value * rows_[in[e].row].price;
    }
    value_step_.assign(columns_.size(), 0.0);
    dual_step_.assign(columns_.size(), 0.0);
    is_factor_ = false;
    first_.resize(rows_.size());
    for (std::size_t r = 0; r < rows_.size(); ++r) first_[r] = r;
    for (const column& c : columns_)
      for (std::size_t e = 0, end = entries(c, in); e < end; ++e)
        for (std::size_t f = 0; f < end; ++f) first_[in[e].row] = std::min(first_[in[e].row], in[f].row);
  }

  /// Whether all products of what is left and its price are `mu`, to a hundredth.
  [[nodiscard]] bool is_on_path(double mu) const {
    const auto is = [&](double product) { return std::fabs(product - mu) <= 0.01 * mu; };
    for (const column& c : columns_)
      if (!is(c.value * c.dual)) return false;
    for (const row& r : rows_)
      if (!is(r.slack * r.price)) return false;
    return true;
  }

  /// Newton's step to products of `mu`; `corrected` by what the last step would have made of them. Goes `part` of it,
  /// but not out of the feasible set. False where rounding spoils it.
  bool step_towards(double mu, bool corrected, double part) {
    const std::size_t size = rows_.size();
    if (!is_factor_) system_.assign(size * size, Real{0});
    right_.assign(size, Real{0});
    wanted_.resize(columns_.size());
    entry in[5];
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      const column& c = columns_[k];
      wanted_[k] = mu - c.value * c.dual - (corrected ? value_step_[k] * dual_step_[k] : 0);
      const Real move = c.times * wanted_[k] / c.dual, bend = static_cast<Real>(c.times) * c.value / c.dual;
      for (std::size_t e = 0, end = entries(c, in); e < end; ++e) {
        right_[in[e].row] += in[e].value * move;
        if (is_factor_) continue;
        for (std::size_t f = 0; f < end; ++f)
          if (in[f].row <= in[e].row) system_[in[e].row * size + in[f].row] += bend * in[e].value * in[f].value;
      }
    }
    // What rounding has left open of the rows is closed as well.
    open_.assign(size, Real{0});
    for (const column& c : columns_)
      for (std::size_t e = 0, end = entries(c, in); e < end; ++e) open_[in[e].row] += c.times * in[e].value * c.value;
    std::vector<double> wanted(size);
    for (std::size_t r = 0; r < size; ++r) {
      row& one = rows_[r];
      wanted[r] = mu - one.slack * one.price - (corrected ? one.slack_step * one.price_step : 0);
      open_[r] = one.right - one.level * level_ - open_[r] - one.times * one.slack;
      if (!is_factor_) system_[r * size + r] += static_cast<Real>(one.times) * one.slack / one.price;
      right_[r] += one.times * wanted[r] / one.price - open_[r];
    }
    if (!is_factor_ && !factorise()) return false;
    is_factor_ = true;
    std::vector<Real> towards(size), level(size);
    for (std::size_t r = 0; r < size; ++r) level[r] = rows_[r].level;
    towards = right_;
    back(towards);
    back(level);
    Real missing = 1, up = 0, along = 0;
    for (std::size_t r = 0; r < size; ++r) {
      missing -= rows_[r].level * rows_[r].price;
      up += rows_[r].level * towards[r];
      along += rows_[r].level * level[r];
    }
    const auto level_step = static_cast<double>((missing - up) / along);
    double primal = 1, dual = 1;
    constexpr double inside = 0.99;
    const auto within = [&](double value, double step, double& most) {
      if (step < 0) most = std::fmin(most, -inside * value / step);
    };
    for (std::size_t r = 0; r < size; ++r) {
      row& one = rows_[r];
      one.price_step = static_cast<double>(towards[r] + level_step * level[r]);
      one.slack_step = (wanted[r] - one.slack * one.price_step) / one.price;
      within(one.slack, one.slack_step, primal);
      within(one.price, one.price_step, dual);
    }
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      const column& c = columns_[k];
      dual_step_[k] = 0;
      for (std::size_t e = 0, end = entries(c, in); e < end; ++e)
        dual_step_[k] += in[e].value * rows_[in[e].row].price_step;
      value_step_[k] = (wanted_[k] - c.value * dual_step_[k]) / c.dual;
      within(c.value, value_step_[k], primal);
      within(c.dual, dual_step_[k], dual);
    }
    primal_length_ = primal;
    dual_length_ = dual;
    if (!(primal > 1e-12) || !(dual > 1e-12)) return false;
    if (part <= 0) return true;
    is_factor_ = false;
    level_ += primal * level_step;
    for (row& one : rows_) {
      one.slack += primal * one.slack_step;
      one.price += dual * one.price_step;
    }
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      columns_[k].value += primal * value_step_[k];
      columns_[k].dual += dual * dual_step_[k];
    }
    return true;
  }

  /// The gap at the end of the step that was computed last.
  [[nodiscard]] double gap_ahead() const {
    double sum = 0;
    for (std::size_t k = 0; k < columns_.size(); ++k)
      sum += columns_[k].times * (columns_[k].value + primal_length_ * value_step_[k]) *
             (columns_[k].dual + dual_length_ * dual_step_[k]);
    for (const row& r : rows_)
      sum += r.times * (r.slack + primal_length_ * r.slack_step) * (r.price + dual_length_ * r.price_step);
    return sum;
  }

  /// The triangular factor of the system, in its place. A row of it begins where that of the system does.
  bool factorise() {
    const std::size_t n = rows_.size();
    for (std::size_t i = 0; i < n; ++i) {
      Real* const here = &system_[i * n];
      for (std::size_t j = first_[i]; j <= i; ++j) {
        const Real* const there = &system_[j * n];
        const Real sum = less_products(here[j], here, there, std::max(first_[i], first_[j]), j);
        if (j < i) {
          here[j] = sum / there[j];
        } else {
          if (!(sum > 0)) return false;
          here[j] = std::sqrt(sum);
        }
      }
    }
    return true;
  }
  /// sum - a[begin] b[begin] - .. - a[end - 1] b[end - 1]. In double four sums at a time, which do not wait for each
  /// other.
  static Real less_products(Real sum, const Real* a, const Real* b, std::size_t begin, std::size_t end) {
    std::size_t k = begin;
    if constexpr (std::is_same_v<Real, double>) {
      Real sums[4] = {};
      for (; k + 4 <= end; k += 4)
        for (std::size_t l = 0; l < 4; ++l) sums[l] += a[k + l] * b[k + l];
      sum -= sums[0] + sums[1] + (sums[2] + sums[3]);
    }
    for (; k < end; ++k) sum -= a[k] * b[k];
    return sum;
  }
  void back(std::vector<Real>& x) const {
    const std::size_t n = rows_.size();
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < i; ++k) x[i] -= system_[i * n + k] * x[k];
      x[i] /= system_[i * n + i];
    }
    for (std::size_t i = n; i-- > 0;) {
      x[i] /= system_[i * n + i];
      for (std::size_t k = 0; k < i; ++k) x[k] -= system_[i * n + k] * x[i];
    }
  }

  std::size_t groups_, types_;
  bool are_neighbours_ = false, is_factor_ = false;  ///< `is_factor_`: the system is that of where we are, factorised
  std::vector<column> columns_;
  std::vector<row> rows_;  ///< demands and time of the groups, workers of the types
  double weight_ = 0, level_ = 0, primal_length_ = 0, dual_length_ = 0;
  std::vector<double> value_step_, dual_step_, wanted_;
  std::vector<Real> system_, right_, open_;
  std::vector<std::size_t> first_;  ///< column of the system that is not zero, of each row
};

/// In more digits where the machine has them: near the end the system's numbers are so far apart that with 53 bits
/// 2 to 12 of a hundred paths were lost.
using central_path = central_path_in<long double>;
/// In 53 bits, for levels that are not that near to the best.
using short_central_path = central_path_in<double>;

}  // namespace published
