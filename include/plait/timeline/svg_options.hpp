// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <plait/timeline/time_unit.hpp>

namespace plait {

/// What a picture of timelines looks like.
struct svg_options {
  std::string title{};                 ///< above everything; empty: none
  time_unit unit = time_unit::second;  ///< what the times of the timelines are
  int plot_width = 0;                  ///< of the longest makespan, in pixels; 0: wide enough for numbers, if it may be
};

}  // namespace plait
