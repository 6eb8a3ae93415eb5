// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/block_program.hpp>
#include <plait/solve/detail/form.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// A program with links and t as one without them: at a given t, for the least use of the links at given prices. What
/// joins two blocks stays. Rows and columns have the numbers of the whole program; the rows of links have no entries
/// and no bounds, the column t is zero.
class priced_program {
 public:
  form program;
  double t = 0;                 ///< of the form
  table<double> price;          ///< of each link, in the units of the form; all capacities together are worth 1
  table<double> capacity, use;  ///< of each link; use after `look`

  /// `whole`: the program, scaled or not; `of_links` and `at_t` in the units of `blocks`. False where a capacity is
  /// zero or no price is positive. Cost: O(entries).
  bool load(const form& whole, const block_program& blocks, const table<double>& of_links, double at_t) {
    whole_ = &whole;
    blocks_ = &blocks;
    if (!take_prices(of_links) || !(at_t > 0)) return false;
    take_apart();
    set_t(at_t / whole.column_scale[blocks.linking]);
    charge();
    return true;
  }

  void set_t(double to) {
    t = to;
    const sparse_matrix& a = whole_->a;
    const int n = a.columns;
    for (int k = a.begin[blocks_->linking]; k < a.begin[blocks_->linking + 1]; ++k) {
      const int i = a.index[k];
      program.lower[n + i] = whole_->lower[n + i] - a.value[k] * t;
      program.upper[n + i] = whole_->upper[n + i] - a.value[k] * t;
    }
  }

  /// Costs of the columns at the prices at hand: what they use.
  void charge() {
    for (int j = 0; j < program.columns(); ++j) {
      double sum = 0;
      for (int k = use_begin_[j]; k < use_begin_[j + 1]; ++k) sum += price[use_link_[k]] * use_by_[k];
      program.cost[j] = sum;
    }
  }

  /// A feasible basis, where columns of single blocks suffice: of each block the one that meets its demand at least
  /// cost, within its budget.
  void start_basis(table<basis_status>& status) const {
    const int n = program.columns(), m = program.rows();
    status.assign(n + m, basis_status::lower);
    for (int i = 0; i < m; ++i) status[n + i] = basis_status::basic;
    const double of_blocks = t * whole_->column_scale[blocks_->linking];
    for (const block_program::block& one : blocks_->blocks) {
      const double demand = one.b + one.g * of_blocks;
      if (one.demand < 0 || demand <= 0) continue;
      int best = -1;
      double least = infinity;
      for (int k = one.begin; k < one.end; ++k) {
        const block_program::member& x = blocks_->members[k];
        if (!(x.a >= demand)) continue;
        double cost = 0;
        blocks_->for_each_use(
            k, [&](int l, double by) { cost += price[l] * whole_->row_scale[blocks_->link_row[l]] * by; });
        if (cost >= least * x.a) continue;
        least = cost / x.a;
        best = x.column;
      }
      if (best < 0) continue;
      status[best] = basis_status::basic;
      status[n + one.demand] = basis_status::lower;
    }
  }

  /// Notes what some columns of these values use.
  void look(const table<int>& columns, const double* x) {
    use.assign(capacity.size(), 0.0);
    for (int k = 0; k < columns.size(); ++k)
      for (int e = use_begin_[columns[k]]; e < use_begin_[columns[k] + 1]; ++e) use[use_link_[e]] += use_by_[e] * x[k];
  }
  /// What that costs: the mean of the shares of the capacities that are used, weighted by what they are worth.
  [[nodiscard]] double cost() const {
    double sum = 0;
    for (int l = 0; l < use.size(); ++l) sum += price[l] * use[l];
    return sum;
  }
  /// The link of whose capacity most is used, and how much.
  [[nodiscard]] int fullest() const {
    int full = 0;
    for (int l = 1; l < use.size(); ++l)
      if (use[l] * capacity[full] > use[full] * capacity[l]) full = l;
    return full;
  }
  [[nodiscard]] double share_of(int link) const { return use[link] / capacity[link]; }

  /// Multipliers of all rows of the whole program, from those of this one, at the scale at which t is worth its cost.
  void multipliers_of_all(const table<double>& of_this, table<double>& y) const {
    const sparse_matrix& a = whole_->a;
    y = of_this;
    for (int l = 0; l < price.size(); ++l) y[blocks_->link_row[l]] = -price[l];
    double of_t = 0;
    for (int k = a.begin[blocks_->linking]; k < a.begin[blocks_->linking + 1]; ++k) of_t += y[a.index[k]] * a.value[k];
    const double scale = of_t != 0 ? whole_->cost[blocks_->linking] / of_t : 0;
    for (double& one : y) one *= scale;
  }

 private:
  bool take_prices(const table<double>& of_links) {
    const int links = blocks_->link_row.size();
    price.resize(links);
    capacity.resize(links);
    double worth = 0;
    for (int l = 0; l < links; ++l) {
      const int row = blocks_->link_row[l];
      capacity[l] = whole_->upper[whole_->columns() + row];
      if (!(capacity[l] > 0)) return false;
      price[l] = of_links[l] / whole_->row_scale[row];
      worth += price[l] * capacity[l];
    }
    if (!(worth > 0)) return false;
    for (double& p : price) p /= worth;
    return true;
  }

  /// The matrix without the entries of links and of t, and the former by themselves.
  void take_apart() {
    const sparse_matrix& a = whole_->a;
    const int n = a.columns, m = a.rows;
    link_of_row_.assign(m, -1);
    for (int l = 0; l < price.size(); ++l) link_of_row_[blocks_->link_row[l]] = l;
    sparse_matrix& rest = program.a;
    rest.rows = m;
    rest.columns = n;
    rest.begin.resize_unset(n + 1);
    rest.index.resize_unset(a.entries());
    rest.value.resize_unset(a.entries());
    use_begin_.resize_unset(n + 1);
    use_link_.clear();
    use_by_.clear();
    int at = 0;
    for (int j = 0; j < n; ++j) {
      rest.begin[j] = at;
      use_begin_[j] = use_link_.size();
      if (j == blocks_->linking) continue;
      for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
        if (const int l = link_of_row_[a.index[k]]; l >= 0) {
          use_link_.push_back(l);
          use_by_.push_back(a.value[k]);
        } else {
          rest.index[at] = a.index[k];
          rest.value[at++] = a.value[k];
        }
      }
    }
    rest.begin[n] = at;
    use_begin_[n] = use_link_.size();
    program.forget_rows();
    ++program.version;
    program.cost.assign(n + m, 0.0);
    program.lower = whole_->lower;
    program.upper = whole_->upper;
    program.lower[blocks_->linking] = program.upper[blocks_->linking] = 0;
    for (const int i : blocks_->link_row) {
      program.lower[n + i] = -infinity;
      program.upper[n + i] = infinity;
    }
  }

  const form* whole_ = nullptr;
  const block_program* blocks_ = nullptr;
  table<int> link_of_row_;
  table<int> use_begin_, use_link_;  // of columns
  table<double> use_by_;
};

}  // namespace plait::detail
