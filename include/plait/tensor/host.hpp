// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <new>
#include <string_view>

namespace plait {

/// The order of work in host memory: work is done when the call returns, so there is nothing to hold.
struct host_stream {
  void synchronize() const {}
};

/// The space of ordinary memory and ordinary threads.
///
/// A space is a policy type: where memory lies, how it is taken and given back, and what orders work on it.
///   - `stream`: what orders work; cheap to copy. `synchronize()` waits for all of it. `owned_stream`: makes one and
///     keeps it.
///   - `allocate(bytes)`, `release(pointer)`: memory aligned to `alignment`.
///   - `copy(to, from, bytes, stream)`: within the space. `upload` / `download`: from and to host memory; both return
///     when the host memory may be used again. `zero(at, bytes, stream)`.
///   - `fence`: `record(stream)` marks a place in the order of work; `wait(stream)` holds another stream until then.
///   - `mark`: `record(stream)` marks a place in the order of work to measure from. `wall_seconds(from, to)` passed
///     between two marks of one rank, of which `work_seconds(from, to)` were work; `since(from, to)` is for marks of
///     any two ranks of one process, and puts what they do on one axis.
///   - `graph`, in spaces whose streams can be captured, which this one's cannot: `graph(stream, issue)` records what
///     `issue()` gives to the stream, and to streams that wait for its fences, instead of doing it; `launch(stream)`
///     does it once more. Fences order recorded work among itself alone; marks tell of the latest launch.
struct host {
  static constexpr std::string_view name = "host";
  static constexpr std::size_t alignment = 256;
  using stream = host_stream;
  using owned_stream = host_stream;

  static void* allocate(std::size_t bytes) { return ::operator new (bytes, std::align_val_t{alignment}); }
  static void release(void* pointer) noexcept { ::operator delete (pointer, std::align_val_t{alignment}); }
  static void copy(void* to, const void* from, std::size_t bytes, stream) {
    if (bytes > 0 && to != from) std::memcpy(to, from, bytes);
  }
  static void upload(void* to, const void* from, std::size_t bytes, stream order) { copy(to, from, bytes, order); }
  static void download(void* to, const void* from, std::size_t bytes, stream order) { copy(to, from, bytes, order); }
  static void zero(void* at, std::size_t bytes, stream) {
    if (bytes > 0) std::memset(at, 0, bytes);
  }

  struct fence {
    void record(stream) {}
    void wait(stream) const {}
  };

  class mark {
   public:
    void record(stream) {
      wall_ = std::chrono::steady_clock::now();
      std::timespec now{};
      ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
      work_ = now.tv_sec * std::int64_t{1000000000} + now.tv_nsec;
    }

    static double wall_seconds(const mark& from, const mark& to) {
      return std::chrono::duration<double>(to.wall_ - from.wall_).count();
    }
    /// What the thread that recorded both has computed in between: waiting and being preempted do not count.
    static double work_seconds(const mark& from, const mark& to) {
      return 1e-9 * static_cast<double>(to.work_ - from.work_);
    }
    static double since(const mark& from, const mark& to) { return wall_seconds(from, to); }

   private:
    std::chrono::steady_clock::time_point wall_;
    std::int64_t work_ = 0;  ///< nanoseconds
  };
};

}  // namespace plait
