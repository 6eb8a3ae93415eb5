// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the laws of layers and of losses share: verdicts, numbers to try, and how a whole value lies on the ranks of a
// tensor axis.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include <plait/layers/layer.hpp>
#include <plait/tensor/buffer.hpp>

namespace laws {

/// Whether a law holds and, where not, what broke it.
struct verdict {
  std::string fault{};
  explicit operator bool() const { return fault.empty(); }
};

/// What `law` says; an exception breaks any law.
template <class Law>
verdict judge(Law&& law) {
  try {
    return law();
  } catch (const std::exception& thrown) {
    return {thrown.what()};
  }
}

/// The first of two verdicts that is a fault.
inline verdict both(verdict first, verdict second) {
  return first ? std::move(second) : std::move(first);
}

/// How many ranks the tensor axis has, and how many samples there are.
struct setting {
  int ways = 1;
  std::int64_t rows = 3;
};

/// The kinds of numbers that laws are tried with.
enum class numbers : std::uint8_t {
  real,    ///< 53 random bits, so that every order of addition gives other bits
  whole,   ///< -3 .. 3: sums of products are exact
  coarse,  ///< multiples of 2^-10, which float and double both hold
};

/// Numbers of either sign. But for whole ones, their sizes are from 0.1 to 1, so that a small step crosses no zero.
inline std::vector<double> draw(numbers kind, std::int64_t count, std::uint64_t seed) {
  std::mt19937_64 random{seed};
  std::vector<double> values(static_cast<std::size_t>(count));
  for (double& value : values) {
    const double uniform = std::ldexp(static_cast<double>(random() >> 11), -53), sign = random() % 2 == 0 ? 1 : -1;
    if (kind == numbers::whole)
      value = sign * static_cast<double>(random() % 4);
    else if (kind == numbers::coarse)
      value = sign * std::round(103 + 921 * uniform) / 1024;
    else
      value = sign * (0.1 + 0.9 * uniform);
  }
  return values;
}

template <class T>
std::vector<T> as(const std::vector<double>& values) {
  std::vector<T> same;
  for (double value : values) same.push_back(static_cast<T>(value));
  return same;
}

inline std::vector<double> sizes_of(std::vector<double> values) {
  for (double& value : values) value = std::abs(value);
  return values;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

/// No fault where every |a - b| is at most `bound` of its place; a value that is not a number is a fault.
template <class A, class B, class Bound>
verdict within(const std::string& what, const std::vector<A>& a, const std::vector<B>& b, const Bound& bound) {
  if (a.size() != b.size()) return {what + " has " + std::to_string(a.size()) + " elements"};
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto found = static_cast<double>(a[i]), wanted = static_cast<double>(b[i]);
    if (!(std::abs(found - wanted) <= bound(i)))
      return {what + "[" + std::to_string(i) + "] is " + std::to_string(found) + ", not " + std::to_string(wanted)};
  }
  return {};
}

/// The same to within `tolerance` of the largest of `wanted`; 0 asks for equality, and takes -0 for 0.
template <class T>
verdict close(const std::string& what, const std::vector<T>& found, const std::vector<T>& wanted, double tolerance) {
  double largest = 0;
  for (T value : wanted) largest = std::max(largest, static_cast<double>(std::abs(value)));
  return within(what, found, wanted, [=](std::size_t) { return tolerance * largest; });
}

template <class Placed>
inline constexpr bool is_split = std::is_same_v<typename Placed::over_tensor, plait::sharded<1>>;
template <class Placed>
inline constexpr bool is_partial = std::is_same_v<typename Placed::over_tensor, plait::partial>;

template <class Placed>
std::int64_t features_here(std::int64_t features, plait::tensor_place here) {
  return is_split<Placed> ? here.part(features).size() : features;
}

/// What a rank has of a whole [rows, columns], of which it has `here_rows` and `here_columns`.
template <class T>
std::vector<T> cut_out(const std::vector<T>& whole, std::int64_t columns, plait::index_range here_rows,
                       plait::index_range here_columns) {
  std::vector<T> part;
  for (std::int64_t i = here_rows.begin; i < here_rows.end; ++i)
    for (std::int64_t j = here_columns.begin; j < here_columns.end; ++j)
      part.push_back(whole[static_cast<std::size_t>(i * columns + j)]);
  return part;
}

/// What a rank has of whole activations. Of a sum that nobody has taken, the ranks but the first have small whole
/// numbers, and the first has what is left.
template <class Placed, class T>
std::vector<T> part_of(std::vector<T> whole, std::int64_t features, plait::tensor_place here) {
  if constexpr (is_split<Placed>) {
    const std::int64_t rows = features == 0 ? 0 : static_cast<std::int64_t>(whole.size()) / features;
    return cut_out(whole, features, {0, rows}, here.part(features));
  } else if constexpr (is_partial<Placed>) {
    for (std::size_t i = 0; i < whole.size(); ++i) {
      const auto summand = [&](int rank) { return static_cast<T>(static_cast<int>(i % 3) + rank % 2 - 1); };
      if (here.index > 0)
        whole[i] = summand(here.index);
      else
        for (int rank = 1; rank < here.ways; ++rank) whole[i] -= summand(rank);
    }
    return whole;
  } else {
    return whole;
  }
}

/// Puts the parts of all ranks in their places in a whole [rows, columns] that is cut along `dim`; -1: all ranks must
/// have the same bits. `fault` says where they have not.
template <class T>
std::vector<T> join(const std::vector<std::vector<T>>& parts, std::int64_t rows, std::int64_t columns, int dim,
                    const std::string& what, std::string& fault) {
  const int ways = static_cast<int>(parts.size());
  if (dim < 0) {
    for (const std::vector<T>& part : parts)
      if (!same_bits(part, parts[0]) && fault.empty()) fault = what + " differs between ranks that share it";
    return parts[0];
  }
  std::vector<T> whole(static_cast<std::size_t>(rows * columns));
  for (int rank = 0; rank < ways; ++rank) {
    const plait::tensor_place here{ways, rank};
    const plait::index_range i_range = dim == 0 ? here.part(rows) : plait::index_range{0, rows};
    const plait::index_range j_range = dim == 1 ? here.part(columns) : plait::index_range{0, columns};
    std::size_t next = 0;
    for (std::int64_t i = i_range.begin; i < i_range.end; ++i)
      for (std::int64_t j = j_range.begin; j < j_range.end; ++j)
        whole[static_cast<std::size_t>(i * columns + j)] = parts[static_cast<std::size_t>(rank)][next++];
  }
  return whole;
}

/// The same for activations: joined, or added up, or equal on all ranks.
template <class Placed, class T>
std::vector<T> join_placed(const std::vector<std::vector<T>>& parts, std::int64_t rows, std::int64_t features,
                           const std::string& what, std::string& fault) {
  if constexpr (is_partial<Placed>) {
    std::vector<T> sum(parts[0].size());
    for (const std::vector<T>& part : parts)
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += part[i];
    return sum;
  } else {
    return join(parts, rows, features, is_split<Placed> ? 1 : -1, what, fault);
  }
}

/// Values in the memory of a space, and one more behind them that nobody may write.
template <class T, class Space>
class cells {
 public:
  using stream = typename Space::stream;

  cells(std::int64_t count, stream order) : data_{count + 1}, order_{order} { spoil(); }
  cells(const std::vector<T>& values, stream order) : cells{static_cast<std::int64_t>(values.size()), order} {
    write(values);
  }

  /// Fills it with what shows in every result that is made of it.
  void spoil() { write(std::vector<T>(static_cast<std::size_t>(data_.size()), nothing())); }
  void write(const std::vector<T>& values) {
    Space::upload(data_.data(), values.data(), values.size() * sizeof(T), order_);
  }
  [[nodiscard]] std::vector<T> read() const {
    std::vector<T> values = read_all();
    values.pop_back();
    return values;
  }
  [[nodiscard]] bool intact() const { return same_bits<T>({read_all().back()}, {nothing()}); }
  [[nodiscard]] T* data() const { return data_.data(); }

 private:
  static constexpr T nothing() {
    return std::is_integral_v<T> ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::quiet_NaN();
  }
  [[nodiscard]] std::vector<T> read_all() const {
    std::vector<T> values(static_cast<std::size_t>(data_.size()));
    Space::download(values.data(), data_.data(), values.size() * sizeof(T), order_);
    return values;
  }

  plait::buffer<T, Space> data_;
  stream order_;
};

}  // namespace laws
