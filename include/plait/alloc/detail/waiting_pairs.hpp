// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <utility>

#include <plait/alloc/detail/share_columns.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// Columns of pairs that wait outside of a program until its duals say that they would help (column generation).
///
/// Of n different jobs there are n^2 / 2 pairs a type, and an optimum uses about one for each job. The program begins
/// with jobs alone and, for each group and type, the partner of most throughput; after each solve the best few of each
/// group come in, and the basis is kept. The end is exact: with the duals u_g of budgets raised by what the columns of
/// group g would add, for all of its time, all columns are priced at nothing or less, so by weak duality the whole
/// program has no optimum above
///
///     optimum of the small one + excess        excess = sum_g max_c worth_c / time_c over the waiting columns of g
///
/// Source: Ford, Fulkerson, "A suggested computation for maximal multi-commodity network flows", Management Science 5,
/// 1958; Lasdon, "Optimization Theory for Large Systems", 1970, for the bound.
class waiting_pairs {
 public:
  waiting_pairs() = default;
  /// Takes the pairs out of `all` but for first partners; none where there are no more than so many.
  waiting_pairs(share_columns& all, int groups, int types, int most_listed) : groups_{groups} {
    table<share_column> kept;
    for (const share_column& c : all.columns) (c.other < 0 ? kept : columns_).push_back(c);
    if (columns_.size() <= most_listed) {
      columns_.clear();
      return;
    }
    const auto part = [&](int g, double rate, double time) {
      return all.proportional[g] > 0 ? rate / time / all.proportional[g] : 0;
    };
    table<offer> best(groups * types, offer{});
    for (int k = 0; k < columns_.size(); ++k) {
      const share_column& c = columns_[k];
      double both = part(c.group, c.rate, c.time);
      if (c.other != c.group) both += part(c.other, c.other_rate, c.other_time);
      for (const int g : {c.group, c.other}) {
        offer& here = best[g * types + c.type];
        if (both > here.worth) here = {both, k};
      }
    }
    has_left_.assign(columns_.size(), 0);
    for (const offer& one : best)
      if (one.column >= 0) take(one.column, kept);
    all.columns = std::move(kept);
    drop_those_that_left();
  }

  [[nodiscard]] bool empty() const { return columns_.empty(); }

  /// The columns that would help most, which wait no more. `worth(c, terms)`: what a unit of a column adds to the
  /// objective, and the sum of the sizes of what that is the sum of. What is below `least` of all counts as nothing.
  template <class Worth>
  table<share_column> take_best(Worth&& worth, double least) {
    best_.assign(each_group * groups_, offer{});
    table<double> of_group(groups_, 0.0);
    for (int k = 0; k < columns_.size(); ++k) {
      const share_column& c = columns_[k];
      double terms = 0;
      const double gain = worth(c, terms);
      if (gain <= 0) continue;
      of_group[c.group] = std::fmax(of_group[c.group], gain / c.time);
      if (gain <= 1e-13 * terms) continue;
      for (const int g : {c.group, c.other}) {
        offer* const places = best_.data() + each_group * g;
        for (int s = 0; s < each_group; ++s) {
          if (gain <= places[s].worth) continue;
          for (int t = each_group - 1; t > s; --t) places[t] = places[t - 1];
          places[s] = {gain, k};
          break;
        }
      }
    }
    excess_ = 0;
    for (const double one : of_group) excess_ += one;
    table<share_column> taken;
    if (excess_ <= least) return taken;
    for (const offer& one : best_)
      if (one.column >= 0) take(one.column, taken);
    drop_those_that_left();
    return taken;
  }

  /// By how much the whole program's optimum can exceed the small one's, as of the last pricing.
  [[nodiscard]] double excess() const { return excess_; }

  /// Lets those go that are in no optimum: a unit of them costs something.
  template <class Worth>
  void keep_ties(Worth&& worth) {
    double terms = 0;
    for (int k = 0; k < columns_.size(); ++k)
      if (worth(columns_[k], terms) < -1e-11 * terms) has_left_[k] = 1;
    drop_those_that_left();
  }

 private:
  struct offer {
    double worth = 0;
    int column = -1;
  };
  static constexpr int each_group = 3;

  void take(int k, table<share_column>& into) {
    if (has_left_[k] != 0) return;
    has_left_[k] = 1;
    into.push_back(columns_[k]);
  }
  void drop_those_that_left() {
    int kept = 0;
    for (int k = 0; k < columns_.size(); ++k)
      if (has_left_[k] == 0) columns_[kept++] = columns_[k];
    columns_.resize(kept);
    has_left_.assign(kept, 0);
  }

  int groups_ = 0;
  table<share_column> columns_;
  table<char> has_left_;
  table<offer> best_;
  double excess_ = 0;
};

}  // namespace plait::detail
