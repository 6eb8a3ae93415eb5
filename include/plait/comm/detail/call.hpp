// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include <plait/comm/communicator.hpp>
#include <plait/tensor/dtype.hpp>

namespace plait::detail {

/// The calls that all ranks of a group make together.
enum class collective : std::uint8_t { all_reduce, reduce_scatter, all_gather, broadcast, barrier, split };

/// The name of a collective, as a literal.
constexpr const char* name_of(collective kind) {
  constexpr const char* names[] = {"all_reduce", "reduce_scatter", "all_gather", "broadcast", "barrier", "split"};
  return names[static_cast<int>(kind)];
}

/// What the ranks of a group must agree on in one call.
struct collective_call {
  collective kind = collective::barrier;
  dtype type = dtype::f32;
  std::int64_t size = 0;  ///< elements of the whole, not of a part
  reduction how = reduction::sum;
  int root = -1;

  friend bool operator==(const collective_call&, const collective_call&) = default;
};

/// "all_reduce(128 f32, sum)", "broadcast(3 i64, root 1)", "barrier()"
inline std::string describe(const collective_call& call) {
  std::string text = std::string{name_of(call.kind)} + "(";
  if (call.kind != collective::barrier && call.kind != collective::split) {
    text.append(std::to_string(call.size)).append(" ").append(name_of(call.type));
    if (call.kind == collective::broadcast) text.append(", root ").append(std::to_string(call.root));
    if (call.kind == collective::all_reduce || call.kind == collective::reduce_scatter) {
      text.append(call.how == reduction::sum ? ", sum" : ", max");
    }
  }
  return text + ")";
}

}  // namespace plait::detail
