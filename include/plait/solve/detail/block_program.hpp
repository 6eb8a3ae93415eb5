// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>

#include <plait/core/math.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/sort.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// A program seen as many small blocks that share a few capacities, and at most one column:
///
///     minimize  cost . x + cost_t t      for each block   budget: w . x <= U,   demand: a . x - g t >= b
///                                        for each link    s . x <= capacity,        x >= 0
///
/// Columns that stand in two blocks are left out, and counted. Cost: O(entries).
class block_program {
 public:
  static constexpr int most_links = 16;

  struct block {
    int begin = 0, end = 0;  // its columns, in members
    int budget = -1, demand = -1;
    double b = 0, g = 0, budget_bound = 0;
    int hull_begin = 0, hull_count = 0;
    int segment = 0;  // the hull point at or before the demand, of the last evaluation
  };
  struct member {
    int column, link;     // link: where each member uses just one
    double a, cost, use;  // demand met, cost, and use of the link, with all of the budget
  };

  /// False where the program is of another kind.
  bool recognise(const lp& model, monitor* limits = nullptr) {
    const sparse_matrix& m = model.matrix();
    const int n = model.columns();
    if (model.rows() < 16 || n < 16 || !sort_rows(model, limits)) return false;
    const double many_in_column = math::larger(8, 4.0 * m.entries() / n);
    const double sign = model.sense() == objective_sense::maximize ? -1 : 1;
    linking = -1;
    left_out = 0;
    blocks.clear();
    blocks.reserve(budget_rows_);
    block_of_row_.assign(model.rows(), -1);
    // Blocks by their budget rows; a column that has two of them joins blocks, and is left out.
    found_.resize_unset(n);
    home_.resize_unset(n);
    monitor* const asked = if_many(limits, 8 * std::int64_t{n} + 2 * std::int64_t{m.entries()});
    int count = 0, last_home = 0;
    bool in_order = true;  // whether columns of a block stand together, block by block
    each_one_link = true;
    double largest_cost = 0, smallest_use = 1e300;
    for (int j = 0; j < n; ++j) {
      const int from = m.begin[j], to = m.begin[j + 1];
      spend(asked, 8 + 2 * (to - from));
      if (to - from > many_in_column) {
        if (linking >= 0) return false;
        linking = j;
        continue;
      }
      if (model.column_lower(j) != 0 || model.column_upper(j) != infinity) return false;
      int budget = -1, demand = -1, others = 0, links = 0;
      double all = 0, least_use = 1e300;  // all: of the budget, that one unit of the column takes
      member x{.column = j, .link = 0, .a = 0, .cost = sign * model.cost(j), .use = 0};
      for (int k = from; k < to; ++k) {
        const int i = m.index[k], of = kind_[i];
        const double v = m.value[k];
        if (of >= 0) {
          if (v < 0) return false;
          if (v < least_use) least_use = v;
          ++links;
          x.link = of;
          x.use = v;
        } else if (of == budget_row && budget < 0) {
          budget = i;
          all = v;
        } else if (of == demand_row && demand < 0) {
          demand = i;
          x.a = v;
        } else {
          ++others;
        }
      }
      if (others > 0) {
        ++left_out;
        continue;
      }
      if (budget < 0 || model.row_upper(budget) <= 0 || all <= 0 || x.a < 0) return false;
      int home = block_of_row_[budget];
      if (home < 0) {
        home = blocks.size();
        blocks.push_back({});
        blocks[home].budget = budget;
        blocks[home].budget_bound = model.row_upper(budget);
        block_of_row_[budget] = home;
      }
      block& one = blocks[home];
      if (demand >= 0 && one.demand != demand) {
        if (one.demand >= 0 || block_of_row_[demand] >= 0) return false;
        one.demand = demand;
        one.b = model.row_lower(demand);
        block_of_row_[demand] = home;
      }
      ++one.end;  // counts the columns; becomes where they end once all are counted
      const double scale = one.budget_bound / all;
      x.a *= scale;
      x.cost *= scale;
      x.use *= scale;
      const double size = math::abs(x.cost);
      if (size > largest_cost) largest_cost = size;
      if (least_use < smallest_use) smallest_use = least_use;
      each_one_link = each_one_link && links == 1;
      in_order = in_order && home >= last_home;
      last_home = home;
      home_[count] = home;
      found_[count++] = x;
    }
    if (blocks.empty()) return false;
    for (int i = 0; i < model.rows(); ++i)
      if (kind_[i] < 0 && block_of_row_[i] < 0) return false;
    if (!read_linking(model, sign)) return false;
    put_in_order(count, in_order);
    if (!each_one_link) list_uses(m);
    penalty = 1e6 * math::larger(math::larger(largest_cost, -cost_t), 1e-6) / (smallest_use < 1e300 ? smallest_use : 1);
    return true;
  }

  [[nodiscard]] int hull_points() const { return hull_points_; }      ///< room that the hulls of all blocks take
  [[nodiscard]] int largest_block() const { return largest_block_; }  ///< how many columns it has

  /// Calls take(link, use) for each link that a member uses, with all of its budget.
  template <class Take>
  void for_each_use(int k, Take&& take) const {
    if (each_one_link) {
      take(members[k].link, members[k].use);
      return;
    }
    for (int e = use_begin_[k]; e < use_begin_[k + 1]; ++e) take(use_link_[e], use_[e]);
  }

  table<int> link_row;     ///< of each link
  table<double> capacity;  ///< of each link
  table<block> blocks;
  table<member> members;           ///< those of a block stand together, by growing `a`
  bool each_one_link = false;      ///< whether each member uses just one link
  int linking = -1, left_out = 0;  ///< the column t, and how many columns join blocks
  double cost_t = 0, lower_t = 0, upper_t = 0;
  double penalty = 0;  ///< more than any price can be worth

 private:
  static constexpr int budget_row = -1, demand_row = -2, other_row = -3;

  /// Links by their many entries, the others by which bounds they have. False where a link is no capacity, or there are
  /// none or too many.
  bool sort_rows(const lp& model, monitor* limits) {
    const sparse_matrix& m = model.matrix();
    const int rows = model.rows();
    kind_.assign(rows, 0);
    for (const auto [first, last] : parts(limits, m.entries())) {
      for (int k = first; k < last; ++k) ++kind_[m.index[k]];
    }
    const double many_in_row = math::larger(8, 4.0 * m.entries() / rows);
    link_row.clear();
    capacity.clear();
    budget_rows_ = 0;
    for (int i = 0; i < rows; ++i) {
      const bool below = model.row_lower(i) > -infinity, above = model.row_upper(i) < infinity;
      if (kind_[i] <= many_in_row) {
        kind_[i] = above && !below ? budget_row : below && !above ? demand_row : other_row;
        budget_rows_ += kind_[i] == budget_row ? 1 : 0;
        continue;
      }
      if (link_row.size() == most_links || below || !above) return false;
      kind_[i] = link_row.size();
      link_row.push_back(i);
      capacity.push_back(model.row_upper(i));
    }
    return !link_row.empty();
  }

  bool read_linking(const lp& model, double sign) {
    const sparse_matrix& m = model.matrix();
    cost_t = lower_t = upper_t = 0;
    if (linking < 0) return true;
    cost_t = sign * model.cost(linking);
    lower_t = model.column_lower(linking);
    upper_t = model.column_upper(linking);
    if (cost_t >= 0 || lower_t == -infinity) return false;
    for (int k = m.begin[linking]; k < m.begin[linking + 1]; ++k) {
      const int i = m.index[k];
      if (kind_[i] >= 0 || blocks[block_of_row_[i]].demand != i || m.value[k] > 0) return false;
      blocks[block_of_row_[i]].g = -m.value[k];
    }
    return true;
  }

  /// Members block by block, those of a block by growing `a`.
  void put_in_order(int count, bool in_order) {
    int at = 0, hull = 0;
    largest_block_ = 0;
    for (block& one : blocks) {
      const int members_of = one.end;
      if (members_of > largest_block_) largest_block_ = members_of;
      one.begin = one.end = at;
      at += members_of;
      if (in_order) one.end = at;
      one.hull_begin = hull;
      hull += one.demand < 0 ? 1 : members_of + 1;  // without a demand the cheapest point is all
    }
    hull_points_ = hull;
    if (in_order) {
      found_.resize(count);
      members = std::move(found_);  // which leaves what was there
    } else {
      members.resize_unset(count);
      for (int k = 0; k < count; ++k) members[blocks[home_[k]].end++] = found_[k];
    }
    for (const block& one : blocks) {
      if (in_order && one.demand < 0) continue;  // they meet nothing, so they stand by their columns
      sort(members.data() + one.begin, one.end - one.begin,
           [](const member& p, const member& q) { return p.a < q.a || (p.a == q.a && p.column < q.column); });
    }
  }

  /// Uses of the links, in the order of members.
  void list_uses(const sparse_matrix& m) {
    use_begin_.resize_unset(members.size() + 1);
    use_link_.clear();
    use_.clear();
    for (const block& one : blocks) {
      for (int k = one.begin; k < one.end; ++k) {
        use_begin_[k] = use_link_.size();
        const int from = m.begin[members[k].column], to = m.begin[members[k].column + 1];
        double scale = 0;
        for (int e = from; e < to; ++e)
          if (m.index[e] == one.budget) scale = one.budget_bound / m.value[e];
        for (int e = from; e < to; ++e) {
          if (kind_[m.index[e]] < 0) continue;
          use_link_.push_back(kind_[m.index[e]]);
          use_.push_back(m.value[e] * scale);
        }
      }
    }
    use_begin_[members.size()] = use_link_.size();
  }

  table<int> kind_, block_of_row_, home_;  // kind: a row's link, or which row of a block it is
  table<member> found_;                    // in the order of columns
  table<int> use_begin_, use_link_;        // of members: where their uses of links begin, and of which link they are
  table<double> use_;                      // with all of the budget
  int budget_rows_ = 0, hull_points_ = 0, largest_block_ = 0;
};

}  // namespace plait::detail
