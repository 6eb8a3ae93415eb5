// SPDX-License-Identifier: Apache-2.0
// A layout is a type: the axes of parallelism and how many ranks each has. This program prints where each rank of a
// layout stands, and with whom it exchanges what.
//
//   01_mesh                                     the layout below, as a type
//   01_mesh --data 4 --tensor 2 --pipeline 3    another one, as numbers
//   01_mesh --fastest data                      ranks that hold equal weights become neighbours

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <plait/plan.hpp>

#include <CLI/CLI.hpp>

namespace {

// [a layout]
using layout = plait::mesh<plait::data<2>, plait::tensor<2>, plait::pipeline<2>>;

static_assert(layout::size == 8);
static_assert(layout::coordinate_of(5) == plait::coordinate{.data = 0, .tensor = 1, .pipeline = 1});
static_assert(layout::group_of(plait::axis::tensor, 5) == std::vector<int>{4, 5});
// [a layout]

/// `4 5`
std::string text_of(const std::vector<int>& ranks) {
  std::string text;
  for (int rank : ranks) text.append(text.empty() ? "" : " ").append(std::to_string(rank));
  return text;
}

void print(const plait::mesh_description& mesh) {
  std::printf("data %d x tensor %d x pipeline %d: %d ranks\n\n", mesh.ways.data, mesh.ways.tensor, mesh.ways.pipeline,
              mesh.size());
  std::printf("%4s  %-34s %-16s %-16s %s\n", "rank", "place", "shares layers", "same weights", "other stages");
  for (int rank = 0; rank < mesh.size(); ++rank)
    std::printf("%4d  %-34s %-16s %-16s %s\n", rank, to_string(mesh.coordinate_of(rank)).c_str(),
                text_of(mesh.group_of(plait::axis::tensor, rank)).c_str(),
                text_of(mesh.group_of(plait::axis::data, rank)).c_str(),
                text_of(mesh.group_of(plait::axis::pipeline, rank)).c_str());
}

plait::rank_order order_that_begins_with(plait::axis first) {
  plait::rank_order order = plait::default_rank_order;
  std::stable_partition(order.begin(), order.end(), [&](plait::axis one) { return one == first; });
  return order;
}

}  // namespace

int main(int argc, char** argv) {
  plait::mesh_description mesh = layout::description();
  plait::axis first = plait::axis::tensor;
  CLI::App app{"Prints where each rank of a layout stands, and with whom it exchanges values."};
  app.add_option("--data", mesh.ways.data, "copies of the model")->check(CLI::Range(1, 64))->capture_default_str();
  app.add_option("--tensor", mesh.ways.tensor, "ranks that share each layer")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--pipeline", mesh.ways.pipeline, "ranks that the layers are dealt out to")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--fastest", first, "the axis in which neighbours differ: data, tensor or pipeline")
      ->transform(CLI::CheckedTransformer(std::vector<std::pair<std::string, plait::axis>>{
          {"data", plait::axis::data}, {"tensor", plait::axis::tensor}, {"pipeline", plait::axis::pipeline}}));
  try {
    app.parse(argc, argv);
    mesh.order = order_that_begins_with(first);
    print(mesh);
  } catch (const CLI::ParseError& wrong) {
    return app.exit(wrong) == 0 ? 0 : 2;
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "01_mesh: %s\n", wrong.what());
    return 1;
  }
}
