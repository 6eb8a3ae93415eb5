// SPDX-License-Identifier: Apache-2.0
// The laws for ranks that are processes and talk through NCCL, and what NCCL adds: communicators of somebody else's,
// sums by the library, a process that is gone.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "comm/laws.hpp"
#include "comm/nccl_processes.cuh"

using plait::cuda;
using plait::nccl_communicator;
using plait::sums_by;

using nccl_ranks = laws::model<nccl_test::processes<3, 4>, 1, 2, 3>;
TYPE_TO_STRING_AS("nccl", nccl_ranks);

static_assert(plait::communicator<nccl_communicator>);

TEST_CASE_TEMPLATE_INVOKE(law_messages, nccl_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_tickets, nccl_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_late_values, nccl_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_old_tickets, nccl_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_streams, nccl_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_all_reduce, nccl_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_rank_order, nccl_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_not_a_number, nccl_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_parts, nccl_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_broadcast, nccl_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_barrier, nccl_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_split, nccl_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_mixture, nccl_ranks);

TEST_CASE("NCCL's own sums are exact for whole numbers, and a factor is folded into them") {
  nccl_test::processes<2, 0, sums_by::library>{}.run(2, [](nccl_communicator& group) {
    const plait::owned_cuda_stream order;
    for (const std::size_t size : {std::size_t{1}, std::size_t{4096}, std::size_t{100003}}) {
      const auto numbers = [](std::size_t n, int rank) { return laws::whole_numbers<float>(n, rank); };
      const auto expected = laws::reduced_in_order<float>(size, {0, 1}, plait::reduction::sum, numbers);
      laws::cells<float, cuda> values{numbers(size, group.rank()), order}, whole{numbers(size, group.rank()), order};
      group.all_reduce(values.all(), plait::reduction::sum, order);
      laws::expect(laws::same_bits(values.read(), expected), "sum by NCCL", group.rank(), size);
      const auto part = plait::balanced_part(static_cast<std::int64_t>(size), 2, group.rank());
      group.reduce_scatter(whole.all(), whole.part(part), plait::reduction::sum, order);
      group.all_gather(whole.part(part), whole.all(), order);
      laws::expect(laws::same_bits(whole.read(), expected), "parts by NCCL", group.rank(), size);
      laws::cells<double, cuda> scaled{std::vector<double>(size, 1 + group.rank()), order};
      group.all_reduce_scaled(scaled.all(), 0.5, order);
      laws::expect(scaled.read() == std::vector<double>(size, 1.5), "half of the sum", group.rank(), size);
    }
  });
}

TEST_CASE("a communicator and a stream of somebody else's serve, and stay theirs") {
  nccl_test::processes<2>{}.run(2, [](nccl_communicator& world) {
    cudaStream_t theirs{};
    PLAIT_CHECK_CUDA(cudaStreamCreateWithFlags(&theirs, cudaStreamNonBlocking));
    {
      nccl_communicator group = plait::from_native(world.native());
      laws::expect(group.rank() == world.rank() && group.size() == 2, "same ranks", world.rank());
      laws::cells<float, cuda> values{std::vector<float>(5000, 1), theirs};
      group.all_reduce(values.all(), plait::reduction::sum, theirs);
      laws::expect(values.read() == std::vector<float>(5000, 2), "sum", world.rank());
    }
    laws::cells<float, cuda> values{std::vector<float>(10, 1), theirs};
    world.all_reduce(values.all(), plait::reduction::sum, theirs);
    laws::expect(values.read() == std::vector<float>(10, 2), "sum afterwards", world.rank());
    PLAIT_CHECK_CUDA(cudaStreamDestroy(theirs));
  });
}

TEST_CASE("a process that throws, or that is gone, ends the others within their deadline") {
  if (!nccl_test::started_as()) {
    nccl_test::processes<3>{}.run(3, [](nccl_communicator&) {});  // starts the processes
    return;
  }
  for (const bool exits : {false, true}) {
    const auto begin = std::chrono::steady_clock::now();
    std::string text;
    plait::error_kind kind{};
    try {
      nccl_test::processes<3>{10}.run(3, [&](nccl_communicator& group) {
        const plait::owned_cuda_stream order;
        group.doing({"adding up", 1, 2});
        laws::cells<float, cuda> values{std::vector<float>(1000), order};
        group.all_reduce(values.all(), plait::reduction::sum, order);
        static_cast<void>(values.read());
        if (group.rank() == 1) {
          if (exits) std::_Exit(0);
          throw plait::error{plait::error_kind::io, "loader", "there is no more data"};
        }
        for (;;) {
          group.all_reduce(values.all(), plait::reduction::sum, order);
          static_cast<void>(values.read());
        }
      });
    } catch (const plait::error& wrong) {
      kind = wrong.kind();
      text = wrong.what();
    }
    INFO(text);
    CHECK(text.find("adding up stage 1 micro 2") != std::string::npos);
    if (*nccl_test::started_as() == 1) {
      CHECK(kind == plait::error_kind::io);
    } else {
      CHECK((kind == plait::error_kind::nccl || kind == plait::error_kind::comm));
    }
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{120});
  }
}

TEST_CASE("the engine refuses another number of processes, and names the phase in which it could not start") {
  plait::launch_place place;
  plait::nccl engine;
  engine.place = place;
  const auto body = [](nccl_communicator&) {};
  CHECK_THROWS_WITH_AS(engine.run(2, body),
                       doctest::Contains("there are 2 ranks to run, but this process was started alone"), plait::error);
  place.size = 2;
  engine.place = place;
  engine.start_seconds = 1;
  engine.exchange = [](const plait::launch_place&, std::span<std::byte>) {};  // and rank 1 never comes
  CHECK_THROWS_WITH_AS(engine.run(2, body), doctest::Contains("phase 2 of 3, making the communicator of 2 ranks"),
                       plait::error);
}
