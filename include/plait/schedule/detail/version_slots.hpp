// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <plait/core/scratch.hpp>
#include <plait/schedule/shape.hpp>
#include <plait/schedule/weight_versions.hpp>

namespace plait::detail {

/// Deals a chunk's weight buffers out to the versions that its passes read and its updates make: an update writes the
/// buffer of a version that nobody will read again, or a new one.
class version_slots {
 public:
  constexpr version_slots(weight_versions policy, pipe_shape shape)
      : policy_{policy},
        shape_{shape},
        buffer_memory_(static_cast<std::size_t>(shape.all_micro() + 2)),
        read_memory_(static_cast<std::size_t>(shape.all_micro())),
        version_in_{buffer_memory_.data()},
        readers_memory_(static_cast<std::size_t>(shape.all_micro() + 2)) {
    if (policy == weight_versions::double_buffered) {
      version_in_[0] = -1;
      version_in_[1] = 0;
      count_ = 2;
    }
  }

  /// The buffer that the forward pass of a micro-batch reads; -1: its version is not here.
  constexpr int forward(int micro) {
    const int fixed = fixed_version(policy_, micro, shape_.micro, shape_.ranks);
    const int buffer = buffer_of(fixed == -2 ? newest_ : fixed);
    read_memory_.data()[micro] = static_cast<std::int16_t>(buffer);
    if (buffer >= 0) ++readers_memory_.data()[buffer];
    return buffer;
  }
  /// The buffer that its backward passes read; `last`: none will read it for this micro-batch again.
  constexpr int backward(int micro, bool last) {
    const int buffer = read_memory_.data()[micro];
    if (last && buffer >= 0) {
      --readers_memory_.data()[buffer];
      ++done_;
    }
    return buffer;
  }
  /// The buffer that an update writes: the newest version is the one in it from now on.
  constexpr int update() {
    int buffer = 0;
    while (buffer < count_ && is_needed(buffer)) ++buffer;
    if (buffer == count_) ++count_;
    version_in_[buffer] = static_cast<std::int16_t>(++newest_);
    return buffer;
  }
  [[nodiscard]] constexpr int count() const { return count_; }
  /// The buffer of the newest version.
  [[nodiscard]] constexpr int newest() const { return buffer_of(newest_); }

 private:
  [[nodiscard]] constexpr int buffer_of(int version) const {
    for (int buffer = 0; buffer < count_; ++buffer)
      if (version_in_[buffer] == version) return buffer;
    return -1;
  }
  /// Micro-batches go backward in their order, so those to come are the ones from `done_` on.
  [[nodiscard]] constexpr bool is_needed(int buffer) const {
    if (readers_memory_.data()[buffer] > 0) return true;
    if (policy_ == weight_versions::stash) return false;
    return version_in_[buffer] >= fixed_version(policy_, done_, shape_.micro, shape_.ranks);
  }

  weight_versions policy_;
  pipe_shape shape_;
  scratch<std::int16_t> buffer_memory_;
  scratch<std::int16_t> read_memory_;  ///< [micro]: the buffer it reads
  std::int16_t* version_in_;           ///< [buffers]
  scratch<int> readers_memory_;        ///< [buffers]: micro-batches that have read it and will again
  int newest_ = 0;
  int count_ = 1;
  int done_ = 0;  ///< micro-batches through their backward pass
};

}  // namespace plait::detail
