// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/mesh/data.hpp>
#include <plait/mesh/description.hpp>
#include <plait/mesh/mesh.hpp>
#include <plait/mesh/pipeline.hpp>
#include <plait/mesh/tensor.hpp>

#include <doctest/doctest.h>

namespace {

using namespace plait;

// ---- constants to check by hand: tensor varies fastest, pipeline slowest

using cube = mesh<data<2>, tensor<2>, pipeline<2>>;
static_assert(cube::size == 8);
static_assert(cube::coordinate_of(1) == coordinate{.data = 0, .tensor = 1, .pipeline = 0});
static_assert(cube::coordinate_of(2) == coordinate{.data = 1, .tensor = 0, .pipeline = 0});
static_assert(cube::coordinate_of(4) == coordinate{.data = 0, .tensor = 0, .pipeline = 1});
static_assert(cube::coordinate_of(7) == coordinate{.data = 1, .tensor = 1, .pipeline = 1});
static_assert(cube::rank_of({.data = 1, .tensor = 0, .pipeline = 1}) == 6);
static_assert(cube::group_of(axis::tensor, 0).size() == 2 && cube::group_of(axis::tensor, 0)[1] == 1);

using oblong = mesh<data<3>, pipeline<2>, fastest<axis::pipeline>>;
static_assert(oblong::coordinate_of(1) == coordinate{.pipeline = 1});
static_assert(oblong::coordinate_of(2) == coordinate{.data = 1});

TEST_CASE("the groups of two ways along each axis are those that one writes down by hand") {
  using ranks = std::vector<int>;
  CHECK(cube::group_of(axis::tensor, 0) == ranks{0, 1});
  CHECK(cube::group_of(axis::tensor, 7) == ranks{6, 7});
  CHECK(cube::group_of(axis::data, 0) == ranks{0, 2});
  CHECK(cube::group_of(axis::data, 5) == ranks{5, 7});
  CHECK(cube::group_of(axis::pipeline, 0) == ranks{0, 4});
  CHECK(cube::group_of(axis::pipeline, 3) == ranks{3, 7});
  CHECK(cube::group_of(axis::tensor | axis::pipeline, 2) == ranks{2, 3, 6, 7});
  CHECK(cube::group_of(axis::tensor | axis::data, 5) == ranks{4, 5, 6, 7});
  CHECK(cube::group_of(axis::tensor | axis::data | axis::pipeline, 5) == ranks{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(cube::group_of({}, 5) == ranks{5});
}

TEST_CASE("fastest chooses the axis in which neighbours differ; those not named follow in the usual order") {
  static_assert(fastest<>::order == default_rank_order);
  static_assert(fastest<axis::data>::order == rank_order{axis::data, axis::tensor, axis::pipeline});
  static_assert(fastest<axis::pipeline, axis::data>::order == rank_order{axis::pipeline, axis::data, axis::tensor});
  using replicas_first = mesh<data<2>, tensor<2>, pipeline<2>, fastest<axis::data>>;
  CHECK(replicas_first::group_of(axis::data, 0) == std::vector<int>{0, 1});
  CHECK(replicas_first::group_of(axis::tensor, 0) == std::vector<int>{0, 2});
  CHECK(replicas_first::group_of(axis::pipeline, 0) == std::vector<int>{0, 4});
}

// ---- all meshes of up to 16 ranks, in all orders of ranks

std::vector<mesh_description> all_meshes() {
  std::vector<mesh_description> meshes;
  rank_order order = all_axes;
  std::sort(order.begin(), order.end());
  do {
    for (int tensor = 1; tensor <= 16; ++tensor)
      for (int data = 1; tensor * data <= 16; ++data)
        for (int pipeline = 1; tensor * data * pipeline <= 16; ++pipeline)
          meshes.push_back({.ways = {.data = data, .tensor = tensor, .pipeline = pipeline}, .order = order});
  } while (std::next_permutation(order.begin(), order.end()));
  return meshes;
}

std::vector<axis_set> all_sets() {
  std::vector<axis_set> sets;
  for (unsigned bits = 0; bits < 1u << axis_count; ++bits) {
    axis_set one;
    for (axis which : all_axes)
      if ((bits >> static_cast<unsigned>(which) & 1u) != 0) one = one | which;
    sets.push_back(one);
  }
  return sets;
}

std::string text_of(const mesh_description& shape) {
  std::string text = to_string(shape.ways) + " fastest first:";
  for (axis which : shape.order) text.append(" ").append(name_of(which));
  return text;
}

TEST_CASE("ranks and coordinates are a bijection, and neighbours differ in the fastest axis") {
  const auto meshes = all_meshes();
  CHECK(meshes.size() > 600);
  for (const mesh_description& shape : meshes) {
    const std::string of_mesh = text_of(shape);
    CAPTURE(of_mesh);
    std::set<std::vector<int>> seen;
    bool there_and_back = true, in_range = true, neighbours = true;
    for (int rank = 0; rank < shape.size(); ++rank) {
      const coordinate place = shape.coordinate_of(rank);
      seen.insert({place.data, place.tensor, place.pipeline});
      there_and_back = there_and_back && shape.rank_of(place) == rank;
      for (axis which : all_axes) in_range = in_range && place[which] >= 0 && place[which] < shape.ways[which];
      coordinate next = place;
      if (++next[shape.order[0]] < shape.ways[shape.order[0]])
        neighbours = neighbours && shape.rank_of(next) == rank + 1;
    }
    CHECK(there_and_back);
    CHECK(in_range);
    CHECK(neighbours);
    CHECK(static_cast<int>(seen.size()) == shape.size());
  }
}

TEST_CASE(
    "the groups along any set of axes are disjoint, cover the mesh, and have as many ranks as the axes have ways") {
  for (const mesh_description& shape : all_meshes()) {
    const std::string of_mesh = text_of(shape);
    CAPTURE(of_mesh);
    for (axis_set along : all_sets()) {
      std::size_t size = 1;
      for (axis which : all_axes) size *= along.has(which) ? static_cast<std::size_t>(shape.ways[which]) : 1;
      bool right_size = true, ordered = true, differ_only_along = true, shared = true, numbered = true;
      for (int rank = 0; rank < shape.size(); ++rank) {
        const std::vector<int> group = shape.group_of(along, rank);
        right_size = right_size && group.size() == size;
        ordered =
            ordered && std::is_sorted(group.begin(), group.end()) && std::count(group.begin(), group.end(), rank) == 1;
        for (int other = 0; other < shape.size(); ++other) {
          const bool member = std::count(group.begin(), group.end(), other) > 0;
          // Members see the same group, so groups are either equal or disjoint.
          shared = shared && (!member || shape.group_of(along, other) == group);
          numbered = numbered && member == (shape.group_number(along, other) == shape.group_number(along, rank));
          for (axis which : all_axes)
            if (member && !along.has(which))
              differ_only_along =
                  differ_only_along && shape.coordinate_of(other)[which] == shape.coordinate_of(rank)[which];
        }
      }
      CHECK(right_size);
      CHECK(ordered);
      CHECK(differ_only_along);
      CHECK(shared);
      CHECK(numbered);
    }
  }
}

TEST_CASE("a place in a group is the coordinate along its axis, whatever the order of ranks") {
  for (const mesh_description& shape : all_meshes())
    for (axis which : all_axes)
      for (int rank = 0; rank < shape.size(); ++rank) {
        const std::vector<int> group = shape.group_of(which, rank);
        REQUIRE(group.at(static_cast<std::size_t>(shape.coordinate_of(rank)[which])) == rank);
      }
}

TEST_CASE("ranks and places outside the mesh are refused with a sentence") {
  CHECK_THROWS_WITH_AS(static_cast<void>(cube::coordinate_of(8)), doctest::Contains("ranks count from 0"), error);
  CHECK_THROWS_AS(static_cast<void>(cube::coordinate_of(-1)), error);
  CHECK_THROWS_WITH_AS(static_cast<void>(cube::rank_of({.data = 2})), doctest::Contains("each place counts from 0"),
                       error);
  CHECK_THROWS_AS(static_cast<void>(cube::rank_of({.tensor = -1})), error);
  CHECK_THROWS_AS(static_cast<void>(cube::group_of(axis::data, 8)), error);
}

TEST_CASE("coordinates are printed with the names of their axes") {
  CHECK(to_string(coordinate{.data = 1, .tensor = 0, .pipeline = 3}) == "{data 1, tensor 0, pipeline 3}");
}

}  // namespace
