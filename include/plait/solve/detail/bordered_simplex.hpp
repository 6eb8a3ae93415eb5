// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include <plait/solve/basis.hpp>
#include <plait/solve/detail/form.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/detail/work_vector.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// The primal simplex method for programs with a cost on one column alone, which stands in many rows, as t does in
/// max-min fairness.
///
/// There each pivot changes t, and t all values and all reduced costs, though little else happens. So t is kept out of
/// the factors. In its place B holds a variable that rests at a bound, the held one, and beside B stand
///
///     follow = B^-1 a_t         what basic variables do when t moves, but for a sign
///     row    = e_held B^-1      and  entry_j = row . a_j  of all variables
///
/// With s = B^-1 a_q the held variable stays where it is if t falls by s_held / follow_held for each unit of q. So
/// reduced costs are -cost_t entry_j / follow_held, and a basic variable changes by -(s - s_held / follow_held follow).
/// s, and rows of B^-1 other than that of the held variable, have few nonzeros, and the updates of all the above are
/// multiples of these. Where a leaving variable hardly moves by s but with t, it becomes the held one, and q takes the
/// place of the one held so far. Devex weights measure all that moves; without t they take twice the pivots.
/// Cost of a pivot: two sparse solves with the factors, a row of B^-1 A, and plain passes over values and weights.
/// Needs: a basis that is primal feasible, with t in it.
/// Source: derived; a bordered basis as in Bisschop, Meeraus, "Matrix augmentation and partitioning in the updating of
/// the basis inverse", Math. Programming 13, 1977, whose border is one column here.
class bordered_simplex {
 public:
  /// The column that alone has a cost, where it stands in a fourth of the rows or more; else -1.
  static int column_of(const form& program) {
    int only = -1;
    for (int j = 0; j < program.variables(); ++j) {
      if (program.cost[j] == 0) continue;
      if (only >= 0 || j >= program.columns()) return -1;
      only = j;
    }
    if (only < 0) return -1;
    return 4 * (program.a.begin[only + 1] - program.a.begin[only]) >= program.rows() ? only : -1;
  }

  /// From the basis in `t` to an optimal one. False where it gave up or was stopped, which leaves a basis as well.
  bool run(tableau& t, int column, monitor& limits, double tolerance) {
    t_ = &t;
    column_ = column;
    tolerance_ = tolerance;
    for (work_vector* const one : {&entering_, &spike_, &behind_, &rho_}) one->resize(t.rows());
    row_.resize(t.columns());
    reference_.assign(t.variables(), 1.0);
    moves_.resize(t.variables());
    offers_.resize(t.variables());
    if (!start()) return false;
    const bool optimal = iterate(limits);
    finish();
    return optimal;
  }

  /// Multipliers of the rows, as of the end of `run`.
  void multipliers(table<double>& y) const {
    const double scale = t_->program->cost[column_] / follow_[held_place_];
    y.resize(t_->rows());
    for (int i = 0; i < y.size(); ++i) y[i] = scale * row_of_held_[i];
  }

 private:
  enum class step { taken, none_helps, rebuild, give_up };

  /// Takes t out of the basis, for the activity whose row says most about t.
  bool start() {
    tableau& t = *t_;
    t.settle_all();
    t.restore_costs();
    t.restore_bounds();
    if (t.place[column_] < 0 || t.refactor() > 0 || t.place[column_] < 0) return false;
    t.compute_values();
    const int p = t.place[column_];
    rho_.clear();
    rho_.set(p, 1);
    t.factors.btran(rho_, 1, &behind_);
    int best = -1;
    for (int i = 0; i < t.rows(); ++i) {
      if (t.status[t.columns() + i] == basis_status::basic) continue;
      if (best < 0 || std::fabs(rho_.value[i]) > std::fabs(rho_.value[best])) best = i;
    }
    if (best < 0 || std::fabs(rho_.value[best]) < 1e-7) return false;
    hold(t.columns() + best);
    held_place_ = p;
    const double at = t.x[column_];
    t.exchange(p, held_, basis_status::lower);
    t.x[column_] = at;
    return true;
  }
  /// Back to a basis that has t in it.
  void finish() {
    tableau& t = *t_;
    t.exchange(held_place_, column_, held_status_);
  }
  /// Remembers a variable that rests at a bound as the held one.
  void hold(int variable) {
    held_ = variable;
    held_status_ = t_->status[variable];
    held_bound_ = t_->x[variable];
  }

  bool iterate(monitor& limits) {
    tableau& t = *t_;
    bool fresh = false;  // whether all follows from factors just made
    double best = infinity;
    int stalled = 0;
    while (true) {
      if (!fresh) {
        if (!rebuild()) return false;
        fresh = true;
      }
      if (limits.stop()) return false;
      const step done = one_iteration(limits);
      switch (done) {
        case step::none_helps:
          return true;
        case step::give_up:
          return false;
        case step::rebuild:
          if (t.factors.updates() == 0) return false;
          fresh = false;
          break;
        case step::taken:
          if (t.factors.worth_rebuilding()) fresh = false;
          break;
      }
      const double now = t.program->cost[column_] * t.x[column_];
      stalled = now < best ? 0 : stalled + 1;
      best = now < best ? now : best;
      if (stalled > 500) return false;  // the other method perturbs bounds
    }
  }

  /// Everything from the basis, t and the bound of the held variable.
  bool rebuild() {
    tableau& t = *t_;
    const int m = t.rows();
    if (t.refactor() > 0) {
      held_place_ = t.place[held_] >= 0 ? t.place[held_] : 0;
      return false;
    }
    held_place_ = t.place[held_];
    t.compute_values();
    t.load_column(column_, entering_);
    t.factors.ftran(entering_, 1);
    follow_ = entering_.value;
    entering_.clear();
    const double off = (t.x[held_] - held_bound_) / follow_[held_place_];
    t.x[column_] += off;
    value_.resize(m);
    bounds_.resize(2 * m);
    rate_.resize(m);
    for (int p = 0; p < m; ++p) {
      place_bounds(p);
      value_[p] = t.x[t.basic[p]] - off * follow_[p];
      if (value_[p] < bounds_[2 * p] - 1e-6 || value_[p] > bounds_[2 * p + 1] + 1e-6) return false;
    }
    value_[held_place_] = held_bound_;
    price_held();
    return true;
  }
  void place_bounds(int p) {
    const tableau& t = *t_;
    bounds_[2 * p] = t.lower[t.basic[p]];
    bounds_[2 * p + 1] = t.upper[t.basic[p]];
  }

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
    resting_.clear();
    resting_at_.assign(n, -1);
    for (int j = 0; j < n + m; ++j) note_moves(j);
    offer_all();
  }

  /// Whether a variable may move up (1), down (2), either way (3), or is not to enter (0).
  void note_moves(int j) {
    const tableau& t = *t_;
    const basis_status at = j == held_ ? held_status_ : t.status[j];
    moves_[j] = j == column_ || t.is_fixed(j) || at == basis_status::basic ? 0
                : at == basis_status::lower                                ? 1
                : at == basis_status::upper                                ? 2
                                                                           : 3;
    if (j >= t.columns() || j == held_ || (resting_at_[j] >= 0) == (moves_[j] != 0)) return;
    if (moves_[j] != 0) {
      resting_at_[j] = resting_.size();
      resting_.push_back(j);
    } else {
      const int last = resting_.back(), to = resting_at_[j];
      resting_[to] = last;
      resting_at_[last] = to;
      resting_at_[j] = -1;
      resting_.pop_back();
    }
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

  step one_iteration(monitor& limits) {
    tableau& t = *t_;
    int q = choose();
    if (q < 0) {
      offer_all();  // reduced costs may have grown with their scale
      q = choose();
      if (q < 0) return step::none_helps;
    }
    entering_.clear();
    if (q == held_) {
      entering_.set(held_place_, 1);
    } else {
      t.load_column(q, entering_);
      t.factors.ftran(entering_, t.column_density, &spike_);
    }
    const double at_held = entering_.value[held_place_];
    if (std::fabs(at_held - entry_[q]) > 1e-6 * std::fabs(at_held)) {
      if (t.factors.updates() > 0) return step::rebuild;
      entry_[q] = at_held;
      if (!helps(q)) return step::taken;
    }
    const double direction = price_ * at_held < 0 ? 1 : -1, tau = at_held / follow_[held_place_];
    choose_leaving(direction, tau);
    const double range = t.upper[q] - t.lower[q], of_t = -direction * tau,
                 room_of_t = of_t > 0 ? t.upper[column_] - t.x[column_] : t.x[column_] - t.lower[column_];
    // Bounds of t, and programs without an optimum, are for the other methods.
    if (room_of_t <= step_ * std::fabs(of_t) || (leaving_ < 0 && range == infinity)) return step::give_up;
    if (leaving_ < 0 || range <= step_) {
      if (q == held_) return step::give_up;
      t.status[q] = t.status[q] == basis_status::lower ? basis_status::upper : basis_status::lower;
      t.settle(q);
      note_moves(q);
      move(direction * range, tau);
      ++limits.iterations;
      return step::taken;
    }
    const int p = leaving_, out = t.basic[p];
    const double alpha = rate_[p], by_itself = entering_.value[p];
    if (std::fabs(alpha) < 1e-7) return step::rebuild;
    rho_.clear();
    rho_.set(p, 1);
    t.factors.btran(rho_, t.row_density, &behind_);
    if (q != held_ && t.factors.updates() > 0 && std::fabs(entry_of(q) - by_itself) > 1e-7 * std::fabs(alpha))
      return step::rebuild;
    price_row();
    const double entered = (q == held_ ? held_bound_ : t.x[q]) + direction * step_,
                 bound = bounds_[2 * p + static_cast<int>(to_upper_)], along = follow_[p] / follow_[held_place_];
    const basis_status to = to_upper_ && !t.is_fixed(out) ? basis_status::upper : basis_status::lower;
    move(direction * step_, tau);
    ++limits.iterations;
    const double weight = std::fmax(reference_[q], 1.0) / (alpha * alpha);
    if (q != held_ && std::fabs(by_itself) >= 0.05 * std::fabs(alpha)) {
      renew(at_held / by_itself, along, weight);
      exchange(p, q, by_itself, to);
      entry_[q] = 0;
      entry_[out] = -at_held / by_itself;
      t.factors.update(p, spike_, behind_, by_itself);
      t.x[out] = bound;
      value_[p] = entered;
      note_moves(q);
      note_moves(out);
      offer_changed(out);
    } else {
      const int held_before = held_;
      const double factor = q == held_ ? 0 : by_itself / at_held;
      renew(0, along, weight);
      take_row(factor);
      if (q != held_) {
        rho_.clear();
        rho_.set(held_place_, 1);
        t.factors.btran(rho_, 1, &behind_);
        exchange(held_place_, q, at_held, held_status_);
        t.factors.update(held_place_, spike_, behind_, at_held);
        t.x[held_] = held_bound_;
      }
      value_[held_place_] = entered;
      held_ = out;
      held_status_ = to;
      held_bound_ = value_[p] = bound;
      held_place_ = p;
      if (q != held_before) entry_[q] = 0;
      entry_[held_before] = q == held_before ? 0 : -factor;
      entry_[out] = 1;
      note_moves(q);
      note_moves(held_before);
      note_moves(out);
      offer_all();
    }
    reference_[out] = std::fmax(1.0, weight);
    return step::taken;
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
    for (const int j : resting_) {
      double sum = 0;
      for (int k = begin[j], end = begin[j + 1]; k < end; ++k) sum += value[k] * y[index[k]];
      const int counts = means(sum);
      row_.value[j] = sum * counts;
      row_.index[count] = j;
      count += counts;
    }
    row_.count = count;
  }

  /// q takes the place p in B.
  void exchange(int p, int q, double pivot, basis_status to) {
    tableau& t = *t_;
    const double by = follow_[p] / pivot;
    for (int s = 0; s < entering_.count; ++s) {
      const int i = entering_.index[s];
      follow_[i] -= by * entering_.value[i];
    }
    follow_[p] = by;
    t.exchange(p, q, to);
    place_bounds(p);
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

  /// All values, for a step of the entering variable; rate_ is as `choose_leaving` left it.
  void move(double length, double tau) {
    t_->x[column_] -= length * tau;
    double* const value = value_.data();
    const double* const rate = rate_.data();
    for (int p = 0, m = value_.size(); p < m; ++p) value[p] -= length * rate[p];
    value_[held_place_] = held_bound_;
  }

  /// The rates of all basic variables, and which of them meets a bound first: of those within the slack of the first
  /// the one of largest rate (Harris).
  void choose_leaving(double direction, double tau) {
    const int m = value_.size();
    const double* const s = entering_.value.data();
    const double* const follow = follow_.data();
    double* const rate = rate_.data();
    const double* const value = value_.data();
    const double* const bounds = bounds_.data();
    met_.clear();
    double longest = 1e300;
    for (int p = 0; p < m; ++p) {
      const double r = s[p] - tau * follow[p], by = direction * r, square = by * by;
      rate[p] = r;
      // Both sides times the rate, so that there is no division for most.
      const double room = (value[p] - bounds[2 * p + static_cast<int>(by < 0)]) * by;
      if (!(room <= longest * square) || square <= smallest * smallest || p == held_place_) continue;
      met_.push_back(p);
      const double reach = (room > 0 ? room : 0) / square + slack / std::fabs(by);
      if (reach < longest) longest = reach;
    }
    rate_[held_place_] = 0;
    leaving_ = -1;
    step_ = infinity;
    double best = 0;
    for (const int p : met_) {
      const double by = direction * rate[p], size = std::fabs(by);
      const double room = (value[p] - bounds[2 * p + static_cast<int>(by < 0)]) * by;
      if (size <= best || room > longest * size * size) continue;
      best = size;
      leaving_ = p;
      step_ = room > 0 ? room / (size * size) : 0;
      to_upper_ = by < 0;
    }
  }

  static constexpr double smallest = 1e-9, slack = 1e-9;
  static constexpr int block = 4;

  tableau* t_ = nullptr;
  int column_ = -1, held_ = -1, held_place_ = 0;
  basis_status held_status_ = basis_status::lower;
  double held_bound_ = 0, tolerance_ = 0, price_ = 0;
  work_vector entering_, spike_, behind_, rho_, row_;
  table<double> follow_, row_of_held_, entry_, reference_;
  table<double> value_, rate_, bounds_;  // of each place; bounds_ holds the lower and the upper one in turn
  int offered_ = 0;
  table<int> offers_, met_;  // the first offered_ are variables whose reduced costs let them enter, and some that did
  table<char> listed_;
  table<signed char> moves_;
  table<int> resting_, resting_at_;  // columns that may enter, other than the held one, and where each stands there
  int leaving_ = -1;                 // a place
  double step_ = 0;
  bool to_upper_ = false;
};

}  // namespace plait::detail
