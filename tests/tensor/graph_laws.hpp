// SPDX-License-Identifier: Apache-2.0
#pragma once
// The laws of captured work, as tests that every space with a `graph` is put through: graph.cpp has queues of the host,
// graph.cu a device.

#include <cstddef>
#include <stdexcept>
#include <utility>
#include <vector>

#include <plait/core/error.hpp>

#include <doctest/doctest.h>

#include "tensor/laws.hpp"

namespace plait::laws {

inline constexpr std::size_t graph_values = 100003;

/// A stream, memory to copy from and memory to copy to.
template <class Space>
struct captured_copy {
  using stream = typename Space::stream;
  typename Space::owned_stream owned{};
  stream order = owned;
  buffer<int, Space> from = put<Space>(std::vector<int>(graph_values, 1), order);
  buffer<int, Space> to = put<Space>(std::vector<int>(graph_values, 0), order);

  void copy(stream in) const { Space::copy(to.data(), from.data(), graph_values * sizeof(int), in); }
  void put_value(int value) const {
    const std::vector<int> values(graph_values, value);
    Space::upload(from.data(), values.data(), values.size() * sizeof(int), order);
  }
  /// The value that all of `to` has; -1: they differ.
  [[nodiscard]] int seen() const {
    const auto values = get<Space>(to.data(), graph_values, order);
    return values == std::vector<int>(graph_values, values.front()) ? values.front() : -1;
  }
};

TEST_CASE_TEMPLATE_DEFINE("captured work is done once by each launch, in its stream's order, with what is there then",
                          Space, captured_work_is_done) {
  const captured_copy<Space> one;
  const typename Space::graph graph{one.order, [&] { one.copy(one.order); }};
  CHECK(one.seen() == 0);
  for (const int value : {7, 8, 9}) {
    one.put_value(value);
    graph.launch(one.order);
    CHECK(one.seen() == value);
  }
  one.put_value(10);
  CHECK(one.seen() == 9);
  const typename Space::owned_stream other;
  const typename Space::stream elsewhere = other;  // not where it was captured
  graph.launch(elsewhere);
  elsewhere.synchronize();
  CHECK(one.seen() == 10);
}

TEST_CASE_TEMPLATE_DEFINE("a stream that waits for captured work takes part, and goes its own way afterwards", Space,
                          captured_work_forks) {
  const captured_copy<Space> one;
  const typename Space::owned_stream other;
  const typename Space::stream beside = other;
  const auto middle = put<Space>(std::vector<int>(graph_values, -1), one.order);
  typename Space::fence fork, join;
  const typename Space::graph graph{one.order, [&] {
                                      Space::copy(middle.data(), one.from.data(), graph_values * sizeof(int),
                                                  one.order);
                                      fork.record(one.order);
                                      fork.wait(beside);
                                      Space::copy(one.to.data(), middle.data(), graph_values * sizeof(int), beside);
                                      join.record(beside);
                                      join.wait(one.order);
                                      Space::zero(middle.data(), graph_values * sizeof(int), one.order);
                                    }};
  for (const int value : {3, 4}) {
    one.put_value(value);
    graph.launch(one.order);
    CHECK(one.seen() == value);
  }
  one.put_value(5);
  one.copy(beside);  // at once: nobody captures it any more
  beside.synchronize();
  CHECK(one.seen() == 5);
}

TEST_CASE_TEMPLATE_DEFINE("a capture that fails says so, and leaves its streams as they were", Space,
                          captures_that_fail) {
  const captured_copy<Space> one;
  const typename Space::owned_stream other;
  const typename Space::stream beside = other;
  typename Space::fence before, fork;
  before.record(beside);
  const auto fails = [&](const auto& issue) {
    CHECK_THROWS_AS((typename Space::graph{one.order, issue}), error);
    one.put_value(one.seen() + 1);
    const int expected = one.seen() + 1;
    one.copy(one.order);
    CHECK(one.seen() == expected);
  };
  fails([&] { one.order.synchronize(); });
  fails([&] { before.wait(one.order); });
  fails([&] { Space::release(Space::allocate(16)); });
  fails([&] {
    fork.record(one.order);
    fork.wait(beside);
    one.copy(beside);  // and nobody waits for it
  });
  CHECK_THROWS_AS((typename Space::graph{one.order, [&] { throw std::runtime_error{"as it is"}; }}),
                  std::runtime_error);
  one.copy(beside);
  beside.synchronize();
}

TEST_CASE_TEMPLATE_DEFINE("marks in captured work tell of the latest launch", Space, captured_marks) {
  const captured_copy<Space> one;
  typename Space::mark before, first, second, after;
  first.record(one.order);
  second.record(one.order);
  const typename Space::graph graph{one.order, [&] {
                                      first.record(one.order);
                                      one.copy(one.order);
                                      second.record(one.order);
                                    }};
  for (int launch = 0; launch < 2; ++launch) {
    before.record(one.order);
    graph.launch(one.order);
    after.record(one.order);
    one.order.synchronize();
    CHECK(Space::mark::wall_seconds(before, first) >= 0);
    CHECK(Space::mark::wall_seconds(first, second) >= 0);
    CHECK(Space::mark::wall_seconds(second, after) >= 0);
  }
}

}  // namespace plait::laws

#define PLAIT_GRAPH_LAWS(...)                                    \
  namespace plait::laws {                                        \
  TEST_CASE_TEMPLATE_INVOKE(captured_work_is_done, __VA_ARGS__); \
  TEST_CASE_TEMPLATE_INVOKE(captured_work_forks, __VA_ARGS__);   \
  TEST_CASE_TEMPLATE_INVOKE(captures_that_fail, __VA_ARGS__);    \
  TEST_CASE_TEMPLATE_INVOKE(captured_marks, __VA_ARGS__);        \
  }
