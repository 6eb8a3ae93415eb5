// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <plait/comm/communicator.hpp>
#include <plait/comm/detail/failure.hpp>
#include <plait/comm/detail/mpi_call.hpp>
#include <plait/comm/detail/mpi_world.hpp>
#include <plait/core/error.hpp>
#include <plait/tensor/dtype.hpp>

namespace plait::detail {

/// The messages between one rank of a group and the others.
///
/// Each carries channel, number, type and eight bits of its size in its tag, so that a receive meets the very message
/// that is next and no other, at no cost; a message of another type or size is looked for only by who has waited a
/// while. (Open MPI 4.1.4 breaks down when a long message meets a receive that is too short for it.) The number counts
/// modulo 512, and MPI keeps messages of equal tags in order, so it may come round.
class mpi_messages {
 public:
  static constexpr int channels = 1 << 10;

  static int tag_of(int channel, std::uint64_t number, dtype type, int size_bits) {
    return (channel << 20) | static_cast<int>((number & 511) << 11) | (static_cast<int>(type) << 8) | size_bits;
  }
  static int bits_of(std::uint64_t size) { return static_cast<int>((size * 0x9e3779b97f4a7c15u) >> 56); }

  /// members: their ranks in the world. comm: the group's; it outlives this.
  mpi_messages(mpi_world& all, MPI_Comm comm, const std::vector<int>& members, int rank)
      : all_{&all}, comm_{comm}, members_{&members}, rank_{rank}, outboxes_(members.size()), inboxes_(members.size()) {}
  mpi_messages(const mpi_messages&) = delete;
  mpi_messages& operator=(const mpi_messages&) = delete;
  ~mpi_messages() {
    for (const auto& boxes : outboxes_)
      for (const auto& box : boxes)
        std::copy_if(box->ring.begin(), box->ring.end(), std::back_inserter(all_->loose),
                     [](MPI_Request one) { return one != MPI_REQUEST_NULL; });
  }

  std::uint64_t send(const void* data, std::size_t size, dtype type, int peer, int channel) {
    outbox& box = outbox_to(peer, channel);
    const std::uint64_t number = ++box.posted;
    MPI_Request& place = box.make_room();
    mpi_check(MPI_Isend(data, mpi_count(size, "communicator::send"), mpi_type_of(type), peer,
                        tag_of(channel, number, type, bits_of(size)), comm_, &place),
              "MPI_Isend");
    ++all_->sent[world_rank(peer)];
    return number;
  }

  /// Returns once the buffer of a message may change.
  void wait(const ticket& sent) {
    outbox& box = outbox_to(sent.peer, sent.channel);
    require(sent.number >= 1 && sent.number <= box.posted, "communicator::wait",
            "the ticket is of another group or another rank");
    if (sent.number < box.first) return;
    going event{*this, box.at(sent.number), sent};
    all_->wait({"wait", "for", static_cast<int>(world_rank(sent.peer)), sent.channel}, event);
    box.forget_done(box.posted);
  }

  void receive(void* data, std::size_t size, dtype type, int peer, int channel) {
    inbox& box = inbox_from(peer, channel);
    const std::uint64_t number = box.taken + 1;
    const int from = static_cast<int>(world_rank(peer));
    if (peer == rank_ && outbox_to(peer, channel).posted < number)
      all_->fail(error{error_kind::comm, "receive",
                       no_message(number, from, channel) + " before it began to wait for itself"});
    coming event{*this, static_cast<std::int64_t>(size), type, peer, channel, number};
    mpi_check(MPI_Irecv(data, mpi_count(size, "communicator::receive"), mpi_type_of(type), peer,
                        tag_of(channel, number, type, bits_of(size)), comm_, &event.request),
              "MPI_Irecv");
    all_->wait({"receive", "from", from, channel}, event);
    ++all_->received[world_rank(peer)];
    ++box.taken;
    int got = 0;
    mpi_check(MPI_Get_count(&event.status, mpi_type_of(type), &got), "MPI_Get_count");
    if (event.truncated || got != static_cast<int>(size))
      all_->fail(not_alike(from, all_->rank(), channel, number, got, type, static_cast<std::int64_t>(size), type));
  }

 private:
  /// The messages to one peer on one channel. Those from `first` on may be under way.
  struct outbox {
    int channel = 0;
    std::uint64_t posted = 0;
    std::uint64_t first = 1;
    std::vector<MPI_Request> ring = std::vector<MPI_Request>(16, MPI_REQUEST_NULL);

    MPI_Request& at(std::uint64_t number) { return ring[number & (ring.size() - 1)]; }
    /// The place of message `posted`. The ring grows to the deepest load and then allocates no more.
    MPI_Request& make_room() {
      if (first < posted && at(first) != MPI_REQUEST_NULL) {
        int done = 0;
        mpi_check(MPI_Test(&at(first), &done, MPI_STATUS_IGNORE), "MPI_Test");
      }
      forget_done(posted - 1);
      if (posted - first >= ring.size()) {
        std::vector<MPI_Request> larger(ring.size() * 2, MPI_REQUEST_NULL);
        for (std::uint64_t number = first; number < posted; ++number) larger[number & (larger.size() - 1)] = at(number);
        ring.swap(larger);
      }
      return at(posted);
    }
    void forget_done(std::uint64_t last) {
      while (first <= last && at(first) == MPI_REQUEST_NULL) ++first;
    }
  };
  struct inbox {
    int channel = 0;
    std::uint64_t taken = 0;
  };

  /// A send that is to be complete.
  struct going {
    mpi_messages& of;
    MPI_Request& request;
    ticket sent;

    bool done() const {
      int is = 0;
      mpi_check(MPI_Test(&request, &is, MPI_STATUS_IGNORE), "MPI_Test");
      return is != 0;
    }
    [[nodiscard]] std::optional<error> look() const {
      const int to = static_cast<int>(of.world_rank(sent.peer));
      if (sent.peer == of.rank_)
        return error{error_kind::comm, "wait", complaint() + " before it began to wait for itself"};
      if (of.all_->deaf(to)) return error{error_kind::comm, "wait", complaint() + " before finishing"};
      return std::nullopt;
    }
    [[nodiscard]] std::string complaint() const {
      return "rank " + std::to_string(of.world_rank(sent.peer)) + " did not receive message " +
             std::to_string(sent.number) + " of rank " + std::to_string(of.all_->rank()) + " on channel " +
             std::to_string(sent.channel);
    }
    void cancel() const {}
  };

  /// A message that is to arrive.
  struct coming {
    mpi_messages& of;
    std::int64_t size;
    dtype type;
    int peer;
    int channel;
    std::uint64_t number;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Status status{};
    bool truncated = false;
    unsigned looks = 0;

    bool done() {
      int is = 0;
      const int code = MPI_Test(&request, &is, &status);
      if (code != MPI_SUCCESS) {
        int kind = 0;
        MPI_Error_class(code, &kind);
        if (kind != MPI_ERR_TRUNCATE) mpi_check(code, "MPI_Test");
        truncated = true;
        return true;
      }
      return is != 0;
    }
    [[nodiscard]] std::optional<error> look() {
      const int from = static_cast<int>(of.world_rank(peer));
      constexpr dtype types[] = {dtype::f32, dtype::f64, dtype::i32, dtype::i64, dtype::u64};
      const bool thoroughly = ++looks % 32 == 0;
      for (int which = 0; thoroughly && which < 5 * 256; ++which) {
        int is = 0, got = 0;
        MPI_Status seen{};
        const dtype other = types[which / 256];
        mpi_check(MPI_Iprobe(peer, tag_of(channel, number, other, which % 256), of.comm_, &is, &seen), "MPI_Iprobe");
        if (is == 0) continue;
        mpi_check(MPI_Get_count(&seen, mpi_type_of(other), &got), "MPI_Get_count");
        if (got != size || other != type)
          return not_alike(from, of.all_->rank(), channel, number, got, other, size, type);
      }
      if (of.all_->exhausted(from)) return error{error_kind::comm, "receive", complaint() + " before finishing"};
      return std::nullopt;
    }
    [[nodiscard]] std::string complaint() const {
      return of.no_message(number, static_cast<int>(of.world_rank(peer)), channel);
    }
    void cancel() {
      if (request == MPI_REQUEST_NULL) return;
      MPI_Cancel(&request);
      MPI_Request_free(&request);
    }
  };

  [[nodiscard]] std::size_t world_rank(int index) const {
    return static_cast<std::size_t>((*members_)[static_cast<std::size_t>(index)]);
  }
  [[nodiscard]] std::string no_message(std::uint64_t number, int from, int channel) const {
    return "rank " + std::to_string(from) + " sent no message " + std::to_string(number) + " to rank " +
           std::to_string(all_->rank()) + " on channel " + std::to_string(channel);
  }

  outbox& outbox_to(int peer, int channel) { return find(outboxes_[static_cast<std::size_t>(peer)], channel); }
  inbox& inbox_from(int peer, int channel) { return find(inboxes_[static_cast<std::size_t>(peer)], channel); }
  template <class Box>
  static Box& find(std::vector<std::unique_ptr<Box>>& boxes, int channel) {
    for (const auto& one : boxes)
      if (one->channel == channel) return *one;
    boxes.push_back(std::make_unique<Box>());
    boxes.back()->channel = channel;
    return *boxes.back();
  }

  mpi_world* all_;
  MPI_Comm comm_;
  const std::vector<int>* members_;
  int rank_;
  std::vector<std::vector<std::unique_ptr<outbox>>> outboxes_;  // [peer], a few channels each
  std::vector<std::vector<std::unique_ptr<inbox>>> inboxes_;
};

}  // namespace plait::detail
