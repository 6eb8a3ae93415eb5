// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <plait/launch/detail/sha256.hpp>

namespace plait::detail {

/// The messages by which rank 0 gives a blob to the others, as bytes: no socket, no clock, so that it can be fuzzed.
///
///     giver -> taker   greeting   48 bytes   magic, version, a number used once
///     taker -> giver   claim     136 bytes   who I am and what I expect, a number used once, keyed digest
///     giver -> taker   answer     56 bytes   verdict, what is expected instead, keyed digest; then the blob, if
///     accepted taker -> giver   receipt     1 byte    the blob has come
///
/// Both digests are HMAC-SHA-256 under the job's secret over everything said so far, so the secret is never sent, a
/// recorded claim is of no use later, and a taker does not believe a giver that does not know the secret. The blob is
/// authenticated, not hidden. Numbers are little-endian.
inline constexpr std::size_t greeting_bytes = 48, claim_bytes = 136, answer_bytes = 56;
inline constexpr std::byte receipt{0x06};
inline constexpr std::uint32_t protocol_version = 1;
inline constexpr std::string_view protocol_magic = "plait.id";

using number_used_once = std::array<std::byte, 32>;

/// What the giver says to a claim.
enum class verdict : std::uint32_t {
  accepted,
  other_version,  ///< from here to `too_long`: another start, or no rank of plait at all; the right giver may come yet
  other_secret,
  other_job,
  too_long,
  being_served,  ///< another process is just being given the blob as that rank
  other_size,    ///< from here on: a rank of this job that can never be accepted
  other_blob,
  no_such_rank,
  rank_taken,
};
inline constexpr std::uint32_t verdicts = 10;

/// Whether asking again may help.
constexpr bool may_change(verdict answer) {
  return answer < verdict::other_size;
}

/// What all ranks of one exchange agree on.
struct exchange_terms {
  int size = 1;
  std::size_t blob_bytes = 0;
  std::string job;
  std::string secret;
};

inline void put_u32(std::byte* at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) at[i] = std::byte{static_cast<std::uint8_t>(value >> (8 * i))};
}
inline std::uint32_t get_u32(const std::byte* at) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = (value << 8) | std::to_integer<std::uint32_t>(at[i]);
  return value;
}

template <std::size_t Size>
std::array<std::byte, Size> message_begun() {
  std::array<std::byte, Size> message{};
  std::memcpy(message.data(), protocol_magic.data(), protocol_magic.size());
  put_u32(message.data() + 8, protocol_version);
  return message;
}
inline bool begins_as_message(byte_view message) {
  return message.size() >= 12 && std::memcmp(message.data(), protocol_magic.data(), protocol_magic.size()) == 0;
}

/// One connection, as the giver sees it.
class giver_side {
 public:
  /// What a claim comes to. `rank` is known from an authenticated claim alone, else -1.
  struct finding {
    verdict answer = verdict::accepted;
    int rank = -1;
    std::string why;  ///< for people
  };

  explicit giver_side(const number_used_once& once) : greeting_{message_begun<greeting_bytes>()} {
    std::memcpy(greeting_.data() + 16, once.data(), once.size());
  }

  [[nodiscard]] byte_view greeting() const { return greeting_; }

  /// Judges a whole claim by the terms alone; whether its rank has been served is for the caller. Nothing: it is not a
  /// message of plait.
  std::optional<finding> judge(byte_view claim, const exchange_terms& terms) {
    if (claim.size() != claim_bytes || !begins_as_message(claim)) return std::nullopt;
    std::memcpy(claim_.data(), claim.data(), claim_bytes);
    const std::uint32_t version = get_u32(&claim[8]), size = get_u32(&claim[12]), rank = get_u32(&claim[16]),
                        blob = get_u32(&claim[20]);
    if (version != protocol_version)
      return finding{verdict::other_version, -1, "it speaks version " + std::to_string(version)};
    const sha256_digest expected =
        keyed_digest(bytes_of(terms.secret), {bytes_of("claim"), greeting_, claim.first(104)});
    if (!equal_in_constant_time(expected, claim.subspan(104, 32)))
      return finding{verdict::other_secret, -1, "it does not know this job's secret"};
    if (!equal_in_constant_time(sha256{}.add(bytes_of(terms.job)).end(), claim.subspan(24, 32)))
      return finding{verdict::other_job, -1, "it is of another job than '" + terms.job + "'"};
    const int known = rank <= 0x7fffffffu ? static_cast<int>(rank) : -1;
    if (size != static_cast<std::uint32_t>(terms.size))
      return finding{verdict::other_size, known, "it counts " + std::to_string(size) + " ranks"};
    if (blob != terms.blob_bytes)
      return finding{verdict::other_blob, known, "it expects " + std::to_string(blob) + " bytes"};
    if (rank == 0 || rank >= size)
      return finding{verdict::no_such_rank, -1, "it says that it is rank " + std::to_string(rank)};
    return finding{verdict::accepted, known, ""};
  }

  /// What to send: the answer and, if accepted, the blob.
  [[nodiscard]] std::vector<std::byte> answer(verdict given, const exchange_terms& terms, byte_view blob) const {
    auto head = message_begun<answer_bytes>();
    put_u32(&head[12], static_cast<std::uint32_t>(given));
    put_u32(&head[16], static_cast<std::uint32_t>(terms.size));
    put_u32(&head[20], static_cast<std::uint32_t>(terms.blob_bytes));
    if (given != verdict::accepted) blob = {};
    const sha256_digest proof =
        keyed_digest(bytes_of(terms.secret), {bytes_of("answer"), greeting_, claim_, byte_view{head}.first(24), blob});
    std::memcpy(&head[24], proof.data(), proof.size());
    std::vector<std::byte> whole(head.size() + blob.size());
    std::copy(blob.begin(), blob.end(), std::copy(head.begin(), head.end(), whole.begin()));
    return whole;
  }

 private:
  std::array<std::byte, greeting_bytes> greeting_;
  std::array<std::byte, claim_bytes> claim_{};
};

/// One connection, as a taker sees it.
class taker_side {
 public:
  /// What the answer's first part comes to.
  struct finding {
    verdict answer = verdict::accepted;
    bool authentic = false;  ///< for refusals: whether the giver knows the secret
    int size = 0;            ///< of the giver
    std::uint32_t blob_bytes = 0;
  };

  /// Nothing: the greeting is not one of plait, in this version.
  std::optional<std::array<std::byte, claim_bytes>> claim(byte_view greeting, int rank, const exchange_terms& terms,
                                                          const number_used_once& once) {
    if (greeting.size() != greeting_bytes || !begins_as_message(greeting) || get_u32(&greeting[8]) != protocol_version)
      return std::nullopt;
    std::memcpy(greeting_.data(), greeting.data(), greeting_bytes);
    claim_ = message_begun<claim_bytes>();
    put_u32(&claim_[12], static_cast<std::uint32_t>(terms.size));
    put_u32(&claim_[16], static_cast<std::uint32_t>(rank));
    put_u32(&claim_[20], static_cast<std::uint32_t>(terms.blob_bytes));
    const sha256_digest job = sha256{}.add(bytes_of(terms.job)).end();
    std::memcpy(&claim_[24], job.data(), job.size());
    std::memcpy(&claim_[56], once.data(), once.size());  // 88 to 104 are zero: room
    const sha256_digest proof =
        keyed_digest(bytes_of(terms.secret), {bytes_of("claim"), greeting_, byte_view{claim_}.first(104)});
    std::memcpy(&claim_[104], proof.data(), proof.size());
    return claim_;
  }

  /// Nothing: not an answer of plait. A refusal is complete; of an acceptance the blob is still to come.
  [[nodiscard]] std::optional<finding> read(byte_view head, const exchange_terms& terms) const {
    if (head.size() != answer_bytes || !begins_as_message(head) || get_u32(&head[8]) != protocol_version ||
        get_u32(&head[12]) >= verdicts)
      return std::nullopt;
    finding found{static_cast<verdict>(get_u32(&head[12])), false, static_cast<int>(get_u32(&head[16]) & 0x7fffffffu),
                  get_u32(&head[20])};
    if (found.answer != verdict::accepted) found.authentic = authentic(head, {}, terms);
    return found;
  }

  /// Whether the giver of this answer and blob knows the secret and answers this claim.
  [[nodiscard]] bool authentic(byte_view head, byte_view blob, const exchange_terms& terms) const {
    const sha256_digest expected =
        keyed_digest(bytes_of(terms.secret), {bytes_of("answer"), greeting_, claim_, head.first(24), blob});
    return equal_in_constant_time(expected, head.subspan(24, 32));
  }

 private:
  std::array<std::byte, greeting_bytes> greeting_{};
  std::array<std::byte, claim_bytes> claim_{};
};

}  // namespace plait::detail
