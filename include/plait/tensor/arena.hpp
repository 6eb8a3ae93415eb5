// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <plait/core/require.hpp>
#include <plait/tensor/buffer.hpp>
#include <plait/tensor/ledger.hpp>

namespace plait {

/// The bytes that `count` elements of T take in an arena: rounded up to the alignment of the space.
template <class T, class Space>
constexpr std::int64_t arena_bytes(std::int64_t count) {
  constexpr auto step = static_cast<std::int64_t>(Space::alignment);
  return (count * static_cast<std::int64_t>(sizeof(T)) + step - 1) / step * step;
}

/// One allocation of one class, dealt out in order and given back as a whole.
///
/// A step allocates nothing: a trainer takes one arena for each class, of the size that its plan says, before it
/// starts. The ledger, if any, must outlive the arena.
template <class Space>
class arena {
 public:
  arena(memory_class kind, std::int64_t size, ledger* counted) : kind_{kind}, memory_{size}, counted_{counted} {
    if (counted_ != nullptr) counted_->taken(kind_, size);
  }
  arena(arena&& other) noexcept
      : kind_{other.kind_},
        memory_{std::move(other.memory_)},
        used_{other.used_},
        counted_{std::exchange(other.counted_, nullptr)} {}
  arena& operator=(arena&&) = delete;
  ~arena() {
    if (counted_ != nullptr) counted_->returned(kind_, memory_.size());
  }

  /// The next `count` elements. Throws: usage, when the arena is too small, which is a fault of the plan.
  template <class T>
  T* take(std::int64_t count) {
    const std::int64_t size = arena_bytes<T, Space>(count);
    require(used_ + size <= memory_.size(), "plait::arena::take", [&] {
      return "the arena for " + std::string{name_of(kind_)} + " holds " + std::to_string(memory_.size()) +
             " bytes, and " + std::to_string(used_ + size) + " are asked for";
    });
    T* const begin = reinterpret_cast<T*>(memory_.data() + used_);
    used_ += size;
    return begin;
  }

  [[nodiscard]] std::int64_t size() const { return memory_.size(); }
  [[nodiscard]] std::int64_t used() const { return used_; }
  [[nodiscard]] std::byte* data() const { return memory_.data(); }

 private:
  memory_class kind_;
  buffer<std::byte, Space> memory_;
  std::int64_t used_ = 0;
  ledger* counted_;
};

}  // namespace plait
