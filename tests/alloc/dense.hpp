// SPDX-License-Identifier: Apache-2.0
// A plain simplex method on a dense tableau, which shares nothing with plait's: Bland's rule, long double.
#pragma once

#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>

namespace dense {

using number = long double;

/// maximize cost . x over rows . x <= right, x >= 0.
struct program {
  std::vector<number> cost;
  std::vector<std::vector<number>> rows;
  std::vector<number> right;

  void at_most(std::vector<number> row, number bound) {
    rows.push_back(std::move(row));
    right.push_back(bound);
  }
  void at_least(std::vector<number> row, number bound) {
    for (number& v : row) v = -v;
    at_most(std::move(row), -bound);
  }
};

struct solution {
  number value = 0;
  std::vector<number> x;
};

class tableau {
 public:
  explicit tableau(const program& p) : rows_{p.rows.size()}, columns_{p.cost.size()} {
    body_.assign(rows_, {});
    for (std::size_t i = 0; i < rows_; ++i) {
      // Rows are scaled to a largest entry of one, so that one tolerance fits all.
      number largest = 0;
      for (const number v : p.rows[i]) largest = std::max(largest, std::fabs(v));
      if (largest == 0) largest = 1;
      body_[i].assign(columns_ + rows_ + 2, 0);
      for (std::size_t j = 0; j < columns_; ++j) body_[i][j] = p.rows[i][j] / largest;
      body_[i][columns_ + i] = 1;
      body_[i].back() = p.right[i] / largest;
      basic_.push_back(columns_ + i);
    }
  }

  /// Feasible at all?
  bool first_phase() {
    std::size_t worst = rows_;
    for (std::size_t i = 0; i < rows_; ++i)
      if (body_[i].back() < 0 && (worst == rows_ || body_[i].back() < body_[worst].back())) worst = i;
    if (worst == rows_) return true;
    const std::size_t artificial = columns_ + rows_;
    for (auto& row : body_) row[artificial] = -1;
    objective_.assign(columns_ + rows_ + 2, 0);
    objective_[artificial] = -1;  // maximize -artificial
    pivot(worst, artificial);
    run(true);
    const bool feasible = objective_.back() <= 1e-13L;
    for (std::size_t i = 0; i < rows_; ++i) {
      if (basic_[i] != artificial) continue;
      for (std::size_t j = 0; j < artificial; ++j) {
        if (std::fabs(body_[i][j]) > 1e-9L) {
          pivot(i, j);
          break;
        }
      }
    }
    for (auto& row : body_) row[artificial] = 0;
    return feasible;
  }

  std::optional<solution> solve(const program& p) {
    if (!first_phase()) return std::nullopt;
    objective_.assign(columns_ + rows_ + 2, 0);
    for (std::size_t j = 0; j < columns_; ++j) objective_[j] = p.cost[j];
    for (std::size_t i = 0; i < rows_; ++i) {
      const number factor = objective_[basic_[i]];
      if (factor == 0) continue;
      for (std::size_t j = 0; j < objective_.size(); ++j) objective_[j] -= factor * body_[i][j];
    }
    run(false);
    solution found{-objective_.back(), std::vector<number>(columns_, 0)};
    for (std::size_t i = 0; i < rows_; ++i)
      if (basic_[i] < columns_) found.x[basic_[i]] = body_[i].back();
    return found;
  }

 private:
  void run(bool first) {
    const std::size_t end = columns_ + rows_ + (first ? 1 : 0);
    number size = 0;
    for (const number v : objective_) size = std::max(size, std::fabs(v));
    for (int step = 0; step < 200000; ++step) {
      // The largest gain as a rule, Bland's rule when it goes on for long.
      std::size_t enter = end;
      number best = 1e-15L * size;
      for (std::size_t j = 0; j < end; ++j) {
        if (objective_[j] <= best) continue;
        enter = j;
        if (step > 2000) break;
        best = objective_[j];
      }
      if (enter == end) return;
      std::size_t leave = rows_;
      for (std::size_t i = 0; i < rows_; ++i) {
        if (body_[i][enter] <= 1e-12L) continue;
        if (leave == rows_) {
          leave = i;
          continue;
        }
        const number a = body_[i].back() / body_[i][enter], b = body_[leave].back() / body_[leave][enter];
        if (a < b || (a == b && basic_[i] < basic_[leave])) leave = i;
      }
      if (leave == rows_) return;  // unbounded, which no program of these tests is
      pivot(leave, enter);
    }
  }

  void pivot(std::size_t row, std::size_t column) {
    const number by = body_[row][column];
    for (number& v : body_[row]) v /= by;
    const auto clear = [&](std::vector<number>& other) {
      const number factor = other[column];
      if (factor == 0) return;
      for (std::size_t j = 0; j < other.size(); ++j) other[j] -= factor * body_[row][j];
      other[column] = 0;
    };
    for (std::size_t i = 0; i < rows_; ++i)
      if (i != row) clear(body_[i]);
    if (!objective_.empty()) clear(objective_);
    basic_[row] = column;
  }

  std::size_t rows_, columns_;
  std::vector<std::vector<number>> body_;
  std::vector<number> objective_;
  std::vector<std::size_t> basic_;
};

/// Nothing where it is infeasible.
inline std::optional<solution> solve(const program& p) {
  return tableau{p}.solve(p);
}

}  // namespace dense
