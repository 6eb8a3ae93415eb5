// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <plait/comm/communicator.hpp>
#include <plait/cost/memory.hpp>
#include <plait/layers/layer.hpp>
#include <plait/mesh/mesh.hpp>
#include <plait/schedule/orders.hpp>
#include <plait/schedule/program_of.hpp>

namespace plait {

/// A schedule as a value, for code that does not depend on its type.
struct schedule_handle {
  std::string name{};
  weight_versions versions = weight_versions::flush;
  std::function<pipe_shape(int ranks, int micro, int steps)> shape_of{};
  std::function<shape_verdict(pipe_shape)> accepts{};
  std::function<std::vector<program>(pipe_shape, step_options)> programs_of{};
  std::function<std::vector<program>(pipe_shape, step_options)> forward_programs_of{};
  std::function<int(pipe_shape, int rank, int chunk)> stage_of{};
};

template <schedule S>
schedule_handle handle_of() {
  return {std::string{S::name}, versions_of<S>(),        &shape_of<S>,           &S::accepts,
          &programs_of<S>,      &forward_programs_of<S>, &S::placement::stage_of};
}

/// Orders that were brought: from a file, from a search, by hand. They are for one shape and no other.
inline schedule_handle handle_of(const orders& all) {
  const auto accepts = [shape = all.shape](pipe_shape wanted) {
    return wanted == shape ? shape_verdict{} : shape_verdict{false, "the orders are for another shape", 0, 0};
  };
  return {.name = all.name.empty() ? "orders" : all.name,
          .versions = all.versions,
          .shape_of =
              [shape = all.shape](int ranks, int micro, int steps) {
                pipe_shape wanted = shape;
                wanted.ranks = ranks;
                wanted.micro = micro;
                wanted.steps = steps;
                return wanted;
              },
          .accepts = accepts,
          .programs_of = [all](pipe_shape, step_options options) { return programs_of(all, options); },
          .forward_programs_of =
              [all](pipe_shape, step_options options) { return programs_of(all, options, /*forward_only=*/true); },
          .stage_of = [all](pipe_shape, int rank, int chunk) { return all.stage(rank, chunk); }};
}

/// A layout as a value: its numbers, and its schedule.
struct layout_handle {
  mesh_description mesh;
  schedule_handle schedule;
};

template <layout L>
layout_handle handle_of_layout() {
  static_assert(schedule<typename L::schedule>,
                "plait::mesh: the second argument of pipeline<N, Schedule> is a schedule");
  return {L::description(), handle_of<typename L::schedule>()};
}

/// A pipeline of orders that were brought, alone or beside data and tensor axes: `ways.pipeline` must be their ranks.
inline layout_handle layout_of_orders(const orders& all, coordinate ways) {
  return {mesh_description{.ways = ways, .chunks = all.shape.chunks}, handle_of(all)};
}

/// One rank of a run: the world, its place in the layout, and its groups along each axis.
///
/// Groups are made in the same order on all ranks, which communicators of some kinds require.
template <class Comm>
class rank_context {
  static_assert(
      communicator<Comm>,
      "plait::rank_context: the ranks of a run exchange values through a communicator (comm/communicator.hpp)");

 public:
  using communicator_type = Comm;
  using space = typename Comm::space;

  rank_context(Comm& world, const layout_handle& shape)
      : world_{&world},
        layout_{shape},
        place_{shape.mesh.coordinate_of(world.rank())},
        tensor_{split(axis::tensor)},
        data_{split(axis::data)},
        pipeline_{split(axis::pipeline)},
        model_{split(axis::tensor | axis::pipeline)} {
    if (const int first = first_with_same_stages(); first >= 0) copies_ = split_copies(first);
  }

  [[nodiscard]] Comm& world() { return *world_; }
  [[nodiscard]] Comm& tensor() { return tensor_; }      ///< ranks that share each layer
  [[nodiscard]] Comm& data() { return data_; }          ///< ranks with the same parameters
  [[nodiscard]] Comm& pipeline() { return pipeline_; }  ///< ranks that pass activations on; rank in it: pipeline rank
  [[nodiscard]] Comm& model() { return model_; }        ///< ranks that together hold the model once

  /// Ranks whose gradients are summed: those with the same parameters, and with copies of the same stages.
  [[nodiscard]] Comm& gradients() { return copies_.has_value() ? *copies_ : data_; }

  /// Keeps what messages may still be read from, for a rank that fails with sends under way: until all ranks have
  /// ended where the communicator can, else until this rank's groups are gone.
  void keep(std::shared_ptr<void> memory) {
    if constexpr (requires { world_->keep(std::move(memory)); })
      world_->keep(std::move(memory));
    else
      kept_.push_back(std::move(memory));
  }

  [[nodiscard]] int rank() const { return world_->rank(); }
  [[nodiscard]] const layout_handle& layout() const { return layout_; }
  [[nodiscard]] const mesh_description& mesh() const { return layout_.mesh; }
  [[nodiscard]] coordinate place() const { return place_; }
  [[nodiscard]] tensor_place on_tensor_axis() const { return {layout_.mesh.ways.tensor, place_.tensor}; }

 private:
  Comm split(axis_set along) { return world_->split(layout_.mesh.group_number(along, world_->rank()), world_->rank()); }

  /// The first pipeline rank with the stages of this one; -1: no stage has copies. Throws: usage, where ranks share
  /// some of their stages but not all.
  [[nodiscard]] int first_with_same_stages() const {
    const int ranks = layout_.mesh.ways.pipeline;
    const pipe_shape shape = layout_.schedule.shape_of(ranks, 1, 1);
    if (!shape.has_copies()) return -1;
    const auto holds = [&](int rank, int stage) {
      for (int chunk = 0; chunk < shape.chunks; ++chunk)
        if (layout_.schedule.stage_of(shape, rank, chunk) == stage) return true;
      return false;
    };
    int first = place_.pipeline;
    for (int rank = ranks - 1; rank >= 0; --rank) {
      int shared = 0;
      for (int chunk = 0; chunk < shape.chunks; ++chunk)
        shared += holds(rank, layout_.schedule.stage_of(shape, place_.pipeline, chunk)) ? 1 : 0;
      require(shared == 0 || shared == shape.chunks, "plait::rank_context",
              "ranks that hold copies of a stage must hold the same stages");
      if (shared > 0) first = rank;
    }
    return first;
  }
  Comm split_copies(int first) {
    coordinate place = place_;
    place.pipeline = first;
    place.data = 0;
    return world_->split(layout_.mesh.rank_of(place), world_->rank());
  }

  std::vector<std::shared_ptr<void>> kept_;  ///< outlives the groups
  Comm* world_;
  layout_handle layout_;
  coordinate place_;
  Comm tensor_;
  Comm data_;
  Comm pipeline_;
  Comm model_;
  std::optional<Comm> copies_{};
};

}  // namespace plait
