// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/bend_list.hpp>
#include <plait/solve/detail/block_program.hpp>
#include <plait/solve/detail/block_ways.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/small_inverse.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// The best prices of the links of a `block_program` without t, and a basis.
///
/// What all blocks cost at given prices, each in its cheapest way, less what the capacities are worth, is what no
/// solution costs less than. It is concave in the prices, and linear but where blocks change their ways. The walk goes
/// from corner to corner of it. At a corner as many ties as there are links hold: a second way of a block costs as much
/// as the one it takes, or a price is zero. What the blocks leave of the capacities says how much of it each tie takes
/// in a mixture that fits; where that is less than none, prices move so that only this tie ends, past all bends on the
/// way, to where the sum is highest. A part of the blocks first, with as much less of the capacities; then larger parts
/// from the prices found, then all.
///
/// It is the dual simplex method with long steps, on a program of which only the links' rows are written down.
/// Cost of a step: O(entries of the blocks + links^3).
/// Sources: Dantzig, Van Slyke, "Generalized upper bounding techniques", J. Computer and System Sciences 1, 1967;
/// Maros, "A generalized dual phase-2 simplex algorithm", European J. of Operational Research 149, 2003 (long steps).
class price_walk {
 public:
  enum class result { found, infeasible, unknown };

  /// Unknown where there is a t, or where it did not come to an end.
  result find(const block_program& program, monitor* limits = nullptr) {
    if (program.linking >= 0) return result::unknown;
    program_ = &program;
    links_ = program.link_row.size();
    const int blocks = program.blocks.size();
    ways_.attach(program);
    tied_.assign(blocks, 0);
    steps_ = 0;
    int stride = 1;
    while (blocks >= next_part * stride * smallest_part) stride *= next_part;
    guess(stride);
    reach_ = largest_price() > 0 ? 0.3 * largest_price() : infinity;
    for (int before = 0;; before = stride, stride /= next_part) {
      start(stride, before);
      const result ended = climb(limits);
      if (stride == 1) return ended;
    }
  }

  /// Statuses of all variables, rows behind columns. False where they are no basis, as where more ways tie than a
  /// corner has. Needs: prices found.
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
    const auto enter_point = [&](int b, int k) {
      const block_program::block& one = program_->blocks[b];
      enter(k < 0 ? n + one.demand : k == 0 ? n + one.budget : program_->members[one.begin + k - 1].column);
    };
    for (int b = 0; b < ways_.taken.size(); ++b) {
      const block_ways::way w = ways_.taken[b];
      enter_point(b, w.high);
      if (w.low != w.high) {
        enter_point(b, w.low);
      } else if (program_->blocks[b].demand >= 0) {
        enter_point(b, -1);
      }
    }
    for (int r = 0; r < links_; ++r) {
      if (tie_[r].block < 0) {
        enter(n + program_->link_row[tie_[r].link]);
      } else {
        enter_point(tie_[r].block, tie_[r].point);
      }
    }
    return count == rows;
  }

  [[nodiscard]] int steps() const { return steps_; }

 private:
  static constexpr int most_links = block_ways::most_links;
  static constexpr int next_part = 4;       // a part is so many times as large as the one before it
  static constexpr int smallest_part = 64;  // of blocks
  static constexpr int many_bends = 12;     // that are not sorted out yet

  /// A point that costs a block as much as what it takes; block -1: a link without a price, or, at the start, one whose
  /// price is held.
  struct tie {
    int block = -1, link = -1, point = 0;
    bool held = false;
  };

  void take(int b, block_ways::way w) {
    ways_.add_uses(b, ways_.taken[b], 1, left_);
    ways_.taken[b] = w;
    ways_.add_uses(b, w, -1, left_);
  }
  /// Prices in proportion to how scarce the links are, at which those who pay most for the link that suits them best
  /// fill them all.
  void guess(int stride) {
    bends_.all.clear();
    bends_.all.reserve(program_->blocks.size() / stride + 1);
    const block_program::member* const members = program_->members.data();
    double* const price = ways_.price;
    for (int l = 0; l < links_; ++l) price[l] = program_->capacity[l] > 0 ? 1 / program_->capacity[l] : 1;
    for (int b = 0, blocks = program_->blocks.size(); b < blocks; b += stride) {
      double worth = 0, filled = 0;
      for (int k = program_->blocks[b].begin; k < program_->blocks[b].end; ++k) {
        double amount = 0;
        program_->for_each_use(k, [&](int link, double use) { amount += use * price[link]; });
        if (-members[k].cost <= worth * amount) continue;
        worth = -members[k].cost / amount;
        filled = amount;
      }
      if (filled > 0) bends_.all.push_back({-worth, filled, b, b, 0});
    }
    const bool scarce = bends_.cut(static_cast<double>(links_) / stride, ways_.limit);
    for (int l = 0; l < links_; ++l) {
      price[l] = scarce ? -ways_.limit * price[l] : 0;
      tie_[l] = {.link = l, .held = scarce};
    }
  }
  /// Looks at every stride-th block from now on; every before-th has its way already.
  void start(int stride, int before) {
    stride_ = stride;
    const int blocks = program_->blocks.size(), looked_at = (blocks - 1) / stride + 1;
    const double share = static_cast<double>(looked_at) / blocks;
    for (int l = 0; l < links_; ++l) {
      capacity_[l] = left_[l] = share * program_->capacity[l];
    }
    for (int b = 0; b < blocks; b += stride) {
      if (before == 0 || b % before != 0) ways_.take_cheapest(b);
      ways_.add_uses(b, ways_.taken[b], -1, left_);
    }
  }

  /// To the best prices of the blocks that are looked at.
  result climb(monitor* limits) {
    for (int step = 0; step < 40 + 10 * links_; ++step) {
      if (limits != nullptr) limits->poll();
      if (!invert()) return result::unknown;
      int leaving = worst_tie();
      // Where nothing is left of a link whose price is still held, any price up to the next corner is as good.
      for (int r = 0; leaving < 0 && r < links_; ++r)
        if (tie_[r].held) leaving = r;
      if (leaving < 0) return result::found;
      if (leaving < links_) {
        ++steps_;
        if (!move(leaving)) return result::infeasible;
        continue;
      }
      // The tie's point becomes one of those that its block takes, instead of the one whose share is less than none.
      tie& one = tie_[leaving - links_];
      const block_ways::way before = ways_.taken[one.block], now = ways_.after(one.block, before, one.point);
      const bool low_leaves = before.low != before.high && now.high == before.high;
      one.point = low_leaves ? before.low : before.low == before.high && now.low != now.high ? -1 : before.high;
      take(one.block, now);
    }
    return result::unknown;
  }

  /// Rows of the inverse of what ties use, and what the mixture takes of each. False where they are not independent.
  bool invert() {
    double work[most_links][most_links];
    for (int r = 0; r < links_; ++r) {
      double column[most_links] = {};
      if (tie_[r].block < 0) {
        column[tie_[r].link] = 1;
      } else {
        ways_.add_change(tie_[r].block, ways_.taken[tie_[r].block], tie_[r].point, column);
      }
      for (int i = 0; i < links_; ++i) work[i][r] = column[i];
    }
    if (!invert_small(work, inverse_, links_, 1e-11)) return false;
    for (int r = 0; r < links_; ++r) {
      double sum = 0;
      for (int l = 0; l < links_; ++l) sum += inverse_[r][l] * left_[l];
      share_[r] = sum;
    }
    return true;
  }

  /// The tie along whose edge the sum rises most steeply, with prices measured by what the capacities are worth; links
  /// + r: the edge is that of the point which tie r's would replace in what its block takes, and of whose share the
  /// ties leave less than none. -1: none, the mixture fits.
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
      see(r, tie_[r].held ? -math::abs(share_[r]) : share_[r], tie_[r].block < 0 ? 1 + capacity_[tie_[r].link] : 1,
          inverse_[r]);
      if (tie_[r].block < 0) continue;
      const int b = tie_[r].block;
      const block_ways::way w = ways_.taken[b];
      const bool high = ways_.after(b, w, tie_[r].point).high != w.high;  // is replaced
      const block_ways::shares all = ways_.of(b, w);
      double rest = high ? all.high : all.low, row[most_links] = {};
      for (int k = 0; k < links_; ++k) {
        if (tie_[k].block != b) continue;
        const block_ways::shares of_tie = ways_.taken_by(b, w, tie_[k].point);
        const double by = high ? of_tie.high : of_tie.low;
        rest -= by * share_[k];
        for (int l = 0; l < links_; ++l) row[l] -= by * inverse_[k][l];
      }
      see(links_ + r, rest, 1, row);
    }
    return worst;
  }

  /// Along the edge that a tie leaves, to its highest place. False where it has none.
  bool move(int leaving) {
    const bool down = tie_[leaving].held && share_[leaving] > -1e-9 * (1 + capacity_[tie_[leaving].link]);
    double rise = math::abs(share_[leaving]);
    tie next{};
    double edge[most_links], end = infinity, pace = 0;
    for (int l = 0; l < links_; ++l) edge[l] = down ? -inverse_[leaving][l] : inverse_[leaving][l];
    for (int r = 0; r < links_; ++r) {
      if (r == leaving) continue;
      if (tie_[r].block < 0) {
        edge[tie_[r].link] = 0;  // but for rounding
      } else {
        tied_[tie_[r].block] = 1;
      }
    }
    double longest = 0;
    for (int l = 0; l < links_; ++l) longest = math::larger(longest, math::abs(edge[l]) * (1 + capacity_[l]));
    for (int l = 0; l < links_; ++l)
      if (math::abs(edge[l]) * (1 + capacity_[l]) < 1e-14 * longest) edge[l] = 0;
    for (int l = 0; l < links_; ++l) {
      if (edge[l] >= 0 || ways_.price[l] >= end * -edge[l]) continue;
      end = ways_.price[l] / -edge[l];
      next.link = l;
    }
    for (int l = 0; l < links_; ++l) pace = math::larger(pace, math::abs(edge[l]));
    ways_.set_edge(edge);
    // Few bends are as near as the last moves went, so first only those are looked for.
    for (;; reach_ = reach_ > 0 && reach_ < largest_price() ? 8 * reach_ : infinity) {
      const bool in_reach = end * pace <= reach_;
      ways_.limit = in_reach ? end : reach_ / pace;
      if (find_bends(leaving, rise) || in_reach || reach_ == infinity) break;
    }
    for (int r = 0; r < links_; ++r)
      if (tie_[r].block >= 0) tied_[tie_[r].block] = 0;
    const double at = ways_.limit;
    if (at == infinity) return false;
    for (const bend& one : bends_.all) {
      rise -= one.less;
      if (rise <= 0 || one.at >= at) {
        next = {.block = one.block, .link = -1, .point = one.point};
        break;
      }
      take(one.block, ways_.after(one.block, ways_.taken[one.block], one.point));
    }
    for (int l = 0; l < links_; ++l) ways_.price[l] = math::larger(0, ways_.price[l] + at * edge[l]);
    reach_ = reach_ == infinity ? 2 * at * pace : math::larger(2 * at * pace, reach_ / 4);
    tie_[leaving] = next;
    return true;
  }

  [[nodiscard]] double largest_price() const {
    double largest = 0;
    for (int l = 0; l < links_; ++l) largest = math::larger(largest, ways_.price[l]);
    return largest;
  }

  /// All as far as the sum rises, in order. False where it rises up to the limit.
  bool find_bends(int leaving, double rise) {
    bends_.all.clear();
    int full = many_bends;
    bool turns = false;
    const int blocks = program_->blocks.size();
    for (int b = ways_.next_to_bend(0, stride_); b < blocks; b = ways_.next_to_bend(b + stride_, stride_)) {
      const bool tied = tied_[b] != 0;
      ways_.find_bends(b, tied, bends_.all, [&](int k) {
        for (int r = 0; r < links_; ++r) {
          if (r != leaving && tie_[r].block == b && tie_[r].point == k) return true;
        }
        return false;
      });
      if (bends_.all.size() < full) continue;
      turns = bends_.cut(rise, ways_.limit) || turns;
      full = bends_.all.size() + many_bends;
    }
    turns = bends_.cut(rise, ways_.limit) || turns;
    bends_.sort_all();
    return turns;
  }

  const block_program* program_ = nullptr;
  block_ways ways_;
  int links_ = 0, stride_ = 1, steps_ = 0;
  double reach_ = infinity;  // how far prices may go in a step before more blocks are looked at
  double capacity_[most_links] = {}, left_[most_links] = {};  // of the links, for the blocks that are looked at
  double inverse_[most_links][most_links] = {}, share_[most_links] = {};  // share: that the mixture takes of a tie
  tie tie_[most_links] = {};
  table<char> tied_;  // of blocks: whether a tie of theirs stays, while prices move
  bend_list bends_;
};

}  // namespace plait::detail
