// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <plait/core/random.hpp>
#include <plait/core/require.hpp>

namespace plait {

/// Where a run stands in its data: an order of samples, and the batch that is next. Enough to go on from there, since
/// the order depends on nothing else.
struct sampler_state {
  std::int64_t samples = 0;
  std::int64_t global_batch = 0;
  std::uint64_t seed = 0;
  bool shuffled = true;
  std::int64_t epoch = 0;
  std::int64_t step = 0;  ///< within the epoch

  friend bool operator==(const sampler_state&, const sampler_state&) = default;
};

/// The order in which samples are seen: which of them make up the global batch of a step.
///
/// It depends on (seed, epoch, step) alone, so that every rank of every layout sees the same order, and any step can be
/// gone to without replaying those before it.
///
/// Laws:
///   1. no sample comes twice in an epoch; all come where the batches divide the samples, or the order is sequential
///   2. equal (samples, global batch, seed, epoch, step) give equal batches, in any order of calls
///   3. different epochs and different seeds give different orders
/// Cost: 8 bytes per sample; a permutation once per epoch; nothing is allocated after construction.
class sampler {
 public:
  /// A new random order in each epoch, for training. The last `samples % global_batch` samples of each epoch's order
  /// are left out, so that all batches are of one size.
  ///
  /// Needs: 1 <= global_batch <= samples < 2^32. Throws: usage otherwise.
  sampler(std::int64_t samples, std::int64_t global_batch, std::uint64_t seed)
      : sampler{samples, global_batch, seed, /*shuffled=*/true} {
    require(global_batch <= samples, "sampler", [&] {
      return "a global batch of " + std::to_string(global_batch) + " needs at least as many samples, found " +
             std::to_string(samples);
    });
  }

  /// The order 0, 1, 2, ... in every epoch, for evaluation. All samples are seen, so the last batch may be smaller.
  ///
  /// Needs: global_batch >= 1 and 1 <= samples < 2^32. Throws: usage otherwise.
  static sampler sequential(std::int64_t samples, std::int64_t global_batch) {
    return {samples, global_batch, /*seed=*/0, /*shuffled=*/false};
  }

  [[nodiscard]] std::int64_t samples() const noexcept { return samples_; }
  [[nodiscard]] std::int64_t global_batch() const noexcept { return global_batch_; }
  [[nodiscard]] std::int64_t batches_per_epoch() const noexcept {
    return samples_ / global_batch_ + (!shuffled_ && samples_ % global_batch_ > 0 ? 1 : 0);
  }

  /// The state in which the batch of that step is next; the end of an epoch is the begin of another.
  [[nodiscard]] sampler_state state_before(std::int64_t epoch, std::int64_t step) const noexcept {
    const std::int64_t batches = batches_per_epoch();
    return {samples_, global_batch_, seed_, shuffled_, epoch + step / batches, step % batches};
  }

  /// Throws: usage, unless the state is of this order, so that `batch(state.epoch, state.step)` is what came next
  /// there.
  void require_same_order(const sampler_state& state) const {
    const auto same = [](const char* what, auto is, auto was, const char* advice) {
      require(is == was, "sampler", [&] {
        return std::string{"the "} + what + " " + std::to_string(is) + " now and " + std::to_string(was) +
               " in the state to go on from; " + advice;
      });
    };
    same("samples are", samples_, state.samples, "give the same data set");
    same("samples of a global batch are", global_batch_, state.global_batch, "give the same batch");
    same("seed of the order is", seed_, state.seed, "give the same seed");
    require(shuffled_ == state.shuffled, "sampler",
            "one of this order and that of the state is shuffled, not the other");
    require(state.epoch >= 0 && state.step >= 0 && state.step < batches_per_epoch(), "sampler",
            "the state to go on from lies in no epoch");
  }

  /// The samples of the global batch of a step, valid until another epoch is asked for.
  ///
  /// Needs: epoch >= 0, 0 <= step < batches_per_epoch(). Throws: usage otherwise.
  [[nodiscard]] std::span<const std::int64_t> batch(std::int64_t epoch, std::int64_t step) {
    require(epoch >= 0, "sampler::batch", [&] { return "there is no epoch " + std::to_string(epoch); });
    require(0 <= step && step < batches_per_epoch(), "sampler::batch", [&] {
      return "an epoch has " + std::to_string(batches_per_epoch()) + " batches, so there is none at step " +
             std::to_string(step);
    });
    if (shuffled_ && epoch != epoch_) shuffle(epoch);
    const std::int64_t begin = step * global_batch_, size = std::min(global_batch_, samples_ - begin);
    return std::span{order_}.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(size));
  }

 private:
  sampler(std::int64_t samples, std::int64_t global_batch, std::uint64_t seed, bool shuffled)
      : samples_{samples}, global_batch_{global_batch}, seed_{seed}, shuffled_{shuffled} {
    require(global_batch >= 1, "sampler", "a global batch has at least one sample");
    require(1 <= samples && samples <= std::int64_t{0xffffffff}, "sampler",
            [&] { return "there must be 1 to 2^32 - 1 samples, found " + std::to_string(samples); });
    order_.resize(static_cast<std::size_t>(samples));
    std::iota(order_.begin(), order_.end(), std::int64_t{0});
  }

  /// The permutation of an epoch, by the algorithm of Fisher and Yates (Durstenfeld, CACM 7(7), 1964). Position i is
  /// exchanged with one drawn from 0 .. i; the bias of a draw is below samples / 2^32.
  void shuffle(std::int64_t epoch) {
    const random_stream stream{seed_, "plait.sampler", static_cast<std::uint64_t>(epoch)};
    std::iota(order_.begin(), order_.end(), std::int64_t{0});
    for (std::size_t i = order_.size() - 1; i > 0; --i) {
      std::swap(order_[i], order_[stream.below(i, static_cast<std::uint32_t>(i + 1))]);
    }
    epoch_ = epoch;
  }

  std::int64_t samples_;
  std::int64_t global_batch_;
  std::uint64_t seed_;
  bool shuffled_;
  std::int64_t epoch_ = -1;  ///< whose permutation `order_` is; -1: the order 0, 1, 2, ...
  std::vector<std::int64_t> order_;
};

}  // namespace plait
