// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace plait {

/// What the times of a timeline are: seconds, or the abstract units in which schedules are compared.
enum class time_unit { second, unit };

/// How times are written: multiplied by a factor, followed by a name.
struct time_scale {
  double factor = 1;
  std::string_view name = "s";
};

/// The scale in which the longest of some times has one to three digits before the point.
constexpr time_scale scale_for(double longest, time_unit unit) {
  if (unit == time_unit::unit) return {1, "units"};
  if (longest >= 1) return {1, "s"};
  return longest >= 1e-3 ? time_scale{1e3, "ms"} : time_scale{1e6, "us"};
}

/// For people, three significant figures or all digits before the point: `12.3 ms`, `1240 units`.
inline std::string to_text(double time, time_scale scale) {
  const double number = time * scale.factor;
  char text[64];
  std::snprintf(text, sizeof text, number >= 1000 ? "%.0f " : "%.3g ", number);
  return std::string{text}.append(scale.name);
}

}  // namespace plait
