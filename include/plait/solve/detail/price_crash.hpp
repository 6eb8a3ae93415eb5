// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include <plait/solve/basis.hpp>
#include <plait/solve/detail/dense_master.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/sort.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// A starting basis for programs of many small blocks that share a few capacities, and at most one column:
///
///     minimize  cost . x + cost_t t      for each block   budget: w . x <= U,   demand: a . x - g t >= b
///                                        for each link    s . x <= capacity,        x >= 0
///
/// Given prices of the links, a block's cheapest way to meet a demand is a point on the lower hull of its columns, so
/// all blocks are solved by walking their hulls, and the best t is where tangents of a convex sum meet. The prices come
/// from a master program of as many rows as there are links. At the best prices the basis is read off: two points of
/// each hull, t, the links without a price, and the columns whose reduced costs tie. The simplex method starts there;
/// nothing found here is trusted. Cost: O(entries) for each of some tens of prices.
class price_crash {
 public:
  static constexpr int most_links = 16;

  /// Statuses of all variables, rows behind columns. False where the program is of another kind.
  bool find(const lp& model, table<basis_status>& status, monitor* limits = nullptr) {
    limits_ = limits;
    if (!recognise(model)) return false;
    if (!find_prices()) return false;
    read_basis(model, status);
    return true;
  }

  /// How many columns join two blocks; the prices do not know of them.
  [[nodiscard]] int left_out() const { return left_out_; }
  [[nodiscard]] int evaluations() const { return evaluations_; }

 private:
  struct block {
    int begin = 0, end = 0;  // its columns, in members_
    int budget = -1, demand = -1;
    double b = 0, g = 0, budget_bound = 0;
    int hull_begin = 0, hull_count = 0;
    int segment = 0;  // the hull point at or before the demand, of the last evaluation
  };
  struct member {
    int column;
    double a, scale, cost;  // demand met, and cost, with all of the budget; scale = U / w
  };
  struct corner {
    double a, price, rate;  // rate: of the price, to the next corner
    int at;                 // place in members_, or -1: nothing of the block
  };

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
    link_row_.clear();
    capacity_.clear();
    for (int i = 0; i < rows; ++i) {
      if (row_count_[i] <= many_in_row) continue;
      if (link_row_.size() == most_links || model.row_lower(i) > -infinity || model.row_upper(i) == infinity)
        return false;
      link_of_[i] = link_row_.size();
      link_row_.push_back(i);
      capacity_.push_back(model.row_upper(i));
    }
    if (link_row_.empty()) return false;
    linking_ = -1;
    block_of_row_.assign(rows, -1);
    blocks_.clear();
    block_of_column_.assign(n, -1);
    // Blocks by their budget rows; a column that has two of them joins blocks, and is left out.
    left_out_ = 0;
    for (int j = 0; j < n; ++j) {
      const int count = m.begin[j + 1] - m.begin[j];
      if (count > many_in_column) {
        if (linking_ >= 0) return false;
        linking_ = j;
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
        ++left_out_;
        continue;
      }
      if (budget < 0 || model.row_upper(budget) <= 0) return false;
      int home = block_of_row_[budget];
      if (home < 0) {
        home = blocks_.size();
        blocks_.push_back({});
        blocks_[home].budget = budget;
        blocks_[home].budget_bound = model.row_upper(budget);
        block_of_row_[budget] = home;
      }
      if (demand >= 0 && blocks_[home].demand != demand) {
        if (blocks_[home].demand >= 0 || block_of_row_[demand] >= 0) return false;
        blocks_[home].demand = demand;
        blocks_[home].b = model.row_lower(demand);
        block_of_row_[demand] = home;
      }
      block_of_column_[j] = home;
      ++blocks_[home].end;  // counts the columns; becomes where they end once all are counted
    }
    if (blocks_.empty()) return false;
    for (int i = 0; i < rows; ++i)
      if (link_of_[i] < 0 && block_of_row_[i] < 0) return false;
    cost_t_ = 0;
    lower_t_ = upper_t_ = 0;
    if (linking_ >= 0) {
      cost_t_ = sign * model.cost(linking_);
      lower_t_ = model.column_lower(linking_);
      upper_t_ = model.column_upper(linking_);
      if (cost_t_ >= 0 || lower_t_ == -infinity) return false;
      for (int k = m.begin[linking_]; k < m.begin[linking_ + 1]; ++k) {
        const int i = m.index[k];
        if (link_of_[i] >= 0 || blocks_[block_of_row_[i]].demand != i || m.value[k] > 0) return false;
        blocks_[block_of_row_[i]].g = -m.value[k];
      }
    }
    int at = 0, hull = 0;
    for (block& one : blocks_) {
      const int count = one.end;
      one.begin = one.end = at;
      at += count;
      one.hull_begin = hull;
      hull += count + 1;
    }
    members_.resize(at);
    use_begin_.resize(at + 1);
    corners_.resize(hull);
    double largest_cost = -cost_t_, smallest_use = 1e300;
    for (int j = 0; j < n; ++j) {
      if (block_of_column_[j] < 0) continue;
      block& one = blocks_[block_of_column_[j]];
      member x{j, 0, 0, sign * model.cost(j)};
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
      members_[one.end++] = x;
    }
    for (const block& one : blocks_) {
      sort(members_.data() + one.begin, one.end - one.begin,
           [](const member& p, const member& q) { return p.a < q.a || (p.a == q.a && p.column < q.column); });
    }
    // Uses of the links, in the order of members.
    use_link_.clear();
    use_.clear();
    for (int k = 0; k < members_.size(); ++k) {
      use_begin_[k] = use_link_.size();
      const int j = members_[k].column;
      for (int e = m.begin[j]; e < m.begin[j + 1]; ++e) {
        if (link_of_[m.index[e]] < 0) continue;
        use_link_.push_back(link_of_[m.index[e]]);
        use_.push_back(m.value[e] * members_[k].scale);
      }
    }
    use_begin_[members_.size()] = use_link_.size();
    penalty_ = 1e6 * std::fmax(largest_cost, 1e-6) / (smallest_use < 1e300 ? smallest_use : 1);
    return true;
  }

  /// What all of a block's budget costs in one member, its use of the links included.
  [[nodiscard]] double price_of(int k) const {
    double price = members_[k].cost;
    for (int e = use_begin_[k]; e < use_begin_[k + 1]; ++e) price += price_[use_link_[e]] * use_[e];
    return price;
  }

  /// The magnitudes of the terms of that sum.
  [[nodiscard]] double size_of(int k) const {
    if (k < 0) return 0;
    double size = std::fabs(members_[k].cost);
    for (int e = use_begin_[k]; e < use_begin_[k + 1]; ++e) size += price_[use_link_[e]] * use_[e];
    return size;
  }

  /// The hulls at given prices: cheapest ways to meet each demand, from the cheapest of all on.
  void make_hulls() {
    for (block& one : blocks_) {
      corner* const hull = corners_.data() + one.hull_begin;
      if (one.demand < 0) {  // nothing to meet: the cheapest point is all there is
        hull[0] = {0, 0, 0, -1};
        for (int k = one.begin; k < one.end; ++k) {
          const double price = price_of(k);
          if (price < hull[0].price) hull[0] = {members_[k].a, price, 0, k};
        }
        one.hull_count = 1;
        continue;
      }
      int count = 0;
      const auto push = [&](const corner& c) {
        // A point that meets no more and costs no less is not on the hull; earlier points that it undercuts leave.
        if (count > 0 && c.a <= hull[count - 1].a && c.price >= hull[count - 1].price) return;
        while (count > 0 && hull[count - 1].price >= c.price) --count;
        while (count > 1) {
          const corner &p = hull[count - 2], &q = hull[count - 1];
          if ((q.price - p.price) * (c.a - p.a) < (c.price - p.price) * (q.a - p.a)) break;
          --count;
        }
        hull[count++] = c;
      };
      push({0, 0, 0, -1});
      for (int k = one.begin; k < one.end; ++k) {
        push({members_[k].a, price_of(k), 0, k});
      }
      one.hull_count = count;
      for (int s = 0; s + 1 < count; ++s)
        hull[s].rate = (hull[s + 1].price - hull[s].price) / (hull[s + 1].a - hull[s].a);
    }
  }

  /// Cost and its slope at t over all blocks; remembers where each block is on its hull.
  void evaluate(double t, double& value, double& slope) {
    ++evaluations_;
    value = cost_t_ * t;
    slope = cost_t_;
    for (block& one : blocks_) {
      const corner* const hull = corners_.data() + one.hull_begin;
      const double demand = one.demand >= 0 ? one.b + one.g * t : -1;
      int s = one.segment < one.hull_count ? one.segment : 0;
      while (s > 0 && hull[s].a > demand) --s;
      while (s + 1 < one.hull_count && hull[s + 1].a <= demand) ++s;
      one.segment = s;
      value += hull[s].price;
      if (demand >= hull[s].a && s + 1 < one.hull_count) {
        value += hull[s].rate * (demand - hull[s].a);
        slope += hull[s].rate * one.g;
      }
    }
  }

  /// The best t at the prices at hand; false where no t is feasible.
  bool best_t() {
    double value, slope;
    if (linking_ < 0) {
      for (const block& one : blocks_)
        if (one.demand >= 0 && one.b > members_[one.end - 1].a) return false;
      evaluate(0, value, slope);
      value_ = value;
      return true;
    }
    double high = upper_t_;
    for (const block& one : blocks_) {
      if (one.demand < 0) continue;
      const double largest = members_[one.end - 1].a;
      if (one.g > 0) {
        high = std::fmin(high, (largest - one.b) / one.g);
      } else if (one.b > largest) {
        return false;
      }
    }
    double low = lower_t_;
    if (!(low <= high) || high == infinity) return false;
    // From the last t towards the side that the slope names, in growing steps, until the least value is enclosed.
    double t = t_ >= low && t_ <= high ? t_ : 0.5 * (low + high);
    double low_value = 0, low_slope = 0, high_value = 0, high_slope = 0, reach = 0.01 * (high - low);
    if (moved_ > 0) reach = std::fmin(reach, 4 * moved_);
    const double first_low = low, first_high = high;
    bool has_low = false, has_high = false;
    while (!has_low || !has_high) {
      evaluate(t, value, slope);
      if (slope < 0) {
        const double before_low = low, before_value = low_value, before_slope = low_slope;
        low = t;
        low_value = value;
        low_slope = slope;
        has_low = true;
        if (t >= first_high) {
          // Here some block ends its hull, and the slope to the left counts.
          evaluate(first_high - 1e-9 * (first_high - first_low), high_value, high_slope);
          if (high_slope > 0) {
            high = first_high - 1e-9 * (first_high - first_low);
            low = before_low;
            low_value = before_value;
            low_slope = before_slope;
            if (before_slope >= 0) evaluate(low, low_value, low_slope);
            if (low >= high || low_slope >= 0)
              return settle(low < high ? low : high, low < high ? low_value : high_value);
            break;
          }
          evaluate(t, value, slope);
          return settle(t, value);
        }
        if (!has_high) t = t + reach < first_high ? t + reach : first_high;
      } else {
        high = t;
        high_value = value;
        high_slope = slope;
        has_high = true;
        if (t <= first_low) return settle(t, value);
        if (!has_low) t = t - reach > first_low ? t - reach : first_low;
      }
      reach *= 8;
    }
    // Tangents from both ends; at their meeting point the sum is either on both, and least, or gives a new tangent.
    t = (high_value - low_value + low_slope * low - high_slope * high) / (low_slope - high_slope);
    if (!(t > low && t < high)) t = low_value < high_value ? low : high;
    for (int round = 0; round < 100; ++round) {
      evaluate(t, value, slope);
      const double line = std::fmax(low_value + low_slope * (t - low), high_value + high_slope * (t - high));
      if (!(t > low && t < high) || value <= line + 1e-15 * std::fabs(value)) break;
      if (slope < 0) {
        low = t;
        low_value = value;
        low_slope = slope;
      } else {
        high = t;
        high_value = value;
        high_slope = slope;
      }
      const double next = (high_value - low_value + low_slope * low - high_slope * high) / (low_slope - high_slope);
      if (!(next > low && next < high)) break;
      t = next;
    }
    evaluate(t, value, slope);
    return settle(t, value);
  }
  bool settle(double t, double value) {
    moved_ = std::fabs(t - t_);
    t_ = t;
    value_ = value;
    return true;
  }

  /// Use of the links, and cost without prices, of what the blocks do now.
  double uses() {
    total_.assign(link_row_.size(), 0.0);
    double cost = cost_t_ * t_;
    const auto take = [&](int at, double share) {
      if (at < 0 || share == 0) return;
      cost += members_[at].cost * share;
      for (int e = use_begin_[at]; e < use_begin_[at + 1]; ++e) total_[use_link_[e]] += use_[e] * share;
    };
    for (const block& one : blocks_) {
      const corner* const hull = corners_.data() + one.hull_begin;
      const double demand = one.demand >= 0 ? one.b + one.g * t_ : -1;
      const int s = one.segment;
      double share = 0;
      if (demand > hull[s].a && s + 1 < one.hull_count) share = (demand - hull[s].a) / (hull[s + 1].a - hull[s].a);
      take(hull[s].at, 1 - share);
      if (s + 1 < one.hull_count) take(hull[s + 1].at, share);
    }
    return cost;
  }

  bool find_prices() {
    const int links = link_row_.size();
    evaluations_ = 0;
    t_ = -1;
    price_.assign(links, 0.0);
    master_.reset(capacity_, penalty_);
    double best_bound = -infinity;
    master_value_ = 0;
    unchanged_ = 0;
    moved_ = 0;
    proposed_t_.clear();
    bool stays = false;
    for (int round = 0; round < 200; ++round) {
      if (limits_ != nullptr) limits_->poll();
      make_hulls();
      if (!best_t()) return false;
      double bound = value_;
      for (int l = 0; l < links; ++l) bound -= price_[l] * capacity_[l];
      if (bound > best_bound) {
        best_bound = bound;
        best_price_ = price_;
      }
      const double cost = uses();
      if (round > 0 && best_bound >= master_value_ - 1e-11 * std::fabs(master_value_)) break;
      proposed_t_.push_back(t_);
      master_.add(total_.data(), cost);
      const double before = master_value_;
      if (!master_.solve(master_price_, master_value_)) return false;
      // Prices most of the way from the best so far to the master's, which takes fewer rounds; all of the way where
      // that brought nothing. Source: Wentges, "Weighted Dantzig-Wolfe decomposition for linear mixed-integer
      // programming", Int. Trans. Oper. Res. 4, 1997.
      const bool same = round > 2 && master_value_ == before;
      unchanged_ = same && stays ? unchanged_ + 1 : 0;
      if (unchanged_ > 2) break;
      stays = same || round < 1;
      for (int l = 0; l < links; ++l)
        price_[l] = stays ? master_price_[l] : best_price_[l] + 0.65 * (master_price_[l] - best_price_[l]);
    }
    price_ = master_price_;
    if (master_.exceeds()) return false;
    // At these prices many t may be best; the mixture's is the one that keeps to the capacities.
    make_hulls();
    if (linking_ >= 0) t_ = std::fmin(std::fmax(master_.mixed(proposed_t_), lower_t_), upper_t_);
    double value, slope;
    evaluate(t_, value, slope);
    return true;
  }

  void read_basis(const lp& model, table<basis_status>& status) {
    const int n = model.columns(), rows = model.rows();
    status.assign(n + rows, basis_status::lower);
    for (int i = 0; i < rows; ++i)
      status[n + i] = model.row_lower(i) > -infinity ? basis_status::lower : basis_status::upper;
    int extra = link_row_.size();
    if (linking_ >= 0) {
      status[linking_] = basis_status::basic;
      --extra;
    }
    for (int l = 0; l < link_row_.size(); ++l) {
      if (price_[l] > 0) continue;
      status[n + link_row_[l]] = basis_status::basic;
      --extra;
    }
    // Two of each hull, and how near the other columns are.
    ties_.clear();
    for (const block& one : blocks_) {
      const corner* const hull = corners_.data() + one.hull_begin;
      const double demand = one.demand >= 0 ? one.b + one.g * t_ : -1;
      int s = one.segment;
      double rate = 0;
      const bool pressed = demand > hull[0].a && one.hull_count > 1;
      if (pressed && s + 1 >= one.hull_count) --s;
      const auto enter = [&](int at) { status[at < 0 ? n + one.budget : members_[at].column] = basis_status::basic; };
      enter(hull[s].at);
      if (pressed) {
        rate = (hull[s + 1].price - hull[s].price) / (hull[s + 1].a - hull[s].a);
        enter(hull[s + 1].at);
      } else if (one.demand >= 0) {
        status[n + one.demand] = basis_status::basic;
      }
      if (extra <= 0) continue;
      const double level = hull[s].price - rate * hull[s].a;
      const auto consider = [&](int variable, double off, double size) {
        const double relative = size > 0 ? off / size : 0;
        if (ties_.size() == extra && relative >= ties_.back().off) return;
        if (ties_.size() == extra) ties_.pop_back();
        ties_.push_back({relative, variable});
        for (int k = ties_.size() - 1; k > 0 && ties_[k].off < ties_[k - 1].off; --k) {
          const tie nearer = ties_[k];
          ties_[k] = ties_[k - 1];
          ties_[k - 1] = nearer;
        }
      };
      const auto consider_point = [&](int at, double a, double price) {
        if (at == hull[s].at || (pressed && at == hull[s + 1].at)) return;
        consider(at < 0 ? n + one.budget : members_[at].column, price - rate * a - level,
                 size_of(at) + size_of(hull[s].at));
      };
      consider_point(-1, 0, 0);
      for (int k = one.begin; k < one.end; ++k) consider_point(k, members_[k].a, price_of(k));
      // A demand that costs nothing to exceed.
      if (pressed) consider(n + one.demand, rate * demand, size_of(hull[s].at) + size_of(hull[s + 1].at));
    }
    for (const tie& one : ties_) status[one.variable] = basis_status::basic;
  }

  struct tie {
    double off;
    int variable;
  };

  table<int> row_count_, link_of_, link_row_, block_of_row_, block_of_column_;
  table<double> capacity_, price_, best_price_, master_price_, total_, proposed_t_;
  table<block> blocks_;
  table<member> members_;
  table<int> use_begin_, use_link_;
  table<double> use_;
  table<corner> corners_;
  table<tie> ties_;
  dense_master master_;
  monitor* limits_ = nullptr;
  int linking_ = -1, left_out_ = 0, evaluations_ = 0, unchanged_ = 0;
  double cost_t_ = 0, lower_t_ = 0, upper_t_ = 0, t_ = 0, value_ = 0, moved_ = 0, master_value_ = 0, penalty_ = 0;
};

}  // namespace plait::detail
