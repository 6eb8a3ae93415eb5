// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <exception>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <plait/comm/detail/group.hpp>
#include <plait/comm/detail/world.hpp>
#include <plait/comm/threads_communicator.hpp>
#include <plait/core/require.hpp>
#include <plait/tensor/host.hpp>

namespace plait {

/// Runs ranks as threads of this process.
///
///     plait::threads{}.run(8, [](plait::threads_communicator<plait::host>& world) { ... });
///
/// The body is called once for each rank, by all of them at the same time. When one fails, by an exception or by a wait
/// past the deadline, all stop, and `run` throws one error: the first failure with the rank it happened on, followed by
/// a line for every rank that says what it was doing then.
///
///     plait: comm: receive: rank 0 sent no message 4 to rank 2 on channel 0 within 60 s
///       rank 0 = {pipeline 0}: optimizer, waiting in all_reduce of ranks 0, 1; before: backward stage 0 micro 3
///       rank 1 = {pipeline 1}: finished
///       rank 2 = {pipeline 2}: forward stage 2 micro 3, waiting in receive from rank 0, channel 0
///       at comm/detail/world.hpp:129, rank 2 = {pipeline 2}
///
/// Another deadline: `plait::threads<>{.deadline_seconds = 5}`.
///
/// Deterministic: reductions go in rank order, so the number of cores and their load change no bit.
template <class Space = host>
struct threads {
  using communicator_type = threads_communicator<Space>;

  double deadline_seconds = 60;  ///< of one wait
  std::string flight_record{};   ///< file for what every rank did last, as JSON, should the run fail; empty: none

  /// Needs: ranks >= 1. Throws: what the first rank that failed threw, as said above.
  template <std::invocable<communicator_type&> Body>
  void run(int ranks, Body&& body) const {
    run(ranks, body, [](int) { return std::string{}; });
  }

  /// coordinates_of(rank): the rank's place in the layout as text, such as "{data 0, pipeline 1}", for the report.
  template <std::invocable<communicator_type&> Body, std::invocable<int> CoordinatesOf>
  void run(int ranks, Body&& body, CoordinatesOf&& coordinates_of) const {
    require(ranks >= 1, "threads::run", [&] { return "ranks is at least 1, not " + std::to_string(ranks); });
    require(deadline_seconds > 0, "threads::run", "deadline_seconds is more than 0");
    std::vector<std::string> coordinates;
    for (int rank = 0; rank < ranks; ++rank) coordinates.emplace_back(coordinates_of(rank));
    std::vector<int> members(static_cast<std::size_t>(ranks));
    std::iota(members.begin(), members.end(), 0);

    const auto world = std::make_shared<detail::world>(deadline_seconds, std::move(coordinates));
    const auto everybody = std::make_shared<detail::group<Space>>(world, std::move(members));
    const auto place = place_here();
    const auto run_rank = [&](int rank) noexcept {
      try {
        use(place);
        communicator_type mine{everybody, rank};
        body(mine);
        world->finish(rank);
      } catch (...) {
        world->stop(rank, detail::error_of(std::current_exception()));
      }
    };
    std::vector<std::thread> crew;
    crew.reserve(static_cast<std::size_t>(ranks));
    for (int rank = 0; rank < ranks; ++rank) {
      try {
        crew.emplace_back(run_rank, rank);
      } catch (const std::system_error& none) {
        world->stop(rank, error{error_kind::comm, "threads::run",
                                std::string{"the system gives no more threads: "} + none.what()});
        break;
      }
    }
    for (std::thread& one : crew) one.join();
    world->rethrow(flight_record);
  }

 private:
  /// A space whose memory lies in places, such as devices, brings `current_place(space)` and `use_place(space, place)`:
  /// the ranks work in the place of the thread that calls `run`.
  static int place_here() {
    if constexpr (requires { current_place(Space{}); }) {
      return current_place(Space{});
    } else {
      return 0;
    }
  }
  static void use([[maybe_unused]] int place) {
    if constexpr (requires { use_place(Space{}, place); }) use_place(Space{}, place);
  }
};

threads()->threads<host>;
threads(double)->threads<host>;

}  // namespace plait
