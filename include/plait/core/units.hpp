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

using bytes = quantity<struct bytes_unit, std::int64_t>;
using seconds = quantity<struct seconds_unit, double>;
using bytes_per_second = quantity<struct bytes_per_second_unit, double>;

/// How long `size` takes at `rate`; nothing takes no time, at whatever rate.
constexpr seconds operator/(bytes size, bytes_per_second rate) {
  return {size.value == 0 ? 0.0 : static_cast<double>(size.value) / rate.value};
}

/// For people: three significant figures and a unit, `1.5 MiB`, `840 us`.
inline std::string to_string(bytes size) {
  constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double number = static_cast<double>(size.value);
  int unit = 0;
  for (; (number >= 1024 || number <= -1024) && unit < 4; ++unit) number /= 1024;
  char text[48];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.3g %s", number, units[unit]);
  return text;
}

/// \copydoc to_string(bytes)
inline std::string to_string(seconds time) {
  constexpr const char* units[] = {"s", "ms", "us", "ns"};
  double number = time.value;
  int unit = 0;
  for (; number != 0 && number < 1 && number > -1 && unit < 3; ++unit) number *= 1000;
  char text[48];
  std::snprintf(text, sizeof text, "%.3g %s", number, units[unit]);
  return text;
}

}  // namespace plait
