// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include <plait/core/error.hpp>

namespace plait::detail {

/// A file descriptor that is closed when it goes. Moves, does not copy.
class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int number) : number_{number} {}
  descriptor(descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor() { close(); }

  [[nodiscard]] int native() const { return number_; }
  [[nodiscard]] bool open() const { return number_ >= 0; }
  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_ = -1;
};

using socket_clock = std::chrono::steady_clock;

/// An IPv4 address and a port, both in the order of the network.
struct socket_address {
  std::uint32_t address = 0;
  std::uint16_t port = 0;

  [[nodiscard]] std::string text() const {
    char digits[INET_ADDRSTRLEN] = "";
    const in_addr raw{address};
    ::inet_ntop(AF_INET, &raw, digits, sizeof digits);
    return std::string{digits}.append(":").append(std::to_string(ntohs(port)));
  }
  [[nodiscard]] sockaddr_in native() const {
    sockaddr_in raw{};
    raw.sin_family = AF_INET;
    raw.sin_addr.s_addr = address;
    raw.sin_port = port;
    return raw;
  }
};

[[noreturn]] inline void socket_failed(const char* call, const std::string& what) {
  throw error{error_kind::comm, call, what + ": " + std::strerror(errno)};
}

/// Waits until a descriptor can be read or written (POLLIN, POLLOUT); whether it was before the deadline.
inline bool wait_for(const descriptor& one, short what, socket_clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - socket_clock::now()).count();
    pollfd asked{one.native(), what, 0};
    const int ready = ::poll(&asked, 1, static_cast<int>(std::clamp<long long>(left, 0, 1000)));
    if (ready > 0) return true;
    if (left <= 0) return false;
  }
}

/// Listens on `address`, at a port that the system chooses and that is written there.
inline descriptor listen_on(socket_address& address, int most_waiting) {
  descriptor made{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  sockaddr_in raw = address.native();
  socklen_t size = sizeof raw;
  if (!made.open() || ::bind(made.native(), reinterpret_cast<sockaddr*>(&raw), size) != 0 ||
      ::listen(made.native(), most_waiting) != 0 ||
      ::getsockname(made.native(), reinterpret_cast<sockaddr*>(&raw), &size) != 0)
    socket_failed("listen", "no rank can be waited for at " + address.text());
  address.port = raw.sin_port;
  return made;
}

/// Connects, and tries again while it is refused.
inline descriptor connect_to(const socket_address& address, socket_clock::time_point deadline) {
  for (;;) {
    descriptor made{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    const sockaddr_in raw = address.native();
    if (!made.open()) socket_failed("connect", "no socket can be made");
    int failed = ::connect(made.native(), reinterpret_cast<const sockaddr*>(&raw), sizeof raw) == 0 ? 0 : errno;
    if (failed == EINPROGRESS) {
      socklen_t size = sizeof failed;
      if (!wait_for(made, POLLOUT, deadline)) {
        failed = ETIMEDOUT;
      } else {
        ::getsockopt(made.native(), SOL_SOCKET, SO_ERROR, &failed, &size);
      }
    }
    if (failed == 0) {
      const int yes = 1;
      ::setsockopt(made.native(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      return made;
    }
    if (socket_clock::now() >= deadline || (failed != ECONNREFUSED && failed != EINTR && failed != EAGAIN)) {
      errno = failed;
      socket_failed("connect", "no connection to " + address.text());
    }
    ::usleep(20000);
  }
}

/// Sends or receives all bytes; whether that was done before the deadline.
inline bool send_all(const descriptor& to, const void* data, std::size_t bytes, socket_clock::time_point deadline) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t done = ::send(to.native(), at, bytes, MSG_NOSIGNAL);
    if (done > 0) {
      at += done, bytes -= static_cast<std::size_t>(done);
    } else if (errno != EAGAIN && errno != EINTR) {
      return false;
    } else if (!wait_for(to, POLLOUT, deadline)) {
      return false;
    }
  }
  return true;
}
inline bool receive_all(const descriptor& from, void* data, std::size_t bytes, socket_clock::time_point deadline) {
  char* at = static_cast<char*>(data);
  while (bytes > 0) {
    const ssize_t done = ::recv(from.native(), at, bytes, 0);
    if (done > 0) {
      at += done, bytes -= static_cast<std::size_t>(done);
    } else if (done == 0 || (errno != EAGAIN && errno != EINTR)) {
      return false;
    } else if (!wait_for(from, POLLIN, deadline)) {
      return false;
    }
  }
  return true;
}

}  // namespace plait::detail
