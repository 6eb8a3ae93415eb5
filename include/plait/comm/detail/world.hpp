// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <plait/comm/communicator.hpp>
#include <plait/comm/detail/activity_ring.hpp>
#include <plait/comm/detail/failure.hpp>
#include <plait/comm/detail/flight_record.hpp>
#include <plait/comm/detail/note.hpp>
#include <plait/comm/detail/relax.hpp>
#include <plait/core/error.hpp>

namespace plait::detail {

/// What the ranks of one `threads::run` share: who has stopped, what each is doing, and the one way in which they wait.
///
/// The first failure stops the world: it is kept together with a report of what every rank was doing then, and every
/// rank that waits, or calls later, throws. Before a call throws for that reason it waits until no other rank is
/// between `touch` and its end, so that an exception never frees memory that a peer is just copying.
class world {
 public:
  using clock = std::chrono::steady_clock;

  /// coordinates: one text for each rank, for reports; may be empty.
  world(double deadline_seconds, std::vector<std::string> coordinates)
      : size_{static_cast<int>(coordinates.size())},
        deadline_seconds_{deadline_seconds},
        deadline_{std::chrono::duration_cast<clock::duration>(
            std::chrono::duration<double>{std::min(deadline_seconds, 1e9)})},
        spin_{coordinates.size() <= std::thread::hardware_concurrency() ? std::chrono::microseconds{50}
                                                                        : std::chrono::microseconds{0}},
        coordinates_{std::move(coordinates)},
        seats_{std::make_unique<seat[]>(coordinates_.size())} {
    for (int rank = 0; rank < size_; ++rank) at(rank).spin = spin_;
  }

  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] bool stopped() const { return stopped_.load(); }
  [[nodiscard]] bool finished(int rank) const { return at(rank).finished.load(); }
  [[nodiscard]] bool any_finished() const { return any_finished_.load(); }

  void doing(int rank, const activity& now) noexcept { at(rank).did.write(now); }

  /// Throws if the world has stopped. Every call begins with it.
  void check(int rank, const char* call) {
    if (stopped()) leave(rank, call);
  }

  /// Returns when `event.done()`. Throws when the world stops, when the deadline passes, or when `event.hopeless()`:
  /// what it waits for can no longer come, say because the rank that it waits for has finished.
  ///
  /// event: `done()`, `hopeless()`, and for the error `complaint()`, such as "rank 3 did not arrive", and, if hopeless,
  /// `reason()`, such as " before finishing".
  /// Whoever makes `done()` true wakes this rank afterwards. `done()` reads with sequential consistency what the other
  /// side wrote with it; so either the waker sees that this rank sleeps or this rank sees what was written.
  template <class Event>
  void wait(int rank, const waiting_note& note, const Event& event) {
    if (event.done()) return;
    seat& mine = at(rank);
    mine.waiting.write(words_of(note));
    const auto over = [&] { return event.done() || stopped() || event.hopeless(); };
    const auto begin = clock::now();
    bool ended = false;
    while (!ended && clock::now() - begin < mine.spin) {
      for (int i = 0; i < 32 && !ended; ++i) {
        relax();
        ended = over();
      }
    }
    mine.spin = ended ? std::min(2 * mine.spin, spin_) : std::max(mine.spin / 2, spin_ / 32);
    bool late = false;
    if (!ended) {
      std::unique_lock lock{mine.mutex};
      mine.sleeping.store(true);
      while (!over() && !late) late = mine.woken.wait_until(lock, begin + deadline_) == std::cv_status::timeout;
      mine.sleeping.store(false);
    }
    if (!event.done()) {
      if (stopped()) leave(rank, note.call);
      const bool hopeless = event.hopeless();
      if (event.done()) return mine.waiting.write({});  // it came between the two looks
      const std::string reason = hopeless ? event.reason() : " within " + seconds_text(deadline_seconds_);
      fail(rank, error{error_kind::comm, note.call, event.complaint() + reason});
    }
    mine.waiting.write({});
  }

  /// Wakes a rank that may be waiting for what has just been written.
  void wake(int rank) {
    seat& other = at(rank);
    if (!other.sleeping.load()) return;
    { const std::lock_guard lock{other.mutex}; }
    other.woken.notify_one();
  }

  /// While one lives, its rank reads or writes memory of its peers.
  class touch {
   public:
    touch(world& all, int rank, const char* call) : touching_{all.at(rank).touching} {
      touching_.store(true);
      if (!all.stopped()) return;
      touching_.store(false);
      all.leave(rank, call);
    }
    touch(const touch&) = delete;
    touch& operator=(const touch&) = delete;
    ~touch() { touching_.store(false, std::memory_order_release); }

   private:
    std::atomic<bool>& touching_;
  };

  /// Counts the messages of a rank that nobody has copied yet.
  void sent(int rank) { at(rank).untaken.fetch_add(1, std::memory_order_relaxed); }
  void taken(int rank) { at(rank).untaken.fetch_sub(1, std::memory_order_release); }
  [[nodiscard]] std::int64_t untaken(int rank) const { return at(rank).untaken.load(std::memory_order_acquire); }

  /// Stops the world because of `cause` on `rank`, and throws it there.
  [[noreturn]] void fail(int rank, error cause) {
    stop(rank, cause);
    quiesce(rank);
    throw std::move(cause);
  }

  /// Stops the world; the first one counts. Without a cause the same rank may bring it later.
  void stop(int rank, std::optional<error> cause) {
    {
      const std::lock_guard lock{mutex_};
      if (!stopped()) {
        failed_ = rank;
        cause_ = std::move(cause);
        records_ = records();
        stopped_.store(true);
      } else if (failed_ == rank && !cause_) {
        cause_ = std::move(cause);
      }
    }
    wake_all();
  }

  /// Waits until no other rank touches memory of its peers; bounded by one copy once the world has stopped.
  void quiesce(int rank) const {
    for (int other = 0; other < size_; ++other) {
      while (other != rank && at(other).touching.load()) std::this_thread::yield();
    }
  }

  /// The body of `rank` has returned.
  void finish(int rank) {
    if (const std::int64_t left = untaken(rank); left > 0 && !stopped()) {
      stop(rank, not_received(rank, left));
    }
    at(rank).finished.store(true);
    any_finished_.store(true);
    wake_all();
  }

  /// Once every rank has ended: throws the failure, with the report, if there was one, and writes the flight record.
  void rethrow(const std::string& flight_record = {}) const {
    if (!stopped()) return;
    const error cause = cause_.value_or(
        error{error_kind::comm, "send",
              "the body let an exception pass while messages it had sent were under way, and caught it afterwards"});
    save_flight_record(flight_record, error{cause}.at_rank(failed_, coordinates_text(failed_)), records_);
    throw reported(cause, report_of(records_), failed_, coordinates_text(failed_));
  }

  /// A copy of `text` that lives as long as the world.
  const char* keep(std::string text) {
    const std::lock_guard lock{mutex_};
    return texts_.insert(std::move(text)).first->c_str();
  }
  /// Memory that lives as long as the world.
  void keep(std::shared_ptr<void> memory) {
    const std::lock_guard lock{mutex_};
    memory_.push_back(std::move(memory));
  }

 private:
  struct alignas(64) seat {
    activity_ring did;
    note_cell waiting;
    alignas(64) std::atomic<bool> sleeping{false};
    std::atomic<bool> finished{false};
    std::mutex mutex;
    std::condition_variable woken;
    clock::duration spin{};  ///< of the owner: grows while spinning pays, shrinks when the core is needed by others
    alignas(64) std::atomic<bool> touching{false};
    alignas(64) std::atomic<std::int64_t> untaken{0};
  };

  [[nodiscard]] seat& at(int rank) const { return seats_[static_cast<std::size_t>(rank)]; }

  void wake_all() {
    for (int rank = 0; rank < size_; ++rank) wake(rank);
  }

  /// Throws in a rank that is not the cause.
  [[noreturn]] void leave(int rank, const char* call) const {
    quiesce(rank);
    int failed = -1;
    {
      const std::lock_guard lock{mutex_};
      failed = failed_;
    }
    throw error{error_kind::comm, call, "stopped, because rank " + std::to_string(failed) + " failed"};
  }

  [[nodiscard]] std::string coordinates_text(int rank) const {
    const std::string& text = coordinates_[static_cast<std::size_t>(rank)];
    return text.empty() ? std::to_string(rank) + " of " + std::to_string(size_) : text;
  }

  /// Where every rank stands.
  [[nodiscard]] std::vector<rank_record> records() const {
    std::vector<rank_record> all;
    for (int rank = 0; rank < size_; ++rank) {
      all.push_back(record_of(rank, coordinates_[static_cast<std::size_t>(rank)], at(rank).did, at(rank).waiting));
      if (finished(rank)) all.back().state = "finished";
    }
    return all;
  }

  int size_;
  double deadline_seconds_;
  clock::duration deadline_;
  clock::duration spin_;  ///< the longest spin before blocking, some times what blocking costs; 0 if cores are too few
  std::vector<std::string> coordinates_;
  std::unique_ptr<seat[]> seats_;
  alignas(64) std::atomic<bool> stopped_{false};
  std::atomic<bool> any_finished_{false};
  mutable std::mutex mutex_;  // of what follows
  int failed_ = -1;
  std::optional<error> cause_;
  std::vector<rank_record> records_;
  std::set<std::string> texts_;
  std::vector<std::shared_ptr<void>> memory_;
};

}  // namespace plait::detail
