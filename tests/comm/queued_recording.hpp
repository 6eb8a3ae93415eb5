// SPDX-License-Identifier: Apache-2.0
#pragma once
// What queues of work (comm/queued_space.hpp) are given while it is captured, as a graph of a device has it: a list of
// pieces of work for several queues, ordered by flags of their own, that can be done any number of times.

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <plait/core/error.hpp>

namespace plait {

class work_queue;

/// Done once and for all, by any thread.
class flag {
 public:
  void set() {
    const std::lock_guard lock{mutex_};
    set_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return set_; });
  }
  [[nodiscard]] bool is_set() {
    const std::lock_guard lock{mutex_};
    return set_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

[[noreturn]] inline void capture_fails(const char* why) {
  throw error{error_kind::cuda, "capture of queued work", why};
}

/// Work under capture. Imitates what a device's capture refuses: work that was given before is not waited for in it,
/// work of it is not waited for outside, and all queues must come back to the one where it began.
class recording {
 public:
  using flags = std::vector<flag>;  ///< of one launch
  struct node {
    work_queue* queue;
    std::function<void(flags&)> work;
  };

  explicit recording(work_queue* origin) : origin_{origin} { seen_[origin]; }

  void add(work_queue* queue, std::function<void(flags&)> work) {
    nodes_.push_back({queue, std::move(work)});
    ++seen_[queue][queue];
  }
  /// The number of a new flag, set when what the queue has so far is done.
  std::size_t record(work_queue* queue) {
    const std::size_t number = flags_++;
    nodes_.push_back({queue, [number](flags& of) { of[number].set(); }});
    at_flag_.push_back(seen_[queue]);
    return number;
  }
  void wait(work_queue* queue, std::size_t number) {
    nodes_.push_back({queue, [number](flags& of) { of[number].wait(); }});
    for (const auto& [other, count] : at_flag_[number]) {
      std::size_t& mine = seen_[queue][other];
      if (mine < count) mine = count;
    }
  }
  /// Keeps memory that the work uses.
  void keep(std::shared_ptr<void> memory) { kept_.push_back(std::move(memory)); }

  void end() {
    open_ = false;
    for (auto& [queue, sees] : seen_)
      if (seen_[origin_][queue] < sees[queue]) capture_fails("work in another queue was not waited for at the end");
  }
  void fail() { open_ = false; }

  [[nodiscard]] bool open() const { return open_; }
  [[nodiscard]] work_queue* origin() const { return origin_; }
  [[nodiscard]] const std::vector<node>& nodes() const { return nodes_; }
  [[nodiscard]] std::size_t flag_count() const { return flags_; }

 private:
  work_queue* origin_;
  bool open_ = true;
  std::vector<node> nodes_;
  std::size_t flags_ = 0;
  using counts = std::map<work_queue*, std::size_t>;
  std::map<work_queue*, counts> seen_;  ///< of which work a queue comes after, itself included
  std::vector<counts> at_flag_;
  std::vector<std::shared_ptr<void>> kept_;
};

}  // namespace plait
