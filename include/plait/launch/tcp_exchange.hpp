// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/core/require.hpp>
#include <plait/launch/detail/id_protocol.hpp>
#include <plait/launch/detail/socket.hpp>
#include <plait/launch/launch_place.hpp>
#include <plait/launch/tcp_giver.hpp>
#include <plait/launch/tcp_options.hpp>

namespace plait {

namespace detail {

/// What came of one try to get the blob.
struct attempt {
  bool done = false;
  bool final = false;   ///< trying again is of no use
  bool spoken = false;  ///< the other side said something, if the wrong thing
  std::string why;      ///< "nobody listens there"
};

/// "a process of another job is there": why a giver refuses.
inline std::string refusal_text(const taker_side::finding& found, const exchange_terms& terms, int rank) {
  switch (found.answer) {
    case verdict::other_version:
      return "it speaks another version of the protocol";
    case verdict::other_secret:
      return "it has another secret, so it is not of this job or PLAIT_SECRET differs";
    case verdict::other_job:
      return "it is of another job than '" + terms.job + "'";
    case verdict::being_served:
      return "another process is being served as rank " + std::to_string(rank);
    case verdict::other_size:
      return "it counts " + std::to_string(found.size) + " ranks and this process " + std::to_string(terms.size);
    case verdict::other_blob:
      return "it gives " + std::to_string(found.blob_bytes) + " bytes and this process expects " +
             std::to_string(terms.blob_bytes);
    case verdict::no_such_rank:
      return "it has no place for rank " + std::to_string(rank);
    case verdict::rank_taken:
      return "another process came as rank " + std::to_string(rank) + " before this one";
    default:
      return "it found the message too long";
  }
}

inline attempt try_to_take(const endpoint& there, int rank, const exchange_terms& terms, std::span<std::byte> blob,
                           net_clock::time_point until) {
  auto [line, status] = connect_within(there, until);
  const auto failed = [&](int number) {
    return attempt{false, false, false, number == ECONNREFUSED ? "nobody listens there" : errno_text(number)};
  };
  if (status != 0) return failed(status);
  std::array<std::byte, greeting_bytes> greeting;
  if (status = read_all(line.native(), greeting, until); status != 0)
    return {false, false, false, "what listens there does not greet: " + errno_text(status)};
  taker_side side;
  const auto claim = side.claim(greeting, rank, terms, fresh_number());
  if (!claim) return {false, false, true, "what listens there is no rank of plait, or one of another version"};
  std::array<std::byte, answer_bytes> head;
  if (status = write_all(line.native(), *claim, until); status != 0) return failed(status);
  if (status = read_all(line.native(), head, until); status != 0)
    return {false, false, true, "it did not answer: " + errno_text(status)};
  const auto found = side.read(head, terms);
  if (!found) return {false, false, true, "what listens there is no rank of plait"};
  if (found->answer != verdict::accepted)
    return {false, found->authentic && !may_change(found->answer), true,
            "it refuses: " + refusal_text(*found, terms, rank)};
  std::vector<std::byte> given(blob.size());
  if (status = read_all(line.native(), given, until); status != 0) return failed(status);
  if (!side.authentic(head, given, terms)) return {false, false, true, "it does not know this job's secret"};
  if (status = write_all(line.native(), {&receipt, 1}, until); status != 0) return failed(status);
  std::copy(given.begin(), given.end(), blob.begin());
  return {true, true, true, ""};
}

}  // namespace detail

/// Gets the blob from the rank 0 that listens at host and port, as `rank`. While nobody listens there, or somebody
/// else, tries again, at first after 10 ms and then ever less often, up to twice a second.
///
/// Throws: comm when the deadline passes, with what stood in the way last; usage at once where this job's rank 0 says
/// that this process can never be one of its ranks.
inline void tcp_take(const std::string& host, int port, int rank, const detail::exchange_terms& terms,
                     std::span<std::byte> blob, const tcp_options& options) {
  const auto until = detail::after_seconds(options.deadline_seconds);
  const auto addresses = detail::resolve(host, port, until);
  std::string why;
  bool spoken = false;
  for (int pause = 10;; pause = std::min(500, pause * 3 / 2)) {
    for (const detail::endpoint& there : addresses) {
      const auto try_until = std::min(until, detail::after_seconds(options.patience_seconds));
      const auto came = detail::try_to_take(there, rank, terms, blob, try_until);
      if (came.done) return;
      if (came.spoken || !spoken) why = there.text() + ": " + came.why;
      spoken = spoken || came.spoken;
      if (came.final)
        throw error{error_kind::usage, "tcp_exchange",
                    "rank " + std::to_string(rank) + " asked rank 0 at " + why + "; start all ranks alike"};
    }
    ::poll(nullptr, 0, std::min(pause, detail::milliseconds_until(until)));
    if (detail::net_clock::now() >= until) break;
  }
  throw error{error_kind::comm, "tcp_exchange",
              "rank " + std::to_string(rank) + " got nothing from rank 0 within " +
                  detail::short_seconds(options.deadline_seconds) + "; at " + why};
}

/// Brings the blob of rank 0 to all ranks: rank 0 listens at the place's address and port, the others connect.
/// Collective over the ranks of a start; returns once this rank has it and, on rank 0, once all have. Nothing listens
/// afterwards.
///
/// A process that is of another job, another secret or another number of ranks, a second one of the same rank, or
/// anything else that connects is refused; both sides say why, and the exchange goes on. All ranks must run the same
/// version of the protocol. `docs/design/launch.md` says what is sent.
///
/// Cost: one connection and 240 bytes plus the blob for each other rank. Waits at most `deadline_seconds`.
/// Throws: usage where the place does not tell address or port; comm and usage as `tcp_take` and `tcp_giver`.
inline void tcp_exchange(const launch_place& place, std::span<std::byte> blob, const tcp_options& options = {}) {
  require(options.deadline_seconds > 0 && options.patience_seconds > 0, "tcp_exchange",
          "deadline_seconds and patience_seconds are more than 0");
  if (place.size == 1) return;
  require(!place.address.empty(), "tcp_exchange",
          "nothing tells where rank 0 is; set MASTER_ADDR, or give the address as an argument");
  require(place.port > 0, "tcp_exchange",
          "nothing tells on which port rank 0 listens; set MASTER_PORT, or give the port as an argument");
  const detail::exchange_terms terms{place.size, blob.size(), place.job, options.secret};
  if (place.rank > 0) return tcp_take(place.address, place.port, place.rank, terms, blob, options);
  tcp_giver giver{options.listen.empty() ? place.address : options.listen, place.port, options.deadline_seconds};
  giver.give(terms, blob, options);
}

}  // namespace plait
