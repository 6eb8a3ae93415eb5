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
  /// The row of the held variable and its entries.
  void price_held() {
    tableau& t = *t_;
    const int m = t.rows(), n = t.columns();
    rho_.clear();
    rho_.set(held_place_, 1);
    t.factors.btran(rho_, 1);
    row_of_held_ = rho_.value;
    rho_.clear();
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
  [[nodiscard]] bool helps(int j) const {
    const double d = price_ * entry_[j];
    return (d < -tolerance_ && (moves_[j] & 1) != 0) || (d > tolerance_ && (moves_[j] & 2) != 0);
  }
  /// Puts a variable on the list of those that may enter.
  void offer(int j) {
    if (listed_[j] != 0 || !helps(j)) return;
    listed_[j] = 1;
    offers_[offered_++] = j;
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
      if (!helps(j)) {
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

  /// The entries of rho_ in the columns that rest, into row_.
  void price_row() {
    tableau& t = *t_;
    if (rho_.sparse(0.2)) {
      t.price(rho_, row_);
      return;
    }
    row_.clear();
    const int* const begin = t.program->a.begin.data();
    const int* const index = t.program->a.index.data();
    const double* const value = t.program->a.value.data();
    const double* const y = rho_.value.data();
    int count = 0;
    // Without branches: which entries are zero is as good as a coin to a processor that guesses.
    for (const int j : resting_.list()) {
      double sum = 0;
      for (int k = begin[j], end = begin[j + 1]; k < end; ++k) sum += value[k] * y[index[k]];
      const int counts = means(sum);
      row_.value[j] = sum * counts;
      row_.index[count] = j;
      count += counts;
    }
    row_.count = count;
  }

  /// Reference weights, and entries of the row of the held variable less `factor` times rho_ and row_. In blocks, of
  /// which compilers make vector instructions.
  void renew(double factor, double along, double weight) {
    const int n = t_->columns(), m = t_->rows();
    blend(n, row_.value.data(), 1, factor, along, weight, entry_.data(), reference_.data());
    blend(m, rho_.value.data(), -1, factor, along, weight, entry_.data() + n, reference_.data() + n);
    if (factor == 0) return;
    for (int s = 0; s < rho_.count; ++s) row_of_held_[rho_.index[s]] -= factor * rho_.value[rho_.index[s]];
  }
  static void blend(int count, const double* __restrict row, double sign, double factor, double along, double weight,
                    double* __restrict entry, double* __restrict reference) {
    const double down = sign * factor;
    int j = 0;
    for (; j + block <= count; j += block) {
      const double* const r = row + j;
      double* const e = entry + j;
      double* const of = reference + j;
      double w[block];
      for (int k = 0; k < block; ++k) w[k] = sign * r[k] - along * e[k];
      for (int k = 0; k < block; ++k) w[k] = w[k] * w[k] * weight;
      for (int k = 0; k < block; ++k) of[k] = w[k] > of[k] ? w[k] : of[k];
      for (int k = 0; k < block; ++k) e[k] -= down * r[k];
    }
    for (; j < count; ++j) {
      const double a = sign * row[j] - along * entry[j], w = a * a * weight;
      entry[j] -= down * row[j];
      reference[j] = w > reference[j] ? w : reference[j];
    }
  }
  /// The leaving variable becomes the held one: its row is rho_ and row_ less `factor` times that of the one so far.
  void take_row(double factor) {
    const int n = t_->columns(), m = t_->rows();
    for (int j = 0; j < n; ++j) entry_[j] = row_.value[j] - factor * entry_[j];
    for (int i = 0; i < m; ++i) {
      entry_[n + i] = -rho_.value[i] - factor * entry_[n + i];
      row_of_held_[i] = rho_.value[i] - factor * row_of_held_[i];
    }
  }
  /// Offers what `renew` has changed.
  void offer_changed(int out) {
    const double before = price_, now = -t_->program->cost[column_] / follow_[held_place_];
    if (before * now < 0) {
      offer_all();
      return;
    }
    price_ = now;
    for (int s = 0; s < row_.count; ++s) offer(row_.index[s]);
    for (int s = 0; s < rho_.count; ++s) offer(t_->columns() + rho_.index[s]);
    offer(out);
  }
  [[nodiscard]] double entry_of(int j) const {
    const tableau& t = *t_;
    if (j >= t.columns()) return -rho_.value[j - t.columns()];
    const sparse_matrix& a = t.program->a;
    double sum = 0;
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) sum += a.value[k] * rho_.value[a.index[k]];
    return sum;
  }

  static constexpr int block = 4;

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
