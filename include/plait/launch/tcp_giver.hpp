// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <list>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/core/require.hpp>
#include <plait/launch/detail/id_protocol.hpp>
#include <plait/launch/detail/socket.hpp>
#include <plait/launch/tcp_options.hpp>

namespace plait {

namespace detail {

inline number_used_once fresh_number() {
  std::random_device random;  // the system's own source
  number_used_once number;
  for (std::size_t i = 0; i < number.size(); i += 4) put_u32(&number[i], random());
  return number;
}

}  // namespace detail

/// The end of a TCP exchange that has the blob: listens at one address and gives the blob to each other rank once.
///
/// One thread, one `poll`: no peer makes it wait, since every connection has `patience_seconds` for what it has to say,
/// which is one claim of fixed size. What is not of this exchange is told why, if it speaks the protocol at all, and
/// dropped. There are at most 64 connections more than ranks; past that the oldest that has not proved itself goes.
class tcp_giver {
 public:
  /// Listens at the first address of `host` that this machine has. port 0: any free one. While another process holds
  /// the port, tries again until the deadline: it may be the one before, about to end.
  ///
  /// Throws: comm if that cannot be had.
  tcp_giver(const std::string& host, int port, double deadline_seconds)
      : until_{detail::after_seconds(deadline_seconds)}, deadline_seconds_{deadline_seconds} {
    const auto until = until_;
    const auto addresses = detail::resolve(host, port, until);
    for (;;) {
      int status = EADDRNOTAVAIL;
      for (const detail::endpoint& one : addresses) {
        status = listen_at(one);
        if (status == 0 || status == EADDRINUSE) break;
      }
      if (status == 0) return;
      const bool mine = status != EADDRNOTAVAIL;
      if (status != EADDRINUSE || detail::net_clock::now() >= until) {
        throw error{error_kind::comm, "tcp_exchange",
                    "rank 0 cannot listen at " + addresses.front().text() + ": " + detail::errno_text(status) +
                        (mine ? "; choose another port" : "; rank 0 must run on the machine that has the address")};
      }
      ::poll(nullptr, 0, std::min(50, detail::milliseconds_until(until)));
    }
  }

  [[nodiscard]] const std::string& where() const { return where_; }  ///< "127.0.0.1:5000"
  [[nodiscard]] int port() const { return port_; }

  /// Gives the blob to ranks 1 to terms.size - 1, each once. Returns when all have confirmed it.
  ///
  /// Throws: comm when the deadline, counted from the making of this giver, passes; says which ranks are missing and
  /// who has been refused, and why.
  void give(const detail::exchange_terms& terms, std::span<const std::byte> blob, const tcp_options& options) {
    const auto until = until_;
    std::list<guest> guests;
    served_.assign(static_cast<std::size_t>(terms.size), false);
    served_[0] = true;
    while (std::find(served_.begin(), served_.end(), false) != served_.end()) {
      std::vector<pollfd> watched{{listener_.native(), POLLIN, 0}};
      auto next = until;
      for (const guest& one : guests) {
        watched.push_back({one.line.native(), static_cast<short>(one.out.empty() ? POLLIN : POLLOUT), 0});
        next = std::min(next, one.until);
      }
      const int ready = ::poll(watched.data(), watched.size(), detail::milliseconds_until(next));
      const auto now = detail::net_clock::now();
      auto at = watched.begin() + 1;
      for (auto one = guests.begin(); one != guests.end(); ++at) {
        bool stays = true;
        if (ready > 0 && at->revents != 0) stays = attend(*one, guests, terms, blob, options);
        if (stays && now >= one->until) stays = false, refuse(*one, "it said too little in its time", options);
        one = stays ? std::next(one) : guests.erase(one);
      }
      if (now >= until) throw missing(terms);
      if (ready > 0 && watched.front().revents != 0) admit(guests, terms, options);
    }
  }

 private:
  struct guest {
    explicit guest(detail::owned_socket accepted) : line{std::move(accepted)} {}
    detail::owned_socket line;
    std::string from;
    detail::net_clock::time_point until;
    detail::giver_side side{detail::fresh_number()};
    std::vector<std::byte> out;  ///< still to be sent
    std::array<std::byte, detail::claim_bytes> in{};
    std::size_t got = 0;
    int rank = -1;           ///< being served as that rank
    bool answered = false;   ///< the claim has come
    bool dismissed = false;  ///< refused; goes once the answer is out
    bool named = false;      ///< in the list of the refused
  };

  int listen_at(detail::endpoint there) {
    detail::owned_socket line{::socket(there.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (line.native() < 0) return errno;
    const int yes = 1;
    ::setsockopt(line.native(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (there.storage.ss_family == AF_INET6) ::setsockopt(line.native(), IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    if (::bind(line.native(), there.native(), there.length) != 0) return errno;
    if (::listen(line.native(), SOMAXCONN) != 0) return errno;
    if (::getsockname(line.native(), there.native(), &there.length) != 0) return errno;
    where_ = there.text();
    port_ = there.port();
    listener_ = std::move(line);
    return 0;
  }

  void admit(std::list<guest>& guests, const detail::exchange_terms& terms, const tcp_options& options) {
    for (int several = 0; several < 64; ++several) {
      detail::endpoint from;
      from.length = sizeof from.storage;
      detail::owned_socket line{
          ::accept4(listener_.native(), from.native(), &from.length, SOCK_CLOEXEC | SOCK_NONBLOCK)};
      if (line.native() < 0) {
        if (errno == EMFILE || errno == ENFILE) drop_oldest(guests, "this process has no more descriptors", options);
        return;
      }
      if (guests.size() >= static_cast<std::size_t>(terms.size) + 64)
        drop_oldest(guests, "too many others came after it", options);
      guest& one = guests.emplace_back(std::move(line));
      one.from = from.text();
      one.until = detail::after_seconds(options.patience_seconds);
      one.out.assign(one.side.greeting().begin(), one.side.greeting().end());
    }
  }

  void drop_oldest(std::list<guest>& guests, const char* why, const tcp_options& options) {
    const auto oldest = std::find_if(guests.begin(), guests.end(), [](const guest& one) { return one.rank < 0; });
    if (oldest == guests.end()) return;
    refuse(*oldest, why, options);
    guests.erase(oldest);
  }

  /// Does what the guest's socket is ready for. False: the guest goes.
  bool attend(guest& one, const std::list<guest>& guests, const detail::exchange_terms& terms,
              std::span<const std::byte> blob, const tcp_options& options) {
    if (!one.out.empty()) {
      const ssize_t sent = ::send(one.line.native(), one.out.data(), one.out.size(), MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
      one.out.erase(one.out.begin(), one.out.begin() + sent);
      if (one.out.empty() && one.dismissed) ::shutdown(one.line.native(), SHUT_WR);
      return true;
    }
    // One byte more than a claim shows a claim that is too long; behind the answer comes the receipt.
    std::array<std::byte, detail::claim_bytes + 1> in;
    const std::size_t room = one.answered ? in.size() : in.size() - one.got;
    const ssize_t got = ::recv(one.line.native(), in.data(), room, 0);
    if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    if (one.dismissed) return got > 0;  // read away what it still says, so that it can read the answer
    if (got == 0) {
      if (!one.answered) refuse(one, "it went before it had said who it is", options);
      return false;
    }
    if (one.answered) {
      if (got != 1 || in[0] != detail::receipt) return false;
      served_[static_cast<std::size_t>(one.rank)] = true;
      return false;
    }
    const std::size_t fits = std::min(static_cast<std::size_t>(got), one.in.size() - one.got);
    std::copy_n(in.begin(), fits, one.in.begin() + static_cast<std::ptrdiff_t>(one.got));
    one.got += fits;
    if (one.got < one.in.size()) return true;
    return judge(one, static_cast<std::size_t>(got) > fits, guests, terms, blob, options);
  }

  bool judge(guest& one, bool too_long, const std::list<guest>& guests, const detail::exchange_terms& terms,
             std::span<const std::byte> blob, const tcp_options& options) {
    auto found = one.side.judge(one.in, terms);
    if (!found) {
      refuse(one, "it does not speak the protocol of plait", options);
      return false;
    }
    if (too_long && found->answer == detail::verdict::accepted)
      *found = {detail::verdict::too_long, found->rank, "it said more than it may"};
    if (found->answer == detail::verdict::accepted) {
      const std::string name = "rank " + std::to_string(found->rank);
      if (served_[static_cast<std::size_t>(found->rank)])
        *found = {detail::verdict::rank_taken, found->rank, name + " had come before it"};
      const auto same = [&](const guest& other) { return other.rank == found->rank; };
      if (found->answer == detail::verdict::accepted && std::any_of(guests.begin(), guests.end(), same))
        *found = {detail::verdict::being_served, found->rank, name + " is just being served"};
    }
    one.answered = true;
    one.dismissed = found->answer != detail::verdict::accepted;
    if (one.dismissed) {
      refuse(one, found->why, options);
      one.until = detail::after_seconds(std::min(1.0, options.patience_seconds));
    } else {
      one.rank = found->rank;
    }
    one.out = one.side.answer(found->answer, terms, blob);
    return true;
  }

  void refuse(guest& one, const std::string& why, const tcp_options& options) {
    if (std::exchange(one.named, true)) return;
    ++refused_;
    const std::string text = one.from + ": " + why;
    if (refused_ <= shown) {
      if (options.say) options.say("tcp_exchange at " + where_ + ": refused " + text);
      refusals_.append(refusals_.empty() ? "" : "; ").append(text);
    }
    if (refused_ == shown + 1 && options.say) options.say("tcp_exchange at " + where_ + ": refuses more, not shown");
  }

  [[nodiscard]] error missing(const detail::exchange_terms& terms) const {
    std::string ranks;
    int count = 0;
    for (std::size_t rank = 0; rank < served_.size(); ++rank) {
      if (served_[rank]) continue;
      if (++count <= 8) ranks.append(count > 1 ? ", " : "").append(std::to_string(rank));
    }
    if (count > 8) ranks.append(" and ").append(std::to_string(count - 8)).append(" more");
    std::string text = (count == 1 ? "rank " : "ranks ") + ranks + " of " + std::to_string(terms.size) +
                       " did not come to rank 0 at " + where_ + " within " + detail::short_seconds(deadline_seconds_);
    if (refused_ > 0) text.append("; refused ").append(std::to_string(refused_)).append(": ").append(refusals_);
    return error{error_kind::comm, "tcp_exchange", text};
  }

  static constexpr int shown = 8;  ///< refusals that are told one by one: a port scan must not fill the log

  detail::net_clock::time_point until_;
  double deadline_seconds_;
  detail::owned_socket listener_;
  std::string where_;
  int port_ = 0;
  std::vector<bool> served_;
  int refused_ = 0;
  std::string refusals_;
};

}  // namespace plait
