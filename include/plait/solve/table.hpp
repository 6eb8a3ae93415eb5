// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

namespace plait {

/// A growing array that is indexed with `int`, as rows and columns of a linear program are.
///
/// It keeps its memory when it shrinks, so a solve that is repeated on a model of the same shape allocates nothing.
template <class T>
class table {
 public:
  table() = default;
  explicit table(int count, const T& fill = T{}) : data_(static_cast<std::size_t>(count), fill) {}
  explicit table(std::vector<T> values) : data_(static_cast<std::vector<T>&&>(values)) {}

  [[nodiscard]] int size() const noexcept { return static_cast<int>(data_.size()); }
  [[nodiscard]] bool empty() const noexcept { return data_.empty(); }
  T& operator[](int i) noexcept { return data_[static_cast<std::size_t>(i)]; }
  const T& operator[](int i) const noexcept { return data_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] T* data() noexcept { return data_.data(); }
  [[nodiscard]] const T* data() const noexcept { return data_.data(); }
  T* begin() noexcept { return data_.data(); }
  T* end() noexcept { return data_.data() + data_.size(); }
  const T* begin() const noexcept { return data_.data(); }
  const T* end() const noexcept { return data_.data() + data_.size(); }
  T& back() noexcept { return data_.back(); }
  const T& back() const noexcept { return data_.back(); }

  void push_back(const T& value) { data_.push_back(value); }
  void pop_back() noexcept { data_.pop_back(); }
  void clear() noexcept { data_.clear(); }
  void resize(int count, const T& fill = T{}) { data_.resize(static_cast<std::size_t>(count), fill); }
  void assign(int count, const T& fill) { data_.assign(static_cast<std::size_t>(count), fill); }
  void reserve(int count) { data_.reserve(static_cast<std::size_t>(count)); }
  /// Room for at least `count` in all, grown by half when it is not there, so that many small growths stay cheap.
  void grow(int count) {
    if (count > size()) {
      const int wanted = count + count / 2;
      if (static_cast<std::size_t>(count) > data_.capacity()) reserve(wanted);
      resize(count);
    }
  }

  friend bool operator==(const table&, const table&) = default;

 private:
  std::vector<T> data_;
};

}  // namespace plait
