// SPDX-License-Identifier: Apache-2.0
#pragma once
// A library of collectives that are put into streams, as NCCL is, for ranks that are threads: what is asked of one
// handle is worked off in order, a message holds up its handle until the other side takes it, calls on handles are
// carried out late, the end of a handle waits for all its ranks, and an abort frees whoever waits. With it
// `stream_communicator` and its watchdog are put through the laws where there is no device.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <plait/comm/stream_communicator.hpp>

#include "comm/queued_space.hpp"

namespace plait {

/// Queued work of ranks that have a device each: giving memory back waits for all work of the rank, but for no other's.
struct queued_alone : queued {
  static void release(void* pointer) noexcept {
    work_queue::synchronize_own();
    host::release(pointer);
  }
};

struct fake_library {
  using space = queued_alone;
  using stream = queued_stream;
  using place = int;

  /// What the ranks of a handle share.
  struct group {
    explicit group(int ranks) : size{ranks} {}
    struct message {
      const void* data;
      std::size_t bytes;
      std::shared_ptr<bool> taken;
    };
    int size;
    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::pair<int, int>, std::deque<message>> mail;  // (from, to)
    bool aborted = false;
    int finalized = 0;
    struct split_entry {
      int rank, color, key;
    };
    std::map<int, std::vector<split_entry>> splits;
    std::map<std::pair<int, int>, std::shared_ptr<group>> made;  // (split, color)
  };
  struct comm {
    std::shared_ptr<group> of;
    int rank = 0;
    int splits = 0;
    bool finalizing = false;
    // While it is being made by a split:
    std::shared_ptr<group> parent;
    int split = 0, color = 0;
    queued::fence last;  // the work before, which is of this capture, or was not captured
    std::shared_ptr<recording> last_in;
  };
  using handle = comm*;

  static std::mutex& keeping_mutex() {
    static std::mutex mutex;
    return mutex;
  }
  static handle keep(std::unique_ptr<comm> one) {
    static std::vector<std::unique_ptr<comm>> all;
    const std::lock_guard lock{keeping_mutex()};
    all.push_back(std::move(one));
    return all.back().get();
  }

  using event = queued::fence;

  static int rank_of(handle one) { return one->rank; }
  static int size_of(handle one) { return one->of->size; }
  static int current_place() { return 0; }
  static void begin_watching(int) {}
  static bool capturing(stream order) { return order.queue->captured() != nullptr; }
  static void* take_scratch(std::size_t bytes, stream order) {
    void* const data = host::allocate(bytes);
    if (capturing(order)) order.queue->captured()->keep({data, host::release});
    return data;
  }
  static void return_scratch(void* data, stream order) noexcept {
    if (!capturing(order)) order.queue->push([data] { host::release(data); });
  }

  static detail::call_state query(handle one, std::string& why) {
    if (one->of == nullptr) {  // being split off
      const std::lock_guard lock{one->parent->mutex};
      const auto& entries = one->parent->splits[one->split];
      if (one->parent->aborted) return why = "the parent was aborted", detail::call_state::failed;
      if (static_cast<int>(entries.size()) < one->parent->size) return detail::call_state::under_way;
      std::vector<std::tuple<int, int>> same;
      int mine = -1;
      for (const auto& entry : entries) {
        if (entry.color == one->color) same.emplace_back(entry.key, entry.rank);
        if (entry.rank == one->rank) mine = entry.key;
      }
      std::sort(same.begin(), same.end());
      auto& made = one->parent->made[{one->split, one->color}];
      if (made == nullptr) made = std::make_shared<group>(static_cast<int>(same.size()));
      one->rank = static_cast<int>(std::find(same.begin(), same.end(), std::tuple{mine, one->rank}) - same.begin());
      one->of = made;
      return detail::call_state::done;
    }
    const std::lock_guard lock{one->of->mutex};
    if (one->of->aborted) return why = "a peer is gone", detail::call_state::failed;
    if (one->finalizing && one->of->finalized < one->of->size) return detail::call_state::under_way;
    return detail::call_state::done;
  }
  static void split(handle parent, int color, int key, const char*, handle* made) {
    const std::lock_guard lock{parent->of->mutex};
    const int number = parent->splits++;
    parent->of->splits[number].push_back({parent->rank, color, key});
    if (color < 0) return;
    auto one = std::make_unique<comm>();
    one->parent = parent->of;
    one->rank = parent->rank;
    one->split = number;
    one->color = color;
    *made = keep(std::move(one));
  }
  static void finalize(handle one) {
    const std::lock_guard lock{one->of->mutex};
    one->finalizing = true;
    ++one->of->finalized;
  }
  static void destroy(handle) {}
  static void abort(handle one) noexcept {
    if (one->of == nullptr) return;
    const std::lock_guard lock{one->of->mutex};
    one->of->aborted = true;
    one->of->changed.notify_all();
  }

  // What one call does, in three steps: offer, take, and go on when all that was offered has been taken.
  struct step {
    std::function<void()> offer, take, rest;
  };
  static std::vector<step>& gathered() {
    static thread_local std::vector<step> steps;
    return steps;
  }
  static bool& gathering() {
    static thread_local bool on = false;
    return on;
  }
  struct where_to {
    handle on = nullptr;
    stream order{};
  };
  static where_to& target() {
    static thread_local where_to to;
    return to;
  }
  static void begin_group() {
    gathering() = true;
    gathered().clear();
  }
  static void end_group() {
    gathering() = false;
    if (!gathered().empty()) start(std::move(gathered()), target().on, target().order);
    gathered().clear();
  }
  static void drop_group() noexcept {
    gathering() = false;
    gathered().clear();
  }
  static void add(step one, handle on, stream order) {
    if (!gathering()) {
      std::vector<step> alone;
      alone.push_back(std::move(one));
      return start(std::move(alone), on, order);
    }
    gathered().push_back(std::move(one));
    target() = {on, order};
  }
  static void start(std::vector<step> steps, handle on, stream order) {
    if (on->last_in == order.queue->captured()) on->last.wait(order);
    order.queue->push([steps = std::move(steps)] {
      for (const step& one : steps) one.offer();
      for (const step& one : steps) one.take();
      for (const step& one : steps) one.rest();
    });
    on->last.record(order);
    on->last_in = order.queue->captured();
  }

  /// The messages of one call of one rank.
  class exchange {
   public:
    explicit exchange(handle on) : of_{on->of}, rank_{on->rank} {}
    void give(int to, const void* data, std::size_t bytes) {
      const std::lock_guard lock{of_->mutex};
      auto taken = std::make_shared<bool>(false);
      of_->mail[{rank_, to}].push_back({data, bytes, taken});
      given_.push_back(taken);
      of_->changed.notify_all();
    }
    void take(int from, void* into, std::size_t bytes) {
      std::unique_lock lock{of_->mutex};
      auto& box = of_->mail[{from, rank_}];
      of_->changed.wait(lock, [&] { return !box.empty() || of_->aborted; });
      if (of_->aborted) return;
      std::memcpy(into, box.front().data, std::min(bytes, box.front().bytes));
      *box.front().taken = true;
      box.pop_front();
      of_->changed.notify_all();
    }
    void all_taken() {
      std::unique_lock lock{of_->mutex};
      of_->changed.wait(lock, [&] {
        return of_->aborted || std::all_of(given_.begin(), given_.end(), [](const auto& one) { return *one; });
      });
    }
    [[nodiscard]] int size() const { return of_->size; }
    [[nodiscard]] int rank() const { return rank_; }

   private:
    std::shared_ptr<group> of_;
    int rank_;
    std::vector<std::shared_ptr<bool>> given_;
  };

  static std::size_t bytes_of(std::size_t count, dtype type) {
    return count * static_cast<std::size_t>(plait::size_of(type));
  }

  static void send(const void* data, std::size_t count, dtype type, int peer, handle on, stream order) {
    const auto line = std::make_shared<exchange>(on);
    add({[=] { line->give(peer, data, bytes_of(count, type)); }, [] {}, [=] { line->all_taken(); }}, on, order);
  }
  static void receive(void* data, std::size_t count, dtype type, int peer, handle on, stream order) {
    const auto line = std::make_shared<exchange>(on);
    add({[] {}, [=] { line->take(peer, data, bytes_of(count, type)); }, [] {}}, on, order);
  }
  static void broadcast(const void* in, void* out, std::size_t count, dtype type, int root, handle on, stream order) {
    const auto line = std::make_shared<exchange>(on);
    const std::size_t bytes = bytes_of(count, type);
    const bool gives = on->rank == root;
    add({[=] {
           if (gives) {
             for (int to = 0; to < line->size(); ++to) {
               if (to != root) line->give(to, in, bytes);
             }
             if (in != out) std::memcpy(out, in, bytes);
           }
         },
         [=] {
           if (!gives) line->take(root, out, bytes);
         },
         [=] { line->all_taken(); }},
        on, order);
  }
  /// Every rank gives part `to` to rank `to`, each `each` values from another place, and gets those of all.
  static void all_gather(const void* in, void* out, std::size_t count, dtype type, handle on, stream order) {
    const auto line = std::make_shared<exchange>(on);
    const std::size_t bytes = bytes_of(count, type);
    add({[=] {
           std::memmove(static_cast<std::byte*>(out) + static_cast<std::size_t>(line->rank()) * bytes, in, bytes);
           for (int to = 0; to < line->size(); ++to) {
             if (to != line->rank())
               line->give(to, static_cast<std::byte*>(out) + static_cast<std::size_t>(line->rank()) * bytes, bytes);
           }
         },
         [=] {
           for (int from = 0; from < line->size(); ++from) {
             if (from != line->rank())
               line->take(from, static_cast<std::byte*>(out) + static_cast<std::size_t>(from) * bytes, bytes);
           }
         },
         [=] { line->all_taken(); }},
        on, order);
  }
  /// Adds from the last rank to the first, which is not the order of plait.
  template <class T>
  static void add_backwards(const std::vector<std::vector<std::byte>>& all, void* out, std::size_t count,
                            reduction how) {
    for (std::size_t i = 0; i < count; ++i) {
      T total{};
      for (std::size_t rank = all.size(); rank > 0; --rank) {
        T next;
        std::memcpy(&next, all[rank - 1].data() + i * sizeof(T), sizeof(T));
        total = rank == all.size()      ? next
                : how == reduction::sum ? reduced<reduction::sum>(total, next)
                                        : reduced<reduction::max>(total, next);
      }
      std::memcpy(static_cast<std::byte*>(out) + i * sizeof(T), &total, sizeof(T));
    }
  }
  static void reduce_for(int root, const void* in, void* out, std::size_t count, dtype type, reduction how, handle on,
                         stream order) {
    const auto line = std::make_shared<exchange>(on);
    const auto mine = std::make_shared<std::vector<std::byte>>(bytes_of(count, type));
    const bool gets = root < 0 || on->rank == root;
    add({[=] {
           std::memcpy(mine->data(), in, mine->size());
           for (int to = 0; to < line->size(); ++to) {
             if (to != line->rank() && (root < 0 || to == root)) line->give(to, mine->data(), mine->size());
           }
         },
         [=] {
           if (!gets) return;
           std::vector<std::vector<std::byte>> all(static_cast<std::size_t>(line->size()), *mine);
           for (int from = 0; from < line->size(); ++from) {
             if (from != line->rank()) line->take(from, all[static_cast<std::size_t>(from)].data(), mine->size());
           }
           if (type == dtype::f32) add_backwards<float>(all, out, count, how);
           if (type == dtype::f64) add_backwards<double>(all, out, count, how);
           if (type == dtype::i32) add_backwards<std::int32_t>(all, out, count, how);
           if (type == dtype::i64) add_backwards<std::int64_t>(all, out, count, how);
           if (type == dtype::u64) add_backwards<std::uint64_t>(all, out, count, how);
         },
         [=] { line->all_taken(); }},
        on, order);
  }
  static void all_reduce(const void* in, void* out, std::size_t count, dtype type, reduction how, handle on,
                         stream order) {
    reduce_for(-1, in, out, count, type, how, on, order);
  }
  static void scale(void* data, std::size_t count, dtype type, double factor, stream order) {
    order.queue->push([=] {
      for (std::size_t i = 0; i < count; ++i) {
        if (type == dtype::f32) static_cast<float*>(data)[i] *= static_cast<float>(factor);
        if (type == dtype::f64) static_cast<double*>(data)[i] *= factor;
      }
    });
  }
  using scaled_sum = double;
  static scaled_sum make_scaled_sum(const void* factor, dtype type, handle) {
    return type == dtype::f32 ? *static_cast<const float*>(factor) : *static_cast<const double*>(factor);
  }
  static void all_reduce_by(scaled_sum by, const void* in, void* out, std::size_t count, dtype type, handle on,
                            stream order) {
    scale(out, count, type, by, order);  // in place
    all_reduce(in, out, count, type, reduction::sum, on, order);
  }
  static void drop_scaled_sum(scaled_sum, handle) {}
  static void reduce(const void* in, void* out, std::size_t count, dtype type, reduction how, int root, handle on,
                     stream order) {
    reduce_for(root, in, out, count, type, how, on, order);
  }
  static void reduce_scatter(const void* in, void* out, std::size_t count, dtype type, reduction how, handle on,
                             stream order) {
    const bool inner = gathering();
    if (!inner) begin_group();
    for (int root = 0; root < on->of->size; ++root)
      reduce_for(root, static_cast<const std::byte*>(in) + static_cast<std::size_t>(root) * bytes_of(count, type), out,
                 count, type, how, on, order);
    if (!inner) end_group();
  }
};

/// Ranks as threads over the library above.
template <sums_by Sums, int Channels>
struct fake_engine {
  using communicator_type = stream_communicator<fake_library>;
  double deadline_seconds = 60;

  template <class Body, class CoordinatesOf>
  void run(int ranks, const Body& body, const CoordinatesOf&) const {
    run(ranks, body);
  }
  template <class Body>
  void run(int ranks, const Body& body) const {
    const auto everybody = std::make_shared<fake_library::group>(ranks);
    std::vector<std::string> failures(static_cast<std::size_t>(ranks));
    std::vector<std::thread> crew;
    for (int rank = 0; rank < ranks; ++rank) {
      crew.emplace_back([&, rank] {
        auto mine = std::make_unique<fake_library::comm>();
        mine->of = everybody;
        mine->rank = rank;
        const auto world = std::make_shared<detail::stream_world<fake_library>>(rank, deadline_seconds);
        try {
          detail::run_stream_rank(world, fake_library::keep(std::move(mine)), true, Sums, Channels,
                                  "{rank " + std::to_string(rank) + "}", body);
        } catch (const error& wrong) {
          failures[static_cast<std::size_t>(rank)] = wrong.what();
        }
      });
    }
    for (std::thread& one : crew) one.join();
    std::string all;
    for (const std::string& one : failures) all.append(one.empty() ? "" : "\n").append(one);
    if (!all.empty()) throw error{error_kind::comm, "fake_engine", all};
  }
};

}  // namespace plait
