// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>

#include <plait/core/host_device.hpp>
#include <plait/tensor/host.hpp>

namespace plait {

namespace detail {

/// Evaluated by the compiler, so that device code may use it.
template <class T>
consteval T minus_infinity() {
  return -std::numeric_limits<T>::infinity();
}

/// As `minus_infinity`.
template <class T>
consteval T not_a_number() {
  return std::numeric_limits<T>::quiet_NaN();
}

/// Makes a thread's copy of a body ready for its elements. In place: g++ 12 at -O1 loses stores through the pointers of
/// a copy that a function returns.
template <class Body>
PLAIT_HD void begin_elements(Body& mine) {
  if constexpr (requires { mine.begin(); }) mine.begin();
}

}  // namespace detail

/// Calls `body(i)` for i = 0 .. count - 1, in no promised order: what element-wise kernels are made of.
///
/// `body` is a function object of a namespace-scope type whose call operator is PLAIT_HD, so that one source serves
/// every space; the overload for CUDA is in `for_each.cuh`. A body that must read a number from the space before its
/// elements has a `begin()`, which is called once on each thread's copy.
template <class Body>
void for_each_element(std::int64_t count, const Body& body, host_stream) {
  Body mine = body;  // a copy, whose numbers no store can change: they stay in registers
  detail::begin_elements(mine);
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC ivdep  // no order was promised, so elements do not wait for each other
#endif
  for (std::int64_t i = 0; i < count; ++i) mine(i);
}

/// The threads that work on one row together; on the host, one.
///
/// `each(n, f)` calls f(j) for every j < n, shared out among the threads. `sum(n, f)` and `max(n, f)` give every thread
/// the sum or the largest of f(0) .. f(n - 1); of none: 0 and minus infinity. `first()` is true on one thread.
/// PLAIT_HD, since a body that serves every space calls it.
struct host_row {
  template <class F>
  PLAIT_HD void each(std::int64_t n, F&& f) const {
    for (std::int64_t j = 0; j < n; ++j) f(j);
  }
  template <class F>
  PLAIT_HD auto sum(std::int64_t n, F&& f) const {
    decltype(f(n)) total{};
    for (std::int64_t j = 0; j < n; ++j) total += f(j);
    return total;
  }
  template <class F>
  PLAIT_HD auto max(std::int64_t n, F&& f) const {
    auto largest = detail::minus_infinity<decltype(f(n))>();
    for (std::int64_t j = 0; j < n; ++j)
      if (const auto here = f(j); here > largest) largest = here;
    return largest;
  }
  [[nodiscard]] PLAIT_HD bool first() const { return true; }
};

/// Calls `body(row_threads, i)` for each row i: what row-wise kernels (softmax, normalisation) are made of. `body` is a
/// function object whose call operator is a PLAIT_HD template over the type of `row_threads`.
template <class Body>
void for_each_row(std::int64_t rows, const Body& body, host_stream) {
  for (std::int64_t i = 0; i < rows; ++i) body(host_row{}, i);
}

}  // namespace plait
