// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace plait {

/// Owns `size()` elements of T in a space; moves, does not copy. The elements start uninitialised.
template <class T, class Space>
class buffer {
 public:
  buffer() = default;
  explicit buffer(std::int64_t size)
      : data_{size > 0 ? static_cast<T*>(Space::allocate(static_cast<std::size_t>(size) * sizeof(T))) : nullptr},
        size_{size} {}
  buffer(buffer&& other) noexcept : data_{std::exchange(other.data_, nullptr)}, size_{std::exchange(other.size_, 0)} {}
  buffer& operator=(buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~buffer() {
    if (data_ != nullptr) Space::release(data_);
  }

  [[nodiscard]] T* data() const noexcept { return data_; }
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }

 private:
  T* data_ = nullptr;
  std::int64_t size_ = 0;
};

}  // namespace plait
