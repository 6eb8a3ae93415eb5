// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/block_program.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/sort.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// The best prices of the links of a `block_program` without t, and a basis.
///
/// At given prices each block takes the cheapest of its ways: one column, nothing, or two columns that just meet its
/// demand. What all cost so, less what the capacities are worth, is what no solution costs less than. It is concave in
/// the prices, and linear but where blocks change their ways. The walk goes from corner to corner of it. At a corner as
/// many ties as there are links hold: a second way of a block costs as much as the one it takes, or a price is zero.
/// What the blocks leave of the capacities says how much of it each tie takes in a mixture that fits; where that is
/// less than none, prices move so that only this tie ends, past all changes on the way, to where the sum is highest.
/// Ways of a few of the blocks first, with as much less of the capacities; then of more, from the prices found.
///
/// It is the dual simplex method with long steps, on a program of which only the links' rows are written down.
/// Cost of a step: O(entries of the blocks + links^3).
/// Sources: Dantzig, Van Slyke, "Generalized upper bounding techniques", J. Computer and System Sciences 1, 1967;
/// Maros, "A generalized dual phase-2 simplex algorithm", European J. of Operational Research 149, 2003 (long steps).
class price_walk {
 public:
  enum class result { found, infeasible, unknown };

  /// Unknown where there is a t, a block has too many ways, or it did not come to an end.
  result find(const block_program& program, monitor* limits = nullptr) {
    program_ = &program;
    links_ = program.link_row.size();
    const int blocks = program.blocks.size();
    if (program.linking >= 0 || !list_ways()) return result::unknown;
    taken_.assign(blocks, 0);
    ties_of_.assign(blocks, 0);
    for (int l = 0; l < links_; ++l) {
      price_[l] = 0;
      tie_[l] = {-1, l};
    }
    int stride = 1;
    while (blocks >= next_part * stride * smallest_part) stride *= next_part;
    for (int before = 0;; before = stride, stride /= next_part) {
      start(stride, before);
      const result ended = climb(limits);
      if (stride == 1) return ended;
    }
  }

  /// Statuses of all variables, rows behind columns. False where ties are not as those of corners are. Needs: `find`.
  bool read_basis(const lp& model, table<basis_status>& status) const {
    const int n = model.columns(), rows = model.rows();
    status.assign(n + rows, basis_status::lower);
    for (int i = 0; i < rows; ++i)
      if (model.row_lower(i) == -infinity) status[n + i] = basis_status::upper;
    int count = 0;
    const auto enter = [&](int variable) {
      if (status[variable] != basis_status::basic) ++count;
      status[variable] = basis_status::basic;
    };
    const auto enter_way = [&](int b, int w) {
      const block_program::block& one = program_->blocks[b];
      const auto enter_point = [&](int k) {
        enter(k == 0 ? n + one.budget : program_->members[one.begin + k - 1].column);
      };
      const way taken = way_of(b, w);
      enter_point(taken.low);
      if (taken.low != taken.high) {
        enter_point(taken.high);
      } else if (one.demand >= 0) {
        enter(n + one.demand);
      }
    };
    for (int b = 0; b < taken_.size(); ++b) enter_way(b, taken_[b]);
    for (int l = 0; l < links_; ++l) {
      if (tie_[l].block < 0) {
        enter(n + program_->link_row[tie_[l].way]);
      } else {
        enter_way(tie_[l].block, tie_[l].way);
      }
    }
    return count == rows;
  }

  [[nodiscard]] int steps() const { return steps_; }

 private:
  static constexpr int most_links = block_program::most_links;
  static constexpr int next_part = 4;       // a part is so many times as large as the one before it
  static constexpr int smallest_part = 32;  // of blocks
  static constexpr int most_columns = 16;   // of a block with a demand

  /// `high` takes a share of the budget and `low` the rest; 0: nothing, k + 1: column k of the block.
  struct way {
    double share;
    int low, high;
  };
  /// A way of a block that costs as much as the one taken; block -1: a link without a price.
  struct tie {
    int block, way;
  };
  /// Where on the edge a block changes its way, and by how much less the sum rises from there.
  struct bend {
    double at, less;
    int block, way;
  };

  /// Those of blocks with a demand. False where a block has too many.
  bool list_ways() {
    ways_.clear();
    first_way_.resize_unset(program_->blocks.size() + 1);
    int most = 0;
    for (int b = 0; b < program_->blocks.size(); ++b) {
      const block_program::block& one = program_->blocks[b];
      const int count = one.end - one.begin, from = ways_.size();
      first_way_[b] = from;
      most = count > most ? count : most;
      if (one.demand < 0) continue;
      if (count > most_columns) return false;
      const block_program::member* const members = program_->members.data() + one.begin - 1;  // counted from one
      int enough = one.b > 0 ? 1 : 0;  // the first that meets the demand
      while (enough > 0 && enough <= count && members[enough].a < one.b) ++enough;
      if (enough > count) return false;
      for (int high = enough; high <= count; ++high) {
        ways_.push_back({0, high, high});
        if (high == 0 || members[high].a == one.b) continue;
        for (int low = 0; low < enough; ++low) {
          const double a = low == 0 ? 0 : members[low].a;
          ways_.push_back({(one.b - a) / (members[high].a - a), low, high});
        }
      }
      most = ways_.size() - from > most ? ways_.size() - from : most;
    }
    first_way_[program_->blocks.size()] = ways_.size();
    point_value_.resize_unset(program_->largest_block() + 1);
    point_slope_.resize_unset(program_->largest_block() + 1);
    value_.resize_unset(most + 1);
    slope_.resize_unset(most + 1);
    return true;
  }
  [[nodiscard]] way way_of(int b, int w) const {
    return program_->blocks[b].demand < 0 ? way{0, w, w} : ways_[first_way_[b] + w];
  }
  /// Adds what a way uses of the links.
  void add_uses(int b, int w, double times, double* to) const {
    const way one = way_of(b, w);
    const int before = program_->blocks[b].begin - 1;
    const auto add = [&](int k, double share) {
      if (k > 0) program_->for_each_use(before + k, [&](int link, double use) { to[link] += share * use; });
    };
    if (one.low == one.high) {
      add(one.low, times);
    } else {
      add(one.low, times * (1 - one.share));
      add(one.high, times * one.share);
    }
  }

  /// Looks at every stride-th block from now on; those of `before` have their ways already.
  void start(int stride, int before) {
    stride_ = stride;
    const int blocks = program_->blocks.size(), looked_at = (blocks - 1) / stride + 1;
    const double share = static_cast<double>(looked_at) / blocks;
    for (int l = 0; l < links_; ++l) {
      capacity_[l] = left_[l] = share * program_->capacity[l];
      edge_[l] = 0;
    }
    for (int b = 0; b < blocks; b += stride) {
      if (before == 0 || b % before != 0) {
        const int count = price_ways(b);
        int best = 0;
        for (int w = 1; w < count; ++w)
          if (value_[w] < value_[best]) best = w;
        taken_[b] = best;
      }
      add_uses(b, taken_[b], -1, left_);
    }
  }

  /// To the best prices of the blocks that are looked at.
  result climb(monitor* limits) {
    for (int step = 0; step < 40 + 10 * links_; ++step) {
      if (limits != nullptr) limits->poll();
      if (!invert()) return result::unknown;
      const int leaving = worst_tie();
      if (leaving < 0) return result::found;
      if (leaving >= links_) {
        make_way(leaving - links_);
        continue;
      }
      ++steps_;
      if (!move(leaving)) return result::infeasible;
    }
    return result::unknown;
  }

  /// Rows of the inverse of what ties use, and what the mixture takes of each.
  bool invert() {
    double work[most_links][most_links];
    for (int r = 0; r < links_; ++r) {
      double column[most_links] = {};
      if (tie_[r].block < 0) {
        column[tie_[r].way] = 1;
      } else {
        add_uses(tie_[r].block, tie_[r].way, 1, column);
        add_uses(tie_[r].block, taken_[tie_[r].block], -1, column);
      }
      for (int i = 0; i < links_; ++i) {
        work[i][r] = column[i];
        inverse_[i][r] = i == r ? 1 : 0;
      }
    }
    for (int c = 0; c < links_; ++c) {
      int p = c;
      for (int i = c + 1; i < links_; ++i)
        if (math::abs(work[i][c]) > math::abs(work[p][c])) p = i;
      if (math::abs(work[p][c]) < 1e-11) return false;
      const double by = 1 / work[p][c];
      for (int k = 0; k < links_; ++k) {
        const double a = work[p][k], b = inverse_[p][k];
        work[p][k] = work[c][k];
        inverse_[p][k] = inverse_[c][k];
        work[c][k] = a * by;
        inverse_[c][k] = b * by;
      }
      for (int i = 0; i < links_; ++i) {
        const double factor = work[i][c];
        if (i == c || factor == 0) continue;
        for (int k = c; k < links_; ++k) work[i][k] -= factor * work[c][k];
        for (int k = 0; k < links_; ++k) inverse_[i][k] -= factor * inverse_[c][k];
      }
    }
    for (int r = 0; r < links_; ++r) {
      double sum = 0;
      for (int l = 0; l < links_; ++l) sum += inverse_[r][l] * left_[l];
      share_[r] = sum;
    }
    return true;
  }

  /// The tie along whose edge the sum rises most steeply, with prices measured by what the capacities are worth; links
  /// + r: that of what tie r's block takes, whose share is what its ties leave of it. -1: none, the mixture fits.
  [[nodiscard]] int worst_tie() const {
    int worst = -1;
    double most = 0;
    const auto see = [&](int which, double share, double room, const double* row) {
      if (share >= -1e-9 * room) return;
      double size = 0;
      for (int l = 0; l < links_; ++l) size += row[l] * row[l] * (1 + capacity_[l] * capacity_[l]);
      if (share * share <= most * size) return;
      most = share * share / size;
      worst = which;
    };
    for (int r = 0; r < links_; ++r) {
      see(r, share_[r], tie_[r].block < 0 ? 1 + capacity_[tie_[r].way] : 1, inverse_[r]);
      if (tie_[r].block < 0) continue;
      double rest = 1, row[most_links] = {};
      for (int k = 0; k < links_; ++k) {
        if (tie_[k].block != tie_[r].block) continue;
        rest -= share_[k];
        for (int l = 0; l < links_; ++l) row[l] -= inverse_[k][l];
      }
      see(links_ + r, rest, 1, row);
    }
    return worst;
  }
  /// The way of a tie becomes the one that its block takes, and the other way round.
  void make_way(int r) {
    const int b = tie_[r].block, before = taken_[b];
    add_uses(b, before, 1, left_);
    taken_[b] = tie_[r].way;
    tie_[r].way = before;
    add_uses(b, taken_[b], -1, left_);
  }

  /// Along the edge that a tie leaves, to its highest place. False where it has none.
  bool move(int leaving) {
    const double rise = -share_[leaving];
    limit_ = infinity;
    int at_zero = -1;
    for (int l = 0; l < links_; ++l) edge_[l] = inverse_[leaving][l];
    for (int r = 0; r < links_; ++r)
      if (r != leaving && tie_[r].block < 0) edge_[tie_[r].way] = 0;  // but for rounding
    for (int l = 0; l < links_; ++l) {
      if (edge_[l] >= 0 || (price_[l] <= 0 && tie_[leaving].block < 0 && tie_[leaving].way == l)) continue;
      const double end = price_[l] / -edge_[l];
      if (end >= limit_) continue;
      limit_ = end;
      at_zero = l;
    }
    for (int r = 0; r < links_; ++r)
      if (tie_[r].block >= 0) ties_of_[tie_[r].block] += r == leaving ? 0 : 1;
    bends_.clear();
    next_cut_ = 48;
    for (int b = 0, blocks = program_->blocks.size(); b < blocks; b += stride_) {
      if (!may_bend(b)) continue;
      find_bends(b, leaving);
      if (bends_.size() >= next_cut_) cut(rise);
    }
    for (int r = 0; r < links_; ++r)
      if (tie_[r].block >= 0) ties_of_[tie_[r].block] = 0;
    cut(rise);
    double left = rise, at = limit_;
    tie next{-1, at_zero};
    for (const bend& one : bends_) {
      left -= one.less;
      if (left <= 0) {
        next = {one.block, one.way};
        at = one.at;
        break;
      }
      add_uses(one.block, taken_[one.block], 1, left_);
      taken_[one.block] = one.way;
      add_uses(one.block, one.way, -1, left_);
    }
    if (at == infinity) return false;
    for (int l = 0; l < links_; ++l) price_[l] = math::larger(0, price_[l] + at * edge_[l]);
    tie_[leaving] = next;
    for (int r = 0; r < links_; ++r)
      if (tie_[r].block < 0) price_[tie_[r].way] = 0;
    return true;
  }

  /// Sorts bends, and drops those behind the place where the sum falls.
  void cut(double rise) {
    sort(bends_.data(), bends_.size(),
         [](const bend& p, const bend& q) { return p.at < q.at || (p.at == q.at && p.block < q.block); });
    for (int k = 0; k < bends_.size(); ++k) {
      rise -= bends_[k].less;
      if (rise > 0) continue;
      limit_ = bends_[k].at;
      bends_.resize(k + 1);
      break;
    }
    next_cut_ = bends_.size() + 48;
  }

  /// False where a block surely keeps its way as far as the limit.
  [[nodiscard]] bool may_bend(int b) const {
    const block_program::block& one = program_->blocks[b];
    if (one.demand >= 0 || !program_->each_one_link || ties_of_[b] > 0) return true;
    const block_program::member* const members = program_->members.data();
    double value = 0, slope = 0;
    if (taken_[b] > 0) {
      const block_program::member& taken = members[one.begin + taken_[b] - 1];
      value = taken.cost + price_[taken.link] * taken.use;
      slope = edge_[taken.link] * taken.use;
      if (slope > 0 && -value < limit_ * slope) return true;
    }
    for (int k = one.begin, end = one.end; k < end; ++k) {
      const double slower = slope - edge_[members[k].link] * members[k].use;
      if (slower > 0 && members[k].cost + price_[members[k].link] * members[k].use - value < limit_ * slower)
        return true;
    }
    return false;
  }

  /// What each way of a block costs, and how that changes along the edge. Returns how many it has.
  int price_ways(int b) {
    const block_program::block& one = program_->blocks[b];
    const int count = one.end - one.begin;
    double* const value = one.demand < 0 ? value_.data() : point_value_.data();
    double* const slope = one.demand < 0 ? slope_.data() : point_slope_.data();
    value[0] = slope[0] = 0;
    for (int k = 0; k < count; ++k) {
      double cost = program_->members[one.begin + k].cost, change = 0;
      program_->for_each_use(one.begin + k, [&](int link, double use) {
        cost += price_[link] * use;
        change += edge_[link] * use;
      });
      value[k + 1] = cost;
      slope[k + 1] = change;
    }
    if (one.demand < 0) return count + 1;
    const int from = first_way_[b], ways = first_way_[b + 1] - from;
    for (int w = 0; w < ways; ++w) {
      const way& of = ways_[from + w];
      value_[w] = value[of.low] + of.share * (value[of.high] - value[of.low]);
      slope_[w] = slope[of.low] + of.share * (slope[of.high] - slope[of.low]);
    }
    return ways;
  }

  /// Adds the places where a block changes its way, up to the limit. Where it has a tie that stays, the first of them
  /// is the end of the edge.
  void find_bends(int b, int leaving) {
    const int ways = price_ways(b);
    const bool tied = ties_of_[b] > 0;
    const auto stays = [&](int w) {
      for (int r = 0; r < links_; ++r)
        if (r != leaving && tie_[r].block == b && tie_[r].way == w) return true;
      return false;
    };
    double from = 0;
    for (int taken = taken_[b];;) {
      double nearest = limit_;
      int next = -1;
      for (int w = 0; w < ways; ++w) {
        const double slower = slope_[taken] - slope_[w], dearer = value_[w] - value_[taken];
        if (slower <= 0 || dearer >= nearest * slower || (tied && stays(w))) continue;
        nearest = dearer / slower;
        next = w;
      }
      if (next < 0) return;
      from = math::larger(from, nearest);
      bends_.push_back({from, tied ? infinity : slope_[taken] - slope_[next], b, next});
      if (tied) return;
      taken = next;
    }
  }

  const block_program* program_ = nullptr;
  int links_ = 0, stride_ = 1, steps_ = 0, next_cut_ = 0;
  double limit_ = 0;                                          // how far along the edge is of interest
  double capacity_[most_links] = {}, left_[most_links] = {};  // of the links, for the blocks that are looked at
  double price_[most_links] = {}, edge_[most_links] = {}, share_[most_links] = {};
  double inverse_[most_links][most_links] = {};
  tie tie_[most_links] = {};
  table<way> ways_;                                          // of blocks with a demand
  table<int> first_way_, taken_;                             // of blocks
  table<char> ties_of_;                                      // of blocks: how many ties stay, while prices move
  table<double> point_value_, point_slope_, value_, slope_;  // of the block that is looked at
  table<bend> bends_;
};

}  // namespace plait::detail
