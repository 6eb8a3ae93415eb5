// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include <plait/kernels/for_each.hpp>
#include <plait/optim/clip.hpp>
#include <plait/tensor/host.hpp>

#include <doctest/doctest.h>

namespace {

double scale_of(double norm, double limit) {
  const double square = norm * norm;
  double scale = -1;
  plait::for_each_element(1, plait::clip_scale{&square, limit, &scale}, plait::host_stream{});
  return scale;
}

TEST_CASE("gradients whose norm is below the limit are left as they are") {
  CHECK(scale_of(0, 1) == 1);
  CHECK(scale_of(0.5, 1) == 1);
  CHECK(scale_of(0.999998, 1) == 1);
  CHECK(scale_of(0, 1e-3) == 1);
}

TEST_CASE("a norm of exactly the limit is scaled by the guard alone") {
  CHECK(scale_of(1, 1) == 1 / (1 + 1e-6));
  CHECK(scale_of(4, 4) == 4 / (4 + 1e-6));
}

TEST_CASE("a larger norm is scaled to the limit") {
  CHECK(scale_of(5, 1) == 1 / (5 + 1e-6));
  CHECK(scale_of(2, 0.5) == 0.5 / (2 + 1e-6));
  for (double norm : {1.5, 10.0, 1e6, 1e12}) {
    CAPTURE(norm);
    CHECK(norm * scale_of(norm, 1) <= 1);
    CHECK(norm * scale_of(norm, 1) > 1 - 1e-6);
  }
}

TEST_CASE("an infinite norm takes every finite gradient to 0, and leaves the infinite one no number") {
  CHECK(scale_of(std::numeric_limits<double>::infinity(), 1) == 0);
}

}  // namespace
