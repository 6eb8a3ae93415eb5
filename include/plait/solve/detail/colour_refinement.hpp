// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// The coarsest classes of columns and of rows in which all members look alike: same cost and bounds, and for each
/// class on the other side the same coefficients with the same numbers of its members.
///
/// Colours are 64-bit hashes; each round mixes into the colour of a column the coefficients and colours of its rows,
/// and the other way round, until a round splits no class. Two unlike members with the same hash would be taken for
/// alike; whoever uses the classes checks what comes of them. Cost: O(entries) a round. The rounds end at once where
/// too few columns and rows still look alike for folding to pay, which in most programs is after the first, and in
/// those with a cost for each column before it. Source: Grohe, Kersting, Mladenov, Selman, "Dimension reduction via
/// colour refinement", ESA 2014; here with equal multisets of coefficients where there equal sums are enough.
class colour_refinement {
 public:
  /// False where folding would not take away at least 0.4 of all columns and rows, and 0.2 of the columns.
  bool run(const lp& model, monitor* limits = nullptr) {
    const sparse_matrix& a = model.matrix();
    const int m = a.rows, n = a.columns;
    limits_ = limits;
    rounds_ = 0;
    if (n + m < 32) return false;
    column_colour_.resize_unset(n);
    row_colour_.resize_unset(m);
    each(n, [&](int j) { column_colour_[j] = mixed(bits(model.cost(j))); });
    if (few_alike()) return false;  // by their costs alone
    each(n, [&](int j) {
      column_colour_[j] = mixed(mixed(column_colour_[j] + bits(model.column_lower(j))) + bits(model.column_upper(j)));
    });
    each(m, [&](int i) { row_colour_[i] = mixed(mixed(bits(model.row_lower(i))) + bits(model.row_upper(i))); });
    const int *const begin = a.begin.data(), *const index = a.index.data();
    const double* const value = a.value.data();
    const double most = (1 - least_saving) * (n + m);
    int before = 0;
    for (; rounds_ < most_rounds; ++rounds_) {
      for (const auto [from, to] : parts(limits, begin, n, 2)) {
        for (int j = from; j < to; ++j) {
          std::uint64_t sum = 0;
          for (int k = begin[j]; k < begin[j + 1]; ++k) sum += stirred(bits(value[k]) + row_colour_[index[k]]);
          column_colour_[j] = mixed(column_colour_[j] + sum);
        }
      }
      if (rounds_ == 0 && few_alike()) return false;
      column_classes = number(column_colour_, column_class);
      if (column_classes > most_columns * n) return false;
      row_sum_.assign(m, 0);
      for (const auto [from, to] : parts(limits, begin, n, 2)) {
        for (int j = from; j < to; ++j) {
          const std::uint64_t colour = column_colour_[j];
          for (int k = begin[j]; k < begin[j + 1]; ++k) row_sum_[index[k]] += stirred(bits(value[k]) - colour);
        }
      }
      each(m, [&](int i) { row_colour_[i] = mixed(row_colour_[i] + row_sum_[i]); });
      row_classes = number(row_colour_, row_class);
      const int now = column_classes + row_classes;
      if (now > most) return false;
      if (now == before) return true;
      before = now;
    }
    return false;
  }

  table<int> column_class, row_class;  ///< of each, numbered by first appearance
  int column_classes = 0, row_classes = 0;
  [[nodiscard]] int rounds() const { return rounds_; }

 private:
  static constexpr double least_saving = 0.4, most_columns = 0.8;
  static constexpr int most_rounds = 60;

  static std::uint64_t bits(double v) { return std::bit_cast<std::uint64_t>(v + 0.0); }  // no negative zero
  /// Enough that sums of it keep coefficients and colours together; colours are well mixed already.
  static std::uint64_t stirred(std::uint64_t z) { return (z ^ (z >> 32)) * 0x9E3779B97F4A7C15u; }
  static std::uint64_t mixed(std::uint64_t z) {
    z = (z ^ (z >> 32)) * 0xD6E8FEB86659FD93u;
    z = (z ^ (z >> 32)) * 0xD6E8FEB86659FD93u;
    return z ^ (z >> 32);
  }

  /// Does see(k) for all of [0, count). A colour takes as long as some entries do.
  template <class See>
  void each(int count, See&& see) {
    for (const auto [first, last] : parts(limits_, count, 4)) {
      for (int k = first; k < last; ++k) see(k);
    }
  }

  /// Whether a part of the columns shows already that too few are alike. All columns of a class are in the part or none
  /// is, so classes are as large in it as in the whole.
  bool few_alike() {
    part_.clear();
    const int left_out = column_colour_.size() < 2048 ? 62 : 60;
    for (const std::uint64_t colour : column_colour_)
      if ((colour >> left_out) == 0) part_.push_back(colour);
    if (part_.size() < 32) return false;
    return number(part_, part_class_) > 0.5 * (1 + most_columns) * part_.size();
  }

  /// Numbers equal colours alike; returns how many there are.
  int number(const table<std::uint64_t>& colour, table<int>& of) {
    int size = 16;
    while (size < 2 * colour.size()) size *= 2;
    slots_.resize_unset(size);
    for (const auto [first, last] : parts(limits_, size, 2)) {
      for (int at = first; at < last; ++at) slots_[at] = slot{};
    }
    of.resize_unset(colour.size());
    int count = 0;
    for (const auto [first, last] : parts(limits_, colour.size(), 16)) {  // each waits for memory
      for (int k = first; k < last; ++k) {
        int at = static_cast<int>(colour[k] & static_cast<std::uint64_t>(size - 1));
        while (slots_[at].number >= 0 && slots_[at].colour != colour[k]) at = (at + 1) & (size - 1);
        if (slots_[at].number < 0) slots_[at] = {colour[k], count++};
        of[k] = slots_[at].number;
      }
    }
    return count;
  }

  struct slot {
    std::uint64_t colour = 0;
    int number = -1;
  };
  table<std::uint64_t> column_colour_, row_colour_, row_sum_;
  table<std::uint64_t> part_;
  table<int> part_class_;
  table<slot> slots_;
  monitor* limits_ = nullptr;
  int rounds_ = 0;
};

}  // namespace plait::detail
