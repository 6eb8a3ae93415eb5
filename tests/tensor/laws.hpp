// SPDX-License-Identifier: Apache-2.0
#pragma once
// The laws of a space, as tests that every space is put through: laws.cpp has the host, laws.cu a device.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <plait/tensor/arena.hpp>
#include <plait/tensor/buffer.hpp>
#include <plait/tensor/ledger.hpp>

#include <doctest/doctest.h>

namespace plait::laws {

/// Values in the memory of a space, and back.
template <class Space, class T>
buffer<T, Space> put(const std::vector<T>& values, typename Space::stream order) {
  buffer<T, Space> memory{static_cast<std::int64_t>(values.size())};
  Space::upload(memory.data(), values.data(), values.size() * sizeof(T), order);
  return memory;
}
template <class Space, class T>
std::vector<T> get(const T* from, std::size_t count, typename Space::stream order) {
  std::vector<T> values(count);
  Space::download(values.data(), from, count * sizeof(T), order);
  return values;
}

/// 0, 1, 2, ...
inline std::vector<int> counted(int count) {
  std::vector<int> values;
  for (int i = 0; i < count; ++i) values.push_back(i);
  return values;
}

TEST_CASE_TEMPLATE_DEFINE("values come back from a space as they went in", Space, values_come_back) {
  const typename Space::owned_stream owned;
  const typename Space::stream order = owned;
  const auto values = counted(100003);
  const auto first = put<Space>(values, order);
  const buffer<int, Space> second{first.size()};
  Space::copy(second.data(), first.data(), values.size() * sizeof(int), order);
  Space::copy(second.data(), second.data(), values.size() * sizeof(int), order);  // onto itself
  CHECK(get<Space>(second.data(), values.size(), order) == values);
}

TEST_CASE_TEMPLATE_DEFINE("host memory may be used again once an upload has returned", Space, uploads_are_done) {
  const typename Space::owned_stream owned;
  const typename Space::stream order = owned;
  std::vector<int> values = counted(1 << 20);
  const auto memory = put<Space>(values, order);
  values.assign(values.size(), -1);
  CHECK(get<Space>(memory.data(), values.size(), order) == counted(1 << 20));
}

TEST_CASE_TEMPLATE_DEFINE("zero clears the bytes it is given and no others", Space, zero_clears) {
  const typename Space::owned_stream owned;
  const typename Space::stream order = owned;
  const auto memory = put<Space>(std::vector<int>{-1, -2, -3, -4}, order);
  Space::zero(memory.data() + 1, 2 * sizeof(int), order);
  CHECK(get<Space>(memory.data(), 4, order) == std::vector<int>{-1, 0, 0, -4});
}

TEST_CASE_TEMPLATE_DEFINE("no bytes are a legal number of bytes", Space, no_bytes) {
  const typename Space::owned_stream owned;
  const typename Space::stream order = owned;
  Space::zero(nullptr, 0, order);
  Space::copy(nullptr, nullptr, 0, order);
  Space::upload(nullptr, nullptr, 0, order);
  Space::download(nullptr, nullptr, 0, order);
  void* const nothing = Space::allocate(0);
  CHECK(nothing != nullptr);
  Space::release(nothing);
}

TEST_CASE_TEMPLATE_DEFINE("memory begins at a multiple of the alignment", Space, memory_is_aligned) {
  for (std::int64_t size : {1, 3, 1000}) {
    const buffer<char, Space> memory{size};
    CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) % Space::alignment == 0);
  }
}

TEST_CASE_TEMPLATE_DEFINE("a fence holds a stream until another has come to it", Space, fences_hold) {
  typename Space::owned_stream first, second;
  const std::vector<int> values = counted(1 << 22), rubbish(values.size(), -1);
  const std::size_t bytes = values.size() * sizeof(int);
  const auto source = put<Space>(values, first);
  const auto middle = put<Space>(rubbish, first), target = put<Space>(rubbish, first);
  typename Space::fence none, passed;
  none.wait(second);  // never recorded: holds nobody
  for (int repeat = 0; repeat < 20; ++repeat) Space::zero(middle.data(), bytes, first);
  Space::copy(middle.data(), source.data(), bytes, first);
  passed.record(first);
  typename Space::fence moved{std::move(passed)};
  moved.wait(second);
  Space::copy(target.data(), middle.data(), bytes, second);
  CHECK(get<Space>(target.data(), values.size(), second) == values);
}

TEST_CASE_TEMPLATE_DEFINE("marks are reached one after another", Space, marks_follow) {
  typename Space::owned_stream owned;
  using mark = typename Space::mark;
  const buffer<int, Space> memory{1 << 22};
  mark begin, middle, end;
  begin.record(owned);
  for (int repeat = 0; repeat < 4; ++repeat) Space::zero(memory.data(), (1 << 22) * sizeof(int), owned);
  middle.record(owned);
  end.record(owned);
  CHECK(mark::wall_seconds(begin, middle) > 0);
  CHECK(mark::work_seconds(begin, middle) > 0);
  CHECK(mark::wall_seconds(middle, end) >= 0);
  CHECK(mark::wall_seconds(begin, end) < 10);
  const double parts = mark::wall_seconds(begin, middle) + mark::wall_seconds(middle, end);
  CHECK(std::abs(parts - mark::wall_seconds(begin, end)) < 2e-6);  // the clock of a device ticks in half microseconds
  CHECK(mark::since(begin, middle) == mark::wall_seconds(begin, middle));
  mark moved{std::move(end)};
  CHECK(mark::wall_seconds(begin, moved) >= mark::wall_seconds(begin, middle));
}

TEST_CASE_TEMPLATE_DEFINE("a buffer moves and gives its memory back once", Space, buffers_move) {
  using memory = buffer<int, Space>;
  static_assert(!std::is_copy_constructible_v<memory> && !std::is_copy_assignable_v<memory>);
  static_assert(std::is_nothrow_move_constructible_v<memory> && std::is_nothrow_move_assignable_v<memory>);
  memory first{10};
  int* const data = first.data();
  CHECK(data != nullptr);
  memory second{std::move(first)};
  CHECK(second.data() == data);
  CHECK(second.size() == 10);
  CHECK(first.data() == nullptr);
  CHECK(first.size() == 0);
  memory third;
  third = std::move(second);
  CHECK(third.data() == data);
  CHECK(third.size() == 10);
  CHECK(second.data() == nullptr);
  CHECK(memory{0}.data() == nullptr);
}

TEST_CASE_TEMPLATE_DEFINE("what an arena deals out is aligned, apart, and in one piece of memory", Space,
                          arenas_deal_out) {
  const typename Space::owned_stream owned;
  const typename Space::stream order = owned;
  arena<Space> all{memory_class::weights, arena_bytes<int, Space>(100) + arena_bytes<double, Space>(1), nullptr};
  int* const first = all.template take<int>(100);
  double* const second = all.template take<double>(1);
  CHECK(reinterpret_cast<std::byte*>(first) == all.data());
  CHECK(reinterpret_cast<std::byte*>(second) == all.data() + arena_bytes<int, Space>(100));
  CHECK(reinterpret_cast<std::uintptr_t>(second) % Space::alignment == 0);
  const double one = 1;
  Space::upload(second, &one, sizeof one, order);
  Space::upload(first, counted(100).data(), 100 * sizeof(int), order);
  CHECK(get<Space>(second, 1, order) == std::vector{1.0});
  CHECK(get<Space>(first, 100, order) == counted(100));
}

}  // namespace plait::laws

/// Puts spaces through every law; a new law is one more line.
#define PLAIT_SPACE_LAWS(...)                                \
  namespace plait::laws {                                    \
  TEST_CASE_TEMPLATE_INVOKE(values_come_back, __VA_ARGS__);  \
  TEST_CASE_TEMPLATE_INVOKE(uploads_are_done, __VA_ARGS__);  \
  TEST_CASE_TEMPLATE_INVOKE(zero_clears, __VA_ARGS__);       \
  TEST_CASE_TEMPLATE_INVOKE(no_bytes, __VA_ARGS__);          \
  TEST_CASE_TEMPLATE_INVOKE(memory_is_aligned, __VA_ARGS__); \
  TEST_CASE_TEMPLATE_INVOKE(fences_hold, __VA_ARGS__);       \
  TEST_CASE_TEMPLATE_INVOKE(marks_follow, __VA_ARGS__);      \
  TEST_CASE_TEMPLATE_INVOKE(buffers_move, __VA_ARGS__);      \
  TEST_CASE_TEMPLATE_INVOKE(arenas_deal_out, __VA_ARGS__);   \
  }
