// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/mesh/dispatch.hpp>
#include <plait/mesh/name.hpp>
#include <plait/schedule/gpipe.hpp>
#include <plait/schedule/interleaved.hpp>
#include <plait/schedule/one_f_one_b.hpp>

#include <doctest/doctest.h>

namespace {

using namespace plait;

struct my_layout : mesh<data<2>> {
  static constexpr std::string_view name = "mine";
};

TEST_CASE("the name of a layout says its axes of more than one way, its schedule and its order of ranks") {
  CHECK(name_of_layout<mesh<>>() == "serial");
  CHECK(name_of_layout<mesh<data<1>, tensor<1>, pipeline<1>>>() == "serial");
  CHECK(name_of_layout<mesh<data<4>>>() == "data4");
  CHECK(name_of_layout<mesh<pipeline<2>, tensor<2>, data<2>>>() == "data2_tensor2_pipeline2");
  CHECK(name_of_layout<mesh<pipeline<4, gpipe>>>() == "pipeline4_gpipe");
  CHECK(name_of_layout<mesh<pipeline<1, gpipe>>>() == "serial");
  CHECK(name_of_layout<mesh<pipeline<2, interleaved<2>>>>() == "pipeline2_interleaved2");
  CHECK(name_of_layout<mesh<pipeline<1, interleaved<3>>>>() == "pipeline1_interleaved3");
  CHECK(name_of_layout<mesh<data<2>, tensor<2>, fastest<axis::data>>>() == "data2_tensor2_data_tensor_fastest");
  CHECK(name_of_layout<my_layout>() == "mine");
}

using serial = mesh<>;
using replicas = mesh<data<4>>;
using both = mesh<data<2>, pipeline<2, gpipe>>;

template <class Body>
void among_ours(std::string_view name, Body&& body) {
  dispatch<serial, replicas, both, my_layout>(name, body);
}

TEST_CASE("dispatch calls the body once, with the layout of that name") {
  const std::vector<std::string> names = names_of_layouts<serial, replicas, both, my_layout>();
  CHECK(names == std::vector<std::string>{"serial", "data4", "data2_pipeline2_gpipe", "mine"});
  for (const std::string& name : names) {
    std::vector<std::string> called;
    among_ours(name, [&]<class L>(std::type_identity<L>) { called.push_back(name_of_layout<L>()); });
    CHECK(called == std::vector<std::string>{name});
  }
  int size = 0;
  among_ours("data2_pipeline2_gpipe", [&]<class L>(std::type_identity<L>) {
    static_assert(layout<L>);
    size = L::size;
  });
  CHECK(size == 4);
}

TEST_CASE("a name that is not compiled in is refused with all those that are") {
  bool called = false;
  try {
    among_ours("data5", [&](auto) { called = true; });
    FAIL("nothing was thrown");
  } catch (const error& caught) {
    CHECK(caught.kind() == error_kind::usage);
    CHECK(caught.exit_status() == 2);
    CHECK(caught.sentence() == "no layout is named data5; there are serial data4 data2_pipeline2_gpipe mine");
  }
  CHECK_FALSE(called);
  CHECK_THROWS_AS(among_ours("", [](auto) {}), error);
  CHECK_THROWS_AS(among_ours("data", [](auto) {}), error);
}

}  // namespace
