// SPDX-License-Identifier: Apache-2.0
// What docs/design/interleaved_groups.md says of groups of a fixed size with a shorter last one.
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include <plait/schedule/interleaved.hpp>
#include <plait/schedule/program.hpp>
#include <plait/schedule/verify.hpp>

#include <doctest/doctest.h>

namespace {

using namespace plait;

/// Interleaved 1F1B in groups of `ranks` micro-batches, the last one with what is left.
template <int Chunks>
struct short_last_group {
  static constexpr std::string_view name = "short_last_group";
  static constexpr std::string_view suffix = "short";
  static constexpr int chunks = Chunks;
  using placement = loop_placement;

  static constexpr shape_verdict accepts(pipe_shape shape) { return positive_shape(shape); }
  static constexpr int passes(pipe_shape shape) { return 2 * shape.micro * Chunks; }
  static constexpr int peak_activations(pipe_shape shape, int) { return shape.micro * Chunks; }
  static constexpr int in_flight(pipe_shape shape, int, int, op) { return shape.micro; }  // nobody waits for room

  static pass* order(pipe_shape shape, int rank, pass* next) {
    std::vector<pass> forward, backward;
    for (int first = 0; first < shape.micro; first += shape.ranks)
      for (int chunk = 0; chunk < Chunks; ++chunk)
        for (int micro = first; micro < std::min(first + shape.ranks, shape.micro); ++micro) {
          forward.push_back({op::forward, static_cast<std::int16_t>(chunk), static_cast<std::int16_t>(micro)});
          backward.push_back(
              {op::backward, static_cast<std::int16_t>(Chunks - 1 - chunk), static_cast<std::int16_t>(micro)});
        }
    const int all = shape.micro * Chunks;
    const int warm_up = std::min(all, (Chunks - 1) * std::min(shape.ranks, shape.micro) + 2 * (shape.ranks - 1 - rank));
    for (int k = 0; k < all + warm_up; ++k) {
      if (k < all) *next++ = forward[static_cast<std::size_t>(k)];
      if (k >= warm_up) *next++ = backward[static_cast<std::size_t>(k - warm_up)];
    }
    return next;
  }
};

struct counted {
  int shapes = 0;
  int stuck = 0;
};

template <template <int> class Schedule, int... Chunks>
counted count() {
  counted found;
  const auto of = [&]<class S>(S) {
    for (int ranks = 1; ranks <= 8; ++ranks)
      for (int micro = 1; micro <= 32; ++micro) {
        ++found.shapes;
        if (!completes<S>({ranks, micro, S::chunks})) ++found.stuck;
      }
  };
  (of(Schedule<Chunks>{}), ...);
  return found;
}

template <int Chunks>
using even_groups = interleaved<Chunks>;

TEST_CASE("groups of a fixed size with a shorter last one leave ranks waiting for each other") {
  const verification found = verify_schedule<short_last_group<3>>({.ranks = 4, .micro = 5, .chunks = 3});
  CHECK_FALSE(found.valid);
  CHECK(found.reason.find("waits for ever") != std::string_view::npos);
  const counted all = count<short_last_group, 1, 2, 3, 4>();
  CHECK(all.shapes == 1024);
  CHECK(all.stuck == 167);
}

TEST_CASE("groups dealt evenly leave none") {
  const counted all = count<even_groups, 1, 2, 3, 4>();
  CHECK(all.shapes == 1024);
  CHECK(all.stuck == 0);
}

}  // namespace
