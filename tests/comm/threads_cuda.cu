// SPDX-License-Identifier: Apache-2.0
// The laws for ranks that share one device, and what the device adds: many streams, the same bits as on the host.
#include <chrono>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <thread>
#include <vector>

#include <plait/comm/serial.hpp>
#include <plait/comm/threads.cuh>

#include "comm/laws.hpp"

using plait::cuda;
using plait::host;

using serial_ranks = laws::model<plait::serial<cuda>, 1>;
using thread_ranks = laws::model<plait::threads<cuda>, 1, 2, 3, 4, 8>;

TYPE_TO_STRING_AS("serial on a device", serial_ranks);
TYPE_TO_STRING_AS("threads on a device", thread_ranks);

PLAIT_COMMUNICATOR_LAWS(serial_ranks, thread_ranks);

TEST_CASE("twenty ranks on one device add real numbers in rank order, as the host does") {
  // More ranks than the small kernel has room for.
  constexpr int ranks = 20;
  for (const std::size_t size : {std::size_t{100}, std::size_t{50021}}) {
    std::vector<float> on_host, on_device;
    plait::threads<host>{}.run(ranks, [&](plait::threads_communicator<host>& group) {
      std::vector<float> values = laws::rough_numbers<float>(size, group.rank());
      group.all_reduce(std::span{values}, plait::reduction::sum, {});
      if (group.rank() == 7) on_host = values;
    });
    plait::threads<cuda>{}.run(ranks, [&](plait::threads_communicator<cuda>& group) {
      const plait::owned_cuda_stream order;
      laws::cells<float, cuda> values{laws::rough_numbers<float>(size, group.rank()), order};
      group.all_reduce(values.all(), plait::reduction::sum, order);
      const std::vector<float> got = values.read();
      if (group.rank() == 7) on_device = got;
    });
    CHECK(laws::same_bits(on_device, on_host));
  }
}

TEST_CASE("more ranks than a kernel can be told of are refused") {
  const std::vector<const void*> from(241, nullptr);
  void* to = nullptr;
  CHECK_THROWS_WITH_AS(reduce_slices(cuda{}, plait::slices<float>{from, 0, {&to, 1}, 0, 1, plait::reduction::sum},
                                     plait::cuda_stream{cudaStreamLegacy}),
                       doctest::Contains("at most 240 ranks can reduce on one device, not 241"), plait::error);
}

TEST_CASE("a device rank that throws stops the others while their work is under way") {
  for (int round = 0; round < 5; ++round) {
    const auto body = [round](plait::threads_communicator<cuda>& world) {
      const plait::owned_cuda_stream order;
      auto trio = world.split(world.rank() < 3 ? 0 : 1, 0);
      if (world.rank() == 3) {
        std::this_thread::sleep_for(std::chrono::milliseconds{round});
        throw std::runtime_error{"gone"};
      }
      for (;;) {
        const laws::cells<float, cuda> values{laws::whole_numbers<float>(100000, world.rank()), order};
        trio.all_reduce(values.all(), plait::reduction::sum, order);
      }
    };
    CHECK_THROWS_WITH_AS(plait::threads<cuda>{}.run(4, body), doctest::Contains("the body threw: gone"), plait::error);
  }
}
