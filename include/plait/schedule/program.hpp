// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/core/scratch.hpp>
#include <plait/schedule/action.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait {

/// What a step has besides passes and messages.
struct step_options {
  int buckets = 0;       ///< parts in which each chunk's gradients are summed over the data axis; 0: no such axis
  bool clip = false;     ///< a global norm before the update
  bool optimize = true;  ///< an update of the parameters, and the loss on every rank, at the end

  friend constexpr bool operator==(const step_options&, const step_options&) = default;
};

/// The ordered actions of one step on one pipeline rank, and the buffers that they need.
///
/// Activation slots are held from the receive (or the forward pass) of a micro-batch to the end of its backward pass;
/// which slot follows from the order by colouring intervals, so `slots[chunk]` is the fewest that do. Message slots
/// hold gradients between stages and are used in turn: a send leaves its slot busy until the receiver has taken it, and
/// whoever writes the slot next waits for that; as many as `messages_in_flight` says are enough not to wait when all
/// passes take equally long. A program of forward passes alone sends its outputs straight from the activation slots, of
/// which it has that many in turn.
struct program {
  pipe_shape shape;
  int rank = 0;
  bool trains = true;  ///< false: forward passes only
  step_options options{};
  std::vector<action> actions{};
  std::vector<int> slots{};     ///< activation slots of each chunk
  std::vector<int> messages{};  ///< message slots of each chunk
};

namespace detail {

/// Turns the order of one rank into its program, in one pass. Written over raw pointers, because compilers run it.
template <schedule S>
class program_builder {
  using placement = typename S::placement;

 public:
  constexpr program_builder(pipe_shape shape, int rank, step_options options)
      : shape_{shape},
        rank_{rank},
        options_{options},
        chunk_memory_(static_cast<std::size_t>(shape.chunks)),
        slot_memory_(static_cast<std::size_t>(shape.chunks * shape.micro)),
        free_memory_(static_cast<std::size_t>(shape.chunks * shape.micro)),
        chunks_{chunk_memory_.data()} {
    for (int chunk = 0; chunk < shape.chunks; ++chunk) {
      const int stage = placement::stage_of(shape, rank, chunk);
      chunks_[chunk] = chunk_state{.stage = static_cast<std::int16_t>(stage),
                                   .before = other_rank(stage - 1),
                                   .after = other_rank(stage + 1),
                                   .outputs = messages_in_flight<S>(shape, rank, chunk, op::send_activation),
                                   .messages = messages_in_flight<S>(shape, rank, chunk, op::send_gradient),
                                   .slot_of = slot_memory_.data() + chunk * shape.micro,
                                   .free = free_memory_.data() + chunk * shape.micro};
    }
  }

  /// How many actions `build` writes at most for an order of `passes`.
  static constexpr std::size_t room(pipe_shape shape, std::size_t passes, step_options options) {
    return 3 * passes + static_cast<std::size_t>(options.buckets * shape.chunks) + 3;
  }

  /// Writes the actions to `next`, which are default ones and at least `room`; returns their end.
  constexpr action* build(const pass* order, const pass* end, action* next) {
    int backward = 0;
    for (const pass* one = order; one != end; ++one) {
      if (one->chunk < 0 || one->chunk >= shape_.chunks || one->micro < 0 || one->micro >= shape_.micro)
        require(false, "plait::program_of", "the schedule's order names a chunk or micro-batch that the shape lacks");
      if (one->kind == op::backward || one->kind == op::backward_weight) ++chunks_[one->chunk].passes_left, ++backward;
    }
    trains_ = backward > 0;
    next_ = next;
    for (const pass* one = order; one != end; ++one) one->kind == op::forward ? forward(*one) : backward_pass(*one);
    if (trains_ && options_.optimize) {
      if (options_.clip) (next_++)->kind = op::reduce_norm;
      (next_++)->kind = op::optimizer_step;
    }
    if (options_.optimize) (next_++)->kind = op::reduce_loss;
    return next_;
  }

  [[nodiscard]] constexpr bool trains() const { return trains_; }
  [[nodiscard]] constexpr int slots(int chunk) const { return chunks_[chunk].slots; }
  [[nodiscard]] constexpr int messages(int chunk) const { return chunks_[chunk].messages; }

 private:
  /// The rank of a neighbouring stage, or -1 where there is none or it is this rank itself.
  constexpr std::int16_t other_rank(int stage) const {
    if (stage < 0 || stage >= shape_.stages()) return -1;
    const int rank = placement::rank_of(shape_, stage);
    return static_cast<std::int16_t>(rank == rank_ ? -1 : rank);
  }

  constexpr void forward(const pass& one) {
    chunk_state& chunk = chunks_[one.chunk];
    const int slot = !trains_               ? one.micro % chunk.outputs
                     : chunk.free_count > 0 ? chunk.free[--chunk.free_count]
                                            : chunk.slots;
    if (slot >= chunk.slots) chunk.slots = slot + 1;
    chunk.slot_of[one.micro] = static_cast<std::int16_t>(slot);
    if (chunk.before >= 0) emit(op::receive_activation, chunk, one, slot, chunk.before, -1);
    emit(op::forward, chunk, one, slot, -1, -1);
    if (chunk.after >= 0) emit(op::send_activation, chunk, one, slot, chunk.after, -1);
  }

  constexpr void backward_pass(const pass& one) {
    chunk_state& chunk = chunks_[one.chunk];
    const int slot = chunk.slot_of[one.micro];
    const auto message = static_cast<std::int16_t>(one.micro % chunk.messages);
    const bool has_input = one.kind != op::backward_weight;
    if (has_input && chunk.after >= 0) emit(op::receive_gradient, chunk, one, slot, chunk.after, message);
    emit(one.kind, chunk, one, slot, -1, message);
    if (has_input && chunk.before >= 0) emit(op::send_gradient, chunk, one, slot, chunk.before, message);
    if (one.kind == op::backward_input) return;
    if (chunk.free_count == shape_.micro)
      require(false, "plait::program_of",
              "the schedule's order has more backward passes of a chunk than micro-batches");
    chunk.free[chunk.free_count++] = static_cast<std::int16_t>(slot);
    if (--chunk.passes_left > 0 || !options_.optimize) return;
    for (int bucket = options_.buckets - 1; bucket >= 0; --bucket)  // backward makes the last layers' gradients first
      *next_++ = action{.kind = op::reduce_gradients,
                        .stage = chunk.stage,
                        .chunk = one.chunk,
                        .bucket = static_cast<std::int16_t>(bucket)};
  }

  struct chunk_state {
    std::int16_t stage = 0;
    std::int16_t before = -1;  ///< other rank that holds the stage before, or -1
    std::int16_t after = -1;
    int outputs = 0;  ///< under way at once
    int messages = 0;
    std::int16_t* slot_of = nullptr;  ///< [micro]
    std::int16_t* free = nullptr;     ///< [micro], a stack
    int free_count = 0;
    int slots = 0;
    int passes_left = 0;  ///< backward passes to come
  };

  constexpr void emit(op kind, const chunk_state& chunk, const pass& one, int slot, std::int16_t peer,
                      std::int16_t message) {
    *next_++ = action{.kind = kind,
                      .stage = chunk.stage,
                      .chunk = one.chunk,
                      .micro = one.micro,
                      .peer = peer,
                      .slot = static_cast<std::int16_t>(slot),
                      .message = message};
  }

  pipe_shape shape_;
  int rank_;
  step_options options_;
  scratch<chunk_state> chunk_memory_;
  scratch<std::int16_t> slot_memory_;
  scratch<std::int16_t> free_memory_;
  chunk_state* chunks_;
  bool trains_ = false;
  action* next_ = nullptr;
};

template <schedule S>
constexpr program build_program(pipe_shape shape, int rank, step_options options, bool forward_only) {
  require_legal(S::name, shape, S::accepts(shape));
  scratch<pass> order(static_cast<std::size_t>(S::passes(shape)));
  pass* end = S::order(shape, rank, order.data());
  if (forward_only) {
    pass* kept = order.data();
    for (const pass* one = order.data(); one != end; ++one)
      if (one->kind == op::forward) *kept++ = *one;
    end = kept;
  }
  program_builder<S> builder{shape, rank, options};
  program result{.shape = shape, .rank = rank, .options = options};
  result.actions.resize(program_builder<S>::room(shape, static_cast<std::size_t>(end - order.data()), options));
  action* const begin = result.actions.data();
  result.actions.resize(static_cast<std::size_t>(builder.build(order.data(), end, begin) - begin));
  result.trains = builder.trains();
  for (int chunk = 0; chunk < shape.chunks; ++chunk) {
    result.slots.push_back(builder.slots(chunk));
    result.messages.push_back(builder.messages(chunk));
  }
  return result;
}

}  // namespace detail

/// The program of one rank: the schedule's order with the messages, reductions and updates that follow from it.
/// Throws: usage, with the nearest legal numbers of micro-batches, for a shape that the schedule does not accept.
template <schedule S>
constexpr program program_of(pipe_shape shape, int rank, step_options options = {}) {
  return detail::build_program<S>(shape, rank, options, /*forward_only=*/false);
}

/// The forward projection of the same order: what evaluation runs.
template <schedule S>
constexpr program forward_program_of(pipe_shape shape, int rank, step_options options = {}) {
  return detail::build_program<S>(shape, rank, options, /*forward_only=*/true);
}

/// The programs of all ranks.
template <schedule S>
constexpr std::vector<program> programs_of(pipe_shape shape, step_options options = {}) {
  std::vector<program> all;
  for (int rank = 0; rank < shape.ranks; ++rank) all.push_back(program_of<S>(shape, rank, options));
  return all;
}

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
