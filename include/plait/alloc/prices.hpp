// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <plait/alloc/cluster.hpp>
#include <plait/core/require.hpp>
#include <plait/solve/lp.hpp>

namespace plait {

/// A price from an instant on.
struct price_change {
  double at = 0;                ///< seconds
  double dollars_per_hour = 0;  ///< for one worker
};

/// What one worker of a type costs as time goes by: each price holds until the next, and the first held before as well.
/// On-demand prices are a series of one, spot prices one of many.
class price_series {
 public:
  price_series() = default;
  /// Throws: usage, where times do not increase, or a time or price is negative or not finite.
  explicit price_series(std::vector<price_change> changes) : changes_{std::move(changes)} {
    for (std::size_t k = 0; k < changes_.size(); ++k) {
      const auto fault = [&](const char* what) {
        return std::string{"change "}.append(std::to_string(k)).append(what);
      };
      require(changes_[k].at >= 0 && changes_[k].at < infinity, "plait::price_series",
              [&] { return fault(" has a time that is negative or not finite"); });
      require(changes_[k].dollars_per_hour >= 0 && changes_[k].dollars_per_hour < infinity, "plait::price_series",
              [&] { return fault(" has a price that is negative or not finite"); });
      require(k == 0 || changes_[k - 1].at < changes_[k].at, "plait::price_series",
              [&] { return fault(" is not after the one before it; sort the series by time, each time once"); });
    }
  }

  [[nodiscard]] bool empty() const { return changes_.empty(); }
  [[nodiscard]] const std::vector<price_change>& changes() const { return changes_; }

  /// Dollars an hour at an instant. Needs: not empty. Cost: O(log changes).
  [[nodiscard]] double at(double seconds) const { return changes_[in_force(seconds)].dollars_per_hour; }

  /// When the price changes next, in seconds; infinity: never again.
  [[nodiscard]] double next_change(double seconds) const {
    if (changes_.empty()) return infinity;
    const std::size_t next = in_force(seconds) + 1;
    return next < changes_.size() ? changes_[next].at : infinity;
  }

  /// Dollars for one worker from one instant to a later one: the integral, with no more error than its sum has.
  [[nodiscard]] double dollars(double from, double to) const {
    double sum = 0;
    std::size_t k = in_force(from);
    while (from < to) {
      const double next = k + 1 < changes_.size() ? changes_[k + 1].at : infinity, end = next < to ? next : to;
      sum += changes_[k].dollars_per_hour * (end - from) / 3600;
      from = end;
      ++k;
    }
    return sum;
  }

 private:
  /// The last change at or before an instant, or the first one.
  [[nodiscard]] std::size_t in_force(double seconds) const {
    std::size_t low = 0, high = changes_.size();
    while (low + 1 < high) {
      const std::size_t middle = (low + high) / 2;
      (changes_[middle].at <= seconds ? low : high) = middle;
    }
    return low;
  }

  std::vector<price_change> changes_;
};

/// The prices of all types of a cluster over time, in the order of its types. A type without a series keeps its
/// `worker_type::cost_per_hour`.
class cluster_prices {
 public:
  cluster_prices() = default;
  explicit cluster_prices(std::vector<price_series> of_type) : of_type_{std::move(of_type)} {}

  [[nodiscard]] bool empty() const { return of_type_.empty(); }
  [[nodiscard]] int size() const { return static_cast<int>(of_type_.size()); }
  [[nodiscard]] const price_series& of(int type) const { return of_type_[static_cast<std::size_t>(type)]; }

  /// Sets each `cost_per_hour` to what holds at an instant. Throws: usage, where the cluster has other types.
  void set(cluster& where, double seconds) const {
    check(where);
    for (int j = 0; j < size(); ++j)
      if (!of(j).empty()) where.types[static_cast<std::size_t>(j)].cost_per_hour = of(j).at(seconds);
  }

  /// When any price changes next, in seconds; infinity: never again.
  [[nodiscard]] double next_change(double seconds) const {
    double next = infinity;
    for (const price_series& one : of_type_) {
      const double its = one.next_change(seconds);
      if (its < next) next = its;
    }
    return next;
  }

  /// Dollars for one worker of a type of the cluster from one instant to a later one.
  [[nodiscard]] double dollars(const cluster& where, int type, double from, double to) const {
    if (type < size() && !of(type).empty()) return of(type).dollars(from, to);
    return where.types[static_cast<std::size_t>(type)].cost_per_hour * (to - from) / 3600;
  }

  void check(const cluster& where) const {
    require(empty() || size() == where.size(), "plait::cluster_prices", [&] {
      return std::string{"there are prices for "}
          .append(std::to_string(size()))
          .append(" types of workers, and the cluster has ")
          .append(std::to_string(where.size()));
    });
  }

 private:
  std::vector<price_series> of_type_;
};

}  // namespace plait
