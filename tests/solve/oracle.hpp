// SPDX-License-Identifier: Apache-2.0
// An exact solver of tiny linear programs with whole-number data: every vertex, in fractions of 64-bit integers.
#pragma once

#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

#include <plait/solve/lp.hpp>

namespace oracle {

/// A fraction in lowest terms. Data of tests are so small that nothing overflows.
struct fraction {
  std::int64_t top = 0, bottom = 1;
  fraction(std::int64_t t = 0, std::int64_t b = 1) : top{t}, bottom{b} {
    if (bottom < 0) top = -top, bottom = -bottom;
    const std::int64_t common = std::gcd(top, bottom);
    if (common > 1) top /= common, bottom /= common;
  }
  friend fraction operator+(fraction a, fraction b) {
    return {a.top * b.bottom + b.top * a.bottom, a.bottom * b.bottom};
  }
  friend fraction operator-(fraction a, fraction b) {
    return {a.top * b.bottom - b.top * a.bottom, a.bottom * b.bottom};
  }
  friend fraction operator*(fraction a, fraction b) { return {a.top * b.top, a.bottom * b.bottom}; }
  friend fraction operator/(fraction a, fraction b) { return {a.top * b.bottom, a.bottom * b.top}; }
  friend bool operator<(fraction a, fraction b) { return a.top * b.bottom < b.top * a.bottom; }
  [[nodiscard]] bool zero() const { return top == 0; }
  [[nodiscard]] double value() const { return static_cast<double>(top) / static_cast<double>(bottom); }
};

/// A constraint a . x <= b.
struct half_space {
  std::vector<fraction> a;
  fraction b;
};

/// Solves the square system of the chosen half-spaces as equations; nothing where it is singular.
inline std::optional<std::vector<fraction>> meet(const std::vector<half_space>& all, const std::vector<int>& chosen) {
  const std::size_t n = chosen.size();
  std::vector<std::vector<fraction>> row(n);
  for (std::size_t i = 0; i < n; ++i) {
    const half_space& h = all[static_cast<std::size_t>(chosen[i])];
    row[i] = h.a;
    row[i].push_back(h.b);
  }
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t p = c;
    while (p < n && row[p][c].zero()) ++p;
    if (p == n) return std::nullopt;
    std::swap(row[p], row[c]);
    for (std::size_t i = 0; i < n; ++i) {
      if (i == c || row[i][c].zero()) continue;
      const fraction factor = row[i][c] / row[c][c];
      for (std::size_t k = c; k <= n; ++k) row[i][k] = row[i][k] - factor * row[c][k];
    }
  }
  std::vector<fraction> x(n);
  for (std::size_t c = 0; c < n; ++c) x[c] = row[c][n] / row[c][c];
  return x;
}

/// The least objective over all vertices of a program whose columns have finite bounds; nothing where it is infeasible.
inline std::optional<fraction> optimum(const plait::lp& model) {
  const int n = model.columns(), m = model.rows();
  const auto whole = [](double v) { return fraction{static_cast<std::int64_t>(v)}; };
  std::vector<half_space> all;
  const auto both = [&](const std::vector<fraction>& a, double lower, double upper) {
    std::vector<fraction> minus;
    for (const fraction f : a) minus.push_back(fraction{} - f);
    if (upper < plait::infinity) all.push_back({a, whole(upper)});
    if (lower > -plait::infinity) all.push_back({minus, whole(-lower)});
  };
  for (int i = 0; i < m; ++i) {
    std::vector<fraction> a;
    for (int j = 0; j < n; ++j) a.push_back(whole(model.coefficient(i, j)));
    both(a, model.row_lower(i), model.row_upper(i));
  }
  for (int j = 0; j < n; ++j) {
    std::vector<fraction> a(static_cast<std::size_t>(n));
    a[static_cast<std::size_t>(j)] = 1;
    both(a, model.column_lower(j), model.column_upper(j));
  }
  std::optional<fraction> best;
  std::vector<int> chosen;
  const auto visit = [&](auto&& self, int from) -> void {
    if (static_cast<int>(chosen.size()) == n) {
      const auto x = meet(all, chosen);
      if (!x) return;
      for (const half_space& h : all) {
        fraction sum;
        for (int j = 0; j < n; ++j) sum = sum + h.a[static_cast<std::size_t>(j)] * (*x)[static_cast<std::size_t>(j)];
        if (h.b < sum) return;
      }
      fraction cost = whole(model.offset());
      for (int j = 0; j < n; ++j) cost = cost + whole(model.cost(j)) * (*x)[static_cast<std::size_t>(j)];
      if (!best || (model.sense() == plait::objective_sense::maximize ? *best < cost : cost < *best)) best = cost;
      return;
    }
    for (int k = from; k < static_cast<int>(all.size()); ++k) {
      chosen.push_back(k);
      self(self, k + 1);
      chosen.pop_back();
    }
  };
  visit(visit, 0);
  return best;
}

/// Small random whole numbers, the same on every machine.
class dice {
 public:
  explicit dice(std::uint64_t seed) : state_{seed * 2862933555777941757u + 3037000493u} {}
  int between(int low, int high) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return low + static_cast<int>((state_ >> 11) % static_cast<std::uint64_t>(high - low + 1));
  }
  double unit() { return between(0, 1 << 24) / static_cast<double>(1 << 24); }

 private:
  std::uint64_t state_;
};

/// A random program with whole data and finite column bounds; many are degenerate, some infeasible.
inline plait::lp tiny_program(dice& d, int n, int m) {
  plait::lp model;
  model.set_sense(d.between(0, 1) == 0 ? plait::objective_sense::minimize : plait::objective_sense::maximize);
  model.set_offset(d.between(-3, 3));
  for (int j = 0; j < n; ++j) {
    const int lower = d.between(-3, 2);
    model.add_column(d.between(-4, 4), lower, lower + d.between(0, 4));
  }
  for (int i = 0; i < m; ++i) {
    std::vector<plait::lp_entry> entries;
    for (int j = 0; j < n; ++j)
      if (const int v = d.between(-3, 3); v != 0 && d.between(0, 2) > 0) entries.push_back({j, static_cast<double>(v)});
    const int at = d.between(-5, 5), kind = d.between(0, 4);
    const double lower = kind == 0 ? -plait::infinity : at;
    const double upper = kind == 1 ? plait::infinity : kind == 2 ? at : at + d.between(0, 4);
    model.add_row(lower, upper, entries);
  }
  return model;
}

}  // namespace oracle
