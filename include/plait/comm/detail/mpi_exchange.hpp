// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <plait/comm/detail/call.hpp>
#include <plait/comm/detail/failure.hpp>
#include <plait/comm/detail/mpi_call.hpp>
#include <plait/comm/detail/mpi_world.hpp>
#include <plait/core/error.hpp>
#include <plait/tensor/buffer.hpp>
#include <plait/tensor/host.hpp>

namespace plait::detail {

/// What the collectives of a group are made of: exchanges between all its ranks, in each of which every rank sees what
/// every other one calls, so that calls which do not match are an error that says both.
///
/// Messages of collectives have bit 30 in their tags, then the number of the call, the step within it, and eight bits
/// that follow from the call: what belongs to another call does not meet a receive, whose room may be too short for it,
/// but is looked for by who has waited a while.
class mpi_exchange {
 public:
  /// What a rank says of the call that it makes. Travels before its values.
  struct head {
    collective_call call{};
    int color = 0;
    int key = 0;
  };

  /// label: "of ranks 0, 2", as long as the world lives.
  mpi_exchange(mpi_world& all, MPI_Comm comm, const std::vector<int>& members, int rank, const char* label)
      : all_{&all}, comm_{comm}, members_{&members}, rank_{rank}, label_{label} {
    const auto most = 4 * members.size();
    requests_.reserve(most);
    peers_.reserve(most);
  }
  mpi_exchange(const mpi_exchange&) = delete;
  mpi_exchange& operator=(const mpi_exchange&) = delete;

  /// Begins a call; every rank of the group begins the same.
  void begin(const head& mine) {
    all_->check(name_of(mine.call.kind));
    mine_ = mine;
    bits_ = bits_of(mine.call);
    ++calls_;
    step_ = 0;
    compared_ = false;
  }

  /// Gives every rank the heads and `bytes` at `data` of all: log2(ranks) messages, each twice as long as the one
  /// before. Afterwards `head_of` and `values_of` tell.
  ///
  /// Source: Bruck et al., "Efficient algorithms for all-to-all communications in multiport message-passing systems",
  /// IEEE TPDS 1997, the concatenation of section 3: before step k a rank has the blocks of the 2^k ranks from itself
  /// on, and fetches as many from 2^k further on.
  void gather(const void* data, std::size_t bytes) {
    const int ranks = size();
    block_ = (sizeof(head) + bytes + 31) / 32 * 32;
    char* const blocks = room(blocks_, block_ * static_cast<std::size_t>(ranks));
    std::memcpy(blocks, &mine_, sizeof mine_);
    if (bytes > 0) std::memcpy(blocks + sizeof mine_, data, bytes);
    for (int have = 1; have < ranks; have *= 2) {
      const int count = std::min(have, ranks - have);
      char* const fetched = blocks + block_ * static_cast<std::size_t>(have);
      const std::size_t size = block_ * static_cast<std::size_t>(count);
      receive((rank_ + have) % ranks, fetched, size);
      send((rank_ - have + ranks) % ranks, blocks, size);
      const std::size_t got = finish_step();
      for (int i = 0; i < count; ++i)
        compare((rank_ + have + i) % ranks, fetched + block_ * static_cast<std::size_t>(i));
      if (got != size) throw_other_sizes((rank_ + have) % ranks);
    }
  }
  [[nodiscard]] head head_of(int index) const {
    head found;
    std::memcpy(&found, block_of(index), sizeof found);
    return found;
  }
  [[nodiscard]] const void* values_of(int index) const { return block_of(index) + sizeof(head); }

  /// Every rank tells every other what it calls, and sends and receives what `post` posts for each peer, in one go.
  template <class Post>
  void each_to_each(const Post& post) {
    const int ranks = size();
    char* const heads = room(blocks_, sizeof(head) * static_cast<std::size_t>(ranks));
    for (int i = 1; i < ranks; ++i) {
      const int peer = (rank_ + i) % ranks;
      receive(peer, heads + sizeof(head) * static_cast<std::size_t>(peer), sizeof(head));
    }
    for (int i = 1; i < ranks; ++i) send((rank_ + i) % ranks, &mine_, sizeof mine_);
    const std::size_t told = requests_.size();
    ++step_;
    for (int i = 1; i < ranks; ++i) post((rank_ + i) % ranks);
    wait_for_first(told);
    for (int peer = 0; peer < ranks; ++peer)
      if (peer != rank_) compare(peer, heads + sizeof(head) * static_cast<std::size_t>(peer));
    finish_step();
  }
  /// The same without telling: for the later steps of a call.
  template <class Post>
  void each_to_each_again(const Post& post) {
    for (int i = 1; i < size(); ++i) post((rank_ + i) % size());
    finish_step();
  }

  /// For `post`, and to be followed by `finish_step`.
  void send(int peer, const void* data, std::size_t bytes) {
    if (bytes == 0) return;
    mpi_check(MPI_Isend(data, mpi_count(bytes, "communicator"), MPI_BYTE, peer, tag(step_, bits_), comm_, &add(-1)),
              "MPI_Isend");
    ++all_->sent[world_rank(peer)];
  }
  void receive(int peer, void* data, std::size_t bytes) {
    if (bytes == 0) return;
    mpi_check(MPI_Irecv(data, mpi_count(bytes, "communicator"), MPI_BYTE, peer, tag(step_, bits_), comm_, &add(peer)),
              "MPI_Irecv");
  }

  /// Waits for all that has been posted. Returns the bytes of the first receive.
  std::size_t finish_step() {
    wait_for_first(requests_.size());
    requests_.clear();
    peers_.clear();
    waited_ = 0;
    ++step_;
    return first_bytes_;
  }

  /// Room for values that arrive.
  char* arrivals(std::size_t bytes) { return room(arrivals_, bytes); }

 private:
  [[nodiscard]] int size() const { return static_cast<int>(members_->size()); }
  [[nodiscard]] std::size_t world_rank(int index) const {
    return static_cast<std::size_t>((*members_)[static_cast<std::size_t>(index)]);
  }
  [[nodiscard]] int tag(unsigned step, int call_bits) const {
    return (1 << 30) | (static_cast<int>(calls_ & 0xffff) << 14) | (static_cast<int>(step & 63) << 8) | call_bits;
  }
  static int bits_of(const collective_call& call) {
    const auto parts = (static_cast<std::uint64_t>(call.size) << 20) ^
                       (static_cast<std::uint64_t>(call.root + 1) << 8) ^ (static_cast<std::uint64_t>(call.kind) << 5) ^
                       (static_cast<std::uint64_t>(call.type) << 1) ^ static_cast<std::uint64_t>(call.how);
    return static_cast<int>((parts * 0x9e3779b97f4a7c15u) >> 56);
  }
  [[nodiscard]] const char* block_of(int index) const {
    return reinterpret_cast<const char*>(blocks_.data()) +
           block_ * static_cast<std::size_t>((index - rank_ + size()) % size());
  }
  static char* room(buffer<std::byte, host>& where, std::size_t bytes) {
    if (static_cast<std::size_t>(where.size()) < bytes)
      where = buffer<std::byte, host>{
          static_cast<std::int64_t>(std::max(bytes, 2 * static_cast<std::size_t>(where.size())))};
    return reinterpret_cast<char*>(where.data());
  }

  MPI_Request& add(int receives_from) {
    requests_.push_back(MPI_REQUEST_NULL);
    peers_.push_back(receives_from);
    return requests_.back();
  }

  /// Throws unless the head at `bytes` is of the same call.
  void compare(int peer, const char* bytes) {
    head theirs;
    std::memcpy(&theirs, bytes, sizeof theirs);
    compared_ = true;
    if (theirs.call == mine_.call) return;
    cancel_all();
    all_->fail(unlike(peer, theirs));
  }
  [[nodiscard]] error unlike(int peer, const head& theirs) const {
    return error{error_kind::comm, name_of(mine_.call.kind),
                 "the ranks of a group must make the same calls, but rank " + std::to_string(world_rank(rank_)) +
                     " calls " + describe(mine_.call) + " and rank " + std::to_string(world_rank(peer)) + " calls " +
                     describe(theirs.call)};
  }

  /// The error of a peer's first message for this call, if that is there and of another call.
  [[nodiscard]] std::optional<error> other_call_of(int peer) const {
    for (int bits = 0; bits < 256; ++bits) {
      int is = 0, size = 0;
      MPI_Message found = MPI_MESSAGE_NULL;
      MPI_Status status{};
      if (bits == bits_) continue;
      mpi_check(MPI_Improbe(peer, tag(0, bits), comm_, &is, &found, &status), "MPI_Improbe");
      if (is == 0) continue;
      mpi_check(MPI_Get_count(&status, MPI_BYTE, &size), "MPI_Get_count");
      std::vector<char> bytes(std::max(static_cast<std::size_t>(size), sizeof(head)));
      mpi_check(MPI_Mrecv(bytes.data(), size, MPI_BYTE, &found, &status), "MPI_Mrecv");
      head theirs;
      std::memcpy(&theirs, bytes.data(), sizeof theirs);
      return unlike(peer, theirs);
    }
    return std::nullopt;
  }
  [[noreturn]] void throw_other_sizes(int peer) {
    cancel_all();
    all_->fail(error{error_kind::comm, name_of(mine_.call.kind),
                     "rank " + std::to_string(world_rank(peer)) + " sent another number of bytes than " +
                         describe(mine_.call) + " takes"});
  }

  void wait_for_first(std::size_t count) {
    posted event{*this, count, waited_};
    all_->wait({name_of(mine_.call.kind), label_, -1, -1}, event);
    waited_ = count;
  }

  /// The first `count` of the posted requests.
  struct posted {
    mpi_exchange& of;
    std::size_t count;
    std::size_t done_;  ///< so many have been waited for
    unsigned looks = 0;

    bool done() {
      while (done_ < count) {
        int is = 0;
        MPI_Status status{};
        const int code = MPI_Test(&of.requests_[done_], &is, &status);
        if (code != MPI_SUCCESS) {
          int kind = 0;
          MPI_Error_class(code, &kind);
          if (kind != MPI_ERR_TRUNCATE) mpi_check(code, "MPI_Test");
          of.first_bytes_ = 0;  // longer than the room for it: of another call
        } else if (is == 0) {
          return false;
        } else if (done_ == 0 && of.peers_[0] >= 0) {
          int got = 0;
          mpi_check(MPI_Get_count(&status, MPI_BYTE, &got), "MPI_Get_count");
          of.first_bytes_ = static_cast<std::size_t>(got);
        }
        if (of.peers_[done_] >= 0) ++of.all_->received[of.world_rank(of.peers_[done_])];
        ++done_;
      }
      return true;
    }
    [[nodiscard]] std::optional<error> look() {
      const int from = done_ < count ? of.peers_[done_] : -1;
      if (from >= 0 && !of.compared_ && ++looks % 32 == 0)
        if (std::optional<error> wrong = of.other_call_of(from)) return wrong;
      if (from < 0 || !of.all_->exhausted(static_cast<int>(of.world_rank(from)))) return std::nullopt;
      return error{error_kind::comm, name_of(of.mine_.call.kind),
                   "rank " + std::to_string(of.world_rank(from)) + " did not arrive before finishing"};
    }
    [[nodiscard]] std::string complaint() const {
      std::vector<int> missing;
      for (std::size_t i = 0; i < count; ++i) {
        int is = 0;
        if (of.requests_[i] != MPI_REQUEST_NULL) MPI_Request_get_status(of.requests_[i], &is, MPI_STATUS_IGNORE);
        if (of.requests_[i] != MPI_REQUEST_NULL && is == 0 && of.peers_[i] >= 0)
          missing.push_back(static_cast<int>(of.world_rank(of.peers_[i])));
      }
      return "nothing came from " + (missing.empty() ? std::string{"the other ranks"} : ranks_text(missing));
    }
    void cancel() const { of.cancel_all(); }
  };

  void cancel_all() {
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      if (requests_[i] == MPI_REQUEST_NULL) continue;
      if (peers_[i] >= 0) MPI_Cancel(&requests_[i]);
      MPI_Request_free(&requests_[i]);
    }
    requests_.clear();
    peers_.clear();
    waited_ = 0;
  }

  mpi_world* all_;
  MPI_Comm comm_;
  const std::vector<int>* members_;
  int rank_;
  const char* label_;
  head mine_{};
  int bits_ = 0;           ///< of its call, for tags
  bool compared_ = false;  ///< with what the first peer calls
  std::uint64_t calls_ = 0;
  unsigned step_ = 0;
  std::size_t block_ = 0;
  std::size_t first_bytes_ = 0;
  std::vector<MPI_Request> requests_;
  std::vector<int> peers_;  ///< for each request: whom it receives from; -1 for a send
  std::size_t waited_ = 0;  ///< for so many of them
  buffer<std::byte, host> blocks_, arrivals_;
};

}  // namespace plait::detail
