// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace plait::detail {

/// A number for the present content of something large: two that carry the same number are the same, without looking.
///
/// Every change draws a number that nothing else in the process has had; a copy keeps it, for its content is the same.
/// Numbers say nothing else, so nothing may depend on their order. Zero: nothing is known.
class edition {
 public:
  edition() = default;
  edition(const edition&) = default;
  edition& operator=(const edition&) = default;
  // Tables that are moved are left empty or swapped, and so are numbers.
  edition(edition&& other) noexcept : number_{other.number_} { other.number_ = 0; }
  edition& operator=(edition&& other) noexcept {
    const std::uint64_t number = number_;
    number_ = other.number_;
    other.number_ = number;
    return *this;
  }
  ~edition() = default;

  /// To be called with every change.
  void change() { number_ = __atomic_add_fetch(&last_, 1, __ATOMIC_RELAXED); }
  void forget() { number_ = 0; }
  [[nodiscard]] bool surely_same(const edition& other) const { return number_ != 0 && number_ == other.number_; }

 private:
  inline static std::uint64_t last_ = 0;
  std::uint64_t number_ = 0;
};

}  // namespace plait::detail
