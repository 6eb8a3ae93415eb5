// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// The master program of the price crash: a mixture of proposals that keeps to the capacities at least cost.
///
///     minimize sum_q cost_q mix_q + highest . over - lowest . under
///     sum_q use_lq mix_q + under_l = capacity_l + over_l,  sum_q mix_q = 1
///
/// Prices stay within [lowest, highest]. With a handful of rows its basis inverse is dense. Source: Dantzig, Wolfe,
/// "Decomposition principle for linear programs", Operations Research 8, 1960.
class dense_master {
 public:
  void reset(const table<double>& capacity, const table<double>& lowest, const table<double>& highest) {
    capacity_ = capacity;
    lowest_ = lowest;
    highest_ = highest;
    links_ = capacity.size();
    use_.clear();
    cost_.clear();
    basic_.clear();
  }

  /// Other limits of the prices; the basis stays.
  void limit(int link, double lowest, double highest) {
    lowest_[link] = lowest;
    highest_[link] = highest;
  }

  /// Adds a proposal; the first one starts the basis.
  void add(const double* use, double cost) {
    for (int l = 0; l < links_; ++l) use_.push_back(use[l]);
    cost_.push_back(cost);
    if (!basic_.empty()) return;
    for (int l = 0; l < links_; ++l) basic_.push_back(use[l] <= capacity_[l] ? slack(l) : over(l));
    basic_.push_back(first_proposal());
  }

  /// Solves; `price` are the prices of the capacities, the returned value is the least cost. False on numerical
  /// trouble.
  bool solve(table<double>& price, double& value) {
    const int rows = links_ + 1;
    for (int pivots = 0; pivots < 2000; ++pivots) {
      if (pivots % 20 == 0 && !invert()) return false;
      // Multipliers and values.
      y_.assign(rows, 0.0);
      x_.assign(rows, 0.0);
      for (int r = 0; r < rows; ++r) {
        const double c = cost_of(basic_[r]);
        for (int i = 0; i < rows; ++i) {
          y_[i] += c * inverse_[r * rows + i];
          x_[r] += inverse_[r * rows + i] * (i < links_ ? capacity_[i] : 1.0);
        }
      }
      const int entering = price_all();
      if (entering < 0) {
        price.resize(links_);
        value = 0;
        for (int r = 0; r < rows; ++r) value += cost_of(basic_[r]) * x_[r];
        for (int l = 0; l < links_; ++l) price[l] = -y_[l] > 0 ? -y_[l] : 0;
        return true;
      }
      // Its column, the ratio test, and the exchange.
      column_.assign(rows, 0.0);
      for (int r = 0; r < rows; ++r) {
        for (int i = 0; i < rows; ++i) column_[r] += inverse_[r * rows + i] * entry(i, entering);
      }
      int leaving = -1;
      double step = 1e300;
      for (int r = 0; r < rows; ++r) {
        if (column_[r] <= 1e-12) continue;
        const double ratio = (x_[r] > 0 ? x_[r] : 0) / column_[r];
        if (ratio < step || (ratio == step && column_[r] > column_[leaving])) {
          step = ratio;
          leaving = r;
        }
      }
      if (leaving < 0) return false;
      basic_[leaving] = entering;
      const double pivot = column_[leaving];
      for (int i = 0; i < rows; ++i) inverse_[leaving * rows + i] /= pivot;
      for (int r = 0; r < rows; ++r) {
        if (r == leaving) continue;
        for (int i = 0; i < rows; ++i) inverse_[r * rows + i] -= column_[r] * inverse_[leaving * rows + i];
      }
    }
    return false;
  }

  /// The mixture of a number that each proposal came with.
  [[nodiscard]] double mixed(const table<double>& of_proposal) const {
    double sum = 0;
    for (int r = 0; r <= links_; ++r)
      if (basic_[r] >= first_proposal()) sum += x_[r] * of_proposal[basic_[r] - first_proposal()];
    return sum;
  }

  /// Whether a capacity is exceeded in the mixture.
  [[nodiscard]] bool exceeds() const {
    for (int r = 0; r <= links_; ++r)
      if (basic_[r] >= links_ && basic_[r] < 2 * links_ && x_[r] > 1e-9 * (1 + capacity_[basic_[r] - links_]))
        return true;
    return false;
  }

 private:
  [[nodiscard]] static int slack(int l) { return l; }
  [[nodiscard]] int over(int l) const { return links_ + l; }
  [[nodiscard]] int first_proposal() const { return 2 * links_; }
  [[nodiscard]] bool is_basic(int v) const {
    for (const int b : basic_)
      if (b == v) return true;
    return false;
  }
  [[nodiscard]] double cost_of(int v) const {
    return v < links_ ? -lowest_[v] : v < 2 * links_ ? highest_[v - links_] : cost_[v - first_proposal()];
  }
  [[nodiscard]] double entry(int row, int v) const {
    if (v < links_) return row == v ? 1 : 0;
    if (v < 2 * links_) return row == v - links_ ? -1 : 0;
    return row == links_ ? 1 : use_[(v - first_proposal()) * links_ + row];
  }
  /// The variable of least reduced cost, or -1 where none is negative.
  [[nodiscard]] int price_all() const {
    int entering = -1;
    double best = 0;
    const auto see = [&](int v, double d, double size) {
      if (d < best && d < -1e-13 * size && !is_basic(v)) {
        best = d;
        entering = v;
      }
    };
    const double* const y = y_.data();
    for (int l = 0; l < links_; ++l) see(slack(l), -lowest_[l] - y[l], math::abs(lowest_[l]) + math::abs(y[l]));
    for (int l = 0; l < links_; ++l) see(over(l), highest_[l] + y[l], math::abs(highest_[l]) + math::abs(y[l]));
    const double* use = use_.data();
    for (int q = 0; q < cost_.size(); ++q, use += links_) {
      double d = cost_[q], size = math::abs(d);
      for (int l = 0; l < links_; ++l) {
        d -= y[l] * use[l];
        size += math::abs(y[l] * use[l]);
      }
      see(first_proposal() + q, d - y[links_], size + math::abs(y[links_]));
    }
    return entering;
  }
  bool invert() {
    const int rows = links_ + 1;
    work_.assign(rows * rows, 0.0);
    inverse_.assign(rows * rows, 0.0);
    for (int r = 0; r < rows; ++r) {
      for (int i = 0; i < rows; ++i) work_[i * rows + r] = entry(i, basic_[r]);
      inverse_[r * rows + r] = 1;
    }
    double* const work = work_.data();
    double* const inverse = inverse_.data();
    for (int c = 0; c < rows; ++c) {
      int p = c;
      for (int i = c + 1; i < rows; ++i)
        if (math::abs(work[i * rows + c]) > math::abs(work[p * rows + c])) p = i;
      const double pivot = work[p * rows + c];
      if (math::abs(pivot) < 1e-13) return false;
      double *const work_c = work + c * rows, *const inverse_c = inverse + c * rows;
      for (int k = 0; k < rows; ++k) {
        const double a = work[p * rows + k], b = inverse[p * rows + k];
        work[p * rows + k] = work_c[k];
        inverse[p * rows + k] = inverse_c[k];
        work_c[k] = a / pivot;
        inverse_c[k] = b / pivot;
      }
      for (int i = 0; i < rows; ++i) {
        const double factor = work[i * rows + c];
        if (i == c || factor == 0) continue;
        for (int k = c; k < rows; ++k) work[i * rows + k] -= factor * work_c[k];
        for (int k = 0; k < rows; ++k) inverse[i * rows + k] -= factor * inverse_c[k];
      }
    }
    return true;
  }

  int links_ = 0;
  table<double> capacity_, lowest_, highest_, use_, cost_, inverse_, work_, x_, y_, column_;
  table<int> basic_;
};

}  // namespace plait::detail
