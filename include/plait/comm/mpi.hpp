// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <exception>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <plait/comm/detail/failure.hpp>
#include <plait/comm/detail/mpi_call.hpp>
#include <plait/comm/detail/mpi_world.hpp>
#include <plait/comm/mpi_communicator.hpp>
#include <plait/core/error.hpp>
#include <plait/core/require.hpp>

namespace plait {

/// Runs ranks as processes, one each, that MPI has started; in host memory.
///
///     mpirun -n 8 program        and in it: plait::mpi{}.run(8, [](plait::mpi_communicator& world) { ... });
///
/// Every process calls `run`, with as many ranks as there are processes, and the body is called once in each. MPI is
/// started if the program has not done so. When a rank fails, by an exception, by a wait past the deadline, because its
/// process ended or stopped answering, `run` throws on every rank that is left, within the deadline. The error is the
/// first failure, with the rank it happened on and a line for every rank that says what it was doing and had done
/// before; on other ranks than that one its kind is `comm`. See docs/mpi.md for the options that mpirun needs so that
/// the ranks that are left live long enough to say so.
///
/// Another deadline: `plait::mpi{.deadline_seconds = 5}`. Deterministic: sums go in rank order, as in `threads`.
struct mpi {
  using communicator_type = mpi_communicator;

  double deadline_seconds = 60;   ///< of one wait, of a rank's silence, and of the start
  std::string flight_record{};    ///< file for what every rank did last, as JSON, should the run fail: "flight.json" is
                                  ///< "flight.rank3.json" on rank 3; empty: none
  std::string address{};          ///< IPv4 address of this machine at which the peers reach it; empty: found out
  MPI_Comm over = MPI_COMM_NULL;  ///< the ranks; MPI_COMM_NULL: MPI_COMM_WORLD

  /// An engine over a communicator of the user's, which it duplicates and does not own.
  static mpi from_native(MPI_Comm ranks) {
    mpi made;
    made.over = ranks;
    return made;
  }
  [[nodiscard]] MPI_Comm native() const { return over == MPI_COMM_NULL ? MPI_COMM_WORLD : over; }

  /// This process among all, and how many there are, before any run. Start MPI if need be.
  [[nodiscard]] int rank() const {
    detail::mpi_session::here().start();
    int mine = 0;
    detail::mpi_check(MPI_Comm_rank(native(), &mine), "MPI_Comm_rank");
    return mine;
  }
  [[nodiscard]] int size() const {
    detail::mpi_session::here().start();
    int all = 0;
    detail::mpi_check(MPI_Comm_size(native(), &all), "MPI_Comm_size");
    return all;
  }

  /// Needs: as many processes as ranks. Throws: what is said above.
  template <std::invocable<communicator_type&> Body>
  void run(int ranks, Body&& body) const {
    run(ranks, body, [](int) { return std::string{}; });
  }

  /// coordinates_of(rank): the rank's place in the layout as text, such as "{data 0, pipeline 1}", for the report.
  template <std::invocable<communicator_type&> Body, std::invocable<int> CoordinatesOf>
  void run(int ranks, Body&& body, CoordinatesOf&& coordinates_of) const {
    require(ranks >= 1, "mpi::run", [&] { return "ranks is at least 1, not " + std::to_string(ranks); });
    require(deadline_seconds > 0, "mpi::run", "deadline_seconds is more than 0");
    detail::mpi_session& session = detail::mpi_session::here();
    session.begin_run();
    const int there = size();
    if (ranks != there) session.ended_well();  // all ranks end here alike
    require(ranks == there, "mpi::run", [&] {
      return "there are " + std::to_string(ranks) + " ranks to run and " + std::to_string(there) +
             " processes; start one for each rank: mpirun -n " + std::to_string(ranks);
    });
    std::vector<std::string> coordinates;
    for (int rank = 0; rank < ranks; ++rank) coordinates.emplace_back(coordinates_of(rank));
    std::vector<int> members(static_cast<std::size_t>(ranks));
    std::iota(members.begin(), members.end(), 0);

    const auto world = std::make_shared<detail::mpi_world>(
        native(), detail::mpi_world::settings{.deadline_seconds = deadline_seconds,
                                              .flight_record = flight_record,
                                              .address = address,
                                              .coordinates = std::move(coordinates)});
    try {
      {
        communicator_type mine{world, world->comm(), std::move(members), world->rank(), false};
        body(mine);
      }
      world->finish();
    } catch (...) {
      world->peers().stop(detail::error_of(std::current_exception()));
      const error failure = world->peers().failure();
      if (world->peers().somebody_gone()) session.lost();
      throw failure;
    }
    session.ended_well();
  }
};

}  // namespace plait
