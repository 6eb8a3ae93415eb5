// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include <plait/core/random.hpp>
#include <plait/core/ranges.hpp>
#include <plait/layers/layer.hpp>
#include <plait/tensor/arena.hpp>

namespace plait {

/// One parameter of the model as a rank holds it: its global name and extents, the part that is here, and where.
template <real T>
struct held_parameter {
  std::string name{};  ///< `3.row_linear.weight`, the same in every layout
  parameter global{};
  index_range rows{};  ///< that are here
  index_range columns{};
  T* weight = nullptr;  ///< [rows.size(), columns.size()]
  T* gradient = nullptr;
  std::vector<T*> state{};  ///< of the optimizer
  T* previous = nullptr;    ///< the version before `weight`, where weights are double-buffered
  int copy = 0;             ///< which copy of its stage this is, where several ranks hold it

  [[nodiscard]] std::int64_t size() const { return rows.size() * columns.size(); }
  /// The global element index of local element i.
  [[nodiscard]] std::int64_t global_index(std::int64_t i) const {
    return (rows.begin + i / columns.size()) * global.columns + columns.begin + i % columns.size();
  }
};

/// The initial values of a parameter's part: drawn by global element, so that they do not depend on the layout.
template <real T>
std::vector<T> initial_values(const held_parameter<T>& held, std::uint64_t seed) {
  const random_stream random{seed, held.name, 0};
  std::vector<T> values(static_cast<std::size_t>(held.size()));
  for (std::int64_t i = 0; i < held.size(); ++i) {
    const double draw = held.global.spread == 0 ? 0 : random.uniform(static_cast<std::uint64_t>(held.global_index(i)));
    values[static_cast<std::size_t>(i)] = static_cast<T>(held.global.start + held.global.spread * (2 * draw - 1));
  }
  return values;
}

/// A hash of named elements that does not depend on the order in which they are added, so that ranks can add their
/// parts up.
///
/// Each element adds a mix of its parameter's name, its global index and its bits; the digest is the sum modulo 2^64.
/// -0 and +0 differ, as do any other two bit patterns. Mixing: the finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA
/// 2014).
class parameters_digest {
 public:
  template <real T>
  void add(std::string_view name, std::int64_t global_index, T value) {
    using word = std::conditional_t<std::is_same_v<T, float>, std::uint32_t, std::uint64_t>;
    sum_ += mixed(mixed(hash_of(name) + static_cast<std::uint64_t>(global_index)) ^ std::bit_cast<word>(value));
  }
  [[nodiscard]] std::uint64_t value() const { return sum_; }

 private:
  static constexpr std::uint64_t mixed(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  }
  std::uint64_t sum_ = 0;
};

}  // namespace plait
