// SPDX-License-Identifier: Apache-2.0
// Orders, pass by pass: small cases that a reader can follow, and published orders written down once more from their
// definitions.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include <plait/schedule/orders.hpp>
#include <plait/schedule/simulate.hpp>

#include <doctest/doctest.h>

#include "all_schedules.hpp"
#include "laws.hpp"

namespace {

using namespace plait;

/// `F0 F1 B0 B1`; halves of backward passes are `I0 W0`; with several chunks each pass carries the letter of its chunk:
/// `F0a F0b`; passes that run together are joined: `F1a&B0b`.
std::string text_of(const std::vector<pass>& order, int chunks) {
  std::string text;
  for (const pass& one : order) {
    text.append(text.empty() ? "" : one.beside ? "&" : " ");
    text += one.kind == op::forward ? 'F' : one.kind == op::backward ? 'B' : one.kind == op::backward_input ? 'I' : 'W';
    text.append(std::to_string(one.micro));
    if (chunks > 1) text += static_cast<char>('a' + one.chunk);
  }
  return text;
}
template <schedule S>
std::string order_text(pipe_shape shape, int rank) {
  return text_of(laws::order_of<S>(shape, rank), shape.chunks);
}

TEST_CASE("gpipe runs all forward passes, then all backward passes") {
  for (int rank = 0; rank < 4; ++rank) CHECK(order_text<gpipe>({4, 4, 1}, rank) == "F0 F1 F2 F3 B0 B1 B2 B3");
}

TEST_CASE("1F1B warms up, alternates and drains") {
  const pipe_shape shape{4, 8, 1};
  CHECK(order_text<one_f_one_b>(shape, 0) == "F0 F1 F2 F3 B0 F4 B1 F5 B2 F6 B3 F7 B4 B5 B6 B7");
  CHECK(order_text<one_f_one_b>(shape, 1) == "F0 F1 F2 B0 F3 B1 F4 B2 F5 B3 F6 B4 F7 B5 B6 B7");
  CHECK(order_text<one_f_one_b>(shape, 3) == "F0 B0 F1 B1 F2 B2 F3 B3 F4 B4 F5 B5 F6 B6 F7 B7");
  CHECK(order_text<one_f_one_b>({4, 2, 1}, 0) == "F0 F1 B0 B1");
}

TEST_CASE("interleaved 1F1B takes groups of micro-batches through its chunks") {
  CHECK(order_text<interleaved<2>>({2, 4, 2}, 0) == "F0a F1a F0b F1b F2a B0b F3a B1b F2b B0a F3b B1a B2b B3b B2a B3a");
  CHECK(order_text<interleaved<2>>({2, 4, 2}, 1) == "F0a F1a F0b B0b F1b B1b F2a B0a F3a B1a F2b B2b F3b B3b B2a B3a");
  // Five micro-batches over two ranks: a group of three, then one of two.
  CHECK(order_text<interleaved<2>>({2, 5, 2}, 1) ==
        "F0a F1a F2a F0b B0b F1b B1b F2b B2b F3a B0a F4a B1a F3b B2a F4b B3b B4b B3a B4a");
}

TEST_CASE("interleaved 1F1B with one chunk is 1F1B with a longer warm-up") {
  CHECK(order_text<interleaved<1>>({3, 6, 1}, 0) == "F0 F1 F2 F3 F4 B0 F5 B1 B2 B3 B4 B5");
  CHECK(order_text<interleaved<1>>({3, 6, 1}, 2) == order_text<one_f_one_b>({3, 6, 1}, 2));
}

/// The order as Megatron-LM publishes it, for micro-batches that divide by the ranks: pass number k of either direction
/// belongs to the group k / (ranks * chunks), whose passes go chunk by chunk, `ranks` micro-batches at a time.
/// Source: Narayanan et al., SC 2021, section 2.2; `schedules.py` of Megatron-LM.
std::vector<pass> order_of_megatron(pipe_shape shape, int rank) {
  const int total = shape.micro * shape.chunks, in_group = shape.ranks * shape.chunks;
  const auto pass_number = [&](int k, bool forward) {
    const int chunk = k % in_group / shape.ranks;
    return pass{forward ? op::forward : op::backward,
                static_cast<std::int16_t>(forward ? chunk : shape.chunks - 1 - chunk),
                static_cast<std::int16_t>(k / in_group * shape.ranks + k % in_group % shape.ranks)};
  };
  const int warm_up = std::min(total, (shape.ranks - rank - 1) * 2 + (shape.chunks - 1) * shape.ranks);
  std::vector<pass> order;
  for (int k = 0; k < total + warm_up; ++k) {
    if (k < total) order.push_back(pass_number(k, true));
    if (k >= warm_up) order.push_back(pass_number(k - warm_up, false));
  }
  return order;
}

TEST_CASE_TEMPLATE("for micro-batches that divide by the ranks, interleaved 1F1B is Megatron's", S, interleaved<1>,
                   interleaved<2>, interleaved<3>, interleaved<4>) {
  for (const pipe_shape shape : laws::shapes_of<S>()) {
    if (shape.micro % shape.ranks != 0) continue;
    const std::string of_shape = laws::text_of(shape);
    CAPTURE(of_shape);
    for (int rank = 0; rank < shape.ranks; ++rank)
      CHECK(laws::order_of<S>(shape, rank) == order_of_megatron(shape, rank));
  }
}

TEST_CASE("looped breadth-first runs one chunk after the other, micro-batches backward descending, as torch does") {
  for (int rank = 0; rank < 2; ++rank)
    CHECK(order_text<looped_bfs<2>>({2, 3, 2}, rank) == "F0a F1a F2a F0b F1b F2b B2b B1b B0b B2a B1a B0a");
}

TEST_CASE("ZB-H1 begins with weight halves after as many pairs as there are ranks before") {
  const pipe_shape shape{4, 4, 1};
  CHECK(order_text<zb_h1>(shape, 0) == "F0 F1 F2 F3 I0 W0 I1 W1 I2 W2 I3 W3");
  CHECK(order_text<zb_h1>(shape, 1) == "F0 F1 F2 I0 F3 I1 W0 I2 W1 I3 W2 W3");
  CHECK(order_text<zb_h1>(shape, 2) == "F0 F1 I0 F2 I1 F3 I2 W0 I3 W1 W2 W3");
  CHECK(order_text<zb_h1>(shape, 3) == "F0 I0 F1 I1 F2 I2 F3 I3 W0 W1 W2 W3");
}

TEST_CASE("ZB-H2 warms up with 2 (ranks - rank) - 1 forward passes") {
  const pipe_shape shape{4, 8, 1};
  CHECK(order_text<zb_h2>(shape, 0) == "F0 F1 F2 F3 F4 F5 F6 I0 W0 F7 I1 W1 I2 W2 I3 W3 I4 W4 I5 W5 I6 W6 I7 W7");
  CHECK(order_text<zb_h2>(shape, 2) == "F0 F1 F2 I0 F3 I1 F4 I2 F5 I3 F6 I4 W0 F7 I5 W1 I6 W2 I7 W3 W4 W5 W6 W7");
  CHECK(order_text<zb_h2>(shape, 3) == "F0 I0 F1 I1 F2 I2 F3 I3 F4 I4 F5 I5 F6 I6 W0 F7 I7 W1 W2 W3 W4 W5 W6 W7");
}

TEST_CASE("interleaved zero-bubble warms up with one forward pass for each rank behind") {
  CHECK(order_text<interleaved_zb<2>>({2, 4, 2}, 0) ==
        "F0a F1a F0b F1b I0b W0b F2a I1b W1b F3a I0a W0a F2b I1a W1a F3b I2b W2b I3b W3b I2a W2a I3a W3a");
  CHECK(order_text<interleaved_zb<2>>({2, 4, 2}, 1) ==
        "F0a F1a F0b I0b F1b I1b W0b F2a I0a W1b F3a I1a W0a F2b I2b W1a F3b I3b W2b I2a W3b I3a W2a W3a");
}

TEST_CASE("ZB-V goes down and up, and gives back the weight halves where ways turn") {
  CHECK(order_text<zb_v>({2, 4, 2}, 0) ==
        "F0a F1a F2a F0b I0b W0b F1b I1b W1b F3a I0a W0a F2b I2b W2b I1a W1a F3b I3b W3b I2a W2a I3a W3a");
  CHECK(order_text<zb_v>({2, 4, 2}, 1) ==
        "F0a F0b F1a F1b I0b W0b F2a I0a W0a F2b I1b W1b F3a I1a W1a F3b I2b W2b I2a I3b I3a W2a W3b W3a");
}

TEST_CASE("V-1F1B runs whole backward passes down the way up and up the way down") {
  CHECK(order_text<v_1f1b>({2, 2, 2}, 0) == "F0a F1a F0b B0b F1b B1b B0a B1a");
  CHECK(order_text<v_1f1b>({2, 2, 2}, 1) == "F0a F0b F1a F1b B0b B0a B1b B1a");
}

TEST_CASE("DualPipe runs passes of its two directions together, and puts weight halves off to the end") {
  const pipe_shape small = shape_of<dualpipe>(2, 4), larger = shape_of<dualpipe>(4, 8);
  CHECK(order_text<dualpipe>(small, 0) == "F0a F1b F2a B1b F3b&B0a B3b I2a W2a");
  CHECK(order_text<dualpipe>(small, 1) == "F1b F0a F3b B0a F2a&B1b B2a I3b W3b");
  CHECK(order_text<dualpipe>(larger, 0) ==
        "F0a F2a F4a F1b I1b W1b F3b F6a&B3b F5b&B0a B5b F7b&B2a B7b I4a W4a I6a W6a");
  CHECK(order_text<dualpipe>(larger, 1) == "F0a F1b F2a F3b F4a B1b F5b&B0a F6a&B3b F7b&B2a B5b B4a I7b I6a W7b W6a");
  CHECK(order_text<dualpipe_v>({2, 4, 2}, 0) ==
        "F0a F1a F2a F0b I0b W0b F1b F3a&B1b F2b&B0a B2b F3b&B1a B3b I2a W2a I3a W3a");
  CHECK(order_text<dualpipe_v>({2, 4, 2}, 1) ==
        "F0a F0b F1a F1b F2a B0b F2b&B0a F3a&B1b F3b&B1a B2b B2a I3b I3a W3b W3a");
}

TEST_CASE("Chimera interleaves two directions without a collision, unit after unit") {
  const pipe_shape shape = shape_of<chimera>(4, 4);
  CHECK(order_text<chimera>(shape, 0) == "F0a F2a F1b B1b F3b B3b B0a B2a");
  CHECK(order_text<chimera>(shape, 1) == "F0a F1b F2a F3b B1b B0a B3b B2a");
  CHECK(order_text<chimera>(shape, 2) == "F1b F0a F3b F2a B0a B1b B2a B3b");
  CHECK(order_text<chimera>(shape, 3) == "F1b F3b F0a B0a F2a B2a B1b B3b");
  CHECK(order_text<chimera>(shape_of<chimera>(2, 4), 0) == "F0a F1b B1b B0a F2a F3b B3b B2a");
}

TEST_CASE("Hanayo's wave runs backward passes as soon as it can") {
  CHECK(order_text<hanayo<1>>({2, 2, 2}, 0) == "F0a F1a F0b B0b F1b B1b B0a B1a");
  CHECK(order_text<hanayo<1>>({2, 2, 2}, 1) == "F0a F0b F1a F1b B0b B0a B1b B1a");
}

TEST_CASE("PipeDream is 1F1B that does not drain, each copy of a stage with micro-batches of its own") {
  CHECK(order_text<pipedream<>>({3, 1, 1, 4}, 0) == "F0 F1 F2 B0 F3 B1 B2 B3");
  CHECK(order_text<pipedream<>>({3, 1, 1, 4}, 1) == "F0 F1 B0 F2 B1 F3 B2 B3");
  CHECK(order_text<pipedream<>>({3, 1, 1, 4}, 2) == "F0 B0 F1 B1 F2 B2 F3 B3");
  using copied = pipedream<weight_versions::stash, 2, 1>;  // (3 - 1 - 0) / 2 = 1 forward pass ahead
  const pipe_shape shape = shape_of<copied>(3, 1, 6);
  CHECK(order_text<copied>(shape, 0) == "F0 F2 B0 F4 B2 B4");
  CHECK(order_text<copied>(shape, 1) == "F1 F3 B1 F5 B3 B5");
  CHECK(order_text<copied>(shape, 2) == "F0 B0 F1 B1 F2 B2 F3 B3 F4 B4 F5 B5");
  CHECK(order_text<pipedream_2bw>({2, 2, 1, 2}, 0) == "F0 F1 B0 F2 B1 F3 B2 B3");
  CHECK(order_text<pipedream_2bw>({2, 2, 1, 2}, 1) == "F0 B0 F1 B1 F2 B2 F3 B3");
}

// ---- published orders, from their definitions

/// Writes an order as its definition is read out: the next pass of a kind and chunk has the next micro-batch of it.
class reading {
 public:
  explicit reading(int micro) : micro_{micro} {}

  reading& run(op kind, int chunk, bool beside = false) {
    std::int16_t& number = next_[kind == op::forward ? 0 : kind == op::backward_weight ? 2 : 1][chunk];
    if (number == micro_) return *this;  // there is none left
    if (kind == op::backward) ++next_[2][chunk];
    order_.push_back({kind, static_cast<std::int16_t>(chunk), number++, beside});
    return *this;
  }
  reading& times(int count, const auto& body) {
    for (int i = 0; i < count; ++i) body(i);
    return *this;
  }
  [[nodiscard]] int done(op kind, int chunk) const {
    return next_[kind == op::forward ? 0 : kind == op::backward_weight ? 2 : 1][chunk];
  }
  [[nodiscard]] std::vector<pass>& order() { return order_; }

 private:
  int micro_;
  std::int16_t next_[3][2]{};
  std::vector<pass> order_{};
};
constexpr op F = op::forward, B = op::backward, I = op::backward_input, W = op::backward_weight;

/// torch's `ScheduleZBVZeroBubble`: 2 (p - r) - 1 F of c0; r times (F c1, F c0); p - r times (F, I, W of c1); steady
/// (F c0, I c0, W c0, F c1, I c1, W c1); r times (I c0, I c1); p - r times (I c0, W c0); what is left of W c1, then c0.
std::vector<pass> torch_zb_v(pipe_shape shape, int r) {
  const int p = shape.ranks, m = shape.micro;
  reading out{m};
  out.times(2 * (p - r) - 1, [&](int) { out.run(F, 0); });
  out.times(r, [&](int) { out.run(F, 1).run(F, 0); });
  out.times(p - r, [&](int) { out.run(F, 1).run(I, 1).run(W, 1); });
  while (out.done(F, 1) < m) out.run(F, 0).run(I, 0).run(W, 0).run(F, 1).run(I, 1).run(W, 1);
  out.times(r, [&](int) { out.run(I, 0).run(I, 1); });
  out.times(p - r, [&](int) { out.run(I, 0).run(W, 0); });
  out.times(m, [&](int) { out.run(W, 1); });
  out.times(m, [&](int) { out.run(W, 0); });
  return out.order();
}

TEST_CASE("from 2 ranks - 1 micro-batches on ZB-V is torch's, cell by cell") {
  for (const pipe_shape shape : laws::shapes_of<zb_v>()) {
    if (shape.micro < 2 * shape.ranks - 1) continue;
    const std::string of_shape = laws::text_of(shape);
    CAPTURE(of_shape);
    for (int rank = 0; rank < shape.ranks; ++rank) CHECK(laws::order_of<zb_v>(shape, rank) == torch_zb_v(shape, rank));
  }
}

/// DeepSeek's eight phases for half a pipeline of P ranks, of which this is the one h from the entrance, and n
/// micro-batches of each direction; 0 is the direction of the entrance, 1 the other.
std::vector<pass> eight_phases(int P, int h, int n) {
  reading out{n};
  std::vector<int> put_off;  // directions of weight halves that wait, first come first run
  const auto input = [&](int direction) { out.run(I, direction), put_off.push_back(direction); };
  const auto weight = [&] { out.run(W, put_off.front()), put_off.erase(put_off.begin()); };
  out.times(2 * (P - h - 1), [&](int) { out.run(F, 0); });
  out.times(h + 1, [&](int) { out.run(F, 0).run(F, 1); });
  out.times(P - h - 1, [&](int) { input(1), weight(), out.run(F, 1); });
  out.times(n - 2 * P + h + 1, [&](int i) {
    const bool apart = i == 0 && h == P - 1;  // where the directions meet
    out.run(F, 0).run(B, 1, !apart).run(F, 1).run(B, 0, true);
  });
  out.times(P - h - 1, [&](int) { out.run(B, 1).run(F, 1).run(B, 0, true); });
  std::vector<int> last;
  out.times(h + 1, [&](int) { last.push_back(1), last.push_back(0); });
  for (std::size_t i = 0; i < last.size(); ++i)
    if (2 * i < last.size())
      out.run(B, last[i]);
    else
      input(last[i]);
  out.times(P - h - 1, [&](int) { weight(), input(0); });
  out.times(h + 1, [&](int) { weight(); });
  return out.order();
}

TEST_CASE("DualPipe's and DualPipeV's orders are the published eight phases") {
  for (const pipe_shape shape : laws::shapes_of<dualpipe>()) {
    if (!dualpipe::accepts(shape).legal) continue;
    const std::string of_shape = laws::text_of(shape);
    CAPTURE(of_shape);
    for (int rank = 0; rank < shape.ranks; ++rank) {
      auto expected = eight_phases(shape.ranks / 2, std::min(rank, shape.ranks - 1 - rank), shape.micro / 2);
      for (pass& one : expected) {  // direction 0 is down for the first half of the ranks, up for the second
        if (2 * rank >= shape.ranks) one.chunk = static_cast<std::int16_t>(1 - one.chunk);
        one.micro = static_cast<std::int16_t>(2 * one.micro + one.chunk);
      }
      CHECK(laws::order_of<dualpipe>(shape, rank) == expected);
    }
  }
  for (const pipe_shape shape : laws::shapes_of<dualpipe_v>()) {
    if (!dualpipe_v::accepts(shape).legal) continue;
    const std::string of_shape = laws::text_of(shape);
    CAPTURE(of_shape);
    for (int rank = 0; rank < shape.ranks; ++rank)
      CHECK(laws::order_of<dualpipe_v>(shape, rank) == eight_phases(shape.ranks, rank, shape.micro));
  }
}

/// torch's `ScheduleInterleavedZeroBubble` with groups of N = p, of which ZB-H1 is the case of one chunk: forward pass
/// and input half number k by Megatron's count; w = (v - 1) N + p - 1 - r forward passes, then pairs, with a weight
/// half in each from pair number r on; then input and weight halves in turn; then the weight halves that are left.
std::vector<pass> torch_zero_bubble(pipe_shape shape, int r) {
  const int all = shape.micro * shape.chunks, warm_up = (shape.chunks - 1) * shape.ranks + shape.ranks - 1 - r;
  const auto number = [&](op kind, int k) {
    const int in_group = k % (shape.ranks * shape.chunks), chunk = in_group / shape.ranks;
    return pass{kind, static_cast<std::int16_t>(kind == F ? chunk : shape.chunks - 1 - chunk),
                static_cast<std::int16_t>(k / (shape.ranks * shape.chunks) * shape.ranks + in_group % shape.ranks)};
  };
  std::vector<pass> order;
  int weights = 0;
  for (int k = 0; k < all + std::min(warm_up, all); ++k) {
    if (k < all) order.push_back(number(F, k));
    if (k < warm_up) continue;
    const int input = k - std::min(warm_up, all);
    order.push_back(number(I, input));
    if (input >= r || k >= all) order.push_back(number(W, weights++));
  }
  while (weights < all) order.push_back(number(W, weights++));
  return order;
}

TEST_CASE_TEMPLATE("for micro-batches that divide by the ranks, zero-bubble orders are torch's", S, zb_h1,
                   interleaved_zb<1>, interleaved_zb<2>, interleaved_zb<3>) {
  for (const pipe_shape shape : laws::shapes_of<S>()) {
    if (shape.micro % shape.ranks != 0) continue;
    const std::string of_shape = laws::text_of(shape);
    CAPTURE(of_shape);
    for (int rank = 0; rank < shape.ranks; ++rank)
      CHECK(laws::order_of<S>(shape, rank) == torch_zero_bubble(shape, rank));
  }
}

/// Forward passes and input halves of a rank in the order of a pattern of start slots (F c0, F c1, I c1, I c0) that is
/// repeated every 6.
std::vector<pass> repeated(const std::vector<int>& slots, int micro) {
  std::vector<std::tuple<int, int, pass>> timed;
  for (int i = 0; i < micro; ++i)
    for (int kind = 0; kind < 4; ++kind)
      timed.emplace_back(slots[static_cast<std::size_t>(kind)] + 6 * i, kind,
                         pass{kind < 2 ? F : I, static_cast<std::int16_t>(kind == 1 || kind == 2 ? 1 : 0),
                              static_cast<std::int16_t>(i)});
  std::sort(timed.begin(), timed.end(), [](const auto& one, const auto& other) {
    return std::pair{std::get<0>(one), std::get<1>(one)} < std::pair{std::get<0>(other), std::get<1>(other)};
  });
  std::vector<pass> order;
  for (const auto& one : timed) order.push_back(std::get<2>(one));
  return order;
}

TEST_CASE_TEMPLATE("V-Half and V-Min keep the published pattern between warm-up and drain", S, v_half, v_min) {
  for (const pipe_shape shape : laws::shapes_of<S>(8, 20)) {
    const int p = shape.ranks;
    if (p < 3) continue;
    const std::string of_shape = laws::text_of(shape);
    CAPTURE(of_shape);
    const auto passes = detail::passes_of<S>(shape);
    for (int r = 0; r < p; ++r) {
      const int half = p % 2 == 0 ? 3 : 0, min = p % 3 == 0 ? 2 : 0;
      const auto expected = repeated(
          std::is_same_v<S, v_half> ? std::vector{2 * r, 3 * p - r - 2, 3 * p + half + 2 * r - 1, 6 * p + half - r - 2}
                                    : std::vector{r, 2 * p - r - 1, 2 * p + min + r, 4 * p + min - r - 1},
          shape.micro);
      auto found = passes[static_cast<std::size_t>(r)];
      std::erase_if(found, [](const pass& one) { return one.kind == W; });
      const auto first_input = [](const std::vector<pass>& order) {
        return std::find_if(order.begin(), order.end(), [](const pass& one) { return one.kind == I; }) - order.begin();
      };
      const auto last_forward = [](const std::vector<pass>& order) {
        return order.rend() - std::find_if(order.rbegin(), order.rend(), [](const pass& one) { return one.kind == F; });
      };
      const auto begin = first_input(expected), end = last_forward(expected);
      REQUIRE(found.size() == expected.size());
      CHECK(first_input(found) == begin);
      CHECK(last_forward(found) == end);
      CHECK(std::equal(found.begin() + std::min(begin, end), found.begin() + end,
                       expected.begin() + std::min(begin, end)));
    }
  }
}

TEST_CASE_TEMPLATE("Hanayo never runs a forward pass while a backward pass or a deeper forward pass could begin", S,
                   hanayo<1>, hanayo<2>) {
  for (const pipe_shape shape : laws::shapes_of<S>(6, 8)) {
    const std::string of_shape = laws::text_of(shape);
    CAPTURE(of_shape);
    const int last = shape.stages() - 1;
    // [direction, stage, micro]
    std::vector<double> begins(static_cast<std::size_t>(2 * shape.stages() * shape.micro)), ends = begins;
    const auto cell = [&](bool backward, int stage, int micro) {
      return static_cast<std::size_t>(((backward ? shape.stages() : 0) + stage) * shape.micro + micro);
    };
    CHECK(simulate(programs_of<S>(shape, {.optimize = false}), step_costs::uniform(shape),
                   [&](int, const action& act, double begin, double end) {
                     if (!is_compute(act.kind)) return;
                     begins[cell(act.kind == B, act.stage, act.micro)] = begin;
                     ends[cell(act.kind == B, act.stage, act.micro)] = end;
                   })
              .completes);
    const auto rank_at = [&](int stage) { return rank_of<wave_placement>(shape, stage); };
    // Whether an earlier message of the same queue has not been taken: queues deliver in the order of sending.
    const auto queues_behind = [&](bool backward, int from, int to, int micro, double time) {
      for (int stage = 0; stage <= last; ++stage)
        for (int other = 0; other < shape.micro; ++other) {
          const int receiver = stage + to - from;
          if (receiver < 0 || receiver > last || rank_at(stage) != rank_at(from) || rank_at(receiver) != rank_at(to))
            continue;
          if (ends[cell(backward, stage, other)] < ends[cell(backward, from, micro)] &&
              begins[cell(backward, receiver, other)] >= time)
            return true;
        }
      return false;
    };
    const auto could_begin = [&](bool backward, int stage, int micro, double time) {
      if (begins[cell(backward, stage, micro)] <= time) return false;  // it has
      const int from = backward ? stage + 1 : stage - 1;
      if (from < 0) return false;  // the deepest does not come in from outside
      if (from > last) return ends[cell(false, last, micro)] <= time;
      return ends[cell(backward, from, micro)] <= time &&
             (rank_at(from) == rank_at(stage) || !queues_behind(backward, from, stage, micro, time));
    };
    for (int stage = 0; stage <= last; ++stage)
      for (int micro = 0; micro < shape.micro; ++micro)
        for (int other = 0; other <= last; ++other)
          for (int another = 0; another < shape.micro; ++another) {
            if (rank_at(other) != rank_at(stage)) continue;
            const double time = begins[cell(false, stage, micro)];
            const bool passed_over =
                could_begin(true, other, another, time) || (other > stage && could_begin(false, other, another, time));
            if (passed_over) FAIL_CHECK("at " << time << " stage " << stage << " micro " << micro);
          }
  }
}

}  // namespace
