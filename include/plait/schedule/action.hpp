// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace plait {

/// What a rank can do in a training step.
enum class op : std::uint8_t {
  forward,             ///< one micro-batch through one stage
  backward,            ///< the whole backward pass of one micro-batch through one stage
  backward_input,      ///< its input half: the gradient that the stage before waits for
  backward_weight,     ///< its weight half: adds to the gradients of the stage's parameters
  receive_activation,  ///< a stage's input, from the rank of the stage before, or of a skip edge's begin
  send_activation,     ///< a stage's output, to the rank of the stage after, or of a skip edge's end
  receive_gradient,    ///< the gradient of a stage's output, from where that was sent to
  send_gradient,       ///< the gradient of a stage's input, to where that came from
  reduce_gradients,    ///< sums one bucket of a chunk's gradients over the data axis
  reduce_norm,         ///< the global norm of all gradients, for clipping
  optimizer_step,      ///< updates the rank's parameters, or those of one chunk
  reduce_loss,         ///< the loss of the step, on every rank
  validate_step,       ///< takes an update back whose gradients turn out too large or not finite, and repairs it
};

inline constexpr int op_count = 13;

constexpr std::string_view name_of(op kind) {
  constexpr std::array<std::string_view, op_count> names{
      "forward",         "backward",         "backward_input", "backward_weight",  "receive_activation",
      "send_activation", "receive_gradient", "send_gradient",  "reduce_gradients", "reduce_norm",
      "optimizer_step",  "reduce_loss",      "validate_step"};
  return static_cast<int>(kind) < op_count ? names[static_cast<std::size_t>(kind)] : "no such action";
}

constexpr bool is_backward(op kind) {
  return kind == op::backward || kind == op::backward_input || kind == op::backward_weight;
}
constexpr bool is_compute(op kind) {
  return kind == op::forward || is_backward(kind);
}
constexpr bool is_send(op kind) {
  return kind == op::send_activation || kind == op::send_gradient;
}
constexpr bool is_receive(op kind) {
  return kind == op::receive_activation || kind == op::receive_gradient;
}

/// One action of a rank's program. A field that does not apply is -1.
struct action {
  op kind = op::forward;
  std::int8_t version = 0;  ///< weight buffer of the chunk that a pass reads, or an update writes; 0 where there is one
  bool beside = false;      ///< a backward pass that runs together with the forward pass before it
  std::int16_t stage = -1;  ///< of the whole pipeline, 0 .. stages - 1
  std::int16_t chunk = -1;  ///< the stage's number on its rank, 0 .. chunks - 1
  std::int16_t micro = -1;  ///< micro-batch
  std::int16_t peer = -1;   ///< pipeline rank at the other end of a message
  std::int16_t slot = -1;   ///< activation slot of the chunk, held from its first use to the end of its backward
  std::int16_t message = -1;  ///< slot of the chunk's message buffers that is sent from, received into, read or written
  std::int16_t pending = -1;  ///< slot of the chunk for gradients between the halves of a backward pass
  std::int16_t bucket = -1;   ///< of the chunk's gradients
  std::int16_t edge = -1;     ///< skip edge that a message goes along; -1: it goes between neighbouring stages
  std::int16_t skip = -1;     ///< slot of the chunk for gradients of what came to it along skip edges

  friend constexpr bool operator==(const action&, const action&) = default;
};

/// For people: `forward stage 2 micro 5`, `send_gradient stage 2 micro 5 to rank 1`.
inline std::string to_string(const action& one) {
  std::string text{name_of(one.kind)};
  const auto add = [&](std::string_view word, int number) {
    if (number >= 0) text.append(" ").append(word).append(" ").append(std::to_string(number));
  };
  add("stage", one.stage);
  add("micro", one.micro);
  add("bucket", one.bucket);
  add("along skip edge", one.edge);
  add(is_send(one.kind) ? "to rank" : "from rank", one.peer);
  return text;
}

}  // namespace plait
