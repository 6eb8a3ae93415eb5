// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/data/dataset.hpp>
#include <plait/data/dataset_reader.hpp>
#include <plait/kernels/gather_rows.hpp>
#include <plait/tensor/buffer.hpp>

namespace plait {

/// A data set that lies whole in a space, a device's memory say, so that a step uploads the numbers of its samples
/// instead of the samples. A loader over it gives batches in that space:
///
///     const plait::resident_dataset<float, std::int32_t, plait::cuda> images{files};
///     auto batches = plait::make_loader<float>(images, order, shard);
///     for (auto& batch : batches.epoch(0)) trainer.step(batch);
///
/// Any number of loaders may read one, in several threads too. Takes samples * (features * sizeof(T) + target columns *
/// sizeof(Target)) bytes of the space. For CUDA include `kernels/gather_rows.cuh` (`plait.cuh` does).
template <class T, class Target, class Space>
class resident_dataset {
 public:
  using target_type = Target;
  using space = Space;

  /// Copies a data set; through host memory, 4096 samples at a time. Throws: what the data set or the space throws.
  template <dataset<T, Target> Data>
  explicit resident_dataset(const Data& data)
      : samples_{data.samples()},
        features_{data.features()},
        target_columns_{data.target_columns()},
        x_{samples_ * features_},
        targets_{samples_ * target_columns_} {
    constexpr std::int64_t at_once = 4096;
    const typename Space::owned_stream owned;
    const typename Space::stream order = owned;
    std::vector<std::int64_t> which;
    std::vector<T> x;
    std::vector<Target> targets;
    for (std::int64_t begin = 0; begin < samples_; begin += at_once) {
      const std::int64_t rows = std::min(at_once, samples_ - begin);
      which.resize(static_cast<std::size_t>(rows));
      std::iota(which.begin(), which.end(), begin);
      x.resize(static_cast<std::size_t>(rows * features_));
      targets.resize(static_cast<std::size_t>(rows * target_columns_));
      data.fill(std::span<const std::int64_t>{which}, std::span{x}, std::span{targets});
      Space::upload(x_.data() + begin * features_, x.data(), x.size() * sizeof(T), order);
      Space::upload(targets_.data() + begin * target_columns_, targets.data(), targets.size() * sizeof(Target), order);
    }
  }

  [[nodiscard]] std::int64_t samples() const noexcept { return samples_; }
  [[nodiscard]] std::int64_t features() const noexcept { return features_; }
  [[nodiscard]] std::int64_t target_columns() const noexcept { return target_columns_; }
  [[nodiscard]] const T* x() const noexcept { return x_.data(); }                   ///< [samples, features]
  [[nodiscard]] const Target* targets() const noexcept { return targets_.data(); }  ///< [samples, target columns]

 private:
  std::int64_t samples_;
  std::int64_t features_;
  std::int64_t target_columns_;
  buffer<T, Space> x_;
  buffer<Target, Space> targets_;
};

/// Gathers rows in the space, in a stream of its own, and returns when they are there.
template <class T, class Target, class Space>
class dataset_reader<resident_dataset<T, Target, Space>, T, Target> {
 public:
  using space = Space;

  dataset_reader(const resident_dataset<T, Target, Space>& data, std::int64_t most_rows)
      : data_{&data}, rows_{most_rows} {}

  /// samples: in host memory, at most as many as were said; x and targets: in the space, of as many rows. Throws: usage
  /// otherwise, and where a sample is not there.
  void fill(std::span<const std::int64_t> samples, std::span<T> x, std::span<Target> targets) {
    const auto count = static_cast<std::int64_t>(samples.size());
    require(count <= rows_.size() && static_cast<std::int64_t>(x.size()) == count * data_->features() &&
                static_cast<std::int64_t>(targets.size()) == count * data_->target_columns(),
            "resident_dataset", "the room is not that of the samples asked for");
    for (std::int64_t sample : samples)
      require(0 <= sample && sample < data_->samples(), "resident_dataset", [&] {
        return "there are " + std::to_string(data_->samples()) + " samples, so there is none at " +
               std::to_string(sample);
      });
    const typename Space::stream order = order_;
    Space::upload(rows_.data(), samples.data(), samples.size_bytes(), order);
    gather_rows(data_->x(), data_->features(), rows_.data(), count, x.data(), order);
    gather_rows(data_->targets(), data_->target_columns(), rows_.data(), count, targets.data(), order);
    order.synchronize();
  }

 private:
  const resident_dataset<T, Target, Space>* data_;
  buffer<std::int64_t, Space> rows_;  ///< the samples asked for, in the space
  typename Space::owned_stream order_;
};

}  // namespace plait
