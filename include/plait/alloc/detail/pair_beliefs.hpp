// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include <plait/alloc/instance.hpp>
#include <plait/alloc/pair_estimator.hpp>
#include <plait/alloc/round_entry.hpp>
#include <plait/core/require.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// What is known of pairs while jobs run: what was measured before or has run once, and estimates of the rest.
class pair_beliefs {
 public:
  pair_beliefs() = default;
  pair_beliefs(const std::vector<pair_rate>& truth, const std::vector<char>& known, table<double> alone)
      : alone_{std::move(alone)} {
    require(known.size() == truth.size(), "plait::simulator",
            "known_pairs must have one mark for each of pair_rates, or be empty");
    for (std::size_t p = 0; p < truth.size(); ++p) {
      of_pair_.emplace(key(truth[p]), reality{truth[p], known[p] != 0});
      if (known[p] != 0) known_.push_back(truth[p]);
    }
    asked_ = true;
  }

  [[nodiscard]] bool empty() const { return !asked_; }
  [[nodiscard]] int known() const { return static_cast<int>(known_.size()); }
  [[nodiscard]] double error() const { return error_; }
  /// Known pairs as they are, the others as estimated.
  [[nodiscard]] const std::vector<pair_rate>& rates() const { return rates_; }

  /// Estimates anew where a twentieth more is known than the last time; else puts in what has become known.
  void estimate(int types) {
    if (rates_.empty() || known() > fitted_ + fitted_ / 20) {
      pair_estimator estimator{alone_, types};
      estimator.fit(known_);
      rates_ = estimator.rates();
      error_ = estimator.error();
      fitted_ = known();
      learned_ = known_.size();
      return;
    }
    for (; learned_ < known_.size(); ++learned_) {
      const pair_rate& seen = known_[learned_];
      for (pair_rate& one : rates_)
        if (is_same(one, seen)) one = seen;
    }
  }

  /// Two jobs run together: the entry gets their true rates. Whether that is news.
  bool meet(int first, int second, round_entry& entry) {
    const bool swapped = first > second;
    const int a = swapped ? second : first, b = swapped ? first : second;
    // What is not listed does not run.
    const pair_rate none{.first_kind = a, .second_kind = b, .type = entry.type};
    reality& real = of_pair_.try_emplace(key(none), reality{none, false}).first->second;
    entry.rate = swapped ? real.rate.second : real.rate.first;
    entry.second_rate = swapped ? real.rate.first : real.rate.second;
    if (real.known) return false;
    real.known = true;
    known_.push_back(real.rate);
    return true;
  }

  /// All that changes, to save and to load.
  template <class Archive>
  void visit(Archive& archive) {
    archive(known_, rates_, fitted_, learned_, error_);
    for (auto& [name, one] : of_pair_) one.known = false;
    for (const pair_rate& one : known_) of_pair_.insert_or_assign(key(one), reality{one, true});
  }

 private:
  struct reality {
    pair_rate rate;
    bool known = false;
  };
  static std::tuple<int, int, int> key(const pair_rate& one) { return {one.type, one.first_kind, one.second_kind}; }
  static bool is_same(const pair_rate& x, const pair_rate& y) {
    return x.type == y.type && x.first_kind == y.first_kind && x.second_kind == y.second_kind;
  }

  bool asked_ = false;
  table<double> alone_;
  std::map<std::tuple<int, int, int>, reality> of_pair_;
  std::vector<pair_rate> known_, rates_;
  int fitted_ = 0;
  std::size_t learned_ = 0;
  double error_ = 0;
};

}  // namespace plait::detail
