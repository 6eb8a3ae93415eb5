// SPDX-License-Identifier: Apache-2.0
// What products and launches have on a device alone.
#include <cstdint>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/core/host_device.hpp>
#include <plait/kernels/for_each_element.cuh>
#include <plait/kernels/launch.cuh>
#include <plait/kernels/matmul.cuh>
#include <plait/tensor/cuda.cuh>

#include <doctest/doctest.h>

#include "kernels/laws.hpp"
#include "kernels/matmul_laws.hpp"

namespace plait::laws {

struct nothing {
  PLAIT_HD void operator()(std::int64_t) const {}
};

static_assert(kernel_op<plait::detail::element_op<nothing>>);
static_assert(!kernel_op<nothing>);
static_assert(blocks_for(0, 256) == 0);
static_assert(blocks_for(1, 256) == 1);
static_assert(blocks_for(256, 256) == 1);
static_assert(blocks_for(257, 256) == 2);
static_assert(blocks_for(std::int64_t{1} << 40, 256) == most_blocks);

constexpr auto tf32_matmul = [](auto a, flip flip_a, auto b, flip flip_b, auto out, auto keep, cuda_stream order) {
  matmul(a, flip_a, b, flip_b, out, keep, product_precision::tf32, order);
};

TEST_CASE("products in TF32 round each operand to 11 significant bits, and no more") {
  const desk<cuda> at;
  for (flip how : {flip::no, flip::yes}) {
    const product<float> given{{32, 48, 64}, how, flip::yes, 1.0f, false};
    std::vector<long double> bound = given.bound();
    for (std::size_t i = 0; i < bound.size(); ++i) bound[i] += 0x1p-9L * given.magnitude[i];
    check_near(result_of(given, 0, at, tf32_matmul), given.wanted, bound);
  }
}

TEST_CASE("products of double take no notice of TF32") {
  const desk<cuda> at;
  const product<double> given{{32, 48, 64}, flip::no, flip::yes, 0, false};
  check_near(result_of(given, 0, at, tf32_matmul), given.wanted, given.bound());
}

TEST_CASE("a kernel that cannot be started says its name") {
  const desk<cuda> at;
  const auto start = [&](std::int64_t blocks) {
    launch<plait::detail::element_op<nothing>>(blocks, {0, {}}, at.order());
  };
  CHECK_NOTHROW(start(0));
  CHECK_NOTHROW(start(1));
  CHECK_THROWS_WITH_AS(start(std::int64_t{1} << 31), doctest::Contains("start of plait::for_each_element: cudaError"),
                       error);
}

}  // namespace plait::laws
