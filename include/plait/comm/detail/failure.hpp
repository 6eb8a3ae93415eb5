// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/tensor/dtype.hpp>

namespace plait::detail {

/// What was thrown, as the one exception type of plait.
inline error error_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const error& known) {
    return known;
  } catch (const std::exception& other) {
    return error{error_kind::comm, "run", std::string{"the body threw: "} + other.what()};
  } catch (...) {
    return error{error_kind::comm, "run", "the body threw something that is not a std::exception"};
  }
}

/// "rank 1 = {data 0, pipeline 1}": a rank and its place in the layout, if that is known.
inline std::string rank_text(int rank, std::string_view coordinates) {
  std::string text = "rank " + std::to_string(rank);
  if (!coordinates.empty()) text.append(" = ").append(coordinates);
  return text;
}

/// "rank 3", "ranks 0, 2"
inline std::string ranks_text(const std::vector<int>& ranks) {
  std::string text = ranks.size() == 1 ? "rank " : "ranks ";
  for (std::size_t i = 0; i < ranks.size(); ++i) text.append(i > 0 ? ", " : "").append(std::to_string(ranks[i]));
  return text;
}

/// `cause` with the report behind its sentence, at its rank.
inline error reported(const error& cause, const std::string& report, int rank, const std::string& coordinates) {
  error whole{cause.kind(), cause.call(), cause.sentence() + report, cause.where()};
  if (cause.rank() >= 0) whole.at_rank(cause.rank(), cause.coordinates());
  whole.at_rank(rank, coordinates);
  return whole;
}

/// A body returned although its buffers were still to be read.
inline error not_received(int rank, std::int64_t messages) {
  return error{error_kind::comm, "send",
               "rank " + std::to_string(rank) + " finished while nobody had received " + std::to_string(messages) +
                   " of its messages; wait for their tickets before their buffers go"};
}

/// A receiver and the message that is next for it do not agree.
inline error not_alike(int from, int to, int channel, std::uint64_t number, std::int64_t sent, dtype sent_type,
                       std::int64_t expected, dtype expected_type) {
  const auto values = [](std::int64_t size, dtype type) {
    return std::to_string(size) + " " + std::string{name_of(type)};
  };
  return error{error_kind::comm, "receive",
               "rank " + std::to_string(to) + " expects " + values(expected, expected_type) + " from rank " +
                   std::to_string(from) + " on channel " + std::to_string(channel) + ", but message " +
                   std::to_string(number) + " there has " + values(sent, sent_type)};
}

}  // namespace plait::detail
