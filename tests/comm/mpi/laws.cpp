// SPDX-License-Identifier: Apache-2.0
// The laws of communicators for ranks that are processes: mpirun -n RANKS test_comm_mpi.
#include "comm/laws.hpp"

#include <type_traits>

#include <plait/comm/mpi.hpp>

namespace {

/// However many processes mpirun has started.
struct mpi_ranks {
  using communicator_type = plait::mpi_communicator;
  using space = plait::host;

  template <class Body>
  static void run(const Body& body) {
    run(most_ranks(), body);
  }
  template <class Body>
  static void run(int ranks, const Body& body) {
    plait::mpi{}.run(ranks, body);
  }
  static int most_ranks() { return plait::mpi{}.size(); }
  static bool is_here(int rank) { return plait::mpi{}.rank() == rank; }
};

}  // namespace

TYPE_TO_STRING_AS("mpi", mpi_ranks);
PLAIT_COMMUNICATOR_LAWS(mpi_ranks);

static_assert(plait::communicator<plait::mpi_communicator>);
static_assert(!std::is_copy_constructible_v<plait::mpi_communicator>);
static_assert(std::is_nothrow_move_constructible_v<plait::mpi_communicator>);

TEST_CASE("mpi refuses another number of ranks than there are processes, and says what to start") {
  const int ranks = mpi_ranks::most_ranks();
  const std::string words = "there are " + std::to_string(ranks + 1) + " ranks to run and " + std::to_string(ranks) +
                            " processes; start one for each rank: mpirun -n " + std::to_string(ranks + 1);
  CHECK_THROWS_WITH_AS(plait::mpi{}.run(ranks + 1, [](plait::mpi_communicator&) {}), doctest::Contains(words.c_str()),
                       plait::error);
  CHECK_THROWS_WITH_AS(plait::mpi{}.run(0, [](plait::mpi_communicator&) {}),
                       doctest::Contains("ranks is at least 1, not 0"), plait::error);
  CHECK_THROWS_WITH_AS(plait::mpi{.deadline_seconds = 0}.run(ranks, [](plait::mpi_communicator&) {}),
                       doctest::Contains("deadline_seconds is more than 0"), plait::error);
}

TEST_CASE("mpi runs on a communicator of the user's and gives its own back") {
  const int world_rank = plait::mpi{}.rank(), ranks = plait::mpi{}.size();
  MPI_Comm backwards = MPI_COMM_NULL;
  MPI_Comm_split(MPI_COMM_WORLD, 0, -world_rank, &backwards);
  const plait::mpi engine = plait::mpi::from_native(backwards);
  CHECK(engine.native() == backwards);
  CHECK(engine.rank() == ranks - 1 - world_rank);
  engine.run(ranks, [&](plait::mpi_communicator& world) {
    CHECK(world.rank() == ranks - 1 - world_rank);
    auto pair = world.split(world.rank() / 2, 0);
    int size = 0, same = MPI_UNEQUAL;
    MPI_Comm_size(pair.native(), &size);
    CHECK(size == pair.size());
    MPI_Comm_compare(world.native(), backwards, &same);
    CHECK(same == MPI_CONGRUENT);  // the same ranks, and none of the user's messages
  });
  MPI_Comm_free(&backwards);
}
