// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <sched.h>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <time.h>
#include <utility>
#include <vector>

#include <plait/comm/communicator.hpp>
#include <plait/comm/detail/activity_ring.hpp>
#include <plait/comm/detail/mpi_call.hpp>
#include <plait/comm/detail/note.hpp>
#include <plait/comm/detail/relax.hpp>
#include <plait/comm/detail/watch.hpp>
#include <plait/comm/detail/watch_links.hpp>
#include <plait/core/error.hpp>
#include <plait/core/require.hpp>

namespace plait::detail {

/// What the groups of one rank share during one `mpi::run`: the one way in which it waits, what it is doing, and the
/// watch over its peers.
///
/// No call of MPI that can block is made but those of `mpi_group::split`: a wait looks at its requests again and again,
/// and between two looks whether the world has stopped and whether the deadline has passed.
class mpi_world {
 public:
  using clock = std::chrono::steady_clock;

  struct settings {
    double deadline_seconds = 60;
    std::string flight_record{};
    std::string address{};
    std::vector<std::string> coordinates{};
  };

  /// over: the ranks of the run; all of them construct together.
  mpi_world(MPI_Comm over, const settings& given) : deadline_seconds_{given.deadline_seconds} {
    deadline_ = std::chrono::duration_cast<clock::duration>(
        std::chrono::duration<double>{std::min(given.deadline_seconds, 1e9)});
    const auto until = clock::now() + deadline_;
    mpi_check(MPI_Comm_rank(over, &rank_), "MPI_Comm_rank");
    mpi_check(MPI_Comm_size(over, &size_), "MPI_Comm_size");
    MPI_Request made = MPI_REQUEST_NULL;
    mpi_check(MPI_Comm_idup(over, &comm_, &made), "MPI_Comm_idup");
    await(made, until);
    mpi_check(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    require_tags();
    sent.resize(static_cast<std::size_t>(size_));
    received.resize(static_cast<std::size_t>(size_));

    const auto exchange = [&](const void* mine, void* all, std::size_t bytes) {
      const int count = static_cast<int>(bytes);
      MPI_Request request = MPI_REQUEST_NULL;
      mpi_check(MPI_Iallgather(mine, count, MPI_BYTE, all, count, MPI_BYTE, comm_, &request), "MPI_Iallgather");
      await(request, until);
    };
    std::vector<descriptor> links(static_cast<std::size_t>(size_));
    if (size_ > 1) {
      const auto name = network_name();
      const std::size_t here = std::hash<std::string_view>{}({name.data(), name.size()});
      std::vector<std::size_t> all(static_cast<std::size_t>(size_));
      exchange(&here, all.data(), sizeof here);
      crowded_ = std::count(all.begin(), all.end(), here) > static_cast<int>(std::thread::hardware_concurrency());
      links = watch_links(rank_, size_, given.address, until, exchange);
    }
    watch_ = std::make_unique<watch>(watch::settings{.rank = rank_,
                                                     .deadline_seconds = given.deadline_seconds,
                                                     .flight_record = file_of_rank(given.flight_record),
                                                     .coordinates = given.coordinates},
                                     std::move(links), did_, waiting_);
  }
  mpi_world(const mpi_world&) = delete;
  mpi_world& operator=(const mpi_world&) = delete;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] MPI_Comm comm() const { return comm_; }
  [[nodiscard]] watch& peers() const { return *watch_; }
  [[nodiscard]] bool stopped() const { return watch_->stopped(); }

  void doing(const activity& now) noexcept { did_.write(now); }

  /// Throws if the world has stopped. Every call begins with it.
  void check(const char* call) const {
    if (stopped()) leave(call);
  }

  /// Returns when `event.done()`. Throws when the world stops, when the deadline passes, or for what the event itself
  /// finds wrong.
  ///
  /// event: `done()` polls; `look()` is asked about every millisecond, and gives an error when what it waits for can no
  /// longer come or is not what it should be; `complaint()`, such as "rank 3 sent no message 4"; `cancel()` gives up.
  template <class Event>
  void wait(const waiting_note& note, Event& event) {
    try {
      waiting_.write(words_of(note));  // before the first look, in which MPI may give the processor to others
      if (!event.done()) poll(note, event);
      waiting_.write({});
    } catch (...) {
      event.cancel();
      throw;
    }
  }

  /// Stops the world because of `cause` on this rank, and throws it.
  [[noreturn]] void fail(error cause) const {
    watch_->stop(cause);
    throw std::move(cause);
  }

  /// Whether nothing more can come from a rank: it has finished, and this rank has received all it had sent.
  [[nodiscard]] bool exhausted(int rank) const {
    return watch_->finished(rank) && received[static_cast<std::size_t>(rank)] >= watch_->sent_by(rank);
  }
  /// Whether a rank has finished without receiving all that this rank sent to it.
  [[nodiscard]] bool deaf(int rank) const {
    return watch_->finished(rank) && watch_->received_by(rank) < sent[static_cast<std::size_t>(rank)];
  }

  /// The body has returned: waits until all have, and keeps MPI going meanwhile.
  void finish() {
    const auto complete = [&] {
      std::erase_if(loose, [](MPI_Request& one) {
        int done = 0;
        mpi_check(MPI_Test(&one, &done, MPI_STATUS_IGNORE), "MPI_Test");
        return done != 0;
      });
      return loose.empty();
    };
    const auto until = clock::now() + std::min<clock::duration>(deadline_, std::chrono::seconds{2});
    while (!complete() && !stopped()) {
      if (clock::now() > until) fail(not_received(rank_, static_cast<std::int64_t>(loose.size())));
      rest();
    }
    check("run");
    watch_->finish(sent, received);
    while (watch_->finished_ranks() < size_ - 1) {
      int any = 0;
      mpi_check(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm_, &any, MPI_STATUS_IGNORE), "MPI_Iprobe");
      check("run");
      rest();
    }
    mpi_check(MPI_Comm_free(&comm_), "MPI_Comm_free");
  }

  /// A copy of `text` that lives as long as the world.
  const char* keep(std::string text) { return texts_.insert(std::move(text)).first->c_str(); }
  /// Memory that lives as long as the world.
  void keep(std::shared_ptr<void> memory) { memory_.push_back(std::move(memory)); }

  std::vector<std::uint64_t> sent, received;  ///< messages to and from each rank, those of collectives included
  std::vector<MPI_Request> loose;             ///< sends that nobody waited for, of groups that are gone

 private:
  template <class Event>
  void poll(const waiting_note& note, Event& event) {
    // Ranks that have a processor each spin; others leave it to those who have work. Sleeping comes last, since it adds
    // up to a tenth of a millisecond to a wait.
    const auto spin = crowded_ ? clock::duration{} : clock::duration{std::chrono::microseconds{200}};
    const auto yielding = crowded_ ? std::chrono::microseconds{100} : std::chrono::microseconds{5000};
    const auto begin = clock::now();
    auto looked = begin;
    for (unsigned turn = 1;; ++turn) {
      if (event.done()) return;
      if (stopped()) leave(note.call);
      if (!crowded_ && turn % 16 != 0 && turn < 4096) {
        relax();
        continue;
      }
      const auto now = clock::now();
      if (now - begin < spin) continue;
      if (now - looked >= std::chrono::milliseconds{1}) {
        looked = now;
        if (std::optional<error> wrong = event.look()) fail(std::move(*wrong));
        if (now - begin > deadline_)
          fail(error{
              error_kind::comm, note.call,
              event.complaint().append(" within ").append(seconds_text(deadline_seconds_)).append(watch_->silence())});
      }
      if (now - begin < yielding) {
        ::sched_yield();
      } else {
        rest();
      }
    }
  }

  static void rest() {
    const timespec some{0, 50000};
    ::nanosleep(&some, nullptr);
  }

  [[noreturn]] void leave(const char* call) const {
    throw error{error_kind::comm, call, "stopped, because rank " + std::to_string(watch_->failed()) + " failed"};
  }

  /// Before there is a watch.
  static void await(MPI_Request request, clock::time_point until) {
    for (int done = 0;;) {
      mpi_check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
      if (done != 0) return;
      if (clock::now() > until)
        throw error{error_kind::comm, "mpi::run", "not all ranks came to the start of the run before the deadline"};
      rest();
    }
  }

  void require_tags() const {
    int* most = nullptr;
    int found = 0;
    mpi_check(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, &most, &found), "MPI_Comm_get_attr");
    if (found == 0 || *most < std::numeric_limits<int>::max())
      throw error{error_kind::comm, "mpi::run",
                  "this MPI has too few tags; plait numbers messages with 31 bits of them"};
  }

  /// "flight.json" is "flight.rank3.json" on rank 3.
  [[nodiscard]] std::string file_of_rank(const std::string& file) const {
    if (file.empty()) return file;
    const std::string mine = ".rank" + std::to_string(rank_);
    const std::size_t dot = file.find_last_of("./");
    if (dot == std::string::npos || file[dot] == '/') return file + mine;
    return file.substr(0, dot) + mine + file.substr(dot);
  }

  int rank_ = 0;
  int size_ = 1;
  double deadline_seconds_;
  clock::duration deadline_{};
  bool crowded_ = false;  ///< fewer processors than ranks on this machine
  MPI_Comm comm_ = MPI_COMM_NULL;
  activity_ring did_;
  note_cell waiting_;
  std::set<std::string> texts_;
  std::vector<std::shared_ptr<void>> memory_;
  std::unique_ptr<watch> watch_;  // its thread reads some of the above
};

}  // namespace plait::detail
