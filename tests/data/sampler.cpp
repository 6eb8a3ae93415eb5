// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/data/sampler.hpp>

#include <doctest/doctest.h>

#include "refused.hpp"
#include "scratch.hpp"

namespace plait {
namespace {

using namespace plait::testing;
using indices = std::vector<std::int64_t>;

indices batch_of(sampler& order, std::int64_t epoch, std::int64_t step) {
  const auto batch = order.batch(epoch, step);
  return {batch.begin(), batch.end()};
}

/// All batches of an epoch, one after the other.
indices epoch_of(sampler& order, std::int64_t epoch) {
  indices all;
  for (std::int64_t step = 0; step < order.batches_per_epoch(); ++step) {
    const auto batch = order.batch(epoch, step);
    all.insert(all.end(), batch.begin(), batch.end());
  }
  return all;
}

indices counted_to(std::int64_t count) {
  indices all;
  for (std::int64_t i = 0; i < count; ++i) all.push_back(i);
  return all;
}

TEST_CASE("an epoch shows every sample once where the batches divide the samples") {
  for (std::int64_t batch : {1, 2, 3, 6, 10, 60}) {
    CAPTURE(batch);
    sampler order{60, batch, 5};
    CHECK(order.batches_per_epoch() == 60 / batch);
    for (std::int64_t epoch = 0; epoch < 4; ++epoch) {
      indices all = epoch_of(order, epoch);
      CHECK(all != counted_to(60));
      std::ranges::sort(all);
      CHECK(all == counted_to(60));
    }
  }
}

TEST_CASE("in training an incomplete last batch is dropped, and what is dropped changes from epoch to epoch") {
  sampler order{64, 10, 5};
  CHECK(order.batches_per_epoch() == 6);
  std::vector<bool> seen(64);
  for (std::int64_t epoch = 0; epoch < 6; ++epoch) {
    indices all = epoch_of(order, epoch);
    CHECK(all.size() == 60);
    for (std::int64_t sample : all) seen[static_cast<std::size_t>(sample)] = true;
    std::ranges::sort(all);
    CHECK(std::ranges::adjacent_find(all) == all.end());
    CHECK(all.front() >= 0);
    CHECK(all.back() < 64);
  }
  CHECK(std::ranges::count(seen, false) == 0);
}

TEST_CASE("a sequential order shows all samples in their order, in a last batch that may be smaller") {
  sampler order = sampler::sequential(7, 3);
  CHECK(order.batches_per_epoch() == 3);
  for (std::int64_t epoch : {0, 4, 1}) {
    CHECK(batch_of(order, epoch, 2) == indices{6});
    CHECK(batch_of(order, epoch, 0) == indices{0, 1, 2});
    CHECK(batch_of(order, epoch, 1) == indices{3, 4, 5});
  }
  sampler wide = sampler::sequential(4, 100);
  CHECK(wide.batches_per_epoch() == 1);
  CHECK(batch_of(wide, 0, 0) == indices{0, 1, 2, 3});
  CHECK(sampler::sequential(6, 3).batches_per_epoch() == 2);
}

TEST_CASE("the order is the same in every program: a permutation computed apart from this code") {
  sampler order{10, 10, 42};
  CHECK(batch_of(order, 0, 0) == indices{5, 1, 6, 8, 2, 4, 3, 9, 7, 0});
  CHECK(batch_of(order, 1, 0) == indices{2, 6, 9, 0, 8, 7, 4, 3, 5, 1});
}

TEST_CASE("epochs and seeds differ in their order") {
  sampler one{100, 100, 1}, other{100, 100, 2};
  std::vector<indices> orders;
  for (std::int64_t epoch = 0; epoch < 10; ++epoch) {
    orders.push_back(epoch_of(one, epoch));
    orders.push_back(epoch_of(other, epoch));
  }
  std::ranges::sort(orders);
  CHECK(std::ranges::adjacent_find(orders) == orders.end());
}

TEST_CASE("the order of samples does not depend on the size of the batches") {
  sampler small{60, 4, 9}, large{60, 20, 9};
  CHECK(epoch_of(small, 3) == epoch_of(large, 3));
}

TEST_CASE("any step can be gone to, forward and back, without those before it") {
  sampler order{97, 8, 11};
  std::vector<indices> straight;
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
    for (std::int64_t step = 0; step < order.batches_per_epoch(); ++step)
      straight.push_back(batch_of(order, epoch, step));
  }
  const std::int64_t steps = order.batches_per_epoch();
  sampler jumping{97, 8, 11};
  for (std::int64_t at : {20, 3, 35, 0, 20, 21, 11, 12, 35}) {
    CAPTURE(at);
    CHECK(batch_of(jumping, at / steps, at % steps) == straight[static_cast<std::size_t>(at)]);
    sampler fresh{97, 8, 11};
    CHECK(batch_of(fresh, at / steps, at % steps) == straight[static_cast<std::size_t>(at)]);
  }
}

TEST_CASE("every sample is as likely at every position") {
  // 6000 epochs of 6 samples: each of the 36 counts is binomial with mean 1000 and deviation 28.9.
  std::array<std::array<int, 6>, 6> count{};
  sampler order{6, 6, 77};
  for (std::int64_t epoch = 0; epoch < 6000; ++epoch) {
    const auto batch = order.batch(epoch, 0);
    for (std::size_t i = 0; i < 6; ++i) ++count[i][static_cast<std::size_t>(batch[i])];
  }
  for (const auto& position : count) {
    for (int times : position) {
      CHECK(times > 1000 - 5 * 29);
      CHECK(times < 1000 + 5 * 29);
    }
  }
}

TEST_CASE("the order lies in one place for good: nothing is allocated from epoch to epoch") {
  sampler order{1000, 10, 3};
  const std::int64_t* const first = order.batch(0, 0).data();
  for (std::int64_t epoch = 0; epoch < 5; ++epoch) CHECK(order.batch(epoch, 0).data() == first);
}

TEST_CASE("a permutation is made once per epoch, not once per step") {
  using clock = std::chrono::steady_clock;
  sampler order{50000, 1, 3};
  const auto begin = clock::now();
  (void)order.batch(0, 0);
  const auto made = clock::now();
  for (std::int64_t step = 1; step <= 300; ++step) (void)order.batch(0, step);
  CHECK(clock::now() - made < 30 * (made - begin));
}

TEST_CASE("from the state before any step another sampler goes on with the batches that were to come") {
  sampler whole{10, 3, 7};
  for (std::int64_t epoch = 0; epoch < 3; ++epoch)
    for (std::int64_t step = 0; step <= 3; ++step) {
      const sampler_state state = whole.state_before(epoch, step);
      sampler other{10, 3, 7};
      REQUIRE_NOTHROW(other.require_same_order(state));
      // The end of an epoch is the begin of the next.
      const std::int64_t next_epoch = step == 3 ? epoch + 1 : epoch, next_step = step % 3;
      CHECK(batch_of(other, state.epoch, state.step) == batch_of(whole, next_epoch, next_step));
    }
}

TEST_CASE("the state of another order is refused with what differs") {
  const sampler order{10, 3, 7};
  const auto refused = [&](const sampler_state& state, const std::string& words) {
    check_refused(error_kind::usage, {words}, [&] { order.require_same_order(state); });
  };
  refused(sampler{11, 3, 7}.state_before(0, 0), "samples are 10 now and 11 in the state");
  refused(sampler{10, 2, 7}.state_before(0, 0), "samples of a global batch are 3 now and 2");
  refused(sampler{10, 3, 8}.state_before(0, 0), "seed of the order is 7 now and 8");
  refused(sampler::sequential(10, 3).state_before(0, 0), "seed of the order is 7 now and 0");
  sampler_state state = order.state_before(0, 0);
  state.shuffled = false;
  refused(state, "shuffled");
  for (const auto& [epoch, step] : {std::pair{-1, 0}, {0, -1}, {0, 3}}) {
    state = order.state_before(0, 0);
    state.epoch = epoch;
    state.step = step;
    refused(state, "lies in no epoch");
  }
}

TEST_CASE("one sample is a legal data set") {
  sampler order{1, 1, 0};
  CHECK(batch_of(order, 5, 0) == indices{0});
}

TEST_CASE("counts that make no sense are refused with the numbers given") {
  check_refused(error_kind::usage, {"global batch of 11", "found 10"}, [] { sampler{10, 11, 0}; });
  check_refused(error_kind::usage, {"at least one sample"}, [] { sampler{10, 0, 0}; });
  check_refused(error_kind::usage, {"found 0"}, [] { sampler{0, 1, 0}; });
  check_refused(error_kind::usage, {"found 0"}, [] { sampler::sequential(0, 1); });
  check_refused(error_kind::usage, {"found 4294967296"}, [] { sampler{std::int64_t{1} << 32, 1, 0}; });
  sampler order{10, 3, 0};
  check_refused(error_kind::usage, {"3 batches", "step 3"}, [&] { (void)order.batch(0, 3); });
  check_refused(error_kind::usage, {"step -1"}, [&] { (void)order.batch(0, -1); });
  check_refused(error_kind::usage, {"epoch -1"}, [&] { (void)order.batch(-1, 0); });
}

}  // namespace
}  // namespace plait
