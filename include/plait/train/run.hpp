// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include <plait/kernels/blas_threads.hpp>
#include <plait/train/rank.hpp>

namespace plait {

/// Starts one rank for each place of a layout and calls `body(rank)` on each, where `rank` is a `rank_context`.
///
/// `engine` says what ranks are: `threads{}`, `serial{}`. Returns when all have returned; throws what the first rank
/// that failed threw, with a report of what each was doing.
template <class Engine, class Body>
void run(const Engine& engine, const layout_handle& layout, Body&& body) {
  use_one_blas_thread();
  engine.run(
      layout.mesh.size(),
      [&](auto& world) {
        rank_context rank{world, layout};
        body(rank);
      },
      [&](int rank) { return to_string(layout.mesh.coordinate_of(rank)); });
}

/// The same for a layout that is known as a type.
///
///     run<mesh<data<2>, tensor<2>>>(threads{}, [&](auto& rank) { ... });
template <layout L, class Engine, class Body>
void run(const Engine& engine, Body&& body) {
  run(engine, handle_of_layout<L>(), std::forward<Body>(body));
}

}  // namespace plait
