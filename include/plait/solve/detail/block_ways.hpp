// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/detail/bend_list.hpp>
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

  double price[most_links] = {};  ///< of the links
  double limit = 0;               ///< how far along the edge is of interest
  table<way> taken;               ///< by each block

  void attach(const block_program& program) {
    program_ = &program;
    found_ = 0;
    taken.assign(program.blocks.size(), way{0, 0});
    at_.resize_unset(program.largest_block() + 1);
    at_[0] = {};
  }

  /// Along the edge each price moves by so much for each unit.
  void set_edge(const double* by) {
    edge_falls_ = false;
    for (int l = 0; l < program_->link_row.size(); ++l) {
      edge_[l] = by[l];
      edge_falls_ = edge_falls_ || by[l] < 0;
    }
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
  [[nodiscard]] shares taken_by(int b, way w, int k) const {
    const block_program::block& one = program_->blocks[b];
    const double high = a_of(one, w.high);
    if (w.low == w.high) return {one.demand < 0 || high == 0 ? 0 : (high - a_of(one, k)) / high, 1};
    if (k < 0) return {1, -1};
    const double low = a_of(one, w.low), part = (a_of(one, k) - low) / (high - low);
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
  void add_change(int b, way w, int k, double* to) const {
    const shares less = taken_by(b, w, k);
    add_point(b, k, 1, to);
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
    if (one.demand < 0 && program_->each_one_link) {
      const block_program::member* const members = program_->members.data();
      double least = 0;
      int best = 0;
      for (int k = one.begin; k < one.end; ++k) {
        const double value = members[k].cost + price[members[k].link] * members[k].use;
        const bool less = value < least;
        least = less ? value : least;
        best = less ? k - one.begin + 1 : best;
      }
      taken[b] = {best, best};
      return;
    }
    const int points = price_points(one);
    int best = points - 1;  // meets most
    for (int k = 0; k < points; ++k)
      if (at_[k].value < at_[best].value && meets(one, k)) best = k;
    taken[b] = {best, best};
    if (one.demand >= 0 && one.b > 0 && at_[best].value > 0) {
      // Rather no more than the demand, of that which costs least for what it meets.
      for (int k = 1; k < points; ++k)
        if (at_[k].a > one.b && at_[k].value * at_[best].a < at_[best].value * at_[k].a) best = k;
      if (at_[best].a > one.b) taken[b] = {0, best};
    }
    for (int changes = 0; changes < 4 * points; ++changes) {
      int entering = nothing;
      double least = 0;
      see_points(taken[b], points, [&](int k, const change& c) {
        if (c.more >= least) return;
        least = c.more;
        entering = k;
      });
      if (entering == nothing) return;
      taken[b] = after(b, taken[b], entering);
    }
  }
  /// The next of the blocks b, b + stride, ... that does not surely keep its way as far as the limit. Where there is
  /// none, a number beyond the last.
  [[nodiscard]] int next_to_bend(int b, int stride) const {
    const int blocks = program_->blocks.size();
    if (!program_->each_one_link) return b;
    const block_program::block* const block = program_->blocks.data();
    const block_program::member* const members = program_->members.data();
    const double far = limit;
    for (; b < blocks; b += stride) {
      const way w = taken[b];
      if (w.high == 0 && !edge_falls_) continue;
      const block_program::member* const first = members + block[b].begin;
      const block_program::member* const end = members + block[b].end;
      double value = 0, slope = 0;
      const auto read = [&](const block_program::member* x) {
        value = x->cost + price[x->link] * x->use;
        slope = edge_[x->link] * x->use;
      };
      if (w.high > 0) read(first + w.high - 1);
      const double high = value, high_slope = slope;
      if (w.low == w.high) {
        if (high_slope > 0 && -high < far * high_slope) return b;
        for (const block_program::member* x = first; x != end; ++x) {
          read(x);
          if (slope < high_slope && value - high < far * (high_slope - slope)) return b;
        }
        continue;
      }
      // As `see_points` does, with all costs times how far apart the two points are.
      value = slope = 0;
      if (w.low > 0) read(first + w.low - 1);
      const double low = value, low_slope = slope, rise = high - low, rise_slope = high_slope - low_slope;
      if (rise_slope < 0 && rise < far * -rise_slope) return b;
      const double low_a = w.low > 0 ? first[w.low - 1].a : 0, width = first[w.high - 1].a - low_a;
      if (w.low > 0) {
        const double slower = low_slope * width - low_a * rise_slope;
        if (slower > 0 && low_a * rise - low * width < far * slower) return b;
      }
      for (const block_program::member* x = first; x != end; ++x) {
        const auto k = static_cast<int>(x - first) + 1;
        if (k == w.low || k == w.high) continue;
        read(x);
        const double part = x->a - low_a, slower = (low_slope - slope) * width + part * rise_slope;
        if (slower > 0 && (value - low) * width - part * rise < far * slower) return b;
      }
    }
    return b;
  }

  /// Adds the places where a block changes its way, up to the limit. `stays(k)`: of a block with a tie, whether point
  /// k, or -1, more than the demand, is part of one that stays; the first of its places ends the edge.
  template <class Stays>
  void find_bends(int b, bool tied, table<bend>& bends, Stays&& stays) {
    const block_program::block& one = program_->blocks[b];
    const int points = price_points(one);
    double from = 0, steepest = 0;
    for (int k = 0; k < points; ++k) steepest = math::larger(steepest, math::abs(at_[k].slope));
    const double level = -1e-12 * steepest;  // as slopes that differ by rounding are
    for (way now = taken[b];;) {
      double nearest = limit;
      int entering = nothing;
      see_points(now, points, [&](int k, const change& c) {
        if (c.slope >= level || c.more >= nearest * -c.slope || (tied && stays(k))) return;
        nearest = c.more / -c.slope;
        entering = k;
      });
      if (entering == nothing) return;
      const way next = after(b, now, entering);
      from = math::larger(from, nearest);
      bends.push_back({from, tied ? infinity : slope_of(b, now) - slope_of(b, next), b, found_++, entering});
      if (tied) return;
      now = next;
    }
  }

 private:
  static constexpr int nothing = -2;

  /// What a point costs, how that changes along the edge, and what it meets.
  struct point {
    double value, slope, a;
  };
  /// What one unit more of a point costs beyond what it replaces, likewise.
  struct change {
    double more, slope;
  };
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
  /// How the cost of a way changes along the edge. Needs: its points priced.
  [[nodiscard]] double slope_of(int b, way w) const {
    if (w.low == w.high) return at_[w.high].slope;
    const shares s = of(b, w);
    return s.low * at_[w.low].slope + s.high * at_[w.high].slope;
  }
  /// Returns how many points there are.
  int price_points(const block_program::block& one) {
    const block_program::member* member = program_->members.data() + one.begin;
    const int count = one.end - one.begin;
    point* at = at_.data();
    for (int k = 0; k < count; ++k, ++member) {
      point next{member->cost, 0, one.demand < 0 ? 0 : member->a};
      program_->for_each_use(one.begin + k, [&](int link, double use) {
        next.value += price[link] * use;
        next.slope += edge_[link] * use;
      });
      *++at = next;
    }
    return count + 1;
  }
  /// Calls see(k, change) for each point that a way does not take, and for -1, more than the demand. Needs: the points
  /// priced.
  template <class See>
  void see_points(way w, int points, See&& see) const {
    const point* const at = at_.data();
    const point high = at[w.high], low = at[w.low];
    if (w.low == w.high) {
      for (int k = 0; k < points; ++k)
        if (k != w.high) see(k, change{at[k].value - high.value, at[k].slope - high.slope});
      return;
    }
    const double by = 1 / (high.a - low.a), value = high.value - low.value, slope = high.slope - low.slope;
    see(-1, change{value, slope});
    for (int k = 0; k < points; ++k) {
      if (k == w.low || k == w.high) continue;
      const double part = (at[k].a - low.a) * by;
      see(k, change{at[k].value - low.value - part * value, at[k].slope - low.slope - part * slope});
    }
  }

  const block_program* program_ = nullptr;
  double edge_[most_links] = {};
  table<point> at_;  // the points of the block that is looked at
  bool edge_falls_ = false;
  int found_ = 0;
};

}  // namespace plait::detail
