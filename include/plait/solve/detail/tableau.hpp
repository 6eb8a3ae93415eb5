// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>

#include <plait/core/math.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/factorization.hpp>
#include <plait/solve/detail/form.hpp>
#include <plait/solve/detail/work_vector.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// A basis of a form with all that the simplex methods keep beside it: factors, values, reduced costs, and the costs
/// and bounds they work with, which may be perturbed or those of a first phase.
///
/// Signs: d_j = cost_j - y . a_j for a column and d = y_i for the activity of row i, so a variable at its lower bound
/// wants d >= 0, one at its upper bound d <= 0, a free one d = 0, and a fixed one anything.
class tableau {
 public:
  const form* program = nullptr;
  factorization factors;
  table<int> basic;            // variable in each place
  table<int> place;            // of each variable; -1 where it is not basic
  table<basis_status> status;  // of each variable
  table<double> x, d;          // of each variable; d of basic ones is zero
  table<double> cost, lower, upper;
  table<double> weight;      // of each place: squared length of the row of B^-1 (dual steepest edge)
  double threshold = 0.1;    // of the factorization's pivots
  bool ready = false;        // whether values and reduced costs follow from fresh factors, costs and bounds as they are
  bool signs_right = false;  // whether, where ready, no reduced cost is infeasible by more than the tolerance to come
  bool costs_apart = false, bounds_apart = false;           // to be set by whoever makes them other than the program's
  solve_density column_density, row_density, edge_density;  // of solves for columns, rows and steepest edge
  density price_density;                                    // of rows of B^-1 A
  work_vector buffer;

  [[nodiscard]] int rows() const { return program->rows(); }
  [[nodiscard]] int columns() const { return program->columns(); }
  [[nodiscard]] int variables() const { return program->variables(); }

  void attach(const form& f) {
    if (program != &f || version_ != f.version) kept_ = current_ = false;
    // Who goes on without fresh factors, or from others, may have moved values as they liked.
    settled_ = settled_ && holds_kept();
    program = &f;
    version_ = f.version;
    fresh_ = carried_on_ = ready = false;
    x.resize(f.variables());
    d.resize(f.variables());
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
  void restore_costs() {
    if (costs_apart) {
      cost.resize(variables());
      copy_changed(program->cost, cost, 0, [&](int, int) { multipliers_kept_ = false; });
    }
    costs_apart = false;
  }
  /// What is at its bounds stays there.
  void restore_bounds() {
    if (bounds_apart) {
      settled_ = settled_ && lower.size() == variables();
      lower.resize(variables());
      upper.resize(variables());
      const auto follow = [&](int first, int last) {
        for (int j = first; j < last && settled_; ++j)
          if (status[j] != basis_status::basic) settle(j);
      };
      copy_changed(program->lower, lower, 0, follow);
      copy_changed(program->upper, upper, 0, follow);
    }
    bounds_apart = false;
  }
  [[nodiscard]] bool is_fixed(int j) const { return lower[j] == upper[j]; }
  [[nodiscard]] bool is_boxed(int j) const { return lower[j] > -infinity && upper[j] < infinity; }
  [[nodiscard]] bool is_free(int j) const { return lower[j] == -infinity && upper[j] == infinity; }

  /// Takes a basis over; repairs counts by dropping basic columns or by making row activities basic.
  void set_basis(const table<basis_status>& wanted) {
    const int m = rows(), n = columns(), all = variables();
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
    fresh_ = current_ = settled_ = false;
  }

  /// Factors of the basis of `wanted`, from nothing but that and the program: the same bits whatever was done before.
  /// Where the factors at hand are those already, they stay. What is not basic is at its bound afterwards. Returns how
  /// many variables had to leave the basis. `updated_will_do`: factors of this basis that come from a few pivots stay
  /// as well, so bits may depend on what was done before.
  int factorize(const table<basis_status>& wanted, bool updated_will_do = false) {
    const bool here = settled_ && same(wanted, status);
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

  /// Puts a variable that is not basic to the bound that its status names, or to one that it has.
  void settle(int j) {
    const double l = lower[j], u = upper[j];
    if (status[j] == basis_status::upper && u < infinity) {
      x[j] = u;
    } else if (l > -infinity) {
      status[j] = basis_status::lower;
      x[j] = l;
    } else if (u < infinity) {
      status[j] = basis_status::upper;
      x[j] = u;
    } else {
      status[j] = basis_status::free;
      x[j] = 0;
    }
  }
  void settle_all() {
    double *const v = x.data(), *const low = lower.data(), *const high = upper.data();
    const basis_status* const at = status.data();
    for (int j = 0, all = variables(); j < all; ++j) {
      const bool moves = at[j] != basis_status::basic;
      const double to = only_if(moves, choose(at[j] == basis_status::upper, high[j], low[j]));
      if (to - to == 0) {
        v[j] = choose(moves, to, v[j]);
      } else {
        settle(j);
      }
    }
    settled_ = true;
  }

  /// Factorizes anew. Weights move with their variables. Returns how many variables had to leave the basis.
  int refactor() {
    const int m = rows();
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
    buffer.clear();
    double *const v = buffer.value.data(), *const to = x.data();
    const basis_status* const at = status.data();
    for (int j = 0; j < n; ++j) {
      const double xj = only_if(at[j] != basis_status::basic, to[j]);
      if (xj == 0) continue;
      for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) v[a.index[k]] -= a.value[k] * xj;
    }
    for (int i = 0; i < m; ++i) v[i] += only_if(at[n + i] != basis_status::basic, to[n + i]);
    factors.ftran_whole(buffer);
    const int* const in = basic.data();
    for (int p = 0; p < m; ++p) to[in[p]] = meaning(v[p]);
    buffer.clear();
  }

  /// y = B^-T c_B into the values of `buffer`, which the caller clears. False where all are zero. Those of the end of
  /// a solve are asked for again when the next one begins there.
  bool compute_multipliers() {
    buffer.clear();
    if (multipliers_kept_ && holds_kept() && !costs_apart) {
      buffer.value = kept_multipliers_;
      buffer.listed = false;
      return true;
    }
    const int* const in = basic.data();
    const double* const c = cost.data();
    for (int p = 0, m = rows(); p < m; ++p)
      if (c[in[p]] != 0) buffer.set(p, c[in[p]]);
    if (buffer.count == 0) return false;
    factors.btran_whole(buffer);
    for (double& y : buffer.value) y = meaning(y);
    multipliers_kept_ = holds_kept() && !costs_apart;
    if (multipliers_kept_) kept_multipliers_ = buffer.value;
    return true;
  }

  /// Reduced costs of all variables.
  void compute_reduced_costs() {
    const int m = rows(), n = columns();
    if (!compute_multipliers()) {
      for (int j = 0; j < n + m; ++j) d[j] = status[j] == basis_status::basic ? 0 : cost[j];
      return;
    }
    const double *const y = buffer.value.data(), *const c = cost.data(), *const value = program->a.value.data();
    const int *const begin = program->a.begin.data(), *const index = program->a.index.data();
    const basis_status* const at = status.data();
    double* const to = d.data();
    for (int j = 0; j < n; ++j) {
      double sum = c[j];
      for (int k = begin[j], end = begin[j + 1]; k < end; ++k) sum -= value[k] * y[index[k]];
      to[j] = only_if(at[j] != basis_status::basic, sum);
    }
    for (int i = 0; i < m; ++i) to[n + i] = only_if(at[n + i] != basis_status::basic, c[n + i] + y[i]);
    buffer.clear();
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

  /// The part of row `rho` of B^-1 [A, -I] that belongs to the columns, into `row`; activities have -rho. Entries of
  /// basic columns are zero.
  void price(const work_vector& rho, work_vector& row) {
    const int n = columns();
    row.clear();
    double* const v = row.value.data();
    if (rho.sparse(0.25)) {
      const sparse_matrix& r = program->by_rows();
      const bool few = rho.sparse(0.1) && price_density.share < 0.3;
      if (few) {
        for (int s = 0; s < rho.count; ++s) {
          const int i = rho.index[s];
          const double times = rho.value[i];
          for (int k = r.begin[i]; k < r.begin[i + 1]; ++k) {
            const int j = r.index[k];
            if (v[j] == 0) row.index[row.count++] = j;
            v[j] += times * r.value[k];
            if (v[j] == 0) v[j] = 1e-100;
          }
        }
        int kept = 0;
        for (int s = 0; s < row.count; ++s) {
          const int j = row.index[s];
          if (status[j] == basis_status::basic || math::abs(v[j]) < 1e-14) {
            v[j] = 0;
          } else {
            row.index[kept++] = j;
          }
        }
        row.count = kept;
      } else {
        for (int s = 0; s < rho.count; ++s) {
          const int i = rho.index[s];
          const double times = rho.value[i];
          for (int k = r.begin[i]; k < r.begin[i + 1]; ++k) v[r.index[k]] += times * r.value[k];
        }
        int kept = 0;
        int* const at = row.index.data();
        for (int j = 0; j < n; ++j) {  // without branches, as in work_vector::list
          const int counts = static_cast<int>(means(v[j])) & static_cast<int>(status[j] != basis_status::basic);
          v[j] = only_if(counts != 0, v[j]);
          at[kept] = j;
          kept += counts;
        }
        row.count = kept;
      }
    } else {
      const sparse_matrix& a = program->a;
      const double* const y = rho.value.data();
      int resting = 0, kept = 0;
      int* const at = row.index.data();
      const int *const begin = a.begin.data(), *const index = a.index.data();
      const double* const value = a.value.data();
      const basis_status* const is = status.data();
      for (int j = 0; j < n; ++j) {  // listed first, and without a branch: basic columns come in no order
        at[resting] = j;
        resting += static_cast<int>(is[j] != basis_status::basic);
      }
      for (int s = 0; s < resting; ++s) {
        const int j = at[s];
        double sum = 0;
        for (int k = begin[j], end = begin[j + 1]; k < end; ++k) sum += value[k] * y[index[k]];
        v[j] = meaning(sum);
        at[kept] = j;
        kept += static_cast<int>(means(sum));
      }
      row.count = kept;
    }
    price_density.note(row.count, n);
  }

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

  /// The objective of the form, with the costs it works with.
  [[nodiscard]] double objective() const {
    double sum = 0;
    for (int j = 0; j < variables(); ++j)
      if (cost[j] != 0) sum += cost[j] * x[j];
    return sum;
  }
  /// How far a value is beyond a bound; negative where it is within both.
  [[nodiscard]] double beyond_bounds(int j) const { return beyond(lower[j], x[j], upper[j]); }
  static double beyond(double low, double v, double high) { return math::larger(low - v, v - high); }
  [[nodiscard]] double dual_infeasibility(int j) const {
    if (status[j] == basis_status::basic || is_fixed(j)) return 0;
    if (status[j] == basis_status::free) return math::abs(d[j]);
    if (status[j] == basis_status::lower) return d[j] < 0 ? -d[j] : 0;
    return d[j] > 0 ? d[j] : 0;
  }
  /// The largest of each, and how many are above `tolerance`.
  struct infeasibility {
    double largest = 0, sum = 0;
    int count = 0;
  };
  [[nodiscard]] infeasibility primal_infeasibilities(double tolerance) const {
    infeasibility found;
    for (const int j : basic) count_in(found, beyond_bounds(j), tolerance);
    return found;
  }
  [[nodiscard]] infeasibility dual_infeasibilities(double tolerance) const {
    infeasibility found;
    for (int j = 0, all = variables(); j < all; ++j)
      if (may_be_dual_infeasible(j, 0)) count_in(found, dual_infeasibility(j), tolerance);
    return found;
  }
  /// False for most of those whose infeasibility is at most `tolerance`, and asked quickly.
  [[nodiscard]] bool may_be_dual_infeasible(int j, double tolerance) const {
    return !(d[j] * wanted_sign(status[j]) >= -tolerance);
  }
  /// The sign that a reduced cost should have: what is basic has none, and to free variables every one but zero is
  /// wrong.
  static double wanted_sign(basis_status at) {
    static constexpr double signs[] = {1, 0, -1, std::numeric_limits<double>::quiet_NaN()};
    return signs[static_cast<int>(at)];
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
  static void count_in(infeasibility& all, double one, double tolerance) {
    if (one > all.largest) all.largest = one;
    if (one <= tolerance) return;
    all.sum += one;
    ++all.count;
  }
  table<double> carried_;
  table<int> kept_basic_;  // of `factorize`, in the order of the factors
  double kept_threshold_ = 0;
  table<double> kept_multipliers_;  // of `compute_multipliers`, with these factors and the costs of the program
  bool multipliers_kept_ = false;
  int version_ = 0;
  bool kept_ = false, fresh_ = false;
  bool settled_ = false;                        // whether what is not basic is known to be where `settle` puts it
  bool current_ = false, was_current_ = false;  // whether factors and updates are those of the basis; before `exchange`
  bool carried_on_ = false;                     // whether `factorize` has let updates stay
};

/// Random numbers that depend on a seed and a place alone.
inline double random_unit(std::uint64_t seed, std::uint64_t at) {
  std::uint64_t z = seed * 0x9E3779B97F4A7C15u + at * 0xD1342543DE82EF95u + 0x632BE59BD9B4E019u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-53;
}

}  // namespace plait::detail
