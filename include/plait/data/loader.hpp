// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <plait/core/ranges.hpp>
#include <plait/core/require.hpp>
#include <plait/data/batch.hpp>
#include <plait/data/dataset_reader.hpp>
#include <plait/data/sampler.hpp>
#include <plait/tensor/buffer.hpp>

namespace plait {

/// Which part of every global batch a rank reads: that of rank `data_rank` among the `data_ways` of the data axis, in
/// `micro` micro-batches. Ranks that differ only along other axes read the same part.
struct data_shard {
  int data_rank = 0;
  int data_ways = 1;
  int micro = 1;

  /// The rows of a global batch that are micro-batch `index` of this part. The parts of all data ranks and
  /// micro-batches are the balanced parts of the batch, in order, so those of one data rank are contiguous; with fewer
  /// rows than parts the last parts have none.
  [[nodiscard]] constexpr index_range micro_rows(std::int64_t global_rows, int index) const {
    const std::int64_t parts = std::int64_t{data_ways} * micro;
    return balanced_part(global_rows, parts, std::int64_t{data_rank} * micro + index);
  }

  /// The rows of a global batch that are this part.
  [[nodiscard]] constexpr index_range rows(std::int64_t global_rows) const {
    return {micro_rows(global_rows, 0).begin, micro_rows(global_rows, micro - 1).end};
  }

  friend constexpr bool operator==(data_shard, data_shard) = default;
};

/// Reads one rank's part of the batches that a sampler orders from a data set.
///
///     auto batches = plait::make_loader<float>(images, plait::sampler{images.samples(), 256, seed}, shard);
///     for (auto& batch : batches.epoch(0)) ...
///
/// Law: the parts of all data ranks and micro-batches together are the global batch, each row once and in its order,
/// for any data_ways and micro, whether they divide the batch or not.
/// There is one buffer, taken at construction: a batch is valid until the next is asked for. Moves, does not copy.
/// Batches lie where the data set does: in host memory, or in the space of a `resident_dataset`.
/// Needs: a data set that outlives the loader.
template <class T, class Target, readable_dataset<T, Target> Data>
class loader {
  using reader = dataset_reader<Data, T, Target>;

 public:
  using space = typename reader::space;
  using batch_type = batch<T, Target, space>;

  /// Needs: a sampler of as many samples as the data set has, 0 <= data_rank < data_ways, micro >= 1.
  /// Throws: usage otherwise.
  loader(const Data& data, sampler order, data_shard shard)
      : data_{&data},
        sampler_{std::move(order)},
        shard_{checked(shard)},
        // A smaller last batch gives no part more rows, so these suffice.
        most_rows_{shard.rows(sampler_.global_batch()).size()},
        reader_{data, most_rows_},
        x_{most_rows_ * data.features()},
        targets_{most_rows_ * data.target_columns()},
        micro_offset_(static_cast<std::size_t>(shard.micro) + 1) {
    require(sampler_.samples() == data.samples(), "loader", [&] {
      return "the sampler orders " + std::to_string(sampler_.samples()) + " samples, but the data set has " +
             std::to_string(data.samples());
    });
  }
  loader(const Data&&, sampler, data_shard) = delete;  // the data set would not outlive the call
  loader(loader&&) noexcept = default;
  loader& operator=(loader&&) noexcept = default;

  [[nodiscard]] std::int64_t batches_per_epoch() const noexcept { return sampler_.batches_per_epoch(); }
  [[nodiscard]] data_shard shard() const noexcept { return shard_; }
  [[nodiscard]] const sampler& order() const noexcept { return sampler_; }

  /// This rank's part of the batch of a step, valid until another is asked for.
  ///
  /// Needs: epoch >= 0, 0 <= step < batches_per_epoch(). Throws: usage otherwise, and what the data set throws.
  const batch_type& at(std::int64_t epoch, std::int64_t step) {
    if (epoch == epoch_ && step == step_) return batch_;
    const std::span<const std::int64_t> global = sampler_.batch(epoch, step);
    const auto global_rows = static_cast<std::int64_t>(global.size());
    const index_range mine = shard_.rows(global_rows);
    for (int j = 0; j < shard_.micro; ++j) {
      micro_offset_[static_cast<std::size_t>(j) + 1] = shard_.micro_rows(global_rows, j).end - mine.begin;
    }
    const auto rows = static_cast<std::size_t>(mine.size());
    const std::span<T> x{x_.data(), rows * static_cast<std::size_t>(data_->features())};
    const std::span<Target> targets{targets_.data(), rows * static_cast<std::size_t>(data_->target_columns())};
    epoch_ = -1;  // until `fill` has returned there is no batch to give again
    reader_.fill(global.subspan(static_cast<std::size_t>(mine.begin), rows), x, targets);
    batch_ = batch_type{.x = x,
                        .targets = targets,
                        .rows = mine.size(),
                        .features = data_->features(),
                        .target_columns = data_->target_columns(),
                        .global_rows = global_rows,
                        .micro_offset = micro_offset_,
                        .first_row = mine.begin};
    epoch_ = epoch;
    step_ = step;
    return batch_;
  }

  /// The batches of an epoch in order, from `first_step` on: a range of `const batch&`.
  [[nodiscard]] auto epoch(std::int64_t epoch, std::int64_t first_step = 0) { return batches{this, epoch, first_step}; }

 private:
  static data_shard checked(data_shard shard) {
    require(shard.micro >= 1, "loader", "a batch is cut into at least one micro-batch");
    require(0 <= shard.data_rank && shard.data_rank < shard.data_ways, "loader", [&] {
      return "there is no rank " + std::to_string(shard.data_rank) + " in a data axis of " +
             std::to_string(shard.data_ways);
    });
    return shard;
  }

  struct batches {
    loader* from;
    std::int64_t epoch;
    std::int64_t step;

    struct iterator {
      using value_type = batch_type;
      using difference_type = std::ptrdiff_t;

      loader* from = nullptr;
      std::int64_t epoch = 0;
      std::int64_t step = 0;

      const batch_type& operator*() const { return from->at(epoch, step); }
      iterator& operator++() { return ++step, *this; }
      void operator++(int) { ++step; }
      friend bool operator==(const iterator& at, std::default_sentinel_t) {
        return at.step >= at.from->batches_per_epoch();
      }
    };

    [[nodiscard]] iterator begin() const { return {from, epoch, step}; }
    [[nodiscard]] std::default_sentinel_t end() const { return {}; }
  };

  const Data* data_;
  sampler sampler_;
  data_shard shard_;
  std::int64_t most_rows_;
  reader reader_;
  buffer<T, space> x_;
  buffer<Target, space> targets_;
  std::vector<std::int64_t> micro_offset_;
  batch_type batch_;
  std::int64_t epoch_ = -1;  ///< of the batch in the buffer; -1: there is none
  std::int64_t step_ = -1;
};

/// A loader that gives inputs as T and targets as Target, by default as the data set names them.
template <class T, class Target, readable_dataset<T, Target> Data>
loader<T, Target, Data> make_loader(const Data& data, sampler order, data_shard shard = {}) {
  return {data, std::move(order), shard};
}

/// \copydoc make_loader
template <class T, class Data>
  requires readable_dataset<Data, T, typename Data::target_type> loader<T, typename Data::target_type, Data>
  make_loader(const Data& data, sampler order, data_shard shard = {}) {
    return {data, std::move(order), shard};
  }

/// A data set that would not outlive the call.
template <class T, class... Target, class Data>
void make_loader(const Data&& data, sampler order, data_shard shard = {}) = delete;

}  // namespace plait
