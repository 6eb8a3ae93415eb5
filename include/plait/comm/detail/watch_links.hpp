// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <plait/comm/detail/addresses.hpp>
#include <plait/comm/detail/socket.hpp>
#include <plait/core/error.hpp>

namespace plait::detail {

/// The first bytes of a connection between two ranks. What does not begin so is refused.
struct watch_hello {
  std::array<char, 8> magic{'p', 'l', 'a', 'i', 't', 'w', 't', 'c'};
  std::uint32_t version = 1;
  std::int32_t rank = 0;
  std::array<std::uint64_t, 2> secret{};  ///< of the run; rank 0 draws it
};

/// Connects each two of the ranks: result[r] is the connection to rank r, and that to itself is closed.
///
/// A rank listens at one address, for this long only, and takes one connection of each rank above it that knows the
/// secret of the run. exchange(mine, all, bytes) puts the `bytes` at `mine` of every rank at `all`, in rank order.
/// Throws: comm, when a rank cannot be reached before the deadline.
template <class Exchange>
std::vector<descriptor> watch_links(int self, int size, const std::string& given, socket_clock::time_point deadline,
                                    Exchange&& exchange) {
  struct invitation {
    socket_address at{};
    std::array<std::uint64_t, 2> secret{};
  };
  const auto ranks = static_cast<std::size_t>(size);
  std::vector<reachable> everywhere(ranks);
  const reachable here = reachable_here(given);
  exchange(&here, everywhere.data(), sizeof here);

  invitation mine{.at = {.address = address_of(everywhere, self), .port = 0}};
  const descriptor listener = listen_on(mine.at, size);
  std::random_device draw;
  for (std::uint64_t& word : mine.secret) word = (std::uint64_t{draw()} << 32) | draw();
  std::vector<invitation> all(ranks);
  exchange(&mine, all.data(), sizeof mine);

  std::vector<descriptor> links(ranks);
  const watch_hello hello{.rank = self, .secret = all[0].secret};
  for (int peer = 0; peer < self; ++peer) {
    descriptor& link = links[static_cast<std::size_t>(peer)];
    link = connect_to(all[static_cast<std::size_t>(peer)].at, deadline);
    if (!send_all(link, &hello, sizeof hello, deadline)) socket_failed("mpi::run", "a peer closed its connection");
  }
  for (int missing = size - 1 - self; missing > 0;) {
    if (!wait_for(listener, POLLIN, deadline))
      throw error{error_kind::comm, "mpi::run",
                  std::to_string(missing) + " ranks did not connect to rank " + std::to_string(self) + " at " +
                      mine.at.text() +
                      "; if that address cannot be reached from their machines, name one with address"};
    descriptor link{::accept4(listener.native(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    watch_hello theirs;
    if (!link.open() || !receive_all(link, &theirs, sizeof theirs, socket_clock::now() + std::chrono::seconds{2}))
      continue;
    if (theirs.magic != hello.magic || theirs.version != hello.version || theirs.secret != hello.secret ||
        theirs.rank <= self || theirs.rank >= size || links[static_cast<std::size_t>(theirs.rank)].open())
      continue;
    const int yes = 1;
    ::setsockopt(link.native(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    links[static_cast<std::size_t>(theirs.rank)] = std::move(link);
    --missing;
  }
  return links;
}

}  // namespace plait::detail
