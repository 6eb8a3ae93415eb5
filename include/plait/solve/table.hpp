// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <type_traits>

namespace plait {

/// A growing array of plain values that is indexed with `int`, as rows and columns of a linear program are.
///
/// It keeps its memory when it shrinks, so work that is repeated at the same size takes none anew. Own memory instead
/// of a std::vector inside, because the solver has arrays of some twenty types and each vector costs compilers as much
/// as ten of these.
template <class T>
class table {
  static_assert(std::is_trivially_copyable_v<T>, "plait::table: elements must be plain values");
  static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__, "plait::table: elements must not be over-aligned");

 public:
  table() noexcept {}  // defaulted, it makes compilers look at each class of tables as one of constants
  explicit table(int count, const T& fill = T{}) { resize(count, fill); }
  explicit table(std::span<const T> values) {
    for (const T& v : values) push_back(v);
  }
  table(const table& other) { *this = other; }
  table(table&& other) noexcept : data_{other.data_}, size_{other.size_}, room_{other.room_} {
    other.data_ = nullptr;
    other.size_ = other.room_ = 0;
  }
  table& operator=(const table& other) {
    if (this == &other) return *this;
    make_room(other.size_);
    move_to(data_, other.data_, other.size_);
    size_ = other.size_;
    return *this;
  }
  table& operator=(table&& other) noexcept {
    T* const data = data_;
    const int size = size_, room = room_;
    data_ = other.data_;
    size_ = other.size_;
    room_ = other.room_;
    other.data_ = data;
    other.size_ = size;
    other.room_ = room;
    return *this;
  }
  ~table() { ::operator delete(data_); }

  [[nodiscard]] int size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  T& operator[](int i) noexcept { return data_[i]; }
  const T& operator[](int i) const noexcept { return data_[i]; }
  [[nodiscard]] T* data() noexcept { return data_; }
  [[nodiscard]] const T* data() const noexcept { return data_; }
  T* begin() noexcept { return data_; }
  T* end() noexcept { return data_ + size_; }
  const T* begin() const noexcept { return data_; }
  const T* end() const noexcept { return data_ + size_; }
  T& back() noexcept { return data_[size_ - 1]; }
  const T& back() const noexcept { return data_[size_ - 1]; }

  void push_back(const T& value) {
    const T kept = value;  // it may be one of these
    if (size_ == room_) reserve(2 * size_ + 32);
    data_[size_++] = kept;
  }
  void pop_back() noexcept { --size_; }
  void clear() noexcept { size_ = 0; }
  void resize(int count, const T& fill = T{}) {
    const T kept = fill;
    if (count > room_) reserve(count);
    if (count > size_) spread(data_ + size_, count - size_, kept);
    size_ = count;
  }
  /// So many places, of which the caller writes each before reading it: nothing is kept or filled in.
  void resize_unset(int count) {
    make_room(count);
    size_ = count;
  }
  /// `count` places of another, from `at` on.
  void copy(const table& other, int at, int count) {
    make_room(count);
    move_to(data_, other.data_ + at, count);
    size_ = count;
  }
  /// Places `first` .. `last` of another, to the same places. Needs: both have them.
  void copy_part(const table& other, int first, int last) { move_to(data_ + first, other.data_ + first, last - first); }
  /// Whether these places are the same, bit by bit.
  [[nodiscard]] bool same_part(const table& other, int first, int last) const {
    return first == last ||
           std::memcmp(data_ + first, other.data_ + first, static_cast<std::size_t>(last - first) * sizeof(T)) == 0;
  }
  void copy_to(T* place) const { move_to(place, data_, size_); }
  void assign(int count, const T& fill) {
    const T kept = fill;
    make_room(count);
    spread(data_, count, kept);
    size_ = count;
  }
  [[gnu::noinline]] void reserve(int count) {  // so that the rest of a push_back is short
    if (count <= room_) return;
    auto* const larger = static_cast<T*>(::operator new(static_cast<std::size_t>(count) * sizeof(T)));
    move_to(larger, data_, size_);
    ::operator delete(data_);
    data_ = larger;
    room_ = count;
  }
  /// At least `count` in all; memory grows by half when it is not there, so that many small growths stay cheap.
  void grow(int count) {
    if (count <= size_) return;
    if (count > room_) reserve(count + count / 2);
    resize(count);
  }

  friend bool operator==(const table& a, const table& b) {
    if (a.size_ != b.size_) return false;
    for (int i = 0; i < a.size_; ++i)
      if (!(a.data_[i] == b.data_[i])) return false;
    return true;
  }

 private:
  static void move_to(T* to, const T* from, int count) {
    if (count > 0) std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(T));
  }
  /// Doubling what is there, where it is not zero: compilers do not make one call of such a loop at -O2.
  static void spread(T* to, int count, const T& value) {
    static constexpr unsigned char zero[sizeof(T)]{};
    if (count > 0 && std::memcmp(&value, zero, sizeof(T)) == 0) {
      std::memset(static_cast<void*>(to), 0, static_cast<std::size_t>(count) * sizeof(T));
      return;
    }
    int done = 0;
    for (; done < count && done < 8; ++done) to[done] = value;
    for (; done < count; done += done < count - done ? done : count - done)
      move_to(to + done, to, done < count - done ? done : count - done);
  }
  /// Room for so many, whatever was there.
  void make_room(int count) {
    if (count <= room_) return;
    // Memory that nobody writes to yet: the system gives what is large page by page, where it is written to.
    auto* const larger = static_cast<T*>(::operator new(static_cast<std::size_t>(count) * sizeof(T)));
    ::operator delete(data_);
    data_ = larger;
    room_ = count;
    size_ = 0;
  }
  T* data_ = nullptr;
  int size_ = 0, room_ = 0;
};

/// Whether all is the same, bit by bit: cheaper than `==`, to which 0 and -0 are one.
template <class T>
bool same_bits(const table<T>& a, const table<T>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(T)) == 0);
}

/// Makes `to`, from place `at` on, what `from` is, and tells which stretches were other before: of what is copied again
/// and again little changes. Needs: room in `to`.
template <class T, class Changed>
void copy_changed(const table<T>& from, table<T>& to, int at, Changed&& changed) {
  constexpr int length = 64;
  for (int first = 0; first < from.size(); first += length) {
    const int count = first + length < from.size() ? length : from.size() - first;
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
    if (std::memcmp(to.data() + at + first, from.data() + first, bytes) == 0) continue;
    std::memcpy(to.data() + at + first, from.data() + first, bytes);
    changed(at + first, at + first + count);
  }
}

}  // namespace plait
