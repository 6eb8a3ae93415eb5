// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/core/require.hpp>

namespace plait::detail {

/// Where a rank can be reached: what every rank tells all others before the first connection. Addresses and masks are
/// IPv4, in the order of the network.
struct reachable {
  struct place {
    std::uint32_t address = 0;  ///< 0: none
    std::uint32_t mask = 0;
  };
  std::array<char, 128> network{};  ///< equal for ranks that share their loopback device
  std::uint32_t given = 0;          ///< by the user; 0: none
  std::array<place, 6> places{};    ///< of network devices that are up, without the loopback
};

/// The boot of this machine and its network namespace as text; the host's name where the system tells neither.
inline std::array<char, 128> network_name() {
  std::array<char, 128> name{};
  char boot[64] = "", space[32] = "";
  if (std::FILE* const file = std::fopen("/proc/sys/kernel/random/boot_id", "r")) {
    if (std::fscanf(file, "%63s", boot) != 1) boot[0] = '\0';
    std::fclose(file);
  }
  if (::readlink("/proc/self/ns/net", space, sizeof space - 1) < 0) space[0] = '\0';
  if (boot[0] != '\0' && space[0] != '\0')
    std::snprintf(name.data(), name.size(), "%s %s", boot, space);
  else
    ::gethostname(name.data(), name.size() - 1);
  return name;
}

/// given: this machine's address that its peers are to use, such as "10.0.0.7", or empty. Throws: usage.
inline reachable reachable_here(const std::string& given) {
  reachable here{.network = network_name()};
  if (!given.empty())
    require(::inet_pton(AF_INET, given.c_str(), &here.given) == 1, "mpi::run",
            [&] { return "address is an IPv4 address of this machine, such as 10.0.0.7, not " + given; });
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return here;
  std::size_t count = 0;
  for (const ifaddrs* one = all; one != nullptr && count < here.places.size(); one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_netmask == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    if ((one->ifa_flags & IFF_UP) == 0 || (one->ifa_flags & IFF_LOOPBACK) != 0) continue;
    sockaddr_in address{}, mask{};
    std::memcpy(&address, one->ifa_addr, sizeof address);
    std::memcpy(&mask, one->ifa_netmask, sizeof mask);
    here.places[count++] = {address.sin_addr.s_addr, mask.sin_addr.s_addr};
  }
  ::freeifaddrs(all);
  return here;
}

/// The address at which rank `self` waits for its peers: the one given; the loopback, where all ranks share it; else
/// the first whose network every other machine is on too, or the first of all. An address that another machine has as
/// well, as bridges of containers do, leads nowhere.
inline std::uint32_t address_of(const std::vector<reachable>& all, int self) {
  const reachable& mine = all[static_cast<std::size_t>(self)];
  if (mine.given != 0) return mine.given;
  bool alone = true;
  for (const reachable& other : all) alone = alone && other.network == mine.network;
  if (alone) return htonl(INADDR_LOOPBACK);
  std::uint32_t first = 0;
  for (const reachable::place& here : mine.places) {
    if (here.address == 0) continue;
    bool own = true, shared = true;
    for (const reachable& other : all) {
      if (other.network == mine.network) continue;
      bool near = other.given != 0 && (other.given & here.mask) == (here.address & here.mask);
      for (const reachable::place& there : other.places) {
        own = own && there.address != here.address;
        near = near || (there.address != 0 && (there.address & here.mask) == (here.address & here.mask));
      }
      shared = shared && near;
    }
    if (own && shared) return here.address;
    if (own && first == 0) first = here.address;
  }
  if (first == 0)
    throw error{error_kind::comm, "mpi::run",
                "this machine has no IPv4 address at which other machines could reach it; name one with address"};
  return first;
}

}  // namespace plait::detail
