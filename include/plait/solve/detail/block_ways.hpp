// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/detail/block_program.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// The ways that the blocks of a `block_program` without t take at given prices of the links, and where they change as
/// prices move along an edge.
///
/// A way is a basis of the block's two rows: one point that meets the demand, or two that meet it just, where point 0
/// is nothing and point k + 1 column k of the block. From one way to the next one point enters.
class block_ways {
 public:
  static constexpr int most_links = block_program::most_links;

  struct way {
    int low, high;  // `low` meets less than the demand, or both are the same
  };
  /// Where on the edge a block changes its way, and by how much less its cost grows from there.
  struct bend {
    double at, less;
    int block, order;  // order: of all that were found
    int point;         // that enters
  };

  double price[most_links] = {}, edge[most_links] = {};  ///< of the links; how much they move for each unit
  double limit = 0;                                      ///< how far along the edge is of interest
  table<way> taken;                                      ///< by each block

  void attach(const block_program& program) {
    program_ = &program;
    found_ = 0;
    taken.assign(program.blocks.size(), way{0, 0});
    value_.resize_unset(program.largest_block() + 1);
    slope_.resize_unset(program.largest_block() + 1);
  }

  /// Adds what a way uses of the links, so many times.
  void add_uses(int b, way w, double times, double* to) const {
    const shares taken_of = of(b, w);
    add_point(b, w.high, times * taken_of.high, to);
    if (w.low != w.high) add_point(b, w.low, times * taken_of.low, to);
  }

  /// How much less of what a way takes, `low` and `high`, for each unit of a point that enters; the unit of -1, more
  /// than the demand, is what it takes to go from `low` to `high`. Of a way of one point `low` is what it meets beyond
  /// the demand, in units of what it meets.
  struct shares {
    double low, high;
  };
  [[nodiscard]] shares taken_by(int b, way w, int point) const {
    const block_program::block& one = program_->blocks[b];
    const double high = a_of(one, w.high);
    if (w.low == w.high) return {one.demand < 0 || high == 0 ? 0 : (high - a_of(one, point)) / high, 1};
    if (point < 0) return {1, -1};
    const double low = a_of(one, w.low), part = (a_of(one, point) - low) / (high - low);
    return {1 - part, part};
  }
  /// What a way takes.
  [[nodiscard]] shares of(int b, way w) const {
    const block_program::block& one = program_->blocks[b];
    const double high = a_of(one, w.high), share = share_of(one, w);
    if (w.low != w.high) return {1 - share, share};
    return {one.demand < 0 || high == 0 ? 1 : (high - one.b) / high, 1};
  }
  /// Adds how a block's use of the links changes for each unit of a point that enters.
  void add_change(int b, way w, int point, double* to) const {
    const shares less = taken_by(b, w, point);
    add_point(b, point, 1, to);
    add_point(b, w.high, -less.high, to);
    if (w.low != w.high) add_point(b, w.low, -less.low, to);
  }
  /// The way that follows where a point enters, or, -1, more than the demand is met.
  [[nodiscard]] way after(int b, way w, int entering) const {
    if (entering < 0) return {w.high, w.high};
    if (!meets(program_->blocks[b], entering)) return {entering, w.high};
    return {w.low == w.high ? entering : w.low, entering};
  }

  /// Takes the cheapest way: the cheapest point that meets the demand, then one that enters after the other.
  void take_cheapest(int b) {
    const block_program::block& one = program_->blocks[b];
    const int points = price_points(one);
    int best = points - 1;  // meets most
    for (int k = 0; k < points; ++k)
      if (value_[k] < value_[best] && meets(one, k)) best = k;
    way found{best, best};
    if (one.demand >= 0) {
      for (int changes = 0; changes < 4 * points; ++changes) {
        int entering = nothing;
        double least = 0;
        see_points(one, found, points, [&](int k, double more, double) {
          if (more >= least) return;
          least = more;
          entering = k;
        });
        if (entering == nothing) break;
        found = after(b, found, entering);
      }
    }
    taken[b] = found;
  }

  /// False where a block surely keeps its way as far as the limit.
  [[nodiscard]] bool may_bend(int b) const {
    if (!program_->each_one_link) return true;
    const block_program::block& one = program_->blocks[b];
    const way w = taken[b];
    const block_program::member* const members = program_->members.data() + one.begin;
    double value = 0, slope = 0;
    const auto read = [&](int k) {
      const block_program::member& x = members[k - 1];
      value = x.cost + price[x.link] * x.use;
      slope = edge[x.link] * x.use;
    };
    if (w.high > 0) read(w.high);
    const int count = one.end - one.begin;
    if (w.low == w.high) {
      if (slope > 0 && -value < limit * slope) return true;
      const double of_way = value, slope_of_way = slope;
      for (int k = 1; k <= count; ++k) {
        read(k);
        if (slope < slope_of_way && value - of_way < limit * (slope_of_way - slope)) return true;
      }
      return false;
    }
    const double high_value = value, high_slope = slope, low_a = a_of(one, w.low);
    value = slope = 0;
    if (w.low > 0) read(w.low);
    const double by = 1 / (members[w.high - 1].a - low_a), rate = (high_value - value) * by,
                 rate_slope = (high_slope - slope) * by;
    if (rate_slope < 0 && rate < limit * -rate_slope) return true;
    const double level = value - rate * low_a, level_slope = slope - rate_slope * low_a;
    if (w.low > 0 && level_slope > 0 && -level < limit * level_slope) return true;
    for (int k = 1; k <= count; ++k) {
      if (k == w.low || k == w.high) continue;
      read(k);
      const double a = members[k - 1].a, slower = level_slope + rate_slope * a - slope;
      if (slower > 0 && value - level - rate * a < limit * slower) return true;
    }
    return false;
  }

  /// Adds the places where a block changes its way, up to the limit. `stays(k)`: of a block with a tie, whether point
  /// k, or -1, more than the demand, is part of one that stays; the first of its places ends the edge.
  template <class Stays>
  void find_bends(int b, bool tied, table<bend>& bends, Stays&& stays) {
    const block_program::block& one = program_->blocks[b];
    const int points = price_points(one);
    double from = 0;
    for (way now = taken[b];;) {
      double nearest = limit;
      int entering = nothing;
      see_points(one, now, points, [&](int k, double more, double change) {
        if (change >= 0 || more >= nearest * -change || (tied && stays(k))) return;
        nearest = more / -change;
        entering = k;
      });
      if (entering == nothing) return;
      const way next = after(b, now, entering);
      from = math::larger(from, nearest);
      bends.push_back({from, tied ? infinity : slope_of(one, now) - slope_of(one, next), b, found_++, entering});
      if (tied) return;
      now = next;
    }
  }

 private:
  static constexpr int nothing = -2;

  [[nodiscard]] double a_of(const block_program::block& one, int k) const {
    return k <= 0 ? 0 : program_->members[one.begin + k - 1].a;
  }
  void add_point(int b, int k, double times, double* to) const {
    if (k <= 0) return;
    program_->for_each_use(program_->blocks[b].begin + k - 1, [&](int link, double use) { to[link] += times * use; });
  }
  [[nodiscard]] bool meets(const block_program::block& one, int k) const {
    return one.demand < 0 || a_of(one, k) >= one.b;
  }
  /// The share that the high point of a way has.
  [[nodiscard]] double share_of(const block_program::block& one, way w) const {
    if (w.low == w.high) return 1;
    const double low = a_of(one, w.low);
    return (one.b - low) / (a_of(one, w.high) - low);
  }
  /// How the cost of a way changes along the edge.
  [[nodiscard]] double slope_of(const block_program::block& one, way w) const {
    return slope_[w.high] + (1 - share_of(one, w)) * (slope_[w.low] - slope_[w.high]);
  }

  /// What each point of a block costs, and how that changes along the edge. Returns how many there are.
  int price_points(const block_program::block& one) {
    value_[0] = slope_[0] = 0;
    for (int k = one.begin; k < one.end; ++k) {
      double cost = program_->members[k].cost, change = 0;
      program_->for_each_use(k, [&](int link, double use) {
        cost += price[link] * use;
        change += edge[link] * use;
      });
      value_[k - one.begin + 1] = cost;
      slope_[k - one.begin + 1] = change;
    }
    return one.end - one.begin + 1;
  }
  /// What a block would pay for one unit of each point, or, -1, for more than its demand, beyond what it pays now:
  /// see(k, that, how it changes along the edge). Needs: its points priced.
  template <class See>
  void see_points(const block_program::block& one, way w, int points, See&& see) const {
    const double value = value_[w.high], slope = slope_[w.high];
    if (w.low == w.high) {
      for (int k = 0; k < points; ++k)
        if (k != w.high) see(k, value_[k] - value, slope_[k] - slope);
      return;
    }
    const double low_a = a_of(one, w.low), by = 1 / (a_of(one, w.high) - low_a), rate = (value - value_[w.low]) * by,
                 rate_slope = (slope - slope_[w.low]) * by;
    see(-1, rate, rate_slope);
    for (int k = 0; k < points; ++k) {
      if (k == w.low || k == w.high) continue;
      const double more = a_of(one, k) - low_a;
      see(k, value_[k] - value_[w.low] - rate * more, slope_[k] - slope_[w.low] - rate_slope * more);
    }
  }
  const block_program* program_ = nullptr;
  int found_ = 0;
  table<double> value_, slope_;  // of the points of the block that is looked at
};

}  // namespace plait::detail
