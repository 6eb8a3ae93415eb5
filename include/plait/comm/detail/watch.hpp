// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <optional>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <plait/comm/detail/activity_ring.hpp>
#include <plait/comm/detail/failure.hpp>
#include <plait/comm/detail/flight_record.hpp>
#include <plait/comm/detail/note.hpp>
#include <plait/comm/detail/socket.hpp>
#include <plait/comm/detail/wire.hpp>
#include <plait/core/error.hpp>

namespace plait::detail {

/// What a rank that is a process knows of its peers, whatever they exchange their values through: a thread that holds a
/// connection to each of them, tells them several times in each deadline that it lives and what its rank does, and
/// hears the same from them.
///
/// The world stops at the first of: `stop` on any rank; a peer whose process has ended or whose connection broke before
/// it finished; a peer that was silent for the deadline. All ranks tell each other, with their last activities, and
/// `failure` makes the error of it.
///
/// A rank that does not leave its body within the deadline after the world has stopped, because it is blocked in a
/// call that cannot be broken off, is ended by this thread, with the report on stderr and exit status 1.
///
/// Cost: one connection and, in each beat, one message of at most a few KiB for each peer.
class watch {
 public:
  using clock = std::chrono::steady_clock;

  struct settings {
    int rank = 0;
    double deadline_seconds = 60;
    std::string flight_record{};  ///< file of this rank; empty: none
    std::vector<std::string> coordinates{};
  };

  /// links: a connection to each peer, by rank. did, waits: of this rank; they outlive the watch.
  watch(settings given, std::vector<descriptor> links, const activity_ring& did, const note_cell& waits)
      : given_{std::move(given)},
        did_{&did},
        waits_{&waits},
        deadline_{seconds(std::min(given_.deadline_seconds, 1e9))},
        beat_{seconds(std::clamp(given_.deadline_seconds / 10, 0.01, 0.25))},
        peers_{std::make_unique<peer[]>(links.size())} {
    for (int rank = 0; rank < size(); ++rank) {
      at(rank).link = std::move(links[static_cast<std::size_t>(rank)]);
      at(rank).record.rank = rank;
      at(rank).record.coordinates = given_.coordinates[static_cast<std::size_t>(rank)];
      at(rank).heard = clock::now();
    }
    if (size() == 1) return;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) socket_failed("mpi::run", "no pipe can be made");
    woken_ = descriptor{ends[0]};
    waker_ = descriptor{ends[1]};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the program's own threads
    thread_ = std::thread{[this] { work(); }};
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  watch(const watch&) = delete;
  watch& operator=(const watch&) = delete;
  ~watch() {
    if (!thread_.joinable()) return;
    closing_.store(true);
    wake();
    thread_.join();
  }

  [[nodiscard]] int size() const { return static_cast<int>(given_.coordinates.size()); }
  [[nodiscard]] bool stopped() const { return stopped_.load(std::memory_order_acquire); }
  [[nodiscard]] int failed() const { return failed_.load(); }
  [[nodiscard]] bool finished(int rank) const { return at(rank).finished.load(std::memory_order_acquire); }
  [[nodiscard]] int finished_ranks() const { return finished_ranks_.load(std::memory_order_acquire); }
  /// How many messages a rank that has finished had sent to this one, and had received from it.
  [[nodiscard]] std::uint64_t sent_by(int rank) const { return at(rank).sent; }
  [[nodiscard]] std::uint64_t received_by(int rank) const { return at(rank).received; }

  /// "rank 3", "rank 3 = {data 0, pipeline 1}"
  [[nodiscard]] std::string text_of(int rank) const {
    return rank_text(rank, given_.coordinates[static_cast<std::size_t>(rank)]);
  }

  /// Stops the world because of what happened on this rank, unless it has stopped.
  void stop(const error& cause) {
    const std::lock_guard lock{mutex_};
    begin_stop(cause, given_.rank);
  }

  /// Whether a process has ended or does not answer.
  [[nodiscard]] bool somebody_gone() const {
    const std::lock_guard lock{mutex_};
    for (int rank = 0; rank < size(); ++rank)
      if (rank != given_.rank && !at(rank).told && !finished(rank)) return true;
    return false;
  }

  /// "; no sign of life from rank 3 for 4.1 s", or nothing.
  [[nodiscard]] std::string silence() const {
    const std::lock_guard lock{mutex_};
    std::string text;
    for (int rank = 0; rank < size(); ++rank)
      if (silent(rank)) text.append("; no sign of life from ").append(text_of(rank)).append(" for ").append(age(rank));
    return text;
  }

  /// This rank's body has returned. sent[r], received[r]: messages to and from rank r.
  void finish(const std::vector<std::uint64_t>& sent, const std::vector<std::uint64_t>& received) {
    const std::lock_guard lock{mutex_};
    done_ = true;
    for (int rank = 0; rank < size(); ++rank) {
      wire_writer body;
      body.put(sent[static_cast<std::size_t>(rank)]);
      body.put(received[static_cast<std::size_t>(rank)]);
      post(rank, kind::finished, body);
    }
    wake();
  }

  /// Once the world has stopped: the failure, with the report of all ranks that answer within a second. Writes the
  /// flight record.
  error failure() {
    std::unique_lock lock{mutex_};
    left_ = true;
    told_.wait_until(lock, stopped_at_ + std::min<clock::duration>(deadline_, std::chrono::seconds{1}),
                     [&] { return everybody_told(); });
    return composed();
  }

 private:
  enum class kind : std::uint8_t { beat, stop, last_words, finished };

  struct peer {
    descriptor link;
    std::string in, out;
    clock::time_point heard;
    rank_record record;
    bool told = false;  ///< its last words
    bool gone = false;
    std::atomic<bool> finished{false};
    std::uint64_t sent = 0, received = 0;
  };

  static clock::duration seconds(double count) {
    return std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>{count});
  }
  [[nodiscard]] peer& at(int rank) const { return peers_[static_cast<std::size_t>(rank)]; }
  void wake() {
    const char any = 0;
    if (waker_.open() && ::write(waker_.native(), &any, 1) < 0) return;  // a full pipe wakes as well
  }

  // All of the following is called with the mutex held.

  [[nodiscard]] bool silent(int rank) const {
    return rank != given_.rank && at(rank).link.open() && !finished(rank) && clock::now() - at(rank).heard > 5 * beat_;
  }
  [[nodiscard]] std::string age(int rank) const {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(clock::now() - at(rank).heard).count());
    return text;
  }
  [[nodiscard]] bool everybody_told() const {
    for (int rank = 0; rank < size(); ++rank)
      if (rank != given_.rank && at(rank).link.open() && !at(rank).told && !silent(rank)) return false;
    return true;
  }

  [[nodiscard]] rank_record own_record() const {
    rank_record mine =
        record_of(given_.rank, given_.coordinates[static_cast<std::size_t>(given_.rank)], *did_, *waits_);
    if (done_) mine.state = "finished";
    return mine;
  }

  void post(int rank, kind what, const wire_writer& body) {
    if (!at(rank).link.open()) return;
    wire_writer head;
    head.put(static_cast<std::uint32_t>(body.bytes().size()));
    head.put(static_cast<std::uint8_t>(what));
    at(rank).out.append(head.bytes().begin(), head.bytes().end()).append(body.bytes().begin(), body.bytes().end());
  }
  void post_all(kind what, const wire_writer& body) {
    for (int rank = 0; rank < size(); ++rank) post(rank, what, body);
  }

  void begin_stop(const error& cause, int failed) {
    if (stopped_.load()) return;
    cause_ = cause;
    failed_.store(failed);
    stopped_at_ = clock::now();
    wire_writer why, words;
    why.put(failed);
    why.put(std::string_view{cause.call()});
    why.put(std::string_view{cause.sentence()});
    post_all(kind::stop, why);
    final_ = own_record();
    put_record(words, *final_, activity_ring::room);
    post_all(kind::last_words, words);
    stopped_.store(true, std::memory_order_release);
    wake();
  }

  error composed() {
    std::vector<rank_record> records;
    for (int rank = 0; rank < size(); ++rank) {
      rank_record one = rank == given_.rank ? *final_ : at(rank).record;
      if (rank != given_.rank && !at(rank).told) {
        if (finished(rank))
          one.state = "finished";
        else if (at(rank).gone)
          one.state = "gone";
        else
          one.state = "silent for " + age(rank);
      }
      records.push_back(std::move(one));
    }
    const int failed = failed_.load();
    const std::string& known = given_.coordinates[static_cast<std::size_t>(failed)];
    const std::string coordinates = known.empty() ? std::to_string(failed) + " of " + std::to_string(size()) : known;
    save_flight_record(given_.flight_record, error{*cause_}.at_rank(failed, coordinates), records);
    return reported(*cause_, report_of(records), failed, coordinates);
  }

  void lose(int rank, const char* how) {
    peer& one = at(rank);
    one.link.close();
    one.gone = true;
    if (!finished(rank))
      begin_stop(error{error_kind::comm, "watch", text_of(rank).append(" is gone: ").append(how)}, rank);
    told_.notify_all();
  }

  void take(int rank, kind what, std::string_view body) {
    peer& one = at(rank);
    wire_reader from{body};
    switch (what) {
      case kind::beat:
        if (!one.told) get_record(from, one.record);
        return;
      case kind::last_words:
        get_record(from, one.record);
        one.told = true;
        told_.notify_all();
        return;
      case kind::stop: {
        const int failed = from.get<int>();
        const std::string call = from.text(), sentence = from.text();
        if (from.whole() && failed >= 0 && failed < size()) begin_stop({error_kind::comm, call, sentence}, failed);
        return;
      }
      case kind::finished:
        one.sent = from.get<std::uint64_t>();
        one.received = from.get<std::uint64_t>();
        if (one.finished.exchange(true, std::memory_order_acq_rel)) return;
        finished_ranks_.fetch_add(1, std::memory_order_acq_rel);
        return;
    }
  }

  void read_from(int rank) {
    constexpr std::size_t head = sizeof(std::uint32_t) + 1, most = std::size_t{1} << 20;
    peer& one = at(rank);
    char buffer[16384];
    ssize_t got = 0;
    while ((got = ::recv(one.link.native(), buffer, sizeof buffer, 0)) > 0)
      one.in.append(buffer, static_cast<std::size_t>(got));
    const int why = got < 0 ? errno : 0;
    one.heard = clock::now();
    std::string_view rest = one.in;
    while (rest.size() >= head) {
      wire_reader front{rest.substr(0, head)};
      const auto size = front.get<std::uint32_t>();
      const auto what = static_cast<kind>(front.get<std::uint8_t>());
      if (size > most || what > kind::finished) return lose(rank, "what it says makes no sense");
      if (rest.size() < head + size) break;
      take(rank, what, rest.substr(head, size));
      rest.remove_prefix(head + size);
    }
    one.in.erase(0, one.in.size() - rest.size());
    if (got == 0 || why == ECONNRESET || why == EPIPE) return lose(rank, "its process has ended");
    if (why != EAGAIN && why != EINTR) lose(rank, "its connection is broken");
  }

  void write_to(int rank) {
    peer& one = at(rank);
    if (!one.link.open() || one.out.empty()) return;
    const ssize_t done = ::send(one.link.native(), one.out.data(), one.out.size(), MSG_NOSIGNAL);
    if (done > 0) one.out.erase(0, static_cast<std::size_t>(done));
  }

  void beat() {
    const auto now = clock::now();
    wire_writer words;
    put_record(words, own_record(), 16);
    for (int rank = 0; rank < size(); ++rank) {
      if (rank == given_.rank || !at(rank).link.open()) continue;
      if (at(rank).out.empty() && !stopped()) post(rank, kind::beat, words);
      if (!finished(rank) && now - at(rank).heard > deadline_)
        begin_stop(
            error{error_kind::comm, "watch", text_of(rank).append(" has given no sign of life for ").append(age(rank))},
            rank);
    }
    told_.notify_all();
    if (!stopped() || left_ || now - stopped_at_ < deadline_) return;
    std::fprintf(stderr, "%s\n  (this rank did not come out of its body, and was ended)\n", composed().what());
    std::fflush(nullptr);
    ::_exit(1);
  }

  // The thread.

  void work() {
    auto next = clock::now();
    for (;;) {
      std::vector<pollfd> asked{{woken_.native(), POLLIN, 0}};
      std::vector<int> ranks{-1};
      bool open = false;
      {
        const std::lock_guard lock{mutex_};
        for (int rank = 0; rank < size(); ++rank) {
          write_to(rank);
          const bool left = !at(rank).out.empty();
          if (!at(rank).link.open()) continue;
          asked.push_back({at(rank).link.native(), static_cast<short>(left ? POLLIN | POLLOUT : POLLIN), 0});
          ranks.push_back(rank);
          open = open || left;
        }
      }
      if (closing_.load()) {
        if (!open || ++tries_ > 10) return;
        ::poll(nullptr, 0, 10);
        continue;
      }
      const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(next - clock::now()).count();
      ::poll(asked.data(), asked.size(), static_cast<int>(std::max<long long>(0, wait + 1)));
      char drained[64];
      while (::read(woken_.native(), drained, sizeof drained) > 0) continue;
      const std::lock_guard lock{mutex_};
      for (std::size_t i = 1; i < asked.size(); ++i)
        if ((asked[i].revents & ~POLLOUT) != 0 && at(ranks[i]).link.open()) read_from(ranks[i]);
      if (clock::now() < next) continue;
      beat();
      next = clock::now() + beat_;
    }
  }

  settings given_;
  const activity_ring* did_;
  const note_cell* waits_;
  clock::duration deadline_, beat_;
  std::unique_ptr<peer[]> peers_;
  descriptor woken_, waker_;
  std::atomic<bool> stopped_{false}, closing_{false};
  std::atomic<int> failed_{-1}, finished_ranks_{0};
  mutable std::mutex mutex_;  // of what follows, and of all peers but what is atomic in them
  std::condition_variable told_;
  clock::time_point stopped_at_{};
  std::optional<error> cause_;
  std::optional<rank_record> final_;  ///< of this rank, when the world stopped
  bool done_ = false, left_ = false;
  int tries_ = 0;
  std::thread thread_;
};

}  // namespace plait::detail
