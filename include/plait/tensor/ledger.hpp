// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <plait/core/units.hpp>

namespace plait {

/// What a buffer is for.
enum class memory_class : std::uint8_t {
  weights,          ///< parameters
  gradients,        ///< sums of gradients of parameters
  optimizer_state,  ///< momenta and the like
  activations,      ///< outputs of layers kept from forward to backward, in slots
  stash,            ///< older versions of weights
  workspace,        ///< gradients of activations between layers, and scratch of kernels
  communication,    ///< message buffers, and samples on their way in
};

inline constexpr int memory_classes = 7;

constexpr std::string_view name_of(memory_class kind) {
  constexpr std::string_view names[memory_classes] = {"weights", "gradients", "optimizer_state", "activations",
                                                      "stash",   "workspace", "communication"};
  return names[static_cast<int>(kind)];
}

/// Bytes by class on one rank: what a prediction gives and what a ledger counts, so that the two can be compared.
struct memory_by_class {
  std::array<std::int64_t, memory_classes> of{};

  constexpr std::int64_t& operator[](memory_class kind) { return of[static_cast<std::size_t>(kind)]; }
  constexpr std::int64_t operator[](memory_class kind) const { return of[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] constexpr byte_count total() const {
    byte_count sum{};
    for (std::int64_t one : of) sum.value += one;
    return sum;
  }
  friend constexpr bool operator==(const memory_by_class&, const memory_by_class&) = default;
};

/// Counts the bytes of one rank's buffers, now and at the peak, by class.
class ledger {
 public:
  void taken(memory_class kind, std::int64_t size) {
    now_[kind] += size;
    if (peak_.total() < now_.total()) peak_ = now_;
  }
  void returned(memory_class kind, std::int64_t size) { now_[kind] -= size; }

  [[nodiscard]] const memory_by_class& now() const { return now_; }
  /// The classes at the moment when their sum was largest.
  [[nodiscard]] const memory_by_class& peak() const { return peak_; }

 private:
  memory_by_class now_;
  memory_by_class peak_;
};

}  // namespace plait
