// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <poll.h>
#include <span>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <plait/core/error.hpp>

namespace plait::detail {

using net_clock = std::chrono::steady_clock;

inline net_clock::time_point after_seconds(double seconds) {
  return net_clock::now() +
         std::chrono::duration_cast<net_clock::duration>(std::chrono::duration<double>{std::min(seconds, 1e9)});
}
/// For poll: whole milliseconds until then, rounded up.
inline int milliseconds_until(net_clock::time_point then) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(then - net_clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 1 << 30));
}
inline std::string errno_text(int number) {
  return std::generic_category().message(number);
}

/// Owns a file descriptor of a socket; moves, does not copy.
class owned_socket {
 public:
  owned_socket() = default;
  explicit owned_socket(int native) : native_{native} {}
  owned_socket(owned_socket&& other) noexcept : native_{std::exchange(other.native_, -1)} {}
  owned_socket& operator=(owned_socket&& other) noexcept {
    std::swap(native_, other.native_);
    return *this;
  }
  ~owned_socket() {
    if (native_ >= 0) ::close(native_);
  }
  [[nodiscard]] int native() const { return native_; }

 private:
  int native_ = -1;
};

/// An address of IPv4 or IPv6 with a port.
struct endpoint {
  sockaddr_storage storage{};
  socklen_t length = 0;

  [[nodiscard]] const sockaddr* native() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] sockaddr* native() { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] int port() const {
    return ntohs(storage.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port
                                               : reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  }
  /// "127.0.0.1:5000", "[::1]:5000"
  [[nodiscard]] std::string text() const {
    char host[NI_MAXHOST] = "?";
    ::getnameinfo(native(), length, host, sizeof host, nullptr, 0, NI_NUMERICHOST);
    std::string whole;
    if (storage.ss_family == AF_INET6) return whole.append("[").append(host).append("]:") + std::to_string(port());
    return whole.append(host).append(":") + std::to_string(port());
  }
};

/// Calls getaddrinfo; the second is its error, 0 if there is none.
inline std::pair<std::vector<endpoint>, int> look_up(const std::string& host, int port, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | flags;
  addrinfo* first = nullptr;
  const int status = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &first);
  if (status != 0) return {{}, status};
  std::vector<endpoint> found;
  for (const addrinfo* one = first; one != nullptr; one = one->ai_next) {
    endpoint next;
    std::memcpy(&next.storage, one->ai_addr, one->ai_addrlen);
    next.length = one->ai_addrlen;
    found.push_back(next);
  }
  ::freeaddrinfo(first);
  return {std::move(found), 0};
}

/// The addresses of a host, by name or as a number. A name is asked for on a thread of its own, since a name server
/// that does not answer would hold this one for longer than it has. Throws: comm if there is none, or none in time.
inline std::vector<endpoint> resolve(const std::string& host, int port, net_clock::time_point until) {
  if (auto numbers = look_up(host, port, AI_NUMERICHOST); numbers.second == 0) return std::move(numbers.first);
  struct question {
    std::mutex mutex;
    std::condition_variable answered;
    std::optional<std::pair<std::vector<endpoint>, int>> answer;
  };
  const auto asked = std::make_shared<question>();
  std::thread{[asked, host, port] {
    auto answer = look_up(host, port, 0);
    const std::lock_guard lock{asked->mutex};
    asked->answer = std::move(answer);
    asked->answered.notify_one();
  }}.detach();
  std::unique_lock lock{asked->mutex};
  if (!asked->answered.wait_until(lock, until, [&] { return asked->answer.has_value(); }))
    throw error{error_kind::comm, "tcp_exchange", "no name server said in time where the host '" + host + "' is"};
  if (asked->answer->second != 0)
    throw error{error_kind::comm, "tcp_exchange",
                "there is no host '" + host + "': " + ::gai_strerror(asked->answer->second)};
  return std::move(asked->answer->first);
}

/// Waits until something can be read, or written. False: not until then.
inline bool wait_until_ready(int native, short events, net_clock::time_point until) {
  for (;;) {
    pollfd one{native, events, 0};
    const int ready = ::poll(&one, 1, milliseconds_until(until));
    if (ready > 0) return true;
    if (ready == 0 && net_clock::now() >= until) return false;
    if (ready < 0 && errno != EINTR) return false;
  }
}

/// Connects, without waiting past `until`. A socket, or the error's number.
inline std::pair<owned_socket, int> connect_within(const endpoint& there, net_clock::time_point until) {
  owned_socket line{::socket(there.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (line.native() < 0) return {owned_socket{}, errno};
  int status = ::connect(line.native(), there.native(), there.length) == 0 ? 0 : errno;
  if (status == EINPROGRESS || status == EINTR) {
    if (!wait_until_ready(line.native(), POLLOUT, until)) return {owned_socket{}, ETIMEDOUT};
    socklen_t size = sizeof status;
    if (::getsockopt(line.native(), SOL_SOCKET, SO_ERROR, &status, &size) != 0) status = errno;
  }
  if (status != 0) return {owned_socket{}, status};
  const int yes = 1;
  ::setsockopt(line.native(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return {std::move(line), 0};
}

/// Fills `into`. 0, or the error's number; ECONNRESET also when the other side has closed.
inline int read_all(int native, std::span<std::byte> into, net_clock::time_point until) {
  while (!into.empty()) {
    const ssize_t got = ::recv(native, into.data(), into.size(), 0);
    if (got > 0) {
      into = into.subspan(static_cast<std::size_t>(got));
    } else if (got == 0) {
      return ECONNRESET;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_until_ready(native, POLLIN, until)) return ETIMEDOUT;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

/// Sends all of `values`. 0, or the error's number.
inline int write_all(int native, std::span<const std::byte> values, net_clock::time_point until) {
  while (!values.empty()) {
    const ssize_t sent = ::send(native, values.data(), values.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      values = values.subspan(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_until_ready(native, POLLOUT, until)) return ETIMEDOUT;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace plait::detail
