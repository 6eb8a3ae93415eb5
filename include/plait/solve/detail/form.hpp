// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

#include <plait/core/math.hpp>
#include <plait/solve/detail/edition.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// The program as the simplex methods see it: minimize cost . x over A x - r = 0 and lower <= (x, r) <= upper.
///
/// Variables 0 .. n - 1 are the columns, n .. n + m - 1 the activities of the rows. Rows and columns are scaled by
/// powers of two, so that scaling rounds nothing: entry a_ij becomes row_scale_i a_ij column_scale_j.
struct form {
  sparse_matrix a;
  table<double> cost, lower, upper;
  table<double> column_scale, row_scale;
  monitor* limits = nullptr;  ///< asked while loading; a load that it ends is done anew the next time
  int version = 0;            ///< grows whenever the matrix becomes another one

  /// The same matrix by rows, which pivots need and many a solve does not: made when first asked for, O(entries).
  [[nodiscard]] const sparse_matrix& by_rows() const {
    if (!rows_known_) transpose(a, by_rows_, limits);
    rows_known_ = true;
    return by_rows_;
  }
  /// To be called by those who change `a` themselves.
  void forget_rows() {
    rows_known_ = false;
    loaded_.forget();
  }

  [[nodiscard]] int rows() const { return a.rows; }
  [[nodiscard]] int columns() const { return a.columns; }
  [[nodiscard]] int variables() const { return a.rows + a.columns; }
  /// What a value of the original model is multiplied with to become one of this form.
  [[nodiscard]] double scale_of(int variable) const {
    return variable < columns() ? 1 / column_scale[variable] : row_scale[variable - columns()];
  }

  /// Takes over a model, scaled or as it is. A matrix that is there already, unscaled, stays.
  void load(const lp& model, bool scaled) {
    const sparse_matrix& original = model.matrix();
    const int m = original.rows, n = original.columns;
    if (scaled || scaled_ || version == 0 ||
        (!loaded_.surely_same(model.matrix_edition()) && !same_matrix(a, original))) {
      ++version;
      scaled_ = true;  // until all is there
      forget_rows();
      a.rows = m;
      a.columns = n;
      copy_in_parts(limits, original.begin, a.begin);
      copy_in_parts(limits, original.index, a.index);
      copy_in_parts(limits, original.value, a.value);
      column_scale.assign(n, 1.0);
      row_scale.assign(m, 1.0);
      if (scaled) {
        find_scales();
        const int* const begin = a.begin.data();
        for (const auto [from, to] : parts(limits, begin, a.columns)) {
          for (int j = from; j < to; ++j) {
            for (int k = begin[j]; k < begin[j + 1]; ++k) a.value[k] *= column_scale[j] * row_scale[a.index[k]];
          }
        }
      }
      scaled_ = scaled;
    }
    loaded_ = model.matrix_edition();
    for (table<double>* const one : {&cost, &lower, &upper}) resize_in_parts(limits, *one, n + m);
    load_costs(model);
    load_bounds(model);
  }
  void load_costs(const lp& model) {
    const double sign = model.sense() == objective_sense::maximize ? -1 : 1;
    const double *const given = model.costs().data(), *const scale = column_scale.data();
    double* const c = cost.data();
    for (const auto [first, last] : parts(limits, columns())) {
      for (int j = first; j < last; ++j) c[j] = sign * given[j] * scale[j];
    }
    for (int i = columns(); i < variables(); ++i) c[i] = 0;
  }
  void load_bounds(const lp& model) {
    spend(limits, variables());
    if (!scaled_) {  // as often, and quickly: a program that is solved again is loaded so
      copy(model.column_lowers(), lower, 0);
      copy(model.column_uppers(), upper, 0);
      copy(model.row_lowers(), lower, columns());
      copy(model.row_uppers(), upper, columns());
      return;
    }
    for (const auto [first, last] : parts(limits, columns())) {
      for (int j = first; j < last; ++j) {
        lower[j] = model.column_lower(j) / column_scale[j];
        upper[j] = model.column_upper(j) / column_scale[j];
      }
    }
    for (int i = 0; i < rows(); ++i) {
      lower[columns() + i] = model.row_lower(i) * row_scale[i];
      upper[columns() + i] = model.row_upper(i) * row_scale[i];
    }
  }

 private:
  static void copy(const table<double>& from, table<double>& to, int at) {
    copy_changed(from, to, at, [](int, int) {});
  }
  [[nodiscard]] bool same_matrix(const sparse_matrix& p, const sparse_matrix& q) const {
    return p.rows == q.rows && p.columns == q.columns && same_in_parts(limits, p.begin, q.begin) &&
           same_in_parts(limits, p.index, q.index) && same_in_parts(limits, p.value, q.value);
  }
  /// The power of two nearest to a positive number, in ratio. Read off its bits, other than for those near zero.
  static double power_of_two(double v) {
    const auto bits = std::bit_cast<std::uint64_t>(v);
    const std::uint64_t exponent = bits >> 52;
    if (exponent == 0 || exponent >= 0x7fe) {
      int found = 0;
      const double mantissa = math::frexp(v, &found);
      return math::ldexp(1.0, mantissa > 0.70710678 ? found : found - 1);
    }
    const double mantissa = std::bit_cast<double>((bits & 0xfffffffffffffu) | (std::uint64_t{0x3ff} << 52));
    return std::bit_cast<double>((exponent + (mantissa > 2 * 0.70710678 ? 1 : 0)) << 52);
  }

  /// Geometric means of the least and largest entry, of rows and columns in turn, then columns to a largest entry of
  /// about one. Source: Curtis, Reid, "On the automatic scaling of matrices for Gaussian elimination", 1972 (why);
  /// Tomlin, "On scaling linear programming problems", Math. Programming Study 4, 1975 (this way).
  void find_scales() {
    double least = 1e300, largest = 0;
    for (const auto [first, last] : parts(limits, a.value.size())) {
      for (int k = first; k < last; ++k) {
        const double size = math::abs(a.value[k]);
        if (size < least) least = size;
        if (size > largest) largest = size;
      }
    }
    if (largest == 0 || (least >= 0.2 && largest <= 5)) return;
    const int m = a.rows;
    const int* const begin = a.begin.data();
    for (int pass = 0; pass < 4; ++pass) {
      low_.assign(m, 1e300);
      high_.assign(m, 0.0);
      for (const auto [from, to] : parts(limits, begin, a.columns)) {
        for (int j = from; j < to; ++j) {
          for (int k = begin[j]; k < begin[j + 1]; ++k) {
            const int i = a.index[k];
            const double size = math::abs(a.value[k]) * column_scale[j];
            if (size < low_[i]) low_[i] = size;
            if (size > high_[i]) high_[i] = size;
          }
        }
      }
      spend(limits, 16 * std::int64_t{m});
      for (int i = 0; i < m; ++i)
        if (high_[i] > 0) row_scale[i] = 1 / math::sqrt(low_[i] * high_[i]);
      for (const auto [from, to] : parts(limits, begin, a.columns)) {
        for (int j = from; j < to; ++j) {
          double column_low = 1e300, column_high = 0;
          for (int k = begin[j]; k < begin[j + 1]; ++k) {
            const double size = math::abs(a.value[k]) * row_scale[a.index[k]];
            if (size < column_low) column_low = size;
            if (size > column_high) column_high = size;
          }
          if (column_high > 0) column_scale[j] = 1 / math::sqrt(column_low * column_high);
        }
      }
    }
    for (int i = 0; i < m; ++i) row_scale[i] = power_of_two(row_scale[i]);
    for (const auto [from, to] : parts(limits, begin, a.columns)) {
      for (int j = from; j < to; ++j) {
        double column_high = 0;
        for (int k = begin[j]; k < begin[j + 1]; ++k) {
          const double size = math::abs(a.value[k]) * row_scale[a.index[k]];
          if (size > column_high) column_high = size;
        }
        column_scale[j] = power_of_two(column_high > 0 ? 1 / column_high : 1);
      }
    }
  }

  mutable sparse_matrix by_rows_;
  mutable bool rows_known_ = false;
  bool scaled_ = false;
  edition loaded_;  // of the model's matrix, when it was loaded last
  table<double> low_, high_;
};

}  // namespace plait::detail
