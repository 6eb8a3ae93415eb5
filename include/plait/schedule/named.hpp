// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/schedule/chimera.hpp>
#include <plait/schedule/dualpipe.hpp>
#include <plait/schedule/dualpipe_v.hpp>
#include <plait/schedule/forward_only.hpp>
#include <plait/schedule/gpipe.hpp>
#include <plait/schedule/hanayo.hpp>
#include <plait/schedule/interleaved.hpp>
#include <plait/schedule/interleaved_zb.hpp>
#include <plait/schedule/known.hpp>
#include <plait/schedule/looped_bfs.hpp>
#include <plait/schedule/one_f_one_b.hpp>
#include <plait/schedule/orders.hpp>
#include <plait/schedule/pipedream.hpp>
#include <plait/schedule/pipedream_2bw.hpp>
#include <plait/schedule/v_1f1b.hpp>
#include <plait/schedule/v_half.hpp>
#include <plait/schedule/v_min.hpp>
#include <plait/schedule/zb_h1.hpp>
#include <plait/schedule/zb_h2.hpp>
#include <plait/schedule/zb_v.hpp>

namespace plait {

/// A pipeline as it is asked for at run time.
struct schedule_request {
  int ranks = 4;
  int micro = 8;   ///< micro-batches of a step; of `pipedream`, whose steps have one each, steps
  int chunks = 0;  ///< on each rank; 0: what the schedule has, two where it may have any number of them
  int group = 0;  ///< micro-batches of a group of interleaved schedules; 0: as many as ranks, the rest dealt out evenly
  int steps = 1;  ///< of `pipedream_2bw`, without draining between them
};

namespace detail {

/// Orders whose chunks and group are known at run time only. order(rank, next): writes the order of a rank, of at most
/// `passes`, and returns its end.
template <class Placement, class Order>
constexpr orders run_time_orders(std::string_view name, pipe_shape shape, int passes, Order&& order) {
  orders all{.name = std::string{name}, .shape = shape};
  for (int rank = 0; rank < shape.ranks; ++rank) {
    for (int chunk = 0; chunk < shape.chunks; ++chunk)
      all.stage_of.push_back(static_cast<std::int16_t>(Placement::stage_of(shape, rank, chunk)));
    std::vector<pass> mine(static_cast<std::size_t>(passes));
    mine.resize(static_cast<std::size_t>(order(rank, mine.data()) - mine.data()));
    all.passes.push_back(std::move(mine));
  }
  return all;
}

constexpr orders named_hanayo(pipe_shape shape) {
  require_legal(
      "hanayo", shape,
      shape.chunks % 2 == 0 ? positive_shape(shape) : shape_verdict{false, "each rank has two chunks for each wave"});
  const auto passes = static_cast<std::size_t>(2 * shape.micro * shape.chunks);
  std::vector<pass> memory(passes * static_cast<std::size_t>(shape.ranks));
  std::vector<pass*> begins;
  for (int rank = 0; rank < shape.ranks; ++rank)
    begins.push_back(memory.data() + passes * static_cast<std::size_t>(rank));
  wave_orders(shape, begins.data());
  const auto copy = [&](int rank, pass* next) {
    for (std::size_t i = 0; i < passes; ++i) *next++ = begins[static_cast<std::size_t>(rank)][i];
    return next;
  };
  return run_time_orders<wave_placement>("hanayo", shape, static_cast<int>(passes), copy);
}

/// The schedules that go depth first in groups.
constexpr orders named_depth_first(std::string_view name, pipe_shape shape, int group) {
  const depth_first way{shape, group};
  require_legal(name, shape, way.accepts());
  const auto order = [&](int rank, pass* next) {
    if (name == "interleaved_zb") return split_interleaved(way, rank, next);
    pass* const end = whole_one_f_one_b(way, interleaved_warm_up(way, rank), next);
    return name == "forward_only" ? keep_forward(next, end) : end;
  };
  return run_time_orders<loop_placement>(name, shape, 3 * shape.micro * shape.chunks, order);
}

/// Those of a schedule whose type says its chunks.
template <schedule S>
constexpr orders named_orders(const schedule_request& wanted, int micro, int steps) {
  pipe_shape shape = shape_of<S>(wanted.ranks, micro, steps);
  if (wanted.chunks > 0) shape.chunks = wanted.chunks;
  return orders_of<S>(shape);
}

}  // namespace detail

/// The orders of a schedule that is chosen at run time, by its name in `known_schedules`.
///
/// Where ranks hold copies of stages, `chunks` counts either the copies (2) or the pieces of the model (1).
/// Throws: usage, for a name that there is not and for a shape that the schedule does not accept.
constexpr orders orders_of(std::string_view name, schedule_request wanted) {
  using namespace detail;
  require(wanted.group >= 0 && wanted.chunks >= 0 && wanted.steps >= 1, "plait::orders_of",
          "chunks and group are at least 1, or 0 for the schedule's own; there is at least 1 step");
  require(wanted.steps == 1 || name == "pipedream_2bw", "plait::orders_of",
          "only pipedream_2bw goes on over several steps; the others drain after each, or count them as micro-batches");
  const bool any = name == "interleaved_1f1b" || name == "interleaved_zb" || name == "looped_bfs" || name == "hanayo";
  if (any || name == "forward_only") {
    const pipe_shape shape{.ranks = wanted.ranks,
                           .micro = wanted.micro,
                           .chunks = wanted.chunks > 0 ? wanted.chunks
                                     : any             ? 2
                                                       : 1};
    require_legal(name, shape, positive_shape(shape));
    if (name == "hanayo") return named_hanayo(shape);
    if (name != "looped_bfs") return named_depth_first(name, shape, wanted.group);
    return run_time_orders<loop_placement>(name, shape, 2 * shape.micro * shape.chunks,
                                           [&](int, pass* next) { return looped_order(shape, next); });
  }
  const int micro = wanted.micro, one = 1;
  if (name == "gpipe") return named_orders<gpipe>(wanted, micro, one);
  if (name == "1f1b") return named_orders<one_f_one_b>(wanted, micro, one);
  if (name == "zb_h1") return named_orders<zb_h1>(wanted, micro, one);
  if (name == "zb_h2") return named_orders<zb_h2>(wanted, micro, one);
  if (name == "zb_v") return named_orders<zb_v>(wanted, micro, one);
  if (name == "v_half") return named_orders<v_half>(wanted, micro, one);
  if (name == "v_min") return named_orders<v_min>(wanted, micro, one);
  if (name == "v_1f1b") return named_orders<v_1f1b>(wanted, micro, one);
  if (name == "dualpipe_v") return named_orders<dualpipe_v>(wanted, micro, one);
  if (name == "pipedream") return named_orders<pipedream<>>(wanted, one, micro);
  if (name == "pipedream_2bw") return named_orders<pipedream_2bw>(wanted, micro, wanted.steps);
  if (wanted.chunks == 1) wanted.chunks = 2;  // one piece of the model, held twice
  if (name == "dualpipe") return named_orders<dualpipe>(wanted, micro, one);
  if (name == "chimera") return named_orders<chimera>(wanted, micro, one);
  require(false, "plait::orders_of", [&] {
    std::string text{"there is no schedule of the name "};
    text.append(name).append("; there are");
    for (const schedule_facts& known : known_schedules) text.append(" ").append(known.name);
    return text;
  });
  return {};
}

}  // namespace plait
