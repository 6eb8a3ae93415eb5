// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace plait {

/// `count` value-initialised elements, for algorithms that compilers run as well.
///
/// In a constant expression it costs g++ about a tenth of the operations of `std::vector`, whose elements are made and
/// destroyed by a chain of calls each, and clang 16 accepts it where it rejects libstdc++'s `std::vector<int>(n)`.
template <class T>
class scratch {
 public:
  constexpr explicit scratch(std::size_t count) : data_{new T[count]{}} {}
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  constexpr ~scratch() { delete[] data_; }

  [[nodiscard]] constexpr T* data() const { return data_; }

 private:
  T* data_;
};

}  // namespace plait
