// SPDX-License-Identifier: Apache-2.0
#pragma once
// Host memory whose streams are real queues, worked off by a thread each, as those of a device are: a call returns
// before its work is done, and only a fence orders two queues. With it the use of fences is tested where there is no
// device: a wait that is missing gives wrong values, and ThreadSanitizer reports it.

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

namespace plait {

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

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
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
    synchronize();
    {
      const std::lock_guard lock{registry_mutex()};
      registry().erase(this);
    }
    push(nullptr);
    worker_.join();
  }

  void push(std::function<void()> work) {
    const std::lock_guard lock{mutex_};
    waiting_.push_back(std::move(work));
    changed_.notify_one();
  }
  void synchronize() {
    flag done;
    push([&] { done.set(); });
    done.wait();
  }
  /// Waits for all work of all queues, as giving device memory back does.
  static void synchronize_all() {
    const std::lock_guard lock{registry_mutex()};
    for (const auto& [queue, maker] : registry()) queue->synchronize();
  }
  /// The same for the queues that this thread has made, as if each rank had a device.
  static void synchronize_own() {
    std::vector<std::shared_ptr<flag>> done;  // set without the lock, and by queues that another thread may end
    {
      const std::lock_guard lock{registry_mutex()};
      for (const auto& [queue, maker] : registry()) {
        if (maker != std::this_thread::get_id()) continue;
        done.push_back(std::make_shared<flag>());
        queue->push([passed = done.back()] { passed->set(); });
      }
    }
    for (const auto& one : done) one->wait();
  }

 private:
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

  static void* allocate(std::size_t bytes) { return host::allocate(bytes); }
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

  /// As an event: `wait` is for the latest `record` before it, and for nothing where there was none.
  class fence {
   public:
    void record(stream order) {
      latest_ = std::make_shared<flag>();
      order.queue->push([passed = latest_] { passed->set(); });
    }
    void wait(stream order) const {
      if (latest_ != nullptr) order.queue->push([passed = latest_] { passed->wait(); });
    }

   private:
    std::shared_ptr<flag> latest_;
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
