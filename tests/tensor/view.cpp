// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <type_traits>

#include <plait/tensor/dtype.hpp>
#include <plait/tensor/host.hpp>
#include <plait/tensor/placement.hpp>
#include <plait/tensor/view.hpp>

#include <doctest/doctest.h>

namespace {

using namespace plait;

template <class T, class Placement>
using host_matrix = matrix<T, host, Placement>;
struct elsewhere {};  // another space

// A view of const can be had from one that is not, and from nothing else: not from const, another placement, space,
// number of dimensions or type.
using writable = host_matrix<float, whole_features>;
static_assert(std::is_convertible_v<writable, host_matrix<const float, whole_features>>);
static_assert(!std::is_convertible_v<host_matrix<const float, whole_features>, writable>);
static_assert(!std::is_convertible_v<writable, host_matrix<const float, split_features>>);
static_assert(!std::is_convertible_v<writable, host_matrix<const float, partial_features>>);
static_assert(!std::is_convertible_v<writable, matrix<const float, elsewhere, whole_features>>);
static_assert(!std::is_convertible_v<writable, host_matrix<const double, whole_features>>);
static_assert(!std::is_convertible_v<writable, view<const float, 1, host, whole_features>>);
static_assert(std::is_trivially_copyable_v<writable>);  // so a kernel can be given one
static_assert(std::is_same_v<host_matrix<const float, whole_features>::value_type, float>);

constexpr bool shapes_are_kept() {
  float values[6]{};
  const writable from{values, {2, 3}};
  const host_matrix<const float, whole_features> same = from;
  const auto placed = placed_as<partial_features>(from);
  return same.data == values && same.extent[0] == 2 && same.extent[1] == 3 && same.size() == 6 &&
         placed.data == values && placed.extent[0] == 2 && placed.extent[1] == 3;
}
static_assert(shapes_are_kept());
static_assert(std::is_same_v<decltype(placed_as<split_features>(writable{})), host_matrix<float, split_features>>);

TEST_CASE("the size of a view is the product of its extents, beyond 32 bits too") {
  CHECK(view<float, 3, host, whole_features>{nullptr, {2, 3, 4}}.size() == 24);
  CHECK(view<float, 3, host, whole_features>{nullptr, {2, 0, 4}}.size() == 0);
  CHECK(writable{nullptr, {1 << 20, 1 << 20}}.size() == std::int64_t{1} << 40);
}

TEST_CASE("every dtype has a name, and the size of its C++ type") {
  CHECK(name_of(dtype_of<float>) == "f32");
  CHECK(name_of(dtype_of<double>) == "f64");
  CHECK(name_of(dtype_of<std::int32_t>) == "i32");
  CHECK(name_of(dtype_of<std::int64_t>) == "i64");
  CHECK(name_of(dtype_of<std::uint64_t>) == "u64");
  CHECK(size_of(dtype::f32) == sizeof(float));
  CHECK(size_of(dtype::f64) == sizeof(double));
  CHECK(size_of(dtype::i32) == sizeof(std::int32_t));
  CHECK(size_of(dtype::i64) == sizeof(std::int64_t));
  CHECK(size_of(dtype::u64) == sizeof(std::uint64_t));
}

}  // namespace
