// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/solve/basis.hpp>
#include <plait/solve/detail/bordered_values.hpp>
#include <plait/solve/detail/resting_columns.hpp>
#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/detail/work_vector.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// Reduced costs where one column, t, is kept beside the basis: the row of the held variable and its entries, of which
/// reduced costs are a multiple, Devex weights, and a list of what may enter. See `bordered_simplex` for the letters.
class bordered_prices : protected bordered_values {
 protected:
  void find_row_of_held() {
    rho_.clear();
    rho_.set(held_place_, 1);
    t_->factors.btran_whole(rho_);
    row_of_held_ = rho_.value;
    rho_.clear();
  }
  /// The row of the held variable and its entries.
  void price_held() {
    tableau& t = *t_;
    const int m = t.rows(), n = t.columns();
    find_row_of_held();
    entry_.assign(n + m, 0.0);
    const sparse_matrix& a = t.program->a;
    for (int j = 0; j < n; ++j) {
      if (t.status[j] == basis_status::basic) continue;
      double sum = 0;
      for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) sum += a.value[k] * row_of_held_[a.index[k]];
      entry_[j] = sum;
    }
    for (int i = 0; i < m; ++i)
      if (t.status[n + i] != basis_status::basic) entry_[n + i] = -row_of_held_[i];
    entry_[held_] = 1;
    resting_.clear(n);
    for (int j = 0; j < n + m; ++j) note_moves(j);
    offer_all();
  }

  /// Whether a variable may move up (1), down (2), either way (3), or is not to enter (0).
  void note_moves(int j) {
    const tableau& t = *t_;
    const basis_status at = j == held_ ? held_status_ : t.status[j];
    moves_[j] = moves_from(at, j != column_ && !t.is_fixed(j));
    if (j < t.columns() && j != held_) resting_.set(j, moves_[j] != 0);
  }
  /// 1 where the variable's reduced cost lets it enter, else 0; without a branch, as nobody can guess which ones do.
  [[nodiscard]] int helps(int j) const {
    return static_cast<int>((asks(price_ * entry_[j], tolerance_) & moves_[j]) != 0);
  }
  /// Puts a variable on the list of those that may enter.
  void offer(int j) {
    const int fresh = helps(j) & (listed_[j] ^ 1);
    offers_[offered_] = j;
    offered_ += fresh;
    listed_[j] = static_cast<char>(listed_[j] | fresh);
  }
  void offer_all() {
    price_ = -t_->program->cost[column_] / follow_[held_place_];
    listed_.assign(t_->variables(), 0);
    offered_ = 0;
    for (int j = 0; j < t_->variables(); ++j) offer(j);
  }
  /// The variable that promises most; those that promise nothing any more leave the list.
  int choose() {
    int best = -1, kept = 0;
    double merit = 0, over = 1;
    for (int s = 0; s < offered_; ++s) {
      const int j = offers_[s];
      if (helps(j) == 0) {
        listed_[j] = 0;
        continue;
      }
      offers_[kept++] = j;
      const double value = entry_[j] * entry_[j];
      if (value * over > merit * reference_[j]) {
        best = j;
        merit = value;
        over = reference_[j];
      }
    }
    offered_ = kept;
    return best;
  }

  /// After a pivot: Devex weights, entries as `by_row` of the leaving variable's row and `by_own` of their own, and who
  /// may enter now.
  void renew(double by_row, double by_own, double along, double weight) {
    tableau& t = *t_;
    const int n = t.columns(), m = t.rows();
    const double before = price_;
    price_ = -t.program->cost[column_] / follow_[held_place_];
    if (by_own != 1 || before * price_ < 0) {  // all have changed
      listed_.assign(n + m, 0);
      offered_ = 0;
    }
    const pass all{by_row, by_own, along, weight};
    if (!rho_.sparse(0.2)) {
      renew_all(all);
      return;
    }
    t.price(rho_, row_);
    blend(n, row_.value.data(), 1, all, entry_.data(), reference_.data());
    blend(m, rho_.value.data(), -1, all, entry_.data() + n, reference_.data() + n);
    if (offered_ == 0) {
      for (int j = 0; j < n + m; ++j) offer(j);
    } else {
      for (int s = 0; s < row_.count; ++s) offer(row_.index[s]);
      for (int s = 0; s < rho_.count; ++s) offer(n + rho_.index[s]);
    }
  }
  [[nodiscard]] double entry_of(int j) const {
    const tableau& t = *t_;
    if (j >= t.columns()) return -rho_.value[j - t.columns()];
    const sparse_matrix& a = t.program->a;
    double sum = 0;
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) sum += a.value[k] * rho_.value[a.index[k]];
    return sum;
  }

 private:
  struct pass {
    double by_row, by_own, along, weight;
  };
  /// Bit 0 where a reduced cost asks for more of its variable, bit 1 where for less.
  static int asks(double reduced, double tolerance) {
    return static_cast<int>(reduced < -tolerance) | static_cast<int>(reduced > tolerance) << 1;
  }

  /// Where rho_ is full: columns that rest, by their own entries, as most rows meet some of them, and activities.
  void renew_all(const pass& all) {
    const int n = t_->columns(), m = t_->rows();
    const sparse_matrix& a = t_->program->a;
    const int* const begin = a.begin.data();
    const int* const index = a.index.data();
    const double* const value = a.value.data();
    const double* const y = rho_.value.data();
    double* const entry = entry_.data();
    double* const reference = reference_.data();
    const signed char* const moves = moves_.data();
    char* const listed = listed_.data();
    int* const offers = offers_.data();
    int offered = offered_;
    const double price = price_, tolerance = tolerance_;
    const auto take = [&](int j, double row) {
      const double own = entry[j], w = row - all.along * own, now = all.by_row * row + all.by_own * own;
      reference[j] = larger_of(w * w * all.weight, reference[j]);
      entry[j] = now;
      const int fresh = static_cast<int>((asks(price * now, tolerance) & moves[j]) != 0) & (listed[j] ^ 1);
      offers[offered] = j;
      offered += fresh;
      listed[j] = static_cast<char>(listed[j] | fresh);
    };
    for (const int j : resting_.list()) {
      double row = 0;
      for (int k = begin[j], end = begin[j + 1]; k < end; ++k) row += value[k] * y[index[k]];
      take(j, row);
    }
    for (int i = 0; i < m; ++i) take(n + i, -y[i]);
    offered_ = offered;
  }
  /// Weights and entries where most of `row` is zero. In blocks, of which compilers make vector instructions.
  static void blend(int count, const double* __restrict row, double sign, const pass& all, double* __restrict entry,
                    double* __restrict reference) {
    const double by_row = sign * all.by_row, by_own = all.by_own, along = all.along, weight = all.weight;
    int j = 0;
    for (; j + block <= count; j += block) {
      const double* const r = row + j;
      double* const e = entry + j;
      double* const of = reference + j;
      double w[block];
      for (int k = 0; k < block; ++k) w[k] = sign * r[k] - along * e[k];
      for (int k = 0; k < block; ++k) w[k] = w[k] * w[k] * weight;
      for (int k = 0; k < block; ++k) of[k] = larger_of(w[k], of[k]);
      for (int k = 0; k < block; ++k) e[k] = by_row * r[k] + by_own * e[k];
    }
    for (; j < count; ++j) {
      const double w = sign * row[j] - along * entry[j];
      entry[j] = by_row * row[j] + by_own * entry[j];
      reference[j] = larger_of(w * w * weight, reference[j]);
    }
  }
  static double larger_of(double a, double b) { return a > b ? a : b; }

  static constexpr int block = 4;

 protected:
  double tolerance_ = 0, price_ = 0;  // reduced costs are price_ times entries
  work_vector rho_, row_;             // the row of B^-1 of the leaving variable, and its entries
  table<double> row_of_held_, entry_, reference_;
  int offered_ = 0;
  table<int> offers_;  // the first offered_ are variables whose reduced costs let them enter, and some that did
  table<char> listed_;
  table<signed char> moves_;
  resting_columns resting_;  // other than the held one
};

}  // namespace plait::detail
