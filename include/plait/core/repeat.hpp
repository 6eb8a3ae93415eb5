// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

namespace plait {

/// `Count` things alike, written once: one type and a number rather than `Count` types.
template <class T, int Count>
struct repeated {
  static_assert(Count >= 1, "plait::repeat<Count>: Count is at least 1");
  static constexpr int count = Count;
  T value;
};

/// `repeat<12>(block{...})`
template <int Count, class T>
constexpr repeated<T, Count> repeat(T value) {
  return {std::move(value)};
}

}  // namespace plait
