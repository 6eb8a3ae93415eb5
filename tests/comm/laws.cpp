// SPDX-License-Identifier: Apache-2.0
// Every communicator of the host is put through the laws. A new one is one more line here.
#include "comm/laws.hpp"

#include <type_traits>

#include <plait/comm/serial.hpp>
#include <plait/comm/threads.hpp>

#include "comm/queued_space.hpp"

using serial_ranks = laws::model<plait::serial<>, 1>;
using thread_ranks = laws::model<plait::threads<>, 1, 2, 3, 4, 8>;
using queued_ranks = laws::model<plait::threads<plait::queued>, 1, 2, 3>;

TYPE_TO_STRING_AS("serial", serial_ranks);
TYPE_TO_STRING_AS("threads", thread_ranks);
TYPE_TO_STRING_AS("threads with queued work", queued_ranks);

PLAIT_COMMUNICATOR_LAWS(serial_ranks, thread_ranks, queued_ranks);

static_assert(plait::communicator<plait::serial_communicator<plait::host>>);
static_assert(plait::communicator<plait::threads_communicator<plait::host>>);
static_assert(plait::communicator<plait::threads_communicator<plait::queued>>);

// What lacks one call, or has it with another meaning, is no communicator.
struct without_split : plait::serial_communicator<plait::host> {
  void split(int, int) = delete;
};
struct without_tickets : plait::serial_communicator<plait::host> {
  void send(std::span<const float>, int, int, plait::host_stream) {}
};
struct without_max : plait::serial_communicator<plait::host> {
  void all_reduce(std::span<float>, plait::host_stream) {}
};
static_assert(!plait::communicator<without_split>);
static_assert(!plait::communicator<without_tickets>);
static_assert(!plait::communicator<without_max>);

static_assert(!std::is_copy_constructible_v<plait::threads_communicator<plait::host>>);
static_assert(std::is_nothrow_move_constructible_v<plait::threads_communicator<plait::host>>);
static_assert(std::is_same_v<decltype(plait::threads{}), plait::threads<plait::host>>);
static_assert(std::is_same_v<decltype(plait::serial{}), plait::serial<plait::host>>);

TEST_CASE("serial refuses more than one rank and says what to use") {
  CHECK_THROWS_WITH_AS(plait::serial{}.run(4, [](plait::serial_communicator<plait::host>&) {}),
                       doctest::Contains("serial runs 1 rank, not 4; plait::threads runs any number"), plait::error);
}

TEST_CASE("threads refuses no ranks and a deadline of nothing") {
  const auto body = [](plait::threads_communicator<plait::host>&) {};
  CHECK_THROWS_WITH_AS(plait::threads{}.run(0, body), doctest::Contains("ranks is at least 1, not 0"), plait::error);
  CHECK_THROWS_WITH_AS(plait::threads<>{.deadline_seconds = 0}.run(1, body),
                       doctest::Contains("deadline_seconds is more than 0"), plait::error);
}
