// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <span>

#include <plait/tensor/dtype.hpp>

namespace plait {

/// How values of several ranks become one.
enum class reduction : std::uint8_t { sum, max };

/// A message under way: its buffer must not change before `wait(ticket)`. A default ticket is complete.
struct ticket {
  int peer = -1;
  int channel = 0;
  std::uint64_t number = 0;  ///< how many messages this rank had sent to that peer on that channel, this one included
};

/// What a rank is doing, for the report when something goes wrong. `what` must be a literal.
struct activity {
  const char* what = "nothing yet";
  int stage = -1;  ///< -1: does not apply, here and below
  int micro = -1;
  int peer = -1;
};

/// One rank's end of a group of ranks that exchange values. Moves, does not copy.
///
/// Every call takes spans of any `element`; the concept asks for `float`. Everything is ordered by the stream it is
/// given: a call returns once the work is in the stream's order, which for host memory means once it is done, save for
/// `send`, which never waits for its peer. All ranks of a group make the same collective calls in the same order.
///
/// Laws (each is a test that every model is put through, `tests/comm/laws.hpp`):
///   1. messages of one (sender, receiver, channel) arrive in the order they were sent; channels do not wait for each
///      other; once its ticket has been waited for, a buffer may change
///   2. `all_reduce` gives every rank the same bits: for `sum`, ((x0 + x1) + x2) + ... in rank order, so a run can be
///      repeated; for `max`, a value that is not a number wins
///   3. `reduce_scatter` gives rank i part i of what `all_reduce` gives; `all_gather` of the parts gives the
///      whole, where part i is `balanced_part(size, ranks, i)`, so sizes need not divide; the part may lie in its place
///      in the whole
///   4. `broadcast` gives every rank the root's values; `barrier` lets none pass before all have come
///   5. `split(color, key)` makes groups of equal color, ordered by key and then by rank; calls on different groups do
///      not disturb each other
///   6. one rank is a legal group, and so are no elements
///   7. a rank that throws, a rank that returns while others wait for it, calls or messages that do not match, and
///      a wait past the deadline stop every rank of the world with one error that says what each was doing
template <class C>
concept communicator = requires(C& group, typename C::space::stream order, std::span<const float> in,
                                std::span<float> out, activity doing) {
  { group.rank() } -> std::convertible_to<int>;
  { group.size() } -> std::convertible_to<int>;
  { group.send(in, /*peer=*/0, /*channel=*/0, order) } -> std::same_as<ticket>;
  group.wait(ticket{}, order);
  group.receive(out, /*peer=*/0, /*channel=*/0, order);
  group.all_reduce(out, reduction::sum, order);  // in place
  group.reduce_scatter(in, out, reduction::sum, order);
  group.all_gather(in, out, order);
  group.broadcast(out, /*root=*/0, order);
  group.barrier(order);
  { group.split(/*color=*/0, /*key=*/0) } -> std::same_as<C>;
  group.doing(doing);
};

/// A communicator whose calls put work into streams and never wait for another rank on the host, so that what a rank
/// gives to a stream can be recorded and done again. It says so by `static constexpr bool capturable = true`.
template <class C>
concept capturable_communicator = communicator<C> && requires {
  requires C::capturable;
};

}  // namespace plait
