// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <plait/comm/communicator.hpp>
#include <plait/comm/detail/failure.hpp>
#include <plait/comm/detail/stream_group.hpp>
#include <plait/comm/detail/stream_queues.hpp>
#include <plait/comm/detail/stream_world.hpp>
#include <plait/comm/message_queue.hpp>
#include <plait/comm/reduce_slices.hpp>
#include <plait/core/error.hpp>
#include <plait/core/ranges.hpp>
#include <plait/core/require.hpp>

namespace plait {

/// Who adds.
enum class sums_by : std::uint8_t {
  in_rank_order,  ///< plait: values are exchanged and added in rank order, to the bit what `threads` gives
  library,        ///< the library: in an order of its own, which may change with the number of ranks and their wires
};

/// One rank's end of a group over a library of collectives that are put into streams, such as NCCL. Models the concept
/// `communicator`, with this reading of law 7: what does not match, and a rank that is gone, are noticed by the
/// deadline or by the library's own errors.
///
/// A group has one handle of the library for collectives, and one more, with a stream, for each message queue: the
/// library works off what is given to one handle in order, so queues that must not wait for each other need handles of
/// their own. Queues are opened before use, by `open_queues` or for all pairs by the engine's option.
///
/// Cost, for n bytes and p ranks, per rank: send, receive: n. all_reduce with sums in rank order: 2 n (p-1)/p sent, as
/// a ring, and n (p+1)/p of scratch; if n p is at most 256 KiB, n (p-1) in one step. reduce_scatter, all_gather: n
/// (p-1)/p.
///
/// Library (static, every function returns at once; throws on a refusal):
///   `space`, `handle`, `place`, `event` (record, wait, done);
///   `rank_of`, `size_of`, `query`, `split`, `finalize`, `destroy`, `abort` of handles; `begin_group`, `end_group`;
///   `send`, `receive`, `all_reduce`, `reduce`, `reduce_scatter`, `all_gather`, `broadcast`; `scale` values, and
///   `make_scaled_sum`, `all_reduce_by`, `drop_scaled_sum`;
///   `take_scratch`, `return_scratch` in the order of a stream; `capturing`; `current_place`, `begin_watching`.
template <class Library>
class stream_communicator {
 public:
  using space = typename Library::space;
  using stream = typename space::stream;
  using handle = typename Library::handle;
  using world_type = detail::stream_world<Library>;
  static constexpr bool capturable = true;

  /// Of a handle that is ready. owned: whether it is destroyed with this communicator.
  stream_communicator(std::shared_ptr<world_type> world, handle native, bool owned, sums_by sums, int channels,
                      std::string name)
      : state_{std::make_unique<state>(std::move(world), native, owned, std::move(name))} {
    state_->sums = sums;
    state_->channels = channels;
    open_all_pairs();
  }
  stream_communicator(stream_communicator&&) noexcept = default;
  stream_communicator& operator=(stream_communicator&&) noexcept = default;

  [[nodiscard]] int rank() const { return group().rank(); }
  [[nodiscard]] int size() const { return group().size(); }
  /// The library's handle, for calls that plait does not have; ordered with this group's by the streams they are given.
  [[nodiscard]] handle native() const { return group().native(); }

  /// Collective: opens the queues that are not open yet. All ranks give the same queues. Waits for all ranks.
  void open_queues(std::span<const message_queue> queues) { state_->queues.open(queues); }

  /// Puts the message into its queue's stream, behind what `order` has so far; `values` must not change before
  /// `wait(ticket)`.
  template <detail::sendable T>
  ticket send(std::span<T> values, int peer, int channel, stream order) {
    return state_->queues.send(values, peer, channel, order);
  }

  /// What follows in `order` comes after the message has been read.
  void wait(ticket sent, stream order) { state_->queues.wait(sent, order); }

  /// Fills `values`, in the order of the stream, with the next message of `peer` on `channel`, whose size and type must
  /// be equal.
  template <element T>
  void receive(std::span<T> values, int peer, int channel, stream order) {
    state_->queues.receive(values, peer, channel, order);
  }

  template <element T>
  void all_reduce(std::span<T> values, reduction how, stream order) {
    if (size() == 1 || values.empty()) return group().world().check();
    if (by_library<T>()) {
      return collective("all_reduce", order, [&] {
        Library::all_reduce(values.data(), values.data(), values.size(), dtype_of<T>, how, group().native(), order);
      });
    }
    const auto ranks = static_cast<std::size_t>(size());
    if (values.size_bytes() * ranks <= gathered_in_all) {
      const scratch gathered{values.size_bytes() * ranks, order};
      collective("all_reduce", order, [&] {
        Library::all_gather(values.data(), gathered.data(), values.size(), dtype_of<T>, group().native(), order);
      });
      std::vector<const void*> from;
      for (std::size_t rank = 0; rank < ranks; ++rank)
        from.push_back(static_cast<const T*>(gathered.data()) + rank * values.size());
      return add_up<T>(from, values.data(), values.size(), how, order);
    }
    const index_range part = group().part_of(values.size());
    add_parts<T>("all_reduce", values.data(), values.size(), values.data() + part.begin, how, order);
    gather<T>("all_reduce", values.data() + part.begin, values.data(), values.size(), order);
  }

  /// Sum over the ranks of `factor` times their values, in place: one call where the library multiplies and adds
  /// itself.
  template <real T>
  void all_reduce_scaled(std::span<T> values, T factor, stream order) {
    if (values.empty()) return group().world().check();
    if (state_->sums == sums_by::in_rank_order || size() == 1) {
      group().world().check();
      Library::scale(values.data(), values.size(), dtype_of<T>, factor, order);
      return all_reduce(values, reduction::sum, order);
    }
    typename Library::scaled_sum by{};
    collective("all_reduce", order, [&] {
      by = Library::make_scaled_sum(&factor, dtype_of<T>, group().native());
      Library::all_reduce_by(by, values.data(), values.data(), values.size(), dtype_of<T>, group().native(), order);
    });
    group().world().call(group().native(), {"all_reduce", group().label(), -1, -1},
                         [&] { Library::drop_scaled_sum(by, group().native()); });
  }

  /// in: the whole, out: part `rank()` of `size()` of it; out may be that part of in.
  template <element T>
  void reduce_scatter(std::span<const std::type_identity_t<T>> in, std::span<T> out, reduction how, stream order) {
    check_part("reduce_scatter: out", in.size(), out.size());
    if (in.empty()) return group().world().check();
    if (!by_library<T>()) return add_parts<T>("reduce_scatter", in.data(), in.size(), out.data(), how, order);
    collective("reduce_scatter", order, [&] {
      if (in.size() % static_cast<std::size_t>(size()) == 0) {
        Library::reduce_scatter(in.data(), out.data(), out.size(), dtype_of<T>, how, group().native(), order);
        return;
      }
      const together several;
      group().for_each_part(in.size(), [&](int root, index_range part) {
        Library::reduce(in.data() + part.begin, out.data(), static_cast<std::size_t>(part.size()), dtype_of<T>, how,
                        root, group().native(), order);
      });
      several.end();
    });
  }

  /// in: part `rank()` of `size()` of the whole, out: the whole; in may be that part of out.
  template <element T>
  void all_gather(std::span<const std::type_identity_t<T>> in, std::span<T> out, stream order) {
    check_part("all_gather: in", out.size(), in.size());
    if (out.empty()) return group().world().check();
    gather<T>("all_gather", in.data(), out.data(), out.size(), order);
  }

  template <element T>
  void broadcast(std::span<T> values, int root, stream order) {
    require(root >= 0 && root < size(), "communicator::broadcast",
            [&] { return "root is a rank of the group, so less than " + std::to_string(size()); });
    if (size() == 1 || values.empty()) return group().world().check();
    collective("broadcast", order, [&] {
      Library::broadcast(values.data(), values.data(), values.size(), dtype_of<T>, root, group().native(), order);
    });
  }

  /// What follows in `order` comes after all ranks have come here in theirs. The host does not wait.
  void barrier(stream order) {
    if (size() == 1) return group().world().check();
    const scratch one{sizeof(std::int32_t), order};  // whatever is there: nobody reads the sum
    collective("barrier", order, [&] {
      Library::all_reduce(one.data(), one.data(), 1, dtype::i32, reduction::sum, group().native(), order);
    });
  }

  /// Collective. Waits until this group's work is done, as libraries want it.
  [[nodiscard]] stream_communicator split(int color, int key) {
    require(color >= 0, "communicator::split", "color is not negative: every rank becomes part of one group");
    group().world().check();
    const std::string name = group().name() + "/" + std::to_string(state_->splits++);
    const handle made = group().split(color, key, name, {"split", group().label(), -1, -1});
    return {group().shared_world(), made, true, state_->sums, state_->channels, name};
  }

  void doing(const activity& now) noexcept { group().world().doing(now); }

  /// Throws what has stopped this rank, if anything has: for whoever has waited for a stream, since what was aborted
  /// leaves anything in memory.
  void check() { group().world().check_handles(); }

  /// Calls `start()`, which puts work that was captured into `order`, and watches that as one piece of work: it has the
  /// deadline of one.
  template <class Start>
  void launch(stream order, const Start& start) {
    group().collective("captured step", order, start);
  }

  /// For the end of a run: messages to itself that this rank has not received.
  [[nodiscard]] std::int64_t untaken() const { return state_->queues.untaken(); }

 private:
  /// Up to so many bytes on all ranks together, every rank gets the values of all and adds them itself, which spares a
  /// step. Not measured yet.
  static constexpr std::size_t gathered_in_all = std::size_t{256} * 1024;

  using scratch = typename detail::stream_group<Library>::scratch;
  using together = typename detail::stream_group<Library>::together;

  struct state {
    state(std::shared_ptr<world_type> world, handle native, bool owned, std::string name)
        : group{std::move(world), native, owned, std::move(name)} {}
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    /// A body that ends by an exception frees what messages are still read from: so they end first.
    ~state() {
      if (std::uncaught_exceptions() > exceptions) group.world().stop_quietly();
    }

    detail::stream_group<Library> group;
    detail::stream_queues<Library> queues{group};
    sums_by sums = sums_by::in_rank_order;
    int channels = 0;
    int splits = 0;
    int exceptions = std::uncaught_exceptions();
  };

  [[nodiscard]] detail::stream_group<Library>& group() const { return state_->group; }

  template <class T>
  [[nodiscard]] bool by_library() const {  // sums and maxima of integers are the same in every order
    return state_->sums == sums_by::library || std::is_integral_v<T>;
  }

  void check_part(const char* what, std::size_t whole, std::size_t part_size) const {
    const index_range part = group().part_of(whole);
    require(part.size() == static_cast<std::int64_t>(part_size), "communicator", [&] {
      return std::string{what} + " has " + std::to_string(part_size) + " elements, but part " + std::to_string(rank()) +
             " of " + std::to_string(size()) + " of " + std::to_string(whole) + " has " + std::to_string(part.size());
    });
  }
  template <class Call>
  void collective(const char* name, stream order, const Call& ask) {
    group().collective(name, order, ask);
  }

  template <element T>
  void add_up(std::span<const void* const> from, T* to, std::size_t size, reduction how, stream order) {
    void* const into = to;
    reduce_slices(space{}, slices<T>{from, 0, {&into, 1}, 0, static_cast<std::int64_t>(size), how}, order);
  }

  /// Every rank sends each other one its part and adds up its own, in rank order.
  template <element T>
  void add_parts(const char* name, const T* in, std::size_t whole, T* out, reduction how, stream order) {
    const index_range mine = group().part_of(whole);
    const auto each = static_cast<std::size_t>(mine.size());
    const scratch come{std::max<std::size_t>(1, each * sizeof(T) * static_cast<std::size_t>(size() - 1)), order};
    std::vector<const void*> from;
    T* next = static_cast<T*>(come.data());
    if (size() > 1) {
      collective(name, order, [&] {
        const together several;
        group().for_each_part(whole, [&](int peer, index_range part) {
          if (peer != rank())
            Library::send(in + part.begin, static_cast<std::size_t>(part.size()), dtype_of<T>, peer, group().native(),
                          order);
        });
        for (int peer = 0; peer < size() && each > 0; ++peer) {
          if (peer != rank())
            Library::receive(next + each * static_cast<std::size_t>(peer < rank() ? peer : peer - 1), each, dtype_of<T>,
                             peer, group().native(), order);
        }
        several.end();
      });
    }
    for (int peer = 0; peer < size(); ++peer)
      from.push_back(peer == rank() ? in + mine.begin
                                    : next + each * static_cast<std::size_t>(peer < rank() ? peer : peer - 1));
    add_up<T>(from, out, each, how, order);
  }

  template <element T>
  void gather(const char* name, const T* in, T* out, std::size_t whole, stream order) {
    if (size() == 1) {
      group().world().check();
      return space::copy(out, in, whole * sizeof(T), order);
    }
    collective(name, order, [&] {
      if (whole % static_cast<std::size_t>(size()) == 0) {
        Library::all_gather(in, out, whole / static_cast<std::size_t>(size()), dtype_of<T>, group().native(), order);
        return;
      }
      const together several;
      group().for_each_part(whole, [&](int root, index_range part) {
        Library::broadcast(in, out + part.begin, static_cast<std::size_t>(part.size()), dtype_of<T>, root,
                           group().native(), order);
      });
      several.end();
    });
  }

  void open_all_pairs() {
    std::vector<message_queue> all;
    for (int channel = 0; channel < state_->channels; ++channel) {
      for (int sender = 0; sender < size(); ++sender) {
        for (int receiver = 0; receiver < size(); ++receiver) all.push_back({sender, receiver, channel});
      }
    }
    open_queues(all);
  }

  std::unique_ptr<state> state_;
};

namespace detail {

/// Runs the body as one rank of a world whose handle is ready, to an orderly end. Throws what the body threw, or what
/// stopped the rank, with what it was doing.
template <class Library, class Body>
void run_stream_rank(const std::shared_ptr<stream_world<Library>>& world, typename Library::handle whole, bool owned,
                     sums_by sums, int channels, const std::string& coordinates, Body&& body) {
  const int rank = world->rank();
  const auto with_report = [&](const error& cause, const std::string& report) {
    return reported(cause, "\n  " + rank_text(rank, coordinates) + ": " + report, rank,
                    coordinates.empty() ? std::to_string(rank) : coordinates);
  };
  try {
    {
      stream_communicator<Library> mine{world, whole, owned, sums, channels, "plait"};
      body(mine);
      if (mine.untaken() > 0) throw not_received(rank, mine.untaken());
      world->drain();
    }
    world->finish();
  } catch (...) {
    const error cause = error_of(std::current_exception());
    const std::string report = world->report();
    world->stop_quietly();
    throw with_report(cause, report);
  }
}

}  // namespace detail

}  // namespace plait
