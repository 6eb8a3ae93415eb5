// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

namespace plait {

/// The element types that kernels and communicators take.
enum class dtype : std::uint8_t { f32, f64, i32, i64, u64 };

/// A C++ type that has a dtype: float, double, and the integers of the fixed widths that communicators carry.
template <class T>
concept element = std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, std::int32_t> ||
    std::is_same_v<T, std::int64_t> || std::is_same_v<T, std::uint64_t>;

/// A type that models compute in.
template <class T>
concept real = std::is_same_v<T, float> || std::is_same_v<T, double>;

template <element T>
inline constexpr dtype dtype_of = std::is_same_v<T, float>          ? dtype::f32
                                  : std::is_same_v<T, double>       ? dtype::f64
                                  : std::is_same_v<T, std::int32_t> ? dtype::i32
                                  : std::is_same_v<T, std::int64_t> ? dtype::i64
                                                                    : dtype::u64;

constexpr std::string_view name_of(dtype type) {
  constexpr std::string_view names[] = {"f32", "f64", "i32", "i64", "u64"};
  return names[static_cast<int>(type)];
}

constexpr std::int64_t size_of(dtype type) {
  return type == dtype::f32 || type == dtype::i32 ? 4 : 8;
}

}  // namespace plait
