// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

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
    int column;
    double a, scale, cost;  // demand met, and cost, with all of the budget; scale = U / w
    double use = 0;         // of `link`, where each member uses just one: its uses are then here as well
    int link = 0;
  };

  /// False where the program is of another kind.
  bool recognise(const lp& model) {
    const sparse_matrix& m = model.matrix();
    const int rows = model.rows(), n = model.columns();
    if (rows < 16 || n < 16) return false;
    const double sign = model.sense() == objective_sense::maximize ? -1 : 1;
    row_count_.assign(rows, 0);
    for (const int i : m.index) ++row_count_[i];
    const double many_in_row = std::fmax(8, 4.0 * m.entries() / rows),
                 many_in_column = std::fmax(8, 4.0 * m.entries() / n);
    link_of_.assign(rows, -1);
    link_row.clear();
    capacity.clear();
    for (int i = 0; i < rows; ++i) {
      if (row_count_[i] <= many_in_row) continue;
      if (link_row.size() == most_links || model.row_lower(i) > -infinity || model.row_upper(i) == infinity)
        return false;
      link_of_[i] = link_row.size();
      link_row.push_back(i);
      capacity.push_back(model.row_upper(i));
    }
    if (link_row.empty()) return false;
    linking = -1;
    block_of_row_.assign(rows, -1);
    blocks.clear();
    block_of_column_.assign(n, -1);
    // Blocks by their budget rows; a column that has two of them joins blocks, and is left out.
    left_out = 0;
    for (int j = 0; j < n; ++j) {
      const int count = m.begin[j + 1] - m.begin[j];
      if (count > many_in_column) {
        if (linking >= 0) return false;
        linking = j;
        continue;
      }
      if (model.column_lower(j) != 0 || model.column_upper(j) != infinity) return false;
      int budget = -1, demand = -1, others = 0;
      for (int k = m.begin[j]; k < m.begin[j + 1]; ++k) {
        const int i = m.index[k];
        if (link_of_[i] >= 0) {
          if (m.value[k] < 0) return false;
        } else if (model.row_lower(i) == -infinity && model.row_upper(i) < infinity && budget < 0) {
          budget = i;
        } else if (model.row_lower(i) > -infinity && model.row_upper(i) == infinity && demand < 0) {
          demand = i;
        } else {
          ++others;
        }
      }
      if (others > 0) {
        ++left_out;
        continue;
      }
      if (budget < 0 || model.row_upper(budget) <= 0) return false;
      int home = block_of_row_[budget];
      if (home < 0) {
        home = blocks.size();
        blocks.push_back({});
        blocks[home].budget = budget;
        blocks[home].budget_bound = model.row_upper(budget);
        block_of_row_[budget] = home;
      }
      if (demand >= 0 && blocks[home].demand != demand) {
        if (blocks[home].demand >= 0 || block_of_row_[demand] >= 0) return false;
        blocks[home].demand = demand;
        blocks[home].b = model.row_lower(demand);
        block_of_row_[demand] = home;
      }
      block_of_column_[j] = home;
      ++blocks[home].end;  // counts the columns; becomes where they end once all are counted
    }
    if (blocks.empty()) return false;
    for (int i = 0; i < rows; ++i)
      if (link_of_[i] < 0 && block_of_row_[i] < 0) return false;
    cost_t = 0;
    lower_t = upper_t = 0;
    if (linking >= 0) {
      cost_t = sign * model.cost(linking);
      lower_t = model.column_lower(linking);
      upper_t = model.column_upper(linking);
      if (cost_t >= 0 || lower_t == -infinity) return false;
      for (int k = m.begin[linking]; k < m.begin[linking + 1]; ++k) {
        const int i = m.index[k];
        if (link_of_[i] >= 0 || blocks[block_of_row_[i]].demand != i || m.value[k] > 0) return false;
        blocks[block_of_row_[i]].g = -m.value[k];
      }
    }
    int at = 0, hull = 0;
    for (block& one : blocks) {
      const int count = one.end;
      one.begin = one.end = at;
      at += count;
      one.hull_begin = hull;
      hull += count + 1;
    }
    members.resize(at);
    use_begin.resize(at + 1);
    double largest_cost = -cost_t, smallest_use = 1e300;
    for (int j = 0; j < n; ++j) {
      if (block_of_column_[j] < 0) continue;
      block& one = blocks[block_of_column_[j]];
      member x{.column = j, .a = 0, .scale = 0, .cost = sign * model.cost(j)};
      for (int k = m.begin[j]; k < m.begin[j + 1]; ++k) {
        const int i = m.index[k];
        if (i == one.budget) {
          if (m.value[k] <= 0) return false;
          x.scale = one.budget_bound / m.value[k];
        } else if (i == one.demand) {
          if (m.value[k] < 0) return false;
          x.a = m.value[k];
        } else {
          smallest_use = std::fmin(smallest_use, m.value[k]);
        }
      }
      if (x.scale == 0) return false;
      x.a *= x.scale;
      x.cost *= x.scale;
      largest_cost = std::fmax(largest_cost, std::fabs(x.cost));
      members[one.end++] = x;
    }
    for (const block& one : blocks) {
      sort(members.data() + one.begin, one.end - one.begin,
           [](const member& p, const member& q) { return p.a < q.a || (p.a == q.a && p.column < q.column); });
    }
    // Uses of the links, in the order of members.
    use_link.clear();
    use.clear();
    for (int k = 0; k < members.size(); ++k) {
      use_begin[k] = use_link.size();
      const int j = members[k].column;
      for (int e = m.begin[j]; e < m.begin[j + 1]; ++e) {
        if (link_of_[m.index[e]] < 0) continue;
        use_link.push_back(link_of_[m.index[e]]);
        use.push_back(m.value[e] * members[k].scale);
      }
    }
    use_begin[members.size()] = use_link.size();
    each_one_link = use.size() == members.size();
    for (int k = 0; k < members.size() && each_one_link; ++k) {
      each_one_link = use_begin[k] == k;
      members[k].link = use_link[k];
      members[k].use = use[k];
    }
    penalty = 1e6 * std::fmax(largest_cost, 1e-6) / (smallest_use < 1e300 ? smallest_use : 1);
    return true;
  }

  table<int> link_row;     ///< of each link
  table<double> capacity;  ///< of each link
  table<block> blocks;
  table<member> members;           ///< those of a block stand together, by growing `a`
  table<int> use_begin, use_link;  ///< of members: where their uses of links begin, and of which link they are
  table<double> use;               ///< with all of the budget
  bool each_one_link = false;      ///< whether each member uses just one link
  int linking = -1, left_out = 0;  ///< the column t, and how many columns join blocks
  double cost_t = 0, lower_t = 0, upper_t = 0;
  double penalty = 0;  ///< more than any price can be worth

 private:
  table<int> row_count_, link_of_, block_of_row_, block_of_column_;
};

}  // namespace plait::detail
