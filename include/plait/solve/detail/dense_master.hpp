// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/detail/small_inverse.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// The master program of the price crash: a mixture of proposals, of each group one, that keeps to the capacities at
/// least cost.
///
///     minimize sum_q cost_q mix_q + highest . over - lowest . under
///     sum_q use_lq mix_q + under_l = capacity_l + over_l,  sum over q of a group of mix_q = 1
///
/// Prices stay within [lowest, highest]. Of each group one proposal, the key, is basic in any case and takes what the
/// others leave, so that what must be inverted has a row for each link alone.
/// Cost of a pivot: O(links^3 + links groups), and a pass over the proposals at every few of them.
/// Source: Dantzig, Wolfe, "Decomposition principle for linear programs", Operations Research 8, 1960; keys: Dantzig,
/// Van Slyke, "Generalized upper bounding techniques", J. Computer and System Sciences 1, 1967.
class dense_master {
 public:
  static constexpr int most_links = 16;

  /// Needs: at most `most_links` capacities.
  void reset(const table<double>& capacity, const table<double>& lowest, const table<double>& highest, int groups = 1) {
    links_ = capacity.size();
    width_ = (links_ + 3) & ~3;
    groups_ = groups;
    for (int l = 0; l < width_; ++l) {
      capacity_[l] = l < links_ ? capacity[l] : 0;
      y_[l] = 0;
    }
    for (int l = 0; l < links_; ++l) limit(l, lowest[l], highest[l]);
    use_.clear();
    use_.reserve(128 * width_);
    cost_.clear();
    group_.clear();
    key_.clear();
    priced_ = 0;
    started_ = false;
  }

  /// Other limits of the prices; the basis stays.
  void limit(int link, double lowest, double highest) {
    lowest_[link] = lowest;
    highest_[link] = highest;
  }

  /// Adds a proposal of a group. The first ones, of each group in turn, start the basis.
  void add(const double* use, double cost, int group = 0) {
    const int at = use_.size();
    use_.grow(at + width_);
    for (int l = 0; l < width_; ++l) use_[at + l] = l < links_ ? use[l] : 0;
    cost_.push_back(cost);
    group_.push_back(group);
    if (key_.size() < groups_) key_.push_back(cost_.size() - 1);
  }

  /// Solves; `price` are the prices of the capacities, the returned value is the least cost. False on numerical
  /// trouble.
  bool solve(table<double>& price, double& value) {
    price.resize(links_);
    mix_.resize(groups_);
    of_group_.resize(groups_);
    rate_.resize(groups_);
    take_keys();
    if (!started_)
      for (int l = 0; l < links_; ++l) basic_[l] = left_[l] >= 0 ? slack(l) : over(l);
    started_ = true;
    if (!invert()) return false;
    entered_.assign(cost_.size(), 0);
    for (int pivots = 0; pivots < 2000; ++pivots) {
      find_values();
      if (pivots == 0) find_candidates(priced_);  // the others have been found wanting at these very prices
      int entering = best_candidate();
      if (entering < 0) {
        find_candidates(0);
        entering = best_candidate();
      }
      if (entering < 0) {
        value = 0;
        for (const int q : key_) value += cost_[q];
        for (int r = 0; r < links_; ++r) value += cost_of(basic_[r]) * x_[r];
        for (int l = 0; l < links_; ++l) price[l] = -y_[l] > 0 ? -y_[l] : 0;
        priced_ = cost_.size();
        return true;
      }
      if (!exchange(entering)) return false;
    }
    return false;
  }

  /// The mixture of a number that each proposal came with.
  [[nodiscard]] double mixed(const table<double>& of_proposal) const {
    double sum = 0;
    for (int g = 0; g < groups_; ++g) sum += mix_[g] * of_proposal[key_[g]];
    for (int r = 0; r < links_; ++r)
      if (basic_[r] >= first_proposal()) sum += x_[r] * of_proposal[basic_[r] - first_proposal()];
    return sum;
  }

  /// Whether a capacity is exceeded in the mixture.
  [[nodiscard]] bool exceeds() const {
    for (int r = 0; r < links_; ++r)
      if (basic_[r] >= links_ && basic_[r] < 2 * links_ && x_[r] > 1e-9 * (1 + capacity_[basic_[r] - links_]))
        return true;
    return false;
  }

 private:
  static constexpr int most_candidates = 8;  // a power of two
  static constexpr char most_entries = 4;

  [[nodiscard]] static int slack(int l) { return l; }
  [[nodiscard]] int over(int l) const { return links_ + l; }
  [[nodiscard]] int first_proposal() const { return 2 * links_; }
  /// The group of a variable, or -1.
  [[nodiscard]] int group_of(int v) const { return v < 2 * links_ ? -1 : group_[v - first_proposal()]; }
  [[nodiscard]] bool is_basic(int v) const {
    if (const int g = group_of(v); g >= 0 && key_[g] == v - first_proposal()) return true;
    for (int r = 0; r < links_; ++r)
      if (basic_[r] == v) return true;
    return false;
  }
  /// The cost of a variable, of a proposal beyond that of its key.
  [[nodiscard]] double cost_of(int v) const {
    if (v < links_) return -lowest_[v];
    if (v < 2 * links_) return highest_[v - links_];
    const int q = v - first_proposal();
    return cost_[q] - cost_[key_[group_[q]]];
  }
  /// Its entries in the rows of the links, likewise.
  void read_column(int v, double* into) const {
    for (int l = 0; l < links_; ++l) into[l] = 0;
    if (v < links_) {
      into[v] = 1;
    } else if (v < 2 * links_) {
      into[v - links_] = -1;
    } else {
      const int q = v - first_proposal();
      const double *const use = use_.data() + q * width_, *const of_key = use_.data() + key_[group_[q]] * width_;
      for (int l = 0; l < links_; ++l) into[l] = use[l] - of_key[l];
    }
  }
  /// What the keys alone leave of the capacities.
  void take_keys() {
    for (int l = 0; l < links_; ++l) left_[l] = capacity_[l];
    for (const int q : key_)
      for (int l = 0; l < links_; ++l) left_[l] -= use_[q * width_ + l];
  }
  [[nodiscard]] double worth(const double* use) const {
    double sum = 0;
    for (int l = 0; l < width_; l += 4)
      sum += (y_[l] * use[l] + y_[l + 1] * use[l + 1]) + (y_[l + 2] * use[l + 2] + y_[l + 3] * use[l + 3]);
    return sum;
  }
  /// Multipliers of the links and groups, values of what is basic.
  void find_values() {
    for (int i = 0; i < links_; ++i) y_[i] = 0;
    for (int g = 0; g < groups_; ++g) mix_[g] = 1;
    for (int r = 0; r < links_; ++r) {
      const double c = cost_of(basic_[r]);
      double x = 0;
      for (int i = 0; i < links_; ++i) {
        y_[i] += c * inverse_[r][i];
        x += inverse_[r][i] * left_[i];
      }
      x_[r] = x;
      if (const int g = group_of(basic_[r]); g >= 0) mix_[g] -= x;
    }
    for (int g = 0; g < groups_; ++g) of_group_[g] = cost_[key_[g]] - worth(use_.data() + key_[g] * width_);
  }
  /// The proposals of least reduced cost behind `from`, each among those that share its place.
  void find_candidates(int from) {
    double best[most_candidates] = {};
    for (int& one : candidate_) one = -1;
    const double* use = use_.data() + from * width_;
    for (int q = from, all = cost_.size(); q < all; ++q, use += width_) {
      const double d = cost_[q] - of_group_[group_[q]] - worth(use);
      const int at = (groups_ > 1 ? group_[q] : q) & (most_candidates - 1);
      if (d >= best[at] || !helps(q, d)) continue;
      best[at] = d;
      candidate_[at] = q;
    }
  }
  /// Whether a reduced cost is more than rounding, and the proposal not basic. Among proposals that are nearly the same
  /// rounding alone can make each seem better than the other, in turns, so none enters more than some times.
  [[nodiscard]] bool helps(int q, double d) const {
    double size = math::abs(cost_[q]) + math::abs(of_group_[group_[q]]);
    for (int l = 0; l < links_; ++l) size += math::abs(y_[l] * use_[q * width_ + l]);
    return d < -1e-13 * size && entered_[q] < most_entries && !is_basic(first_proposal() + q);
  }
  /// Of candidates and the variables of links the one of least reduced cost, or -1 where none is negative.
  [[nodiscard]] int best_candidate() const {
    int entering = -1;
    double best = 0;
    const auto see = [&](int v, double d, double size) {
      if (d >= best || d >= -1e-13 * size || is_basic(v)) return;
      best = d;
      entering = v;
    };
    for (int l = 0; l < links_; ++l) {
      see(slack(l), -lowest_[l] - y_[l], math::abs(lowest_[l]) + math::abs(y_[l]));
      see(over(l), highest_[l] + y_[l], math::abs(highest_[l]) + math::abs(y_[l]));
    }
    for (const int q : candidate_) {
      if (q < 0) continue;
      const double d = cost_[q] - of_group_[group_[q]] - worth(use_.data() + q * width_);
      if (d >= best || !helps(q, d)) continue;
      best = d;
      entering = first_proposal() + q;
    }
    return entering;
  }
  /// The ratio test, and the exchange for what leaves. A proposal that is too near to others for that is not looked at
  /// again. False where nothing leaves, or on other trouble.
  bool exchange(int entering) {
    const int in_group = group_of(entering);
    double entries[most_links], column[most_links];
    read_column(entering, entries);
    for (int g = 0; g < groups_; ++g) rate_[g] = g == in_group ? 1 : 0;  // at which keys make way
    for (int r = 0; r < links_; ++r) {
      column[r] = 0;
      for (int i = 0; i < links_; ++i) column[r] += inverse_[r][i] * entries[i];
      if (const int g = group_of(basic_[r]); g >= 0) rate_[g] -= column[r];
    }
    int leaving = -1, key = -1;
    double step = 1e300, pivot = 0;
    const auto meets_first = [&](double rate, double at) {
      if (rate <= 1e-12) return false;
      const double ratio = (at > 0 ? at : 0) / rate;
      if (ratio > step || (ratio == step && rate <= pivot)) return false;
      step = ratio;
      pivot = rate;
      return true;
    };
    for (int r = 0; r < links_; ++r)
      if (meets_first(column[r], x_[r])) leaving = r;
    for (int g = 0; g < groups_; ++g)
      if (meets_first(rate_[g], mix_[g])) key = g;
    if (key < 0 && leaving < 0) return false;
    int place = -1;  // of what enters, among the links; -1 where it is a key
    if (key < 0) {
      place = leaving;
    } else if (key != in_group) {
      // Another proposal of the group becomes its key, and leaves its place to what enters.
      for (int r = 0; r < links_; ++r)
        if (group_of(basic_[r]) == key && (place < 0 || math::abs(column[r]) > math::abs(column[place]))) place = r;
    }
    const int key_before = key < 0 ? -1 : key_[key], before = place < 0 ? -1 : basic_[place];
    if (key >= 0) key_[key] = (place < 0 ? entering : before) - first_proposal();
    if (place >= 0) basic_[place] = entering;
    if (in_group >= 0) ++entered_[entering - first_proposal()];
    bool done = invert();
    if (!done && in_group >= 0) {
      if (key >= 0) key_[key] = key_before;
      if (place >= 0) basic_[place] = before;
      entered_[entering - first_proposal()] = most_entries;
      done = invert();
    }
    if (key >= 0) take_keys();
    return done;
  }
  /// A basis that hardly changed is inverted anew as well: with a handful of rows that costs no more than a pass over
  /// some tens of proposals.
  bool invert() {
    double work[most_links][most_links];
    for (int r = 0; r < links_; ++r) {
      double column[most_links];
      read_column(basic_[r], column);
      for (int i = 0; i < links_; ++i) work[i][r] = column[i];
    }
    return invert_small(work, inverse_, links_, 1e-13);
  }

  int links_ = 0, width_ = 0, groups_ = 1;  // width: of a proposal in use_, with zeros behind its links
  int priced_ = 0;                          // how many proposals the last solve knew
  bool started_ = false;
  double capacity_[most_links] = {}, lowest_[most_links] = {}, highest_[most_links] = {};
  double left_[most_links] = {};  // what keys leave of the capacities
  double x_[most_links] = {}, y_[most_links] = {};
  double inverse_[most_links][most_links] = {};
  int basic_[most_links] = {};           // a variable for each link, beside the keys
  table<double> mix_, of_group_, rate_;  // of each group: the share of its key, its multiplier
  table<int> key_;                       // the proposal that is the key of a group
  table<double> use_, cost_;             // of proposals
  table<int> group_;
  table<char> entered_;  // how often a proposal has entered in this solve
  int candidate_[most_candidates] = {};
};

}  // namespace plait::detail
