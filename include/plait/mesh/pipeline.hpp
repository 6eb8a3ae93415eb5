// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace plait {

struct one_f_one_b;  // schedule/one_f_one_b.hpp

/// The pipeline axis: the layers are cut into stages, dealt out to `Ways` ranks; `Schedule` orders each rank's passes.
template <int Ways, class Schedule = one_f_one_b>
struct pipeline {
  static_assert(Ways >= 1, "plait::pipeline<Ways, Schedule>: Ways counts ranks, so it is at least 1");
  static constexpr int ways = Ways;
  using schedule = Schedule;
};

}  // namespace plait
