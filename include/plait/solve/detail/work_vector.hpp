// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

#include <plait/core/math.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// `v` where `so`, else `other`, by their bits: compilers make branches of plain choices, and which variables are basic
/// is as good as a coin to a processor that guesses.
inline double choose(bool so, double v, double other) {
  const std::uint64_t mask = -static_cast<std::uint64_t>(so);
  return std::bit_cast<double>((std::bit_cast<std::uint64_t>(v) & mask) |
                               (std::bit_cast<std::uint64_t>(other) & ~mask));
}
/// `v` where `so`, else zero.
inline double only_if(bool so, double v) {
  return std::bit_cast<double>(std::bit_cast<std::uint64_t>(v) & -static_cast<std::uint64_t>(so));
}

/// Whether a value is more than rounding leaves.
inline bool means(double v) {
  return math::abs(v) > 1e-14;
}
/// A value that is more than rounding leaves, else zero; a mask and no branch, by g++ and by clang.
inline double meaning(double v) {
  return means(v) ? v : 0;
}

/// A vector of a fixed length with a list of the places that may be nonzero, so that work on it is in proportion to
/// those.
///
/// Invariant: `index` holds every place with a nonzero value, none twice; where `listed` is false the list says
/// nothing.
struct work_vector {
  table<double> value;
  table<int> index;
  int count = 0;
  bool listed = true;

  void resize(int size) {
    value.assign(size, 0.0);
    index.resize(size);
    count = 0;
    listed = true;
  }
  /// All zero, of this size; where it has that size already, by what it lists.
  void prepare(int size) {
    if (value.size() == size) {
      clear();
    } else {
      resize(size);
    }
  }
  [[nodiscard]] int size() const { return value.size(); }
  [[nodiscard]] bool sparse(double share) const { return listed && count <= share * size(); }

  void clear() {
    if (sparse(0.3)) {
      for (int k = 0; k < count; ++k) value[index[k]] = 0;
    } else {
      value.assign(size(), 0.0);
    }
    count = 0;
    listed = true;
  }
  /// Adds to a place. Only for vectors that are listed.
  void add(int at, double amount) {
    double& v = value[at];
    if (v == 0) index[count++] = at;
    v += amount;
    if (v == 0) v = 1e-100;  // stays listed once
  }
  /// Sets a place that is zero so far.
  void set(int at, double to) {
    value[at] = to;
    index[count++] = at;
  }
  /// Needs: a list. Four sums side by side, for each addition waits for the one before.
  [[nodiscard]] double squared_length() const {
    double a = 0, b = 0, c = 0, d = 0;
    const int* const at = index.data();
    const double* const v = value.data();
    const auto square = [v](int i) { return v[i] * v[i]; };
    int s = 0;
    for (; s + 4 <= count; s += 4) {
      a += square(at[s]);
      b += square(at[s + 1]);
      c += square(at[s + 2]);
      d += square(at[s + 3]);
    }
    for (; s < count; ++s) a += square(at[s]);
    return (a + b) + (c + d);
  }
  /// Forgets listed values that are too small to mean anything.
  void forget_tiny() {
    int kept = 0;
    for (int k = 0; k < count; ++k) {
      const int i = index[k];
      const double v = value[i];
      value[i] = meaning(v);
      index[kept] = i;
      kept += static_cast<int>(means(v));
    }
    count = kept;
  }
  /// Makes the list from the values, and forgets values that are too small to mean anything.
  void list() {
    // Without branches: which places are zero is as good as a coin to a processor that guesses.
    double* const v = value.data();
    int* const at = index.data();
    int found = 0;
    for (int i = 0, all = size(); i < all; ++i) {
      const double one = v[i];
      v[i] = meaning(one);
      at[found] = i;
      found += static_cast<int>(means(one));
    }
    count = found;
    listed = true;
  }
  void copy(const work_vector& from) {
    clear();
    if (from.sparse(0.3)) {
      for (int k = 0; k < from.count; ++k) set(from.index[k], from.value[from.index[k]]);
    } else {
      value = from.value;
      if (from.listed) {
        for (int k = 0; k < from.count; ++k) index[k] = from.index[k];
        count = from.count;
      } else {
        listed = false;
      }
    }
  }
};

}  // namespace plait::detail
