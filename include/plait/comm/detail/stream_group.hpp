// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <plait/comm/detail/group.hpp>
#include <plait/comm/detail/stream_world.hpp>
#include <plait/core/ranges.hpp>
#include <plait/tensor/dtype.hpp>

namespace plait::detail {

/// A library's handle for a group of ranks, who they are, and how the library is called for them.
template <class Library>
class stream_group {
 public:
  using space = typename Library::space;
  using stream = typename space::stream;
  using handle = typename Library::handle;

  /// Collective over the handle's ranks. owned: whether the handle ends with this.
  stream_group(std::shared_ptr<stream_world<Library>> world, handle native, bool owned, std::string name)
      : world_{std::move(world)},
        native_{native},
        owned_{owned},
        name_{std::move(name)},
        rank_{Library::rank_of(native)},
        size_{Library::size_of(native)} {
    world_->adopt(native);
    find_members();
  }
  stream_group(const stream_group&) = delete;
  stream_group& operator=(const stream_group&) = delete;
  ~stream_group() {
    if (owned_) {
      world_->retire(native_, nullptr);
    } else {
      world_->release(native_);
    }
  }

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] handle native() const { return native_; }
  [[nodiscard]] stream_world<Library>& world() const { return *world_; }
  [[nodiscard]] const std::shared_ptr<stream_world<Library>>& shared_world() const { return world_; }
  [[nodiscard]] const std::string& name() const { return name_; }  ///< for logs: "plait/2"
  [[nodiscard]] const char* label() const { return label_; }       ///< for reports: "of ranks 0, 2"
  [[nodiscard]] int member(int rank) const { return members_[static_cast<std::size_t>(rank)]; }  ///< rank in the world

  /// This rank's part of a whole.
  [[nodiscard]] index_range part_of(std::size_t whole) const {
    return balanced_part(static_cast<std::int64_t>(whole), size(), rank());
  }
  /// visit(rank, part), for parts that are not empty.
  template <class Visit>
  void for_each_part(std::size_t whole, const Visit& visit) const {
    for (int index = 0; index < size(); ++index) {
      const index_range part = balanced_part(static_cast<std::int64_t>(whole), size(), index);
      if (part.size() > 0) visit(index, part);
    }
  }

  /// Work of all ranks of the group.
  template <class Call>
  void collective(const char* call, stream order, const Call& ask) {
    world_->work(native_, {call, label_, -1, -1}, order, ask);
  }

  /// Splits this group's handle; color -1: this rank takes no part in what is made, and gets no handle.
  handle split(int color, int key, const std::string& name, const detail::waiting_note& note) {
    world_->drain(native_);
    handle& made = world_->slot();  // the library may fill it from a thread of its own, however late
    const char* const kept = world_->keep(name);
    world_->call(native_, note, [&] { Library::split(native_, color, key, kept, &made); });
    if (color >= 0) world_->call(made, note, [] {});
    return made;
  }

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

 private:
  /// Asks every rank of the group for its rank in the world.
  void find_members() {
    const auto ranks = static_cast<std::size_t>(size());
    members_.assign(ranks, world_->rank());
    if (ranks > 1) {
      const typename space::owned_stream order;
      const scratch mine{sizeof(std::int32_t), order}, all{ranks * sizeof(std::int32_t), order};
      const std::int32_t here = world_->rank();
      std::vector<std::int32_t> found(ranks);
      space::upload(mine.data(), &here, sizeof here, order);
      collective("split", order, [&] { Library::all_gather(mine.data(), all.data(), 1, dtype::i32, native_, order); });
      space::download(found.data(), all.data(), ranks * sizeof(std::int32_t), order);
      world_->check();  // an aborted collective leaves anything there
      members_.assign(found.begin(), found.end());
    }
    label_ = world_->keep("of " + detail::ranks_text(members_));
  }

  std::shared_ptr<stream_world<Library>> world_;
  handle native_;
  bool owned_;
  std::string name_;
  int rank_;
  int size_;
  std::vector<int> members_;
  const char* label_ = "of a group that is being made";
};

}  // namespace plait::detail
