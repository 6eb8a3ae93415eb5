// SPDX-License-Identifier: Apache-2.0
#pragma once
// Host memory whose streams are real queues, worked off by a thread each, as those of a device are: a call returns
// before its work is done, and only a fence orders two queues. With it the use of fences is tested where there is no
// device: a wait that is missing gives wrong values, and ThreadSanitizer reports it. Work can be captured and launched
// again, as a graph of a device can (comm/queued_recording.hpp).

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <plait/comm/reduce_slices.hpp>
#include <plait/tensor/host.hpp>

#include "comm/queued_recording.hpp"

namespace plait {

/// While one lives, what this thread allocates is for the queues, which a device would do itself.
class allocating_for_queues {
 public:
  allocating_for_queues() { ++depth(); }
  allocating_for_queues(const allocating_for_queues&) = delete;
  allocating_for_queues& operator=(const allocating_for_queues&) = delete;
  ~allocating_for_queues() { --depth(); }
  static bool here() { return depth() > 0; }

 private:
  static int& depth() {
    static thread_local int count = 0;
    return count;
  }
};

/// A queue of work and the thread that does it in order.
class work_queue {
 public:
  work_queue() {
    const std::lock_guard lock{registry_mutex()};
    registry().emplace(this, std::this_thread::get_id());
  }
  work_queue(const work_queue&) = delete;
  work_queue& operator=(const work_queue&) = delete;
  ~work_queue() {
    wait_for_all();
    {
      const std::lock_guard lock{registry_mutex()};
      registry().erase(this);
    }
    push_now(nullptr);
    worker_.join();
  }

  template <class Work>
  void push(Work work) {
    const allocating_for_queues guard;
    if (captured_ != nullptr)
      captured_->add(this, [work = std::move(work)](recording::flags&) { work(); });
    else
      push_now(std::move(work));
  }
  void synchronize() {
    if (captured_ != nullptr) capture_fails("nobody can wait for work that is being captured");
    wait_for_all();
  }
  /// Waits for all work of all queues, as giving device memory back does.
  static void synchronize_all() {
    const std::lock_guard lock{registry_mutex()};
    for (const auto& [queue, maker] : registry()) queue->wait_for_all();
  }
  /// The same for the queues that this thread has made, as if each rank had a device.
  static void synchronize_own() {
    std::vector<std::shared_ptr<flag>> done;  // set without the lock, and by queues that another thread may end
    {
      const std::lock_guard lock{registry_mutex()};
      for (const auto& [queue, maker] : registry()) {
        if (maker != std::this_thread::get_id()) continue;
        done.push_back(std::make_shared<flag>());
        queue->push_now([passed = done.back()] { passed->set(); });
      }
    }
    for (const auto& one : done) one->wait();
  }

  /// The capture that this queue takes part in, of the thread that gives it work; or none.
  [[nodiscard]] const std::shared_ptr<recording>& captured() const { return captured_; }
  void capture(std::shared_ptr<recording> into) { captured_ = std::move(into); }
  /// Whether this thread has a capture under way.
  static bool& capturing_here() {
    static thread_local bool on = false;
    return on;
  }
  /// Gives work although the queue may be captured.
  template <class Work>
  void push_now(Work work) {
    const allocating_for_queues guard;
    const std::lock_guard lock{mutex_};
    waiting_.emplace_back(std::move(work));
    changed_.notify_one();
  }

 private:
  void wait_for_all() {
    flag done;
    push_now([&] { done.set(); });
    done.wait();
  }
  static std::map<work_queue*, std::thread::id>& registry() {  // who made them
    static std::map<work_queue*, std::thread::id> queues;
    return queues;
  }
  static std::mutex& registry_mutex() {
    static std::mutex mutex;
    return mutex;
  }
  void work_off() {
    for (unsigned count = 0;; ++count) {
      std::function<void()> work;
      {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return !waiting_.empty(); });
        work = std::move(waiting_.front());
        waiting_.pop_front();
      }
      if (!work) return;
      if (count % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds{50});  // lag behind the calls
      work();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  std::shared_ptr<recording> captured_{};
  std::thread worker_{[this] { work_off(); }};
};

struct queued_stream {
  work_queue* queue = nullptr;
  void synchronize() const { queue->synchronize(); }
};

/// Owns the queue of a stream.
class owned_queued_stream {
 public:
  operator queued_stream() const { return {queue_.get()}; }

 private:
  std::unique_ptr<work_queue> queue_ = std::make_unique<work_queue>();
};

struct queued {
  static constexpr std::string_view name = "queued";
  static constexpr std::size_t alignment = host::alignment;
  using stream = queued_stream;
  using owned_stream = owned_queued_stream;

  static void* allocate(std::size_t bytes) {
    if (work_queue::capturing_here()) capture_fails("memory is taken while work is being captured");
    return host::allocate(bytes);
  }
  static void release(void* pointer) noexcept {
    work_queue::synchronize_all();
    host::release(pointer);
  }
  static void copy(void* to, const void* from, std::size_t bytes, stream order) {
    order.queue->push([=] { host::copy(to, from, bytes, {}); });
  }
  static void upload(void* to, const void* from, std::size_t bytes, stream order) {
    copy(to, from, bytes, order);
    order.synchronize();
  }
  static void download(void* to, const void* from, std::size_t bytes, stream order) { upload(to, from, bytes, order); }
  static void zero(void* at, std::size_t bytes, stream order) {
    order.queue->push([=] { host::zero(at, bytes, {}); });
  }

  /// As an event: `wait` is for the latest `record` before it, and for nothing where there was none. A queue that waits
  /// for a place in captured work takes part in the capture.
  class fence {
   public:
    void record(stream order) {
      in_ = order.queue->captured();
      if (in_ != nullptr) {
        number_ = in_->record(order.queue);
        return;
      }
      latest_ = std::make_shared<flag>();
      order.queue->push([passed = latest_] { passed->set(); });
    }
    void wait(stream order) const {
      const auto& captured = order.queue->captured();
      if (in_ != nullptr) {
        if (!in_->open()) capture_fails("work is waited for that was captured, and never given");
        if (captured == nullptr) order.queue->capture(in_);
        in_->wait(order.queue, number_);
      } else if (latest_ != nullptr) {
        if (captured != nullptr) capture_fails("captured work waits for work that was given before");
        order.queue->push([passed = latest_] { passed->wait(); });
      }
    }
    /// Whether the place has been passed.
    [[nodiscard]] bool done() const {
      if (in_ != nullptr) capture_fails("whether captured work is done cannot be asked");
      if (work_queue::capturing_here()) capture_fails("whether work is done cannot be asked during a capture");
      return latest_ == nullptr || latest_->is_set();
    }

   private:
    std::shared_ptr<flag> latest_;
    std::shared_ptr<recording> in_;  ///< where the latest record was captured
    std::size_t number_ = 0;
  };

  /// Captured work. As on a device, a launch is ordered by its stream alone: what the capture gave to other streams is
  /// done beside, by queues of the graph.
  class graph {
   public:
    template <class Issue>
    graph(stream order, const Issue& issue) : work_{std::make_shared<recording>(order.queue)} {
      if (order.queue->captured() != nullptr) capture_fails("the stream is being captured already");
      order.queue->capture(work_);
      work_queue::capturing_here() = true;
      try {
        issue();
        end();
        work_->end();
      } catch (...) {
        end();
        work_->fail();
        throw;
      }
      for (const recording::node& one : work_->nodes())
        if (one.queue != work_->origin() && !beside_.contains(one.queue))
          beside_.emplace(one.queue, std::make_unique<work_queue>());
    }
    void launch(stream order) const {
      if (order.queue->captured() != nullptr) capture_fails("a launch is captured");
      const allocating_for_queues guard;
      const auto flags = std::make_shared<recording::flags>(work_->flag_count());
      for (const recording::node& one : work_->nodes()) {
        work_queue& to = one.queue == work_->origin() ? *order.queue : *beside_.at(one.queue);
        to.push_now([&one, flags, kept = work_] { one.work(*flags); });
      }
      ++launches();
    }
    /// How many graphs have been launched, by all threads.
    static std::atomic<int>& launches() {
      static std::atomic<int> count{0};
      return count;
    }

   private:
    void end() {
      work_queue::capturing_here() = false;
      work_->origin()->capture(nullptr);
      for (const recording::node& one : work_->nodes()) one.queue->capture(nullptr);
    }

    std::shared_ptr<recording> work_;
    std::map<work_queue*, std::unique_ptr<work_queue>> beside_;
  };

  /// To be read once the queue has been waited for.
  class mark {
   public:
    void record(stream order) {
      order.queue->push([at = at_] { at->record({}); });
    }
    static double wall_seconds(const mark& from, const mark& to) {
      return host::mark::wall_seconds(*from.at_, *to.at_);
    }
    static double work_seconds(const mark& from, const mark& to) { return wall_seconds(from, to); }
    static double since(const mark& from, const mark& to) { return wall_seconds(from, to); }

   private:
    std::shared_ptr<host::mark> at_ = std::make_shared<host::mark>();
  };
};

/// How many reductions over more than one rank all queues have worked off.
inline std::atomic<int> queued_reductions{0};

template <element T>
void reduce_slices(queued, const slices<T>& work, queued_stream order) {
  const std::vector<const void*> from{work.from.begin(), work.from.end()};
  const std::vector<void*> to{work.to.begin(), work.to.end()};
  order.queue->push([=] {
    reduce_slices(host{}, slices<T>{from, work.from_begin, to, work.to_begin, work.size, work.how}, host_stream{});
    if (from.size() > 1) ++queued_reductions;
  });
}

}  // namespace plait
