// SPDX-License-Identifier: Apache-2.0
// `stream_communicator`, which is what NCCL is driven by, over a library that behaves as NCCL does in the points that
// matter: the laws, queues, and what the watchdog does when a rank is late, gone or wrong.
#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "comm/fake_library.hpp"
#include "comm/laws.hpp"

using plait::message_queue;
using queued = plait::queued_alone;
using plait::sums_by;

using stream_ranks = laws::model<plait::fake_engine<sums_by::in_rank_order, 4>, 1, 2, 3, 4>;
TYPE_TO_STRING_AS("streams of a library", stream_ranks);
using by_rank_order = plait::fake_engine<sums_by::in_rank_order, 0>;
using by_library = plait::fake_engine<sums_by::library, 0>;
TYPE_TO_STRING_AS("in rank order", by_rank_order);
TYPE_TO_STRING_AS("by the library", by_library);

using communicator_type = plait::stream_communicator<plait::fake_library>;
static_assert(plait::communicator<communicator_type>);

// All laws but the last: a rank that fails is known to the others by the library's own error, see below.
TEST_CASE_TEMPLATE_INVOKE(law_messages, stream_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_tickets, stream_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_late_values, stream_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_old_tickets, stream_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_streams, stream_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_all_reduce, stream_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_rank_order, stream_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_not_a_number, stream_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_parts, stream_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_broadcast, stream_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_barrier, stream_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_split, stream_ranks);
TEST_CASE_TEMPLATE_INVOKE(law_mixture, stream_ranks);

namespace {

using values_type = laws::cells<float, queued>;

std::string failure_of(double deadline, int ranks, const std::function<void(communicator_type&)>& body) {
  try {
    plait::fake_engine<sums_by::in_rank_order, 0>{deadline}.run(ranks, body);
  } catch (const plait::error& wrong) {
    return wrong.what();
  }
  return "";
}

}  // namespace

TEST_CASE("sums by the library are those of the library, for whole numbers exact") {
  plait::fake_engine<sums_by::library, 0>{}.run(3, [](communicator_type& group) {
    const queued::owned_stream owned;
    const plait::queued_stream order = owned;
    for (const std::size_t size : {std::size_t{3}, std::size_t{9000}, std::size_t{100003}}) {
      const auto numbers = [](std::size_t n, int rank) { return laws::whole_numbers<float>(n, rank); };
      const auto expected = laws::reduced_in_order<float>(size, laws::first_ranks(3), plait::reduction::sum, numbers);
      values_type values{numbers(size, group.rank()), order}, whole{numbers(size, group.rank()), order};
      group.all_reduce(values.all(), plait::reduction::sum, order);
      laws::expect(laws::same_bits(values.read(), expected), "sum by the library", group.rank(), size);
      const auto part = plait::balanced_part(static_cast<std::int64_t>(size), 3, group.rank());
      group.reduce_scatter(whole.all(), whole.part(part), plait::reduction::sum, order);
      group.all_gather(whole.part(part), whole.all(), order);
      laws::expect(laws::same_bits(whole.read(), expected), "parts by the library", group.rank(), size);
    }
    // The library of this test adds backwards, and one sees it.
    values_type rough{laws::rough_numbers<float>(5000, group.rank()), order};
    group.all_reduce(rough.all(), plait::reduction::sum, order);
    const auto numbers = [](std::size_t n, int rank) { return laws::rough_numbers<float>(n, rank); };
    laws::expect(
        laws::same_bits(rough.read(), laws::reduced_in_order<float>(5000, {2, 1, 0}, plait::reduction::sum, numbers)),
        "bits of the library's order", group.rank());
  });
}

TEST_CASE_TEMPLATE("a factor is folded into a sum, by the library or before it", Engine, by_rank_order, by_library) {
  for (const int ranks : {1, 3}) {
    Engine{}.run(ranks, [&](communicator_type& group) {
      const queued::owned_stream owned;
      const plait::queued_stream order = owned;
      laws::cells<double, queued> values{std::vector<double>(1000, 1 + group.rank()), order};
      group.all_reduce_scaled(values.all(), 0.5, order);
      laws::expect(values.read() == std::vector<double>(1000, ranks == 1 ? 0.5 : 3), "half of the sum", group.rank());
    });
  }
}

TEST_CASE("queues that a program names are opened together, and no others") {
  plait::fake_engine<sums_by::in_rank_order, 0>{}.run(4, [](communicator_type& group) {
    const queued::owned_stream owned;
    const plait::queued_stream order = owned;
    std::vector<message_queue> queues;  // a ring, both ways, and one of them twice
    for (int rank = 0; rank < 4; ++rank) {
      queues.push_back({rank, (rank + 1) % 4, 0});
      queues.push_back({(rank + 1) % 4, rank, 1});
    }
    queues.push_back(queues.front());
    group.open_queues(queues);
    group.open_queues(queues);  // open already
    const int next = (group.rank() + 1) % 4, previous = (group.rank() + 3) % 4;
    const values_type mine{laws::whole_numbers<float>(700, group.rank()), order};
    values_type got{std::vector<float>(700), order};
    // Both directions at once, each rank sending before it receives.
    const plait::ticket forward = group.send(mine.all(), next, 0, order);
    const plait::ticket backward = group.send(mine.all(), previous, 1, order);
    group.receive(got.all(), next, 1, order);
    laws::expect(laws::same_bits(got.read(), laws::whole_numbers<float>(700, next)), "gradient", group.rank());
    group.receive(got.all(), previous, 0, order);
    laws::expect(laws::same_bits(got.read(), laws::whole_numbers<float>(700, previous)), "activation", group.rank());
    group.wait(forward, order);
    group.wait(backward, order);
    order.synchronize();
    CHECK_THROWS_WITH_AS(group.send(mine.all(), next, 2, order),
                         doctest::Contains("on channel 2 is not open; call open_queues"), plait::error);
    CHECK_THROWS_WITH_AS(group.receive(got.all(), (group.rank() + 2) % 4, 0, order), doctest::Contains("is not open"),
                         plait::error);
  });
}

TEST_CASE("a rank that waits in a stream for what never comes is freed at the deadline and says in what") {
  const auto begin = std::chrono::steady_clock::now();
  const std::string text = failure_of(0.5, 2, [](communicator_type& group) {
    const queued::owned_stream owned;
    const plait::queued_stream order = owned;
    const message_queue queue{0, 1, 7};
    group.open_queues({&queue, 1});
    group.doing({"forward", 1, 3});
    values_type got{std::vector<float>(10), order};
    if (group.rank() == 1) {
      group.receive(got.all(), 0, 7, order);
      order.synchronize();  // blocked, until the watchdog ends it
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds{900});
    }
    group.barrier(order);
  });
  INFO(text);
  CHECK(
      text.find("plait: comm: receive: rank 1 did not get past it within 0.5 s: waiting in receive from rank 0, "
                "channel 7\n  rank 1 = {rank 1}: forward stage 1 micro 3, waiting in receive from rank 0, channel 7") !=
      std::string::npos);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{10});
}

TEST_CASE("work that waits for other work of its own stream is not late") {
  CHECK(failure_of(0.4, 2, [](communicator_type& group) {
          const queued::owned_stream owned;
          const plait::queued_stream order = owned;
          values_type values{std::vector<float>(10, 1), order};
          order.queue->push([] { std::this_thread::sleep_for(std::chrono::milliseconds{900}); });
          group.all_reduce(values.all(), plait::reduction::sum, order);
          laws::expect(values.read() == std::vector<float>(10, 2), "sum", group.rank());
        }) == "");
}

TEST_CASE("a rank that throws stops the others, who say what they were doing") {
  const auto begin = std::chrono::steady_clock::now();
  const std::string text = failure_of(20, 3, [](communicator_type& group) {
    const queued::owned_stream owned;
    const plait::queued_stream order = owned;
    auto pair = group.split(group.rank() == 2 ? 1 : 0, 0);
    group.doing({"adding up", 0, 1});
    group.barrier(order);
    order.synchronize();
    if (group.rank() == 1) throw std::runtime_error{"gone"};
    for (;;) {
      values_type values{std::vector<float>(1000), order};
      group.all_reduce(values.all(), plait::reduction::sum, order);
      static_cast<void>(values.read());
    }
  });
  INFO(text);
  CHECK(text.find("plait: comm: run: the body threw: gone\n  rank 1 = {rank 1}: adding up stage 0 micro 1") !=
        std::string::npos);
  CHECK(text.find("rank 0 = {rank 0}: adding up") != std::string::npos);
  CHECK(text.find("rank 2 = {rank 2}: adding up") != std::string::npos);
  CHECK(text.find("plait: nccl: ") != std::string::npos);
  CHECK(text.find(": a peer is gone") != std::string::npos);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{10});
}

TEST_CASE("a rank that does not come to a split or to the end is named by the deadline of the others") {
  const std::string split = failure_of(0.4, 2, [](communicator_type& group) {
    if (group.rank() == 1) {
      std::this_thread::sleep_for(std::chrono::milliseconds{900});
    } else {
      static_cast<void>(group.split(0, 0));
    }
  });
  CHECK(split.find("plait: comm: split: rank 0 did not get past it within 0.4 s: waiting in split of ranks 0, 1") !=
        std::string::npos);
}

TEST_CASE("groups may be ended in any order, and messages to oneself follow the rules") {
  CHECK(failure_of(20, 2, [](communicator_type& group) {
          const queued::owned_stream owned;
          const plait::queued_stream order = owned;
          auto first = std::make_unique<communicator_type>(group.split(0, 0));
          auto second = std::make_unique<communicator_type>(group.split(0, 0));
          (group.rank() == 0 ? first : second).reset();
          (group.rank() == 0 ? second : first).reset();
          group.barrier(order);
          order.synchronize();
        }) == "");
  const auto fails_alone = [](const std::function<void(communicator_type&, values_type&, plait::queued_stream)>& body) {
    return failure_of(20, 1, [&](communicator_type& group) {
      const queued::owned_stream owned;
      const plait::queued_stream order = owned;
      values_type values{std::vector<float>(4), order};
      body(group, values, order);
    });
  };
  CHECK(fails_alone([](auto& group, auto& values, auto order) {
          group.receive(values.all(), 0, 0, order);
        }).find("rank 0 sent no message 1 of itself on channel 0") != std::string::npos);
  CHECK(fails_alone([](auto& group, auto& values, auto order) {
          group.wait(group.send(values.all(), 0, 0, order), order);
        }).find("rank 0 did not receive message 1 of itself") != std::string::npos);
  CHECK(fails_alone([](auto& group, auto& values, auto order) {
          static_cast<void>(group.send(values.all(), 0, 0, order));
        }).find("rank 0 finished while nobody had received 1 of its messages") != std::string::npos);
}
