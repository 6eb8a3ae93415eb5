// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <plait/core/require.hpp>

namespace plait {

/// A data set made of two arrays in memory: snapshots of a simulation with the values to predict, say, or a small test.
///
/// Inputs are converted to the type asked for, and so are real targets; integer targets are class numbers and stay as
/// they are. Models `dataset`.
template <std::floating_point T, class Target>
  requires std::floating_point<Target> || std::same_as<Target, std::int32_t>
class in_memory_dataset {
 public:
  using target_type = Target;

  /// x: [samples, features], targets: [samples, target columns], row-major; the columns follow from the sizes.
  ///
  /// Needs: samples >= 1, at least one column in each, and sizes that divide by samples. Throws: usage otherwise.
  in_memory_dataset(std::int64_t samples, std::vector<T> x, std::vector<Target> targets)
      : samples_{samples}, x_{std::move(x)}, targets_{std::move(targets)} {
    require(samples >= 1, "in_memory_dataset", "a data set needs at least one sample");
    features_ = columns(x_.size(), "inputs");
    target_columns_ = columns(targets_.size(), "targets");
  }

  [[nodiscard]] std::int64_t samples() const noexcept { return samples_; }
  [[nodiscard]] std::int64_t features() const noexcept { return features_; }
  [[nodiscard]] std::int64_t target_columns() const noexcept { return target_columns_; }

  /// See `dataset`. Throws: usage where a sample is not there or room has the wrong size.
  template <std::floating_point To, class ToTarget>
    requires std::same_as<ToTarget, Target> ||
        (std::floating_point<ToTarget>&& std::floating_point<Target>)void fill(std::span<const std::int64_t> samples,
                                                                               std::span<To> x,
                                                                               std::span<ToTarget> targets) const {
      gather(samples, std::span{x_}, features_, x);
      gather(samples, std::span{targets_}, target_columns_, targets);
    }

   private:
    std::int64_t columns(std::size_t size, const char* what) const {
      const auto values = static_cast<std::int64_t>(size);
      require(values >= samples_ && values % samples_ == 0, "in_memory_dataset", [&] {
        return std::to_string(values) + " " + what + " cannot be dealt out evenly to " + std::to_string(samples_) +
               " samples";
      });
      return values / samples_;
    }

    template <class From, class To>
    void gather(std::span<const std::int64_t> samples, std::span<const From> from, std::int64_t columns,
                std::span<To> to) const {
      require(to.size() == samples.size() * static_cast<std::size_t>(columns), "in_memory_dataset::fill", [&] {
        return std::to_string(samples.size()) + " samples of " + std::to_string(columns) +
               " columns do not fit room for " + std::to_string(to.size()) + " values exactly";
      });
      std::size_t next = 0;
      for (std::int64_t sample : samples) {
        require(0 <= sample && sample < samples_, "in_memory_dataset::fill", [&] {
          return "there are " + std::to_string(samples_) + " samples, so there is none at " + std::to_string(sample);
        });
        const auto row = from.subspan(static_cast<std::size_t>(sample * columns), static_cast<std::size_t>(columns));
        for (From value : row) to[next++] = static_cast<To>(value);
      }
    }

    std::int64_t samples_;
    std::int64_t features_ = 0;
    std::int64_t target_columns_ = 0;
    std::vector<T> x_;
    std::vector<Target> targets_;
};

}  // namespace plait
