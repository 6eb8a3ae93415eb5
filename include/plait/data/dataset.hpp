// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <span>

namespace plait {

/// Samples to learn from: each has `features()` inputs and `target_columns()` targets, and any set can be asked for.
///
/// T is what the inputs are wanted in (float, double). Target is a class number (std::int32_t, one column) or a real.
/// `fill(samples, x, targets)` writes x: [samples, features] and targets: [samples, target_columns], row-major, where
/// row i belongs to sample `samples[i]`.
///
/// Laws (each is a test that every model is put through, `tests/data/laws.hpp`):
///   1. `fill` writes every element of both, and only those
///   2. a row depends on its sample alone: not on the others asked for, their order, or on earlier calls
///   3. no samples is a legal request
///   4. a sample that is not there, or room of the wrong size, is an error
///   5. `fill` may be called by several threads at once
/// A member type `target_type` spares users naming Target: `make_loader<float>(data, ...)`.
template <class D, class T, class Target>
concept dataset = requires(const D& data, std::span<const std::int64_t> samples, std::span<T> x,
                           std::span<Target> targets) {
  { data.samples() } -> std::same_as<std::int64_t>;
  { data.features() } -> std::same_as<std::int64_t>;
  { data.target_columns() } -> std::same_as<std::int64_t>;
  data.fill(samples, x, targets);
};

}  // namespace plait
