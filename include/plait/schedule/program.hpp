// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <plait/schedule/action.hpp>
#include <plait/schedule/shape.hpp>
#include <plait/schedule/skip_edge.hpp>
#include <plait/schedule/weight_versions.hpp>

namespace plait {

/// What a step has besides passes and messages.
struct step_options {
  int buckets = 0;       ///< parts in which each chunk's gradients are summed over their copies; 0: there are none
  bool clip = false;     ///< a global norm before the update
  bool optimize = true;  ///< an update of the parameters, and the loss on every rank, at the end
  /// Each rank updates as soon as its own gradients are there; the global norm comes after, and an update that it shows
  /// to be wrong is taken back exactly (`op::validate_step`).
  bool post_validate = false;
  skip_edges skips{};  ///< of the model: messages between stages that need not be neighbours

  friend constexpr bool operator==(const step_options&, const step_options&) = default;
};

/// The ordered actions of one step on one pipeline rank, and the buffers that they need. Where the pipeline does not
/// drain between steps, of several (`pipe_shape::steps`).
///
/// Activation slots are held from the receive (or the forward pass) of a micro-batch to the end of its backward pass;
/// which slot follows from the order by colouring intervals, so `slots[chunk]` is the fewest that do. The same goes for
/// `pending` slots, which are held between the halves of a backward pass, and for buffers of weight versions. Message
/// slots hold gradients between stages: a send leaves its slot busy until the receiver has taken it, and whoever writes
/// the slot next waits for that; there are enough not to wait when all passes take equally long. A program of forward
/// passes alone sends its outputs straight from the activation slots.
///
/// What comes along a skip edge is kept with the activations of the stage that reads it, in the same slot; where both
/// stages are on one rank it is read where it is. Its gradient waits in a `skips` slot until the stage that made it
/// goes backward, which may be long after: these slots are coloured by themselves.
struct program {
  pipe_shape shape;
  int rank = 0;
  bool trains = true;  ///< false: forward passes only
  step_options options{};
  weight_versions policy = weight_versions::flush;
  std::vector<action> actions{};
  std::vector<int> slots{};     ///< activation slots of each chunk
  std::vector<int> messages{};  ///< message slots of each chunk
  std::vector<int> pending{};   ///< slots of each chunk for gradients that wait for their weight half
  std::vector<int> versions{};  ///< weight buffers of each chunk
  std::vector<int> skips{};     ///< slots of each chunk for gradients of what came along skip edges
};

/// Most activations alive at once on a rank, counted over its chunks: from the start of a forward pass to the end of
/// the backward pass, or of its weight half. Needs: a program that trains.
constexpr int peak_activations(const program& one) {
  int alive = 0, peak = 0;
  for (const action& act : one.actions) {
    if (act.kind == op::forward) peak = ++alive > peak ? alive : peak;
    if (act.kind == op::backward || act.kind == op::backward_weight) --alive;
  }
  return peak;
}

}  // namespace plait
