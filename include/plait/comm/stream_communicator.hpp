// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <plait/comm/communicator.hpp>
#include <plait/comm/detail/channel.hpp>
#include <plait/comm/detail/group.hpp>
#include <plait/comm/detail/stream_world.hpp>
#include <plait/comm/message_queue.hpp>
#include <plait/comm/reduce_slices.hpp>
#include <plait/core/error.hpp>
#include <plait/core/ranges.hpp>
#include <plait/core/require.hpp>

namespace plait {

/// Who adds.
enum class sums_by : std::uint8_t {
  rank_order,  ///< plait: values are exchanged and added in rank order, to the bit what `threads` gives
  library,     ///< the library: in an order of its own, which may change with the number of ranks and their wires
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

  /// Of a handle that is ready. owned: whether it is destroyed with this communicator.
  stream_communicator(std::shared_ptr<world_type> world, handle group, bool owned, sums_by sums, int channels,
                      std::string name)
      : state_{std::make_unique<state>()} {
    state_->world = std::move(world);
    state_->group = group;
    state_->owned = owned;
    state_->sums = sums;
    state_->channels = channels;
    state_->name = std::move(name);
    state_->rank = Library::rank_of(group);
    state_->size = Library::size_of(group);
    state_->world->adopt(group);
    find_members();
    open_all_pairs();
  }
  stream_communicator(stream_communicator&&) noexcept = default;
  stream_communicator& operator=(stream_communicator&&) noexcept = default;

  [[nodiscard]] int rank() const { return state_->rank; }
  [[nodiscard]] int size() const { return state_->size; }
  /// The library's handle, for calls that plait does not have; ordered with this group's by the streams they are given.
  [[nodiscard]] handle native() const { return state_->group; }

  /// Collective: opens the queues that are not open yet. All ranks give the same queues. Waits for all ranks.
  void open_queues(std::span<const message_queue> queues) {
    std::vector<message_queue> missing;
    for (const message_queue& one : queues) {
      require(one.sender >= 0 && one.sender < size() && one.receiver >= 0 && one.receiver < size() && one.channel >= 0,
              "communicator::open_queues", "a queue leads from a rank of the group to another, on a channel from 0 on");
      if (one.sender != one.receiver && !state_->known.contains(one)) missing.push_back(one);
    }
    std::sort(missing.begin(), missing.end());
    missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
    while (!missing.empty()) {  // as many at once as have no rank in common: one split
      std::vector<bool> busy(static_cast<std::size_t>(size()));
      std::vector<message_queue> round, later;
      for (const message_queue& one : missing) {
        const auto from = static_cast<std::size_t>(one.sender), to = static_cast<std::size_t>(one.receiver);
        const bool free = !busy[from] && !busy[to];
        if (free) busy[from] = busy[to] = true;
        (free ? round : later).push_back(one);
      }
      open_round(round);
      missing = std::move(later);
    }
  }

  /// Puts the message into its queue's stream, behind what `order` has so far; `values` must not change before
  /// `wait(ticket)`.
  template <detail::sendable T>
  ticket send(std::span<T> values, int peer, int channel, stream order) {
    using element_type = std::remove_const_t<T>;
    check_peer("send", peer, channel);
    if (peer == rank()) {
      state_->world->check();
      ++state_->untaken;
      return {peer, channel,
              state_->to_self[channel].post(values.data(), static_cast<std::int64_t>(values.size()),
                                            dtype_of<element_type>, order)};
    }
    outgoing& queue = *find(state_->outgoing_queues, peer, channel, "to");
    const std::uint64_t number = ++queue.sent;
    if (values.empty()) return {peer, channel, number};
    typename Library::event done = take_event(queue);
    done.record(order);
    done.wait(queue.line);
    state_->world->work(queue.group, {"send", "to", member(peer), channel}, queue.line, [&] {
      Library::send(values.data(), values.size(), dtype_of<element_type>, /*receiver*/ 1, queue.group, queue.line);
    });
    done.record(queue.line);
    queue.pending.push_back({number, std::move(done)});
    return {peer, channel, number};
  }

  /// What follows in `order` comes after the message has been read.
  void wait(ticket sent, stream order) {
    if (sent.peer < 0) return;
    check_peer("wait", sent.peer, sent.channel);
    state_->world->check();
    const auto known = [&](std::uint64_t so_far) {
      require(sent.number >= 1 && sent.number <= so_far, "communicator::wait",
              "the ticket is of another group or another rank");
    };
    if (sent.peer == rank()) {
      auto& queue = state_->to_self[sent.channel];
      known(queue.posted());
      if (queue.taken() < sent.number) fail_alone("wait", "did not receive", sent.number, sent.channel);
      return queue.complete(sent.number, order);
    }
    outgoing& queue = *find(state_->outgoing_queues, sent.peer, sent.channel, "to");
    known(queue.sent);
    for (const unread& one : queue.pending) {
      if (one.number == sent.number) return one.done.wait(order);
    }
  }

  /// Fills `values`, in the order of the stream, with the next message of `peer` on `channel`, whose size and type must
  /// be equal.
  template <element T>
  void receive(std::span<T> values, int peer, int channel, stream order) {
    check_peer("receive", peer, channel);
    if (peer == rank()) return receive_from_self(values, channel, order);
    const handle queue = *find(state_->incoming_queues, peer, channel, "from");
    if (values.empty()) return;
    state_->world->work(queue, {"receive", "from", member(peer), channel}, order, [&] {
      Library::receive(values.data(), values.size(), dtype_of<T>, /*sender*/ 0, queue, order);
    });
  }

  template <element T>
  void all_reduce(std::span<T> values, reduction how, stream order) {
    if (size() == 1 || values.empty()) return state_->world->check();
    if (by_library<T>()) {
      return collective("all_reduce", order, [&] {
        Library::all_reduce(values.data(), values.data(), values.size(), dtype_of<T>, how, state_->group, order);
      });
    }
    const auto ranks = static_cast<std::size_t>(size());
    if (values.size_bytes() * ranks <= gathered_in_all) {
      const scratch gathered{values.size_bytes() * ranks, order};
      collective("all_reduce", order, [&] {
        Library::all_gather(values.data(), gathered.data(), values.size(), dtype_of<T>, state_->group, order);
      });
      std::vector<const void*> from;
      for (std::size_t rank = 0; rank < ranks; ++rank)
        from.push_back(static_cast<const T*>(gathered.data()) + rank * values.size());
      return add_up<T>(from, values.data(), values.size(), how, order);
    }
    const index_range part = part_of(values.size());
    add_parts<T>("all_reduce", values.data(), values.size(), values.data() + part.begin, how, order);
    gather<T>("all_reduce", values.data() + part.begin, values.data(), values.size(), order);
  }

  /// Sum over the ranks of `factor` times their values, in place: one call where the library multiplies and adds
  /// itself.
  template <real T>
  void all_reduce_scaled(std::span<T> values, T factor, stream order) {
    if (values.empty()) return state_->world->check();
    if (state_->sums == sums_by::rank_order || size() == 1) {
      state_->world->check();
      Library::scale(values.data(), values.size(), dtype_of<T>, factor, order);
      return all_reduce(values, reduction::sum, order);
    }
    typename Library::scaled_sum by{};
    collective("all_reduce", order, [&] {
      by = Library::make_scaled_sum(&factor, dtype_of<T>, state_->group);
      Library::all_reduce_by(by, values.data(), values.data(), values.size(), dtype_of<T>, state_->group, order);
    });
    state_->world->call(state_->group, {"all_reduce", state_->label, -1, -1},
                        [&] { Library::drop_scaled_sum(by, state_->group); });
  }

  /// in: the whole, out: part `rank()` of `size()` of it; out may be that part of in.
  template <element T>
  void reduce_scatter(std::span<const std::type_identity_t<T>> in, std::span<T> out, reduction how, stream order) {
    check_part("reduce_scatter: out", in.size(), out.size());
    if (in.empty()) return state_->world->check();
    if (!by_library<T>()) return add_parts<T>("reduce_scatter", in.data(), in.size(), out.data(), how, order);
    collective("reduce_scatter", order, [&] {
      if (in.size() % static_cast<std::size_t>(size()) == 0) {
        Library::reduce_scatter(in.data(), out.data(), out.size(), dtype_of<T>, how, state_->group, order);
        return;
      }
      const together several;
      for_each_part(in.size(), [&](int root, index_range part) {
        Library::reduce(in.data() + part.begin, out.data(), static_cast<std::size_t>(part.size()), dtype_of<T>, how,
                        root, state_->group, order);
      });
      several.end();
    });
  }

  /// in: part `rank()` of `size()` of the whole, out: the whole; in may be that part of out.
  template <element T>
  void all_gather(std::span<const std::type_identity_t<T>> in, std::span<T> out, stream order) {
    check_part("all_gather: in", out.size(), in.size());
    if (out.empty()) return state_->world->check();
    gather<T>("all_gather", in.data(), out.data(), out.size(), order);
  }

  template <element T>
  void broadcast(std::span<T> values, int root, stream order) {
    require(root >= 0 && root < size(), "communicator::broadcast",
            [&] { return "root is a rank of the group, so less than " + std::to_string(size()); });
    if (size() == 1 || values.empty()) return state_->world->check();
    collective("broadcast", order, [&] {
      Library::broadcast(values.data(), values.data(), values.size(), dtype_of<T>, root, state_->group, order);
    });
  }

  /// What follows in `order` comes after all ranks have come here in theirs. The host does not wait.
  void barrier(stream order) {
    if (size() == 1) return state_->world->check();
    const scratch one{sizeof(std::int32_t), order};  // whatever is there: nobody reads the sum
    collective("barrier", order, [&] {
      Library::all_reduce(one.data(), one.data(), 1, dtype::i32, reduction::sum, state_->group, order);
    });
  }

  /// Collective. Waits until this group's work is done, as libraries want it.
  [[nodiscard]] stream_communicator split(int color, int key) {
    require(color >= 0, "communicator::split", "color is not negative: every rank becomes part of one group");
    state_->world->check();
    const std::string name = state_->name + "/" + std::to_string(state_->splits++);
    const handle made = split_handle(color, key, name, {"split", state_->label, -1, -1});
    return {state_->world, made, true, state_->sums, state_->channels, name};
  }

  void doing(const activity& now) noexcept { state_->world->doing(now); }

  /// For the end of a run: messages to itself that this rank has not received.
  [[nodiscard]] std::int64_t untaken() const { return state_->untaken; }

 private:
  /// Up to so many bytes on all ranks together, every rank gets the values of all and adds them itself, which spares a
  /// step. Not measured yet.
  static constexpr std::size_t gathered_in_all = std::size_t{256} * 1024;

  struct unread {
    std::uint64_t number;
    typename Library::event done;
  };
  struct outgoing {
    handle group{};
    typename space::owned_stream line;
    std::uint64_t sent = 0;
    std::deque<unread> pending;
  };
  using queue_key = std::pair<int, int>;  ///< peer, channel

  struct state {
    std::shared_ptr<world_type> world;
    handle group{};
    bool owned = true;
    sums_by sums = sums_by::rank_order;
    int channels = 0;
    std::string name;
    int rank = 0, size = 1, splits = 0;
    std::vector<int> members;  ///< their ranks in the world
    const char* label = "";    ///< "of ranks 0, 2"
    std::map<message_queue, bool> known;
    std::map<queue_key, std::shared_ptr<outgoing>> outgoing_queues;
    std::map<queue_key, std::shared_ptr<handle>> incoming_queues;
    detail::channel_list<space> to_self;
    std::int64_t untaken = 0;
    int exceptions = std::uncaught_exceptions();

    ~state() {
      // A body that ends by an exception frees what messages are still read from: so they end first.
      if (std::uncaught_exceptions() > exceptions) world->stop_quietly();
      for (auto& [_, queue] : outgoing_queues) world->retire(queue->group, queue);
      for (auto& [_, queue] : incoming_queues) world->retire(*queue, nullptr);
      if (owned) {
        world->retire(group, nullptr);
      } else {
        world->release(group);
      }
    }
  };

  /// Memory for one call, taken and given back in the order of a stream.
  class scratch {
   public:
    scratch(std::size_t bytes, stream order) : data_{Library::take_scratch(bytes, order)}, order_{order} {}
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    ~scratch() { Library::return_scratch(data_, order_); }
    [[nodiscard]] void* data() const { return data_; }

   private:
    void* data_;
    stream order_;
  };

  /// Calls of the library that begin as one. Unless `end` is called, an exception is under way and the group is closed.
  class together {
   public:
    together() { Library::begin_group(); }
    together(const together&) = delete;
    together& operator=(const together&) = delete;
    ~together() {
      if (!ended_) Library::drop_group();
    }
    void end() const {
      ended_ = true;
      Library::end_group();
    }

   private:
    mutable bool ended_ = false;
  };

  [[nodiscard]] int member(int rank) const { return state_->members[static_cast<std::size_t>(rank)]; }

  template <class T>
  [[nodiscard]] bool by_library() const {  // sums and maxima of integers are the same in every order
    return state_->sums == sums_by::library || std::is_integral_v<T>;
  }

  [[nodiscard]] index_range part_of(std::size_t whole) const {
    return balanced_part(static_cast<std::int64_t>(whole), size(), rank());
  }
  void check_part(const char* what, std::size_t whole, std::size_t part_size) const {
    const index_range part = part_of(whole);
    require(part.size() == static_cast<std::int64_t>(part_size), "communicator", [&] {
      return std::string{what} + " has " + std::to_string(part_size) + " elements, but part " + std::to_string(rank()) +
             " of " + std::to_string(size()) + " of " + std::to_string(whole) + " has " + std::to_string(part.size());
    });
  }
  template <class Visit>
  void for_each_part(std::size_t whole, const Visit& visit) const {
    for (int index = 0; index < size(); ++index) {
      const index_range part = balanced_part(static_cast<std::int64_t>(whole), size(), index);
      if (part.size() > 0) visit(index, part);
    }
  }

  void check_peer(const char* call, int peer, int channel) const {
    require(peer >= 0 && peer < size() && channel >= 0, "communicator", [&] {
      return std::string{call} + ": peer " + std::to_string(peer) + ", channel " + std::to_string(channel) +
             "; peer is a rank of the group, so less than " + std::to_string(size()) + ", and channel is not negative";
    });
  }
  [[noreturn]] void fail_alone(const char* call, const char* what, std::uint64_t number, int channel) {
    state_->world->fail(error{error_kind::comm, call,
                              "rank " + std::to_string(member(rank())) + " " + what + " message " +
                                  std::to_string(number) + " of itself on channel " + std::to_string(channel) +
                                  " before it began to wait for itself"});
  }
  template <class Queues>
  auto& find(Queues& queues, int peer, int channel, const char* way) {
    const auto found = queues.find({peer, channel});
    require(found != queues.end(), "communicator", [&] {
      return "the queue " + std::string{way} + " rank " + std::to_string(peer) + " on channel " +
             std::to_string(channel) +
             " is not open; call open_queues on all ranks of the group before, or give the "
             "engine a number of channels to open between all pairs";
    });
    return found->second;
  }

  template <class Call>
  void collective(const char* name, stream order, const Call& ask) {
    state_->world->work(state_->group, {name, state_->label, -1, -1}, order, ask);
  }

  template <element T>
  void receive_from_self(std::span<T> values, int channel, stream order) {
    state_->world->check();
    auto& queue = state_->to_self[channel];
    if (queue.posted() == queue.taken()) fail_alone("receive", "sent no", queue.taken() + 1, channel);
    auto& message = queue.front();
    if (message.size != static_cast<std::int64_t>(values.size()) || message.type != dtype_of<T>)
      state_->world->fail(detail::not_alike(member(rank()), member(rank()), channel, message.number, message.size,
                                            message.type, static_cast<std::int64_t>(values.size()), dtype_of<T>));
    message.ready.wait(order);
    space::copy(values.data(), message.data, values.size_bytes(), order);
    message.done.record(order);
    queue.take();
    --state_->untaken;
  }

  /// An event for the next message: that of an old one which has been read, or a new one.
  typename Library::event take_event(outgoing& queue) {
    if (!queue.pending.empty() && queue.pending.front().done.done()) {
      typename Library::event old = std::move(queue.pending.front().done);
      queue.pending.pop_front();
      return old;
    }
    return {};
  }

  template <element T>
  void add_up(std::span<const void* const> from, T* to, std::size_t size, reduction how, stream order) {
    void* const into = to;
    reduce_slices(space{}, slices<T>{from, 0, {&into, 1}, 0, static_cast<std::int64_t>(size), how}, order);
  }

  /// Every rank sends each other one its part and adds up its own, in rank order.
  template <element T>
  void add_parts(const char* name, const T* in, std::size_t whole, T* out, reduction how, stream order) {
    const index_range mine = part_of(whole);
    const auto each = static_cast<std::size_t>(mine.size());
    const scratch come{std::max<std::size_t>(1, each * sizeof(T) * static_cast<std::size_t>(size() - 1)), order};
    std::vector<const void*> from;
    T* next = static_cast<T*>(come.data());
    if (size() > 1) {
      collective(name, order, [&] {
        const together several;
        for_each_part(whole, [&](int peer, index_range part) {
          if (peer != rank())
            Library::send(in + part.begin, static_cast<std::size_t>(part.size()), dtype_of<T>, peer, state_->group,
                          order);
        });
        for (int peer = 0; peer < size() && each > 0; ++peer) {
          if (peer != rank())
            Library::receive(next + each * static_cast<std::size_t>(peer < rank() ? peer : peer - 1), each, dtype_of<T>,
                             peer, state_->group, order);
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
      state_->world->check();
      return space::copy(out, in, whole * sizeof(T), order);
    }
    collective(name, order, [&] {
      if (whole % static_cast<std::size_t>(size()) == 0) {
        Library::all_gather(in, out, whole / static_cast<std::size_t>(size()), dtype_of<T>, state_->group, order);
        return;
      }
      const together several;
      for_each_part(whole, [&](int root, index_range part) {
        Library::broadcast(in, out + part.begin, static_cast<std::size_t>(part.size()), dtype_of<T>, root,
                           state_->group, order);
      });
      several.end();
    });
  }

  /// Splits this group's handle; color -1: this rank takes no part in what is made, and gets no handle.
  handle split_handle(int color, int key, const std::string& name, const detail::waiting_note& note) {
    state_->world->drain(state_->group);
    handle& made = state_->world->slot();  // the library may fill it from a thread of its own, however late
    const char* const kept = state_->world->keep(name);
    state_->world->call(state_->group, note, [&] { Library::split(state_->group, color, key, kept, &made); });
    if (color >= 0) state_->world->call(made, note, [] {});
    return made;
  }

  /// Asks every rank of the group for its rank in the world.
  void find_members() {
    const auto ranks = static_cast<std::size_t>(size());
    state_->members.assign(ranks, state_->world->rank());
    if (ranks > 1) {
      state_->label = "of a group that is being made";
      const typename space::owned_stream order;
      const scratch mine{sizeof(std::int32_t), order}, all{ranks * sizeof(std::int32_t), order};
      const std::int32_t here = state_->world->rank();
      std::vector<std::int32_t> found(ranks);
      space::upload(mine.data(), &here, sizeof here, order);
      collective("split", order,
                 [&] { Library::all_gather(mine.data(), all.data(), 1, dtype::i32, state_->group, order); });
      space::download(found.data(), all.data(), ranks * sizeof(std::int32_t), order);
      state_->world->check();  // an aborted collective leaves anything there
      state_->members.assign(found.begin(), found.end());
    }
    state_->label = state_->world->keep("of " + detail::ranks_text(state_->members));
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

  /// Opens queues no two of which have a rank in common. One element is sent through each, since the first message
  /// makes both sides connect, and `send` must not wait for that.
  void open_round(const std::vector<message_queue>& round) {
    int color = -1;
    for (std::size_t i = 0; i < round.size(); ++i) {
      if (round[i].sender == rank() || round[i].receiver == rank()) color = static_cast<int>(i);
      state_->known[round[i]] = true;
    }
    const message_queue mine = color >= 0 ? round[static_cast<std::size_t>(color)] : message_queue{};
    const bool sends = mine.sender == rank();
    const std::string name = state_->name + " " + std::to_string(mine.sender) + ">" + std::to_string(mine.receiver) +
                             "." + std::to_string(mine.channel);
    const detail::waiting_note note{"open_queues", state_->label, -1, -1};
    const handle made = split_handle(color, sends ? 0 : 1, name, note);
    if (color < 0) return;
    state_->world->adopt(made);
    auto queue = std::make_shared<outgoing>();
    const stream order = queue->line;
    const scratch first{sizeof(std::int32_t), order};
    state_->world->work(made, note, order, [&] {
      if (sends) {
        Library::send(first.data(), 1, dtype::i32, 1, made, order);
      } else {
        Library::receive(first.data(), 1, dtype::i32, 0, made, order);
      }
    });
    if (sends) {
      queue->group = made;
      state_->outgoing_queues[{mine.receiver, mine.channel}] = std::move(queue);
    } else {
      state_->world->drain(made);  // its stream goes
      state_->incoming_queues[{mine.sender, mine.channel}] = std::make_shared<handle>(made);
    }
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
