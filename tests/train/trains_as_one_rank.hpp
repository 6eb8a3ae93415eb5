// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>

#include <doctest/doctest.h>

#include "exact_model.hpp"

namespace harness {

/// A model under every pipeline of up to four ranks that the schedule accepts, alone and beside data and tensor axes:
/// law 1, bit for bit.
template <schedule S, class Model>
void trains_as_one_rank(const Model& model, std::initializer_list<int> micros) {
  const outcome<double> one = train_serial<double, double>(model, exact_optimizer<double>(), exact_task<double>(1));
  REQUIRE(one.exact);
  REQUIRE(one.losses.front() != one.losses.back());
  int tried = 0;
  for (const coordinate ways : {coordinate{1, 1, 1}, {1, 1, 2}, {1, 1, 3}, {1, 1, 4}, {2, 1, 2}, {1, 2, 2}, {2, 2, 2}})
    for (const int micro : micros) {
      const layout_handle layout = layout_under<S>(ways);
      if (!S::accepts(shape_of<S>(ways.pipeline, micro)).legal) continue;
      if (ways.data * ways.tensor > 1 && micro != 4) continue;
      CAPTURE(to_string(ways));
      CAPTURE(micro);
      ++tried;
      CHECK(equal_bits(
          train<double, double>(threads{}, layout, model, exact_optimizer<double>(), exact_task<double>(micro)), one));
    }
  CHECK(tried > 3);
}

}  // namespace harness
