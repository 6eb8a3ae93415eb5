// SPDX-License-Identifier: Apache-2.0
#pragma once

// Jobs to simulate, and simulations run to their end, in one go and in two.

#include <sstream>
#include <vector>

#include <plait/alloc/simulator.hpp>

#include "made.hpp"

namespace made {

/// A job of so many steps that comes at `arrival` seconds. rates: steps/s on each type.
inline plait::arriving_job job_at(double arrival, double steps, std::vector<double> rates, int gang = 1) {
  plait::arriving_job made;
  made.arrival = arrival;
  made.shape = plait::job_of(rates, gang);
  made.shape.steps_remaining = steps;
  return made;
}

inline plait::simulation_result all_of(plait::simulator run) {
  while (run.step()) {
  }
  return run.result();
}

/// The same, saved after so many rounds of `first` and loaded into `second`, which is made alike and has not begun.
inline plait::simulation_result all_in_two(plait::simulator first, plait::simulator second, int rounds) {
  for (int r = 0; r < rounds; ++r) first.step();
  std::stringstream saved;
  first.save(saved);
  second.load(saved);
  return all_of(second);
}

}  // namespace made
