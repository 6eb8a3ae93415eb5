// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

namespace plait::detail {

/// A value of a type that need not be complete yet, made when it is first asked for; its copies are values of their
/// own. Instead of a std::vector of at most one, which costs compilers much more.
template <class T>
class on_demand {
 public:
  on_demand() = default;
  on_demand(const on_demand& other) : held_{other.held_ == nullptr ? nullptr : new T(*other.held_)} {}
  on_demand(on_demand&& other) noexcept : held_{std::exchange(other.held_, nullptr)} {}
  on_demand& operator=(on_demand other) noexcept {
    std::swap(held_, other.held_);
    return *this;
  }
  ~on_demand() { delete held_; }

  T& get() {
    if (held_ == nullptr) held_ = new T;
    return *held_;
  }

 private:
  T* held_ = nullptr;
};

}  // namespace plait::detail
