// SPDX-License-Identifier: Apache-2.0
// Both sides of the TCP exchange, given any bytes: nothing is read outside, and nothing is accepted that was not made
// with the secret. The first byte says which side hears the rest.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include <plait/launch/detail/id_protocol.hpp>

namespace detail = plait::detail;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool giver_hears = data[0] % 2 == 0;
  const std::span<const std::byte> heard{reinterpret_cast<const std::byte*>(data) + 1, size - 1};
  const detail::exchange_terms terms{4, 16, "job", "secret"};
  detail::giver_side giver{detail::number_used_once{std::byte{1}}};
  detail::taker_side taker;
  const auto right = taker.claim(giver.greeting(), 2, terms, {});
  if (giver_hears) {
    const auto found = giver.judge(heard, terms);
    const bool equal = std::equal(heard.begin(), heard.end(), right->begin(), right->end());
    if (found && found->answer == detail::verdict::accepted && !equal) throw std::logic_error{"a claim was forged"};
    if (found && giver.answer(found->answer, terms, std::vector<std::byte>(16)).size() > detail::answer_bytes + 16)
      throw std::logic_error{"an answer is too long"};
  } else {
    const auto head = heard.first(std::min(heard.size(), detail::answer_bytes));
    const auto found = taker.read(head, terms);
    if (found && (found->authentic || (found->answer == detail::verdict::accepted &&
                                       taker.authentic(head, heard.subspan(head.size()), terms))))
      throw std::logic_error{"an answer was forged"};
    static_cast<void>(taker.claim(heard.first(std::min(heard.size(), detail::greeting_bytes)), 2, terms, {}));
  }
  return 0;
}
