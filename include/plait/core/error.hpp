// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

namespace plait {

/// What kind of thing went wrong; programs turn `usage` and `io` into exit status 2 and all others into 1.
enum class error_kind {
  usage,     ///< a call, option or combination that plait cannot carry out
  io,        ///< a file that is missing, truncated or not what it should be
  schedule,  ///< a program of actions that does not complete or breaks its stated order
  comm,      ///< a rank that failed or waited past its deadline
  numerics,  ///< values that are not finite
  cuda,      ///< a failed call of the CUDA runtime or of cuBLASLt
  nccl,      ///< a failed call of NCCL
};

/// The name of a kind as it stands in messages.
constexpr std::string_view name_of(error_kind kind) {
  switch (kind) {
    case error_kind::usage:
      return "usage";
    case error_kind::io:
      return "io";
    case error_kind::schedule:
      return "schedule";
    case error_kind::comm:
      return "comm";
    case error_kind::numerics:
      return "numerics";
    case error_kind::cuda:
      return "cuda";
    case error_kind::nccl:
      return "nccl";
  }
  return "error";
}

/// The one exception type of plait.
///
///     plait: comm: all_reduce: rank 3 did not arrive within 5 s
///       at comm/threads.hpp:88, rank 5 = {data 1, tensor 1, pipeline 0}
///
/// The first line says which plait name needs what, and what to do where that is not obvious. The second says where it
/// was found and, once `at_rank` has been called, on which rank.
class error : public std::exception {
 public:
  error(error_kind kind, std::string call, std::string sentence,
        std::source_location where = std::source_location::current())
      : kind_{kind}, call_{std::move(call)}, sentence_{std::move(sentence)}, where_{where} {
    compose();
  }

  /// The same error, with the rank it happened on and that rank's coordinates as text. The first rank stays.
  error& at_rank(int rank, std::string coordinates) {
    if (rank_ < 0) {
      rank_ = rank;
      coordinates_ = std::move(coordinates);
      compose();
    }
    return *this;
  }

  [[nodiscard]] error_kind kind() const noexcept { return kind_; }
  [[nodiscard]] const std::string& call() const noexcept { return call_; }
  [[nodiscard]] const std::string& sentence() const noexcept { return sentence_; }
  [[nodiscard]] const std::source_location& where() const noexcept { return where_; }
  [[nodiscard]] int rank() const noexcept { return rank_; }  ///< -1: not known
  [[nodiscard]] const std::string& coordinates() const noexcept { return coordinates_; }

  /// Both lines, as in the picture above.
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

  /// The exit status a program should end with: 2 for wrong use or bad input, 1 for a failure.
  [[nodiscard]] int exit_status() const noexcept {
    return kind_ == error_kind::usage || kind_ == error_kind::io ? 2 : 1;
  }

 private:
  void compose() {
    std::string_view file = where_.file_name();
    if (const auto cut = file.rfind("include/plait/"); cut != std::string_view::npos) file.remove_prefix(cut + 14);
    text_ = "plait: ";
    text_.append(name_of(kind_)).append(": ").append(call_).append(": ").append(sentence_);
    text_.append("\n  at ").append(file).append(":").append(std::to_string(where_.line()));
    if (rank_ >= 0) text_.append(", rank ").append(std::to_string(rank_)).append(" = ").append(coordinates_);
  }

  error_kind kind_;
  std::string call_;
  std::string sentence_;
  std::source_location where_;
  int rank_ = -1;
  std::string coordinates_;
  std::string text_;
};

}  // namespace plait
