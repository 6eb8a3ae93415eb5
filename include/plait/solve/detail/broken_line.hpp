// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/detail/sort.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// A convex piecewise linear function of t, given by the places where its slope grows.
///
/// Where it turns, or meets a limit, is found by adding up slopes in buckets of t, then in buckets of the bucket that
/// matters, until few bends are left to sort. Cost: O(bends).
class broken_line {
 public:
  struct bend {
    double t, more;  // where the slope grows, and by how much
  };
  /// A place, the slope there, and between which two t around it the slope is the same.
  struct place {
    double t, slope, even_from, even_to;
  };

  void clear() { bends_.clear(); }
  void add(double t, double more) { bends_.push_back({t, more}); }

  /// Where the function is least, between `low` and `highest`; `slope`: at `low`.
  double where_slope_turns(double low, double highest, double slope) {
    double high = highest;
    if (slope >= 0) return low;
    double more_in[buckets];
    int count = bends_.size();
    for (int pass = 0; pass < 20 && count > 24; ++pass) {
      const double scale = buckets / (high - low);
      const auto bucket_of = [&](double t) {
        const int k = static_cast<int>((t - low) * scale);
        return k < buckets ? k : buckets - 1;
      };
      for (double& one : more_in) one = 0;
      for (int k = 0; k < count; ++k) more_in[bucket_of(bends_[k].t)] += bends_[k].more;
      int turns = 0;
      while (turns < buckets && slope + more_in[turns] < 0) slope += more_in[turns++];
      if (turns == buckets) return high;
      int kept = 0;
      for (int k = 0; k < count; ++k)
        if (bucket_of(bends_[k].t) == turns) bends_[kept++] = bends_[k];
      if (kept == count) break;
      count = kept;
      const double width = (high - low) / buckets;
      low += turns * width;
      high = low + width;
      if (!(low + 1e-3 * width < high)) break;
    }
    sort_bends(count);
    for (int k = 0; k < count; ++k) {
      slope += bends_[k].more;
      if (slope >= 0) return bends_[k].t;
    }
    return count > 0 && high < highest ? bends_[count - 1].t : highest;
  }

  /// Where the function is as large as `limit`; the slope of the place is zero where it is less than that at `highest`.
  /// `value`, `slope`: at `low`.
  place where_meets(double limit, double low, double highest, double value, double slope) {
    double high = highest;
    if (value >= limit) return {low, slope, low, low};
    double more_in[buckets], weighted_in[buckets];
    int count = bends_.size();
    for (int pass = 0; pass < 20 && count > 24; ++pass) {
      const double width = (high - low) / buckets, scale = 1 / width;
      if (!(low + 1e-3 * width < high)) break;
      const auto bucket_of = [&](double t) {
        const int k = static_cast<int>((t - low) * scale);
        return k < buckets ? k : buckets - 1;
      };
      for (int k = 0; k < buckets; ++k) more_in[k] = weighted_in[k] = 0;
      for (int k = 0; k < count; ++k) {
        const int at = bucket_of(bends_[k].t);
        more_in[at] += bends_[k].more;
        weighted_in[at] += bends_[k].more * bends_[k].t;
      }
      int meets = 0;
      for (; meets < buckets; ++meets) {
        const double end = low + (meets + 1) * width, from = low + meets * width;
        const double then = value + slope * (end - from) + more_in[meets] * end - weighted_in[meets];
        if (then >= limit) break;
        value = then;
        slope += more_in[meets];
      }
      if (meets == buckets) return {highest, 0, highest, highest};
      int kept = 0;
      for (int k = 0; k < count; ++k)
        if (bucket_of(bends_[k].t) == meets) bends_[kept++] = bends_[k];
      low += meets * width;
      high = low + width;
      if (kept == count) break;
      count = kept;
    }
    sort_bends(count);
    double at = low;
    for (int k = 0; k <= count; ++k) {
      const double next = k < count ? bends_[k].t : high, then = value + slope * (next - at);
      if (then >= limit && slope > 0) {
        return {math::smaller(math::larger(at + (limit - value) / slope, at), next), slope, at, next};
      }
      value = then;
      at = next;
      if (k < count) slope += bends_[k].more;
    }
    if (high >= highest) return {highest, 0, highest, highest};
    return {high, slope, high, high};
  }

 private:
  static constexpr int buckets = 32;
  void sort_bends(int count) {
    sort(bends_.data(), count, [](const bend& p, const bend& q) { return p.t < q.t; });
  }
  table<bend> bends_;
};

}  // namespace plait::detail
