// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include <plait/data/dataset.hpp>
#include <plait/tensor/host.hpp>

namespace plait {

/// How a loader gets at the rows of a data set: `fill(samples, x, targets)` as in `dataset`, with x and targets in the
/// memory of `space`. For a data set as such that is host memory; one that lies elsewhere specialises this.
template <class Data, class T, class Target>
class dataset_reader;

template <class Data, class T, class Target>
  requires dataset<Data, T, Target>
class dataset_reader<Data, T, Target> {
 public:
  using space = host;

  /// most_rows: how many rows are asked for at once, at most.
  dataset_reader(const Data& data, std::int64_t /*most_rows*/) : data_{&data} {}

  void fill(std::span<const std::int64_t> samples, std::span<T> x, std::span<Target> targets) {
    data_->fill(samples, x, targets);
  }

 private:
  const Data* data_;
};

/// What a loader can read: inputs as T, targets as Target.
template <class Data, class T, class Target>
concept readable_dataset = requires {
  typename dataset_reader<Data, T, Target>::space;
};

}  // namespace plait
