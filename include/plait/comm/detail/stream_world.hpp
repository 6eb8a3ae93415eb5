// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
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
#include <plait/comm/detail/world.hpp>
#include <plait/core/error.hpp>

namespace plait::detail {

/// Whether what was last asked of a library's handle has been done.
enum class call_state { done, under_way, failed };

/// What one process keeps of a run whose ranks talk through a library that puts its work into streams: the handles, the
/// work under way, and a watchdog.
///
/// Every call of the library is made under one lock and returns at once; whether it has been carried out is asked until
/// it has, or the deadline passes. Work in streams has a place before it and one behind it. Once the first has been
/// passed, the second must follow within the deadline. A thread of its own looks: so a host that is blocked in
/// `synchronize()` is freed all the same, since the first failure aborts all handles, which ends their kernels. The
/// next call on this rank throws the reason.
///
/// Library: see `stream_communicator`.
template <class Library>
class stream_world {
 public:
  using handle = typename Library::handle;
  using stream = typename Library::space::stream;
  using clock = std::chrono::steady_clock;

  stream_world(int rank, double deadline_seconds)
      : rank_{rank},
        deadline_seconds_{deadline_seconds},
        deadline_{std::chrono::duration_cast<clock::duration>(
            std::chrono::duration<double>{std::min(deadline_seconds, 1e9)})} {
    watchdog_ = std::thread{[this, place = Library::current_place()] { watch(place); }};
  }
  stream_world(const stream_world&) = delete;
  stream_world& operator=(const stream_world&) = delete;
  /// What is left is aborted: an orderly end has called `finish`.
  ~stream_world() {
    try {
      finish();               // of groups that were made from a handle of somebody else's
    } catch (const error&) {  // it has been thrown where it happened, or nobody is left to be told
    }
    stop_quietly();
    {
      const std::lock_guard lock{mutex_};
      ending_ = true;
    }
    changed_.notify_all();
    watchdog_.join();
  }

  [[nodiscard]] int rank() const { return rank_; }
  void doing(const activity& now) noexcept { did_.write(now); }

  /// A copy of `text` that lives as long as the world.
  const char* keep(std::string text) {
    const std::lock_guard lock{mutex_};
    return texts_.insert(std::move(text)).first->c_str();
  }

  /// A place for a handle that lives as long as the world.
  handle& slot() {
    const std::lock_guard lock{mutex_};
    return slots_.emplace_back();
  }

  /// Throws the reason if the world has stopped.
  void check() {
    const std::lock_guard lock{mutex_};
    check_locked();
  }

  /// The same, having asked every handle: once work has been waited for, whether it came to its end or was aborted.
  void check_handles() {
    const std::lock_guard lock{mutex_};
    look_at_handles();
    check_locked();
  }

  /// Calls the library, and returns once what was asked of `on` has been carried out.
  template <class Call>
  void call(handle on, const waiting_note& note, const Call& ask) {
    {
      const std::lock_guard lock{mutex_};
      check_locked();
      ask();
    }
    settle(on, note);
  }

  /// The same for work in a stream, which is watched until it is done.
  template <class Call>
  void work(handle on, const waiting_note& note, stream order, const Call& ask) {
    if (Library::capturing(order)) return call(on, note, ask);  // nothing runs yet, so there is nothing to watch
    flight one = take_flight();
    {
      const std::lock_guard lock{mutex_};
      check_locked();
      one->begin.record(order);
      ask();
    }
    settle(on, note);
    const std::lock_guard lock{mutex_};
    check_locked();
    one->end.record(order);
    one->on = on;
    one->note = note;
    one->doing = doing_now();
    one->begun.reset();
    flights_.push_back(std::move(one));
  }

  /// From here on the handle is watched, and aborted when the world stops.
  void adopt(handle fresh) {
    const std::lock_guard lock{mutex_};
    check_locked();
    handles_.push_back(fresh);
  }

  /// Ends a handle: its work is finished, then it is destroyed, both by the watchdog, so that ranks may end groups in
  /// any order. `kept` lives until then.
  void retire(handle old, std::shared_ptr<void> kept) noexcept {
    const std::lock_guard lock{mutex_};
    if (std::erase(handles_, old) == 0) return;  // aborted
    try {
      Library::finalize(old);
      retired_.push_back({old, std::move(kept)});
    } catch (const error& wrong) {
      stop_locked(wrong);
    }
    changed_.notify_all();
  }
  /// A handle that somebody else owns is no longer watched.
  void release(handle theirs) noexcept {
    const std::lock_guard lock{mutex_};
    std::erase(handles_, theirs);
  }

  /// Returns once all work on the handle is done.
  void drain(handle on) {
    wait_until([&] {
      return std::none_of(flights_.begin(), flights_.end(), [&](const flight& one) { return one->on == on; });
    });
  }
  /// Returns once all work of this rank is done.
  void drain() {
    wait_until([&] { return flights_.empty(); });
  }
  /// Returns once all work of this rank is done and all retired handles are gone. What is under way is watched; a
  /// retired handle has as long as a piece of work.
  void finish() {
    drain();
    const auto until = clock::now() + deadline_;
    wait_until([&] {
      if (!retired_.empty() && clock::now() > until)
        stop_locked(error{error_kind::comm, "finish",
                          "the other ranks did not end their groups within " + seconds_text(deadline_seconds_)});
      return retired_.empty();
    });
  }

  /// Stops this rank because of `cause`, and throws it.
  [[noreturn]] void fail(error cause) {
    const std::lock_guard lock{mutex_};
    stop_locked(cause);
    throw *cause_;
  }
  /// Stops this rank, without a reason that anyone is told; does nothing if it has stopped or is idle.
  void stop_quietly() noexcept {
    const std::lock_guard lock{mutex_};
    stop_locked(error{error_kind::comm, "stop", "this rank has stopped its communication"});
  }

  /// "forward stage 1 micro 3, waiting in receive from rank 0, channel 0": for the report. As it was when the world
  /// stopped, if it has.
  [[nodiscard]] std::string report() {
    const std::lock_guard lock{mutex_};
    return report_.empty() ? describe(past(doing_now())) : report_;
  }

 private:
  struct piece_of_work {
    typename Library::event begin, end;
    handle on{};
    waiting_note note;
    activity doing;
    std::optional<clock::time_point> begun;  ///< when the watchdog first saw it begun
  };
  using flight = std::unique_ptr<piece_of_work>;
  struct retired_handle {
    handle old;
    std::shared_ptr<void> kept;
  };

  flight take_flight() {
    const std::lock_guard lock{mutex_};
    if (idle_.empty()) return std::make_unique<piece_of_work>();
    flight one = std::move(idle_.back());
    idle_.pop_back();
    return one;
  }

  void check_locked() const {
    if (cause_) throw *cause_;
  }

  [[nodiscard]] activity doing_now() const {
    const std::vector<activity> latest = did_.latest(1);
    return latest.empty() ? activity{} : latest.back();
  }

  /// Asks until what was asked of the handle has been carried out.
  void settle(handle on, const waiting_note& note) {
    const auto begin = clock::now();
    for (int round = 0;; ++round) {
      {
        const std::lock_guard lock{mutex_};
        check_locked();
        std::string why;
        const call_state state = Library::query(on, why);
        if (state == call_state::done) return;
        if (state == call_state::failed) {
          stop_locked(error{error_kind::nccl, note.call, why}, &note);
          throw *cause_;
        }
        if (clock::now() - begin > deadline_) {
          stop_locked(overdue(note), &note);
          throw *cause_;
        }
      }
      pause(round);
    }
  }

  /// Looks itself rather than wait for the watchdog to look.
  template <class Condition>
  void wait_until(const Condition& holds) {
    for (int round = 0;; ++round) {
      {
        const std::lock_guard lock{mutex_};
        check_locked();
        if (holds()) return;
        look(round % 1024 == 1023);
        check_locked();
        if (holds()) return;
      }
      pause(round);
    }
  }

  static void pause(int round) {
    if (round < 100) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds{std::min(1000, round)});
    }
  }

  [[nodiscard]] error overdue(const waiting_note& note) const {
    return error{error_kind::comm, note.call,
                 "rank " + std::to_string(rank_) + " did not get past it within " + seconds_text(deadline_seconds_) +
                     ": " + describe(note)};
  }

  void stop_locked(const error& why, const waiting_note* note = nullptr, const activity* doing = nullptr) noexcept {
    if (cause_) return;
    cause_ = why;
    report_ = describe(past(doing != nullptr ? *doing : doing_now()));
    if (note != nullptr) report_.append(", ").append(describe(*note));
    for (const handle one : handles_) Library::abort(one);
    for (const retired_handle& one : retired_) Library::abort(one.old);
    handles_.clear();
    retired_.clear();
    changed_.notify_all();
  }

  void watch(typename Library::place place) {
    std::unique_lock lock{mutex_};
    try {
      Library::begin_watching(place);
      for (int round = 0; !ending_ && !cause_; ++round) {
        look(round % 8 == 0);
        changed_.wait_for(lock, std::chrono::milliseconds{flights_.empty() && retired_.empty() ? 50 : 5});
      }
    } catch (const error& wrong) {  // say, a kernel that failed
      stop_locked(wrong);
    }
  }

  void look(bool at_handles) {
    const auto now = clock::now();
    for (auto one = flights_.begin(); one != flights_.end();) {
      piece_of_work& work = **one;
      if (work.end.done()) {
        idle_.push_back(std::move(*one));
        one = flights_.erase(one);
        continue;
      }
      if (!work.begun) {
        if (work.begin.done()) work.begun = now;
      } else if (now - *work.begun > deadline_) {
        return stop_locked(overdue(work.note), &work.note, &work.doing);
      }
      ++one;
    }
    std::string why;
    for (auto one = retired_.begin(); one != retired_.end();) {
      const call_state state = Library::query(one->old, why);
      if (state == call_state::failed) return stop_locked(error{error_kind::nccl, "the end of a group", why});
      if (state == call_state::done) {
        Library::destroy(one->old);
        one = retired_.erase(one);
      } else {
        ++one;
      }
    }
    if (at_handles) look_at_handles();
  }
  void look_at_handles() {
    std::string why;
    for (const handle one : handles_) {
      if (Library::query(one, why) == call_state::failed)
        return stop_locked(error{error_kind::nccl, "a call before", why});
    }
  }

  int rank_;
  double deadline_seconds_;
  clock::duration deadline_;
  activity_ring did_;
  std::mutex mutex_;  // of what follows, and of every call of the library
  std::condition_variable changed_;
  std::vector<handle> handles_;
  std::vector<flight> flights_, idle_;
  std::vector<retired_handle> retired_;
  std::optional<error> cause_;
  std::string report_;
  std::set<std::string> texts_;
  std::deque<handle> slots_;
  bool ending_ = false;
  std::thread watchdog_;
};

}  // namespace plait::detail
