// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/solve/basis.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/resting_columns.hpp>
#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/detail/work_vector.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// What may enter in a primal iteration, and what promises most: reduced costs over Devex reference weights.
///
/// Source: Harris, "Pivot selection methods of the Devex LP code", Math. Programming 5, 1973.
class primal_pricing {
 public:
  double dual_tolerance = 1e-7;  ///< of reduced costs

 protected:
  void reset_reference() { reference_.assign(t_->variables(), 1.0); }

  void note_moves(int j) {
    const tableau& t = *t_;
    moves_[j] = moves_from(t.status[j], !t.is_fixed(j));
    if (j < t.columns()) resting_.set(j, moves_[j] != 0);
  }
  /// Puts a variable on the list of those that may enter, where its reduced cost says so.
  void offer(int j) {
    const double d = t_->d[j];
    const bool helps = (d < -dual_tolerance && (moves_[j] & 1) != 0) || (d > dual_tolerance && (moves_[j] & 2) != 0);
    if (!helps || listed_[j] != 0) return;
    listed_[j] = 1;
    offers_[offered_++] = j;
  }
  void offer_all() {
    resting_.clear(t_->columns());
    offers_.resize(t_->variables() + 1);
    offered_ = 0;
    moves_.resize(t_->variables());
    listed_.assign(t_->variables(), 0);
    for (const auto [first, last] : parts(t_->program->limits, t_->variables(), 8)) {
      for (int j = first; j < last; ++j) {
        note_moves(j);
        offer(j);
      }
    }
  }

  /// Of the variables on the list, the one that promises most; those that no longer do leave the list.
  int choose_column() {
    const tableau& t = *t_;
    int best = -1, kept = 0;
    double merit = 0, over = 1;
    for (int s = 0; s < offered_; ++s) {
      const int j = offers_[s];
      const double d = t.d[j], by = d < 0 ? ((moves_[j] & 1) != 0 ? -d : 0) : (moves_[j] & 2) != 0 ? d : 0;
      if (by <= dual_tolerance) {
        listed_[j] = 0;
        continue;
      }
      offers_[kept++] = j;
      if (banned_[j] != 0) continue;
      // A free variable is wanted in the basis.
      const double value = by * by * (t.status[j] == basis_status::free ? 1e6 : 1);
      if (value * over > merit * reference_[j]) {
        best = j;
        merit = value;
        over = reference_[j];
      }
    }
    offered_ = kept;
    return best;
  }

  /// The entry of a row of B^-1 [A, -I] in column j, from that row of B^-1.
  [[nodiscard]] double entry(int j, const work_vector& rho) const {
    const tableau& t = *t_;
    if (j >= t.columns()) return -rho.value[j - t.columns()];
    const sparse_matrix& a = t.program->a;
    const double* const y = rho.value.data();
    double sum = 0;
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) sum += a.value[k] * y[a.index[k]];
    return sum;
  }

  /// Reduced costs and reference weights of all that rests, after a pivot whose row of B^-1 is `rho`; `row` is memory
  /// for its entries. Returns the largest weight that came.
  double renew(const work_vector& rho, work_vector& row, double theta, double weight_scale) {
    tableau& t = *t_;
    const int n = t.columns();
    double largest = 0;
    double* const d = t.d.data();
    double* const reference = reference_.data();
    const double least = dual_tolerance;
    const signed char* const moves = moves_.data();
    char* const listed = listed_.data();
    int* const offers = offers_.data();
    int offered = offered_;
    // Without branches: whether a column is offered is as good as a coin to a processor that guesses.
    const auto change = [=](int j, double a, double& most, int& count) {
      const double now = d[j] - theta * a, weight = a * a * weight_scale;
      d[j] = now;
      reference[j] = weight > reference[j] ? weight : reference[j];
      most = weight > most ? weight : most;
      const int wanted = static_cast<int>(now < -least) | (static_cast<int>(now > least) << 1);
      const int helps = static_cast<int>((wanted & moves[j]) != 0) & (listed[j] ^ 1);
      offers[count] = j;
      count += helps;
      listed[j] = static_cast<char>(listed[j] | helps);
    };
    if (rho.sparse(0.25)) {
      t.price(rho, row);
      for (int s = 0; s < row.count; ++s) change(row.index[s], row.value[row.index[s]], largest, offered);
    } else {
      const int* const begin = t.program->a.begin.data();
      const int* const index = t.program->a.index.data();
      const double* const value = t.program->a.value.data();
      const double* const y = rho.value.data();
      monitor* const asked = t.program->a.entries() > monitor::between ? t.program->limits : nullptr;
      for (const int j : resting_.list()) {
        double a = 0;
        spend(asked, begin[j + 1] - begin[j]);
        for (int k = begin[j], end = begin[j + 1]; k < end; ++k) a += value[k] * y[index[k]];
        change(j, a >= 1e-14 || a <= -1e-14 ? a : 0, largest, offered);
      }
    }
    for (int s = 0; s < rho.count; ++s) {
      const int i = rho.index[s];
      if (t.status[n + i] != basis_status::basic) change(n + i, -rho.value[i], largest, offered);
    }
    offered_ = offered;
    return largest;
  }

  tableau* t_ = nullptr;
  table<double> reference_;
  int offered_ = 0;
  table<int> offers_;  // the first offered_ are variables whose reduced costs let them enter, and some that did
  table<signed char> moves_;
  resting_columns resting_;
  table<char> listed_, banned_;
};

}  // namespace plait::detail
