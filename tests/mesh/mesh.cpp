// SPDX-License-Identifier: Apache-2.0
#include <type_traits>

#include <plait/mesh/mesh.hpp>
#include <plait/schedule/interleaved.hpp>
#include <plait/schedule/one_f_one_b.hpp>

#include <doctest/doctest.h>

namespace {

using namespace plait;

// ---- a layout reads as the sentence it is

using whole = mesh<data<4>, tensor<8>, pipeline<2, interleaved<2>>>;
static_assert(layout<whole> && whole::size == 64);
static_assert(whole::ways == coordinate{.data = 4, .tensor = 8, .pipeline = 2});
static_assert(std::is_same_v<whole::schedule, interleaved<2>>);
static_assert(whole::description().chunks == 2 && whole::description().stages() == 4);
static_assert(whole::description().size() == 64);

// Axes that are not named have one way, and pipelines run 1F1B.
static_assert(mesh<>::size == 1 && mesh<>::ways == coordinate{1, 1, 1} && mesh<>::description().chunks == 1);
static_assert(mesh<tensor<3>>::ways == coordinate{.data = 1, .tensor = 3, .pipeline = 1});
static_assert(std::is_same_v<mesh<>::schedule, one_f_one_b> && std::is_same_v<pipeline<4>::schedule, one_f_one_b>);
static_assert(mesh<>::order == default_rank_order);

// The order of the arguments says nothing.
template <class A, class B>
constexpr bool same =
    A::description() == B::description() && A::size
                                                == B::size&& std::is_same_v<typename A::schedule, typename B::schedule>;
using in_order = mesh<data<2>, tensor<3>, pipeline<4, interleaved<2>>, fastest<axis::data>>;
static_assert(same<in_order, mesh<tensor<3>, fastest<axis::data>, pipeline<4, interleaved<2>>, data<2>>>);
static_assert(same<in_order, mesh<pipeline<4, interleaved<2>>, data<2>, fastest<axis::data>, tensor<3>>>);
static_assert(same<in_order, mesh<fastest<axis::data>, pipeline<4, interleaved<2>>, tensor<3>, data<2>>>);
static_assert(!same<in_order, mesh<data<3>, tensor<2>, pipeline<4, interleaved<2>>, fastest<axis::data>>>);
static_assert(!same<in_order, mesh<data<2>, tensor<3>, pipeline<4, interleaved<2>>>>);

// What is a layout: a mesh, and a type derived from one; nothing else.
struct my_layout : mesh<data<2>> {};
static_assert(layout<my_layout> && !layout<data<2>> && !layout<int>);

// A mesh as a value can be built, compared and asked in constant expressions.
constexpr mesh_description at_run_time{.ways = {.data = 2, .tensor = 3, .pipeline = 4}, .chunks = 2};
static_assert(at_run_time.size() == 24 && at_run_time.stages() == 8);
static_assert(at_run_time != mesh_description{} && mesh_description{}.size() == 1);
static_assert(at_run_time.group_of(axis::tensor, 4).front() == 3 && at_run_time.group_of(axis::data, 4).back() == 4);
static_assert(at_run_time.group_number(axis::tensor, 5) == 3);

// Sets of axes.
static_assert((axis::data | axis::tensor).has(axis::data) && !(axis::data | axis::tensor).has(axis::pipeline));
static_assert((axis::data | axis::tensor) == (axis::tensor | axis::data) && axis_set{} != axis_set{axis::data});

TEST_CASE("a coordinate is read and written by axis") {
  coordinate place{.data = 1, .tensor = 2, .pipeline = 3};
  CHECK(place[axis::data] == 1);
  CHECK(place[axis::tensor] == 2);
  CHECK(place[axis::pipeline] == 3);
  place[axis::pipeline] = 7;
  CHECK(place == coordinate{.data = 1, .tensor = 2, .pipeline = 7});
  CHECK(name_of(axis::tensor) == "tensor");
  CHECK(name_of(axis::data) == "data");
  CHECK(name_of(axis::pipeline) == "pipeline");
}

TEST_CASE("a mesh as a type and as a value say the same of every rank") {
  for (int rank = 0; rank < whole::size; ++rank) {
    CHECK(whole::coordinate_of(rank) == whole::description().coordinate_of(rank));
    CHECK(whole::rank_of(whole::coordinate_of(rank)) == rank);
    CHECK(whole::group_of(axis::data, rank) == whole::description().group_of(axis::data, rank));
  }
}

}  // namespace
