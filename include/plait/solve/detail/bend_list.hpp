// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/solve/detail/sort.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// Where on an edge a block changes its way, and by how much less the sum of all blocks rises from there.
struct bend {
  double at, less;
  int block, order;  // order: of all that were found
  int point;         // that enters
};

/// The bends of a concave sum that rises along an edge, as far as it rises.
struct bend_list {
  table<bend> all;

  /// Drops bends behind the place where a sum falls that rises so steeply before all, and brings the limit there; false
  /// where it does not fall. The others are left in some order: they are parted at one of them again and again, and
  /// the place is on one side. Cost: O(bends) in the mean.
  bool cut(double rise, double& limit) {
    int low = 0, high = all.size();  // the place is among these, if there is one
    const auto bring_forward = [&](double pivot, bool equals, double& less) {
      int middle = low;
      for (int k = low; k < high; ++k) {
        const bend one = all[k];
        if (one.at > pivot || (one.at == pivot && !equals)) continue;
        less += one.less;
        all[k] = all[middle];
        all[middle++] = one;
      }
      return middle;
    };
    double last = 0;
    while (high > low) {
      const double pivot = all[low + (high - low) / 2].at;
      double less = 0;
      int middle = bring_forward(pivot, false, less);
      const bool least = middle == low;
      if (least) {
        middle = bring_forward(pivot, true, less);
        last = pivot;
      }
      if (less >= rise) {
        high = middle;
        if (least) break;
      } else {
        rise -= less;
        low = middle;
      }
    }
    // Where all was passed by rounding alone, the last one is the place.
    const bool falls = low < high || high < all.size();
    if (falls) limit = last;
    all.resize(high);
    return falls;
  }

  void sort_all() {
    sort(all.data(), all.size(),
         [](const bend& p, const bend& q) { return p.at < q.at || (p.at == q.at && p.order < q.order); });
  }
};

}  // namespace plait::detail
