// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/solve/basis.hpp>
#include <plait/solve/detail/factorization.hpp>
#include <plait/solve/detail/form.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/price_row.hpp>
#include <plait/solve/detail/work_vector.hpp>
#include <plait/solve/detail/working_point.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// A basis of a form with its factors, and with the values and reduced costs that follow from them.
///
/// Factors stay from one solve to the next where they are those that would be made anew: see `factorize`.
class tableau : public working_point {
 public:
  factorization factors;
  table<int> basic;          // variable in each place
  table<int> place;          // of each variable; -1 where it is not basic
  table<double> weight;      // of each place: squared length of the row of B^-1 (dual steepest edge)
  double threshold = 0.1;    // of the factorization's pivots
  bool ready = false;        // whether values and reduced costs follow from fresh factors, costs and bounds as they are
  bool signs_right = false;  // whether, where ready, no reduced cost is infeasible by more than the tolerance to come
  solve_density column_density, row_density, edge_density;  // of solves for columns, rows and steepest edge
  density price_density;                                    // of rows of B^-1 A
  work_vector buffer;                                       // who uses it makes it clean

  void attach(const form& f) {
    spend(f.limits, 2 * f.variables());
    if (program != &f || version_ != f.version) kept_ = current_ = false;
    // Who makes factors for themselves, or exchanges without them, may have moved values as they liked.
    settled_ = settled_ && kept_ && current_;
    program = &f;
    version_ = f.version;
    fresh_ = carried_on_ = ready = false;
    for (table<double>* const one : {&x, &d}) resize_in_parts(f.limits, *one, f.variables());
    buffer.prepare(f.rows());
    costs_apart = bounds_apart = true;
    restore_costs();
    restore_bounds();
    forget();
  }
  /// What earlier solves taught about densities: an end must not depend on the way there.
  void forget() {
    column_density = row_density = edge_density = solve_density{};
    price_density = density{};
  }

  /// Takes a basis over; repairs counts by dropping basic columns or by making row activities basic.
  void set_basis(const table<basis_status>& wanted) {
    const int m = rows(), n = columns(), all = variables();
    fresh_ = current_ = settled_ = false;
    spend(program->limits, 4 * all);
    status = wanted;
    place.assign(all, -1);
    list_basic();
    for (int s = m; s < basic.size(); ++s) status[basic[s]] = basis_status::lower;
    if (basic.size() > m) basic.resize(m);
    for (int i = 0; i < m && basic.size() < m; ++i) {
      if (status[n + i] == basis_status::basic) continue;
      status[n + i] = basis_status::basic;
      basic.push_back(n + i);
    }
    for (int p = 0; p < m; ++p) place[basic[p]] = p;
    weight.assign(m, 1.0);
  }

  /// Factors of the basis of `wanted`, from nothing but that and the program: the same bits whatever was done before.
  /// Where the factors at hand are those already, they stay. What is not basic is at its bound afterwards. Returns how
  /// many variables had to leave the basis. `updated_will_do`: factors of this basis that come from a few pivots stay
  /// as well, so bits may depend on what was done before.
  int factorize(const table<basis_status>& wanted, bool updated_will_do = false) {
    const bool here = settled_ && same_bits(wanted, status);
    if (updated_will_do && few_updates() && factors.updates() > 0 && (here || holds(wanted))) {
      if (!here) {
        status = wanted;
        settle_all();
      }
      weight.assign(rows(), 1.0);
      fresh_ = carried_on_ = true;
      return 0;
    }
    if (kept_ && factors.updates() == 0 && kept_threshold_ == threshold && ((here && current_) || same_basis(wanted))) {
      if (!here || !current_) {
        status = wanted;
        basic = kept_basic_;
        place.assign(variables(), -1);
        for (int p = 0; p < rows(); ++p) place[basic[p]] = p;
        settle_all();
      }
      weight.assign(rows(), 1.0);
      fresh_ = current_ = true;
      return 0;
    }
    if (here) {
      list_basic();
    } else {
      set_basis(wanted);
      settle_all();
    }
    const int replaced = build();
    weight.assign(rows(), 1.0);
    kept_ = replaced == 0;
    if (kept_) {
      kept_basic_ = basic;
      kept_threshold_ = threshold;
    }
    return replaced;
  }
  /// Whether the factors are those of the basis, without updates or with those that `factorize` has let stay.
  [[nodiscard]] bool fresh() const { return fresh_ && (factors.updates() == 0 || carried_on_); }
  /// The same, asked by who begins to pivot: afterwards only factors without updates are fresh.
  [[nodiscard]] bool fresh_to_begin() {
    const bool is = fresh();
    carried_on_ = false;
    return is;
  }
  /// Whether the factors are those of the basis, with few updates.
  [[nodiscard]] bool few_updates() const { return current_ && factors.updates() <= 20; }

  /// Factorizes anew. Weights move with their variables. Returns how many variables had to leave the basis.
  int refactor() {
    const int m = rows();
    spend(program->limits, 8 * m);
    carried_.resize_unset(variables());  // of which places are read that are written here
    for (int p = 0; p < m; ++p) carried_[basic[p]] = weight[p];
    const int replaced = build();
    for (int p = 0; p < m; ++p) weight[p] = replaced > 0 ? 1 : carried_[basic[p]];
    return replaced;
  }

  /// Values of the basic variables from those of the others.
  void compute_values() {
    const int m = rows(), n = columns();
    const sparse_matrix& a = program->a;
    double *const v = buffer.value.data(), *const to = x.data();
    const basis_status* const at = status.data();
    buffer.listed = false;  // until it is cleared, also after a request to stop
    for (int i = 0; i < m; ++i) v[i] = only_if(at[n + i] != basis_status::basic, to[n + i]);
    const int *const begin = a.begin.data(), *const index = a.index.data();
    const double* const value = a.value.data();
    for (const auto [from, until] : parts(program->limits, begin, n)) {
      for (int j = from; j < until; ++j) {
        const double xj = only_if(at[j] != basis_status::basic, to[j]);
        if (xj == 0) continue;
        for (int k = begin[j]; k < begin[j + 1]; ++k) v[index[k]] -= value[k] * xj;
      }
    }
    factors.ftran_whole(buffer);
    const int* const in = basic.data();
    for (int p = 0; p < m; ++p) to[in[p]] = meaning(v[p]);
  }

  /// y = B^-T c_B into the values of `buffer`. False where all are zero. Those of the end of
  /// a solve are asked for again when the next one begins there.
  bool compute_multipliers() {
    if (multipliers_kept_ && multipliers_kept_for_ == costs_changed_ && holds_kept() && !costs_apart) {
      buffer.value = kept_multipliers_;
      buffer.listed = false;
      return true;
    }
    buffer.clear();
    const int* const in = basic.data();
    const double* const c = cost.data();
    for (int p = 0, m = rows(); p < m; ++p)
      if (c[in[p]] != 0) buffer.set(p, c[in[p]]);
    if (buffer.count == 0) return false;
    factors.btran_whole(buffer);
    for (double& y : buffer.value) y = meaning(y);
    multipliers_kept_ = holds_kept() && !costs_apart;
    if (multipliers_kept_) {
      kept_multipliers_ = buffer.value;
      multipliers_kept_for_ = costs_changed_;
    }
    return true;
  }

  /// Reduced costs of all variables.
  void compute_reduced_costs() {
    const int m = rows(), n = columns();
    spend(program->limits, n + m);
    if (!compute_multipliers()) {
      for (int j = 0; j < n + m; ++j) d[j] = status[j] == basis_status::basic ? 0 : cost[j];
      return;
    }
    const double *const y = buffer.value.data(), *const c = cost.data(), *const value = program->a.value.data();
    const int *const begin = program->a.begin.data(), *const index = program->a.index.data();
    const basis_status* const at = status.data();
    double* const to = d.data();
    for (const auto [from, until] : parts(program->limits, begin, n)) {
      for (int j = from; j < until; ++j) {
        double sum = c[j];
        for (int k = begin[j], end = begin[j + 1]; k < end; ++k) sum -= value[k] * y[index[k]];
        to[j] = only_if(at[j] != basis_status::basic, sum);
      }
    }
    for (int i = 0; i < m; ++i) to[n + i] = only_if(at[n + i] != basis_status::basic, c[n + i] + y[i]);
  }

  /// A column of [A, -I] as a vector by rows.
  void load_column(int j, work_vector& v) const { add_column(j, 1, v, true); }
  void add_column(int j, double times, work_vector& v, bool fresh = false) const {
    if (fresh) v.clear();
    const int n = columns();
    if (j < n) {
      const sparse_matrix& a = program->a;
      for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) v.add(a.index[k], a.value[k] * times);
    } else {
      v.add(j - n, -times);
    }
  }

  /// The part of row `rho` of B^-1 [A, -I] that belongs to the columns; see `price_row`.
  void price(const work_vector& rho, work_vector& row) { price_row(*program, status, rho, row, price_density); }

  /// Exchanges the variable in `p` for `entering`; the one that leaves goes to the bound `to`. The factors stay behind
  /// until `update_factors`.
  void exchange(int p, int entering, basis_status to) {
    const int leaving = basic[p];
    was_current_ = current_;
    current_ = false;
    basic[p] = entering;
    place[entering] = p;
    place[leaving] = -1;
    status[entering] = basis_status::basic;
    status[leaving] = to;
    d[entering] = 0;
  }
  void update_factors(int p, const work_vector& spike, const work_vector& behind_upper, double alpha) {
    factors.update(p, spike, behind_upper, alpha);
    current_ = was_current_;
  }

  [[nodiscard]] infeasibility primal_infeasibilities(double tolerance) const {
    infeasibility found;
    for (const int j : basic) count_in(found, beyond_bounds(j), tolerance);
    return found;
  }

 private:
  [[nodiscard]] bool holds_kept() const { return kept_ && current_ && factors.updates() == 0; }
  /// The basic variables, in their order.
  void list_basic() {
    const int all = variables();
    basic.resize_unset(all + 1);
    int count = 0;
    for (int j = 0; j < all; ++j) {  // without a branch, as in work_vector::list
      basic[count] = j;
      count += static_cast<int>(status[j] == basis_status::basic);
    }
    basic.resize(count);
  }
  /// Factors of the variables in `basic`. Returns how many had to leave.
  int build() {
    kept_ = current_ = carried_on_ = multipliers_kept_ = false;
    fresh_ = true;
    const int replaced = factors.build(program->a, basic, threshold);
    for (const int j : factors.replaced_variables()) {
      place[j] = -1;
      status[j] = basis_status::lower;
    }
    for (int p = 0; p < rows(); ++p) place[basic[p]] = p;
    if (replaced > 0) {
      for (const int j : basic) status[j] = basis_status::basic;
      for (const int j : factors.replaced_variables())
        if (place[j] < 0) settle(j);
    }
    current_ = true;
    return replaced;
  }
  /// Whether the basic variables of `wanted` are those of the basis.
  [[nodiscard]] bool holds(const table<basis_status>& wanted) const {
    if (wanted.size() != variables() || place.size() != variables()) return false;
    int others = 0;
    for (int j = 0; j < variables(); ++j)
      others += static_cast<int>((wanted[j] == basis_status::basic) != (place[j] >= 0));
    return others == 0;
  }
  /// Whether the basic variables of `wanted` are those that are kept.
  [[nodiscard]] bool same_basis(const table<basis_status>& wanted) const {
    if (wanted.size() != variables() || kept_basic_.size() != rows()) return false;
    int count = 0;
    for (const basis_status one : wanted) count += one == basis_status::basic ? 1 : 0;
    if (count != rows()) return false;
    for (const int j : kept_basic_)
      if (wanted[j] != basis_status::basic) return false;
    return true;
  }
  table<double> carried_;
  table<int> kept_basic_;  // of `factorize`, in the order of the factors
  double kept_threshold_ = 0;
  table<double> kept_multipliers_;     // of `compute_multipliers`, with these factors and the costs of the program
  unsigned multipliers_kept_for_ = 0;  // costs_changed_ then
  bool multipliers_kept_ = false;
  int version_ = 0;
  bool kept_ = false, fresh_ = false;
  bool current_ = false, was_current_ = false;  // whether factors and updates are those of the basis; before `exchange`
  bool carried_on_ = false;                     // whether `factorize` has let updates stay
};

}  // namespace plait::detail
