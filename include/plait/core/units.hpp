// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

namespace plait {

/// A number of one unit; numbers of different units do not mix.
template <class Unit, class Number>
struct quantity {
  Number value{};

  friend constexpr bool operator==(quantity, quantity) = default;
  friend constexpr bool operator<(quantity a, quantity b) { return a.value < b.value; }
  friend constexpr quantity operator+(quantity a, quantity b) { return {a.value + b.value}; }
  friend constexpr quantity operator-(quantity a, quantity b) { return {a.value - b.value}; }
  friend constexpr quantity operator*(quantity a, Number factor) { return {a.value * factor}; }
  constexpr quantity& operator+=(quantity other) { return value += other.value, *this; }
};

using byte_count = quantity<struct bytes_unit, std::int64_t>;
using seconds = quantity<struct seconds_unit, double>;
using bytes_per_second = quantity<struct bytes_per_second_unit, double>;

/// How long `size` takes at `rate`; nothing takes no time, at whatever rate.
constexpr seconds operator/(byte_count size, bytes_per_second rate) {
  return {size.value == 0 ? 0.0 : static_cast<double>(size.value) / rate.value};
}

namespace detail {
inline std::string three_figures(double number, const char* unit) {
  char text[48];
  const bool large = number >= 999.5 || number <= -999.5;  // which %g would write with an exponent
  std::snprintf(text, sizeof text, large ? "%.0f %s" : "%.3g %s", number, unit);
  return text;
}
}  // namespace detail

/// For people: three significant figures and a unit, `1.5 MiB`, `840 us`.
inline std::string to_string(byte_count size) {
  constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double number = static_cast<double>(size.value);
  int unit = 0;
  for (; (number >= 1024 || number <= -1024) && unit < 4; ++unit) number /= 1024;
  return detail::three_figures(number, units[unit]);
}

/// \copydoc to_string(byte_count)
inline std::string to_string(seconds time) {
  constexpr const char* units[] = {"s", "ms", "us", "ns"};
  double number = time.value;
  int unit = 0;
  for (; number != 0 && number < 1 && number > -1 && unit < 3; ++unit) number *= 1000;
  return detail::three_figures(number, units[unit]);
}

}  // namespace plait
