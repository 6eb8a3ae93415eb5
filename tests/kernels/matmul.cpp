// SPDX-License-Identifier: Apache-2.0
// The product that is used where there is no CBLAS: it is compiled everywhere, so it is held to the same laws
// everywhere.
#include <plait/kernels/matmul.hpp>
#include <plait/tensor/host.hpp>

#include <doctest/doctest.h>

#include "kernels/matmul_laws.hpp"

TEST_CASE_TEMPLATE("the product without a CBLAS is what the triple loop gives", T, float, double) {
  plait::laws::multiplies<plait::host, T>(
      [](auto a, plait::flip flip_a, auto b, plait::flip flip_b, auto out, T keep, plait::host_stream) {
        const plait::product_shape shape = plait::product_shape_of(a, flip_a, b, flip_b, out);
        plait::detail::plain_matmul(shape, a.data, flip_a, b.data, flip_b, out.data, keep);
      });
}
