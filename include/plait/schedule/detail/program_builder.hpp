// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <plait/core/require.hpp>
#include <plait/schedule/action.hpp>
#include <plait/schedule/detail/builder_state.hpp>
#include <plait/schedule/program.hpp>
#include <plait/schedule/schedule.hpp>
#include <plait/schedule/skip_edge.hpp>

namespace plait::detail {

/// Turns the order of one rank into its program, in one pass. Written over raw pointers, because compilers run it.
class program_builder : builder_state {
 public:
  using builder_state::builder_state;
  using builder_state::messages;
  using builder_state::pending;
  using builder_state::policy;
  using builder_state::skips;
  using builder_state::slots;
  using builder_state::trains;
  using builder_state::versions;

  /// How many actions `build` writes at most for an order of `passes`.
  static constexpr std::size_t room(pipe_shape shape, std::size_t passes, step_options options) {
    return 3 * passes + static_cast<std::size_t>((options.buckets + 1) * shape.chunks * shape.steps) + 4 +
           static_cast<std::size_t>(4 * options.skips.size() * shape.all_micro());
  }

  /// Writes the actions to `next`, which are default ones and at least `room`; returns their end. An order with sends
  /// or receives in it has all of them; otherwise they are put next to the passes that they belong to.
  /// others_train: whether other ranks have backward passes, so that one without any belongs to a step all the same.
  constexpr action* build(const pass* order, const pass* end, action* next, bool others_train = false) {
    int backward = 0;
    for (const pass* one = order; one != end; ++one) {
      if (one->chunk < 0 || one->chunk >= shape_.chunks || one->micro < 0 || one->micro >= micro_ ||
          chunks_[one->chunk].stage < 0)
        require(false, "plait::program_of", "the schedule's order names a chunk or micro-batch that the shape lacks");
      if (one->kind == op::backward || one->kind == op::backward_weight) ++chunks_[one->chunk].passes_left, ++backward;
      derives_ = derives_ && is_compute(one->kind);
    }
    trains_ = others_train || backward > 0;
    if (!trains_) forget_versions();
    next_ = next;
    for (const pass* one = order; one != end; ++one) {
      if (!derives_ && !is_compute(one->kind)) {
        message(*one);
      } else if (has_skips_ || (one + 1 != end && one[1].beside)) {
        one = in_parts(one, one + 1 != end && one[1].beside ? one + 1 : nullptr);
      } else {
        one->kind == op::forward ? forward(*one, all_parts) : backward_pass(*one, all_parts);
      }
    }
    if (options_.optimize) finish();
    return next_;
  }

 private:
  /// What a pass comes with: what it waits for, itself, and what it gives.
  enum : unsigned { arriving = 1, running = 2, leaving = 4, over = 8, all_parts = 15 };

  // Compilers count statements: these two write actions in place and do not call each other.

  constexpr void forward(const pass& one, unsigned parts) {
    chunk_state& chunk = chunks_[one.chunk];
    if (has_copies_ || !derives_) find_peers(chunk, one.micro);
    if ((parts & arriving) != 0 && (derives_ || other_rank(chunk.stage - 1, one.micro) < 0))
      take_slot(chunk, one.micro);
    const std::int16_t slot = chunk.slots.of[one.micro];
    if ((parts & arriving) != 0 && chunk.before >= 0)
      *next_++ = action{.kind = op::receive_activation,
                        .stage = chunk.stage,
                        .chunk = one.chunk,
                        .micro = one.micro,
                        .peer = chunk.before,
                        .slot = slot};
    if ((parts & running) != 0)
      *next_++ = action{
          .kind = op::forward,
          .version = static_cast<std::int8_t>(chunk.versions == nullptr ? 0 : chunk.versions->forward(one.micro)),
          .stage = chunk.stage,
          .chunk = one.chunk,
          .micro = one.micro,
          .slot = slot};
    if ((parts & leaving) != 0 && chunk.after >= 0)
      *next_++ = action{.kind = op::send_activation,
                        .stage = chunk.stage,
                        .chunk = one.chunk,
                        .micro = one.micro,
                        .peer = chunk.after,
                        .slot = slot};
  }

  constexpr void backward_pass(const pass& one, unsigned parts) {
    chunk_state& chunk = chunks_[one.chunk];
    if (has_copies_ || !derives_) find_peers(chunk, one.micro);
    const std::int16_t slot = chunk.slots.of[one.micro], message = message_of(chunk, one.micro);
    const bool has_input = one.kind != op::backward_weight;
    if ((parts & arriving) != 0 && has_input && chunk.after >= 0)
      *next_++ = action{.kind = op::receive_gradient,
                        .stage = chunk.stage,
                        .chunk = one.chunk,
                        .micro = one.micro,
                        .peer = chunk.after,
                        .slot = slot,
                        .message = message};
    if ((parts & running) != 0)
      *next_++ = action{
          .kind = one.kind,
          .version = static_cast<std::int8_t>(
              chunk.versions == nullptr ? 0 : chunk.versions->backward(one.micro, one.kind != op::backward_input)),
          .beside = one.beside,
          .stage = chunk.stage,
          .chunk = one.chunk,
          .micro = one.micro,
          .slot = slot,
          .message = message,
          .pending = one.kind == op::backward ? std::int16_t{-1} : between_halves(chunk, one),
          .skip = has_skips_ && has_input ? skip_slot(chunk, one.micro) : std::int16_t{-1}};
    if ((parts & leaving) != 0 && has_input && chunk.before >= 0)
      *next_++ = action{.kind = op::send_gradient,
                        .stage = chunk.stage,
                        .chunk = one.chunk,
                        .micro = one.micro,
                        .peer = chunk.before,
                        .slot = slot,
                        .message = message};
    if ((parts & over) == 0 || one.kind == op::backward_input) return;
    if (chunk.slots.free_count == micro_) too_many();
    chunk.slots.free[chunk.slots.free_count++] = slot;
    if ((--chunk.passes_left > 0 && policy_ == weight_versions::flush) || !options_.optimize) return;
    gradients_added(one);
  }

  /// A pass, or two that run together: what both wait for, both, what both give. Returns the last of them.
  constexpr const pass* in_parts(const pass* one, const pass* pair) {
    for (const unsigned part : {arriving, running, leaving, over}) {
      if (!has_skips_ && part == over) break;
      const unsigned parts = !has_skips_ && part == leaving ? leaving | over : part;
      one->kind == op::forward ? forward(*one, parts) : backward_pass(*one, parts);
      if (pair != nullptr) backward_pass(*pair, parts);
      if (!has_skips_) continue;
      along_skips(*one, part);
      if (pair != nullptr) along_skips(*pair, part);
    }
    return pair != nullptr ? pair : one;
  }

  /// The messages of a pass along skip edges: what it reads, and what it has made. Each is behind its like of the
  /// chain, which others wait for sooner.
  constexpr void along_skips(const pass& one, unsigned part) {
    if ((part & (arriving | leaving)) == 0 || one.kind == op::backward_weight) return;
    chunk_state& chunk = chunks_[one.chunk];
    const bool is_forward = one.kind == op::forward, arrives = part == arriving;
    for (int edge = 0; edge < options_.skips.size(); ++edge) {
      const skip_edge ends = options_.skips[edge];
      // Values come to the end of an edge, gradients to its beginning.
      const bool at_end = is_forward == arrives;
      if ((at_end ? ends.to : ends.from) != chunk.stage) continue;
      const std::int16_t peer = other_rank(at_end ? ends.from : ends.to, one.micro);
      if (peer < 0) continue;
      *next_++ = action{.kind = is_forward ? (arrives ? op::receive_activation : op::send_activation)
                                           : (arrives ? op::receive_gradient : op::send_gradient),
                        .stage = chunk.stage,
                        .chunk = one.chunk,
                        .micro = one.micro,
                        .peer = peer,
                        .slot = chunk.slots.of[one.micro],
                        .message = !is_forward && arrives ? message_of(chunk, one.micro) : std::int16_t{-1},
                        .edge = static_cast<std::int16_t>(edge),
                        .skip = !is_forward && !arrives ? skip_slot(chunk, one.micro) : std::int16_t{-1}};
    }
  }

  /// After the last backward pass of a chunk, and where weights have versions after each: sums and updates that are
  /// due.
  constexpr void gradients_added(const pass& one) {
    chunk_state& chunk = chunks_[one.chunk];
    if (policy_ == weight_versions::flush) {
      if (!has_copies_) reduce(one.chunk);
    } else if (++chunk.of_update == shape_.micro) {
      chunk.of_update = 0;
      reduce(one.chunk);
      *next_++ = action{.kind = op::optimizer_step,
                        .version = static_cast<std::int8_t>(chunk.versions->update()),
                        .stage = chunk.stage,
                        .chunk = one.chunk};
    }
  }

  /// A send or receive that the order itself has.
  constexpr void message(const pass& one) {
    chunk_state& chunk = chunks_[one.chunk];
    const bool with_after = one.kind == op::send_activation || one.kind == op::receive_gradient;
    const bool gradient = one.kind == op::send_gradient || one.kind == op::receive_gradient;
    const std::int16_t peer = other_rank(with_after ? chunk.stage + 1 : chunk.stage - 1, one.micro);
    if (peer < 0)
      require(false, "plait::program_of", "the order sends to, or receives from, a stage that is not on another rank");
    if (one.kind == op::receive_activation) take_slot(chunk, one.micro);
    *next_++ = action{.kind = one.kind,
                      .stage = chunk.stage,
                      .chunk = one.chunk,
                      .micro = one.micro,
                      .peer = peer,
                      .slot = chunk.slots.of[one.micro],
                      .message = gradient ? message_of(chunk, one.micro) : std::int16_t{-1}};
  }

  /// What comes after the last pass: the sums over copies of stages, in an order in which all their holders agree, and
  /// the update.
  constexpr void finish() {
    if (trains_ && policy_ == weight_versions::flush) {
      if (has_copies_)
        for (int stage = table_.stages() - 1; stage >= 0; --stage)
          for (int chunk = 0; chunk < shape_.chunks; ++chunk)
            if (chunks_[chunk].stage == stage) reduce(static_cast<std::int16_t>(chunk));
      if (options_.post_validate) {
        (next_++)->kind = op::optimizer_step;
        (next_++)->kind = op::reduce_norm;
        (next_++)->kind = op::validate_step;
      } else {
        if (options_.clip) (next_++)->kind = op::reduce_norm;
        (next_++)->kind = op::optimizer_step;
      }
    }
    (next_++)->kind = op::reduce_loss;
  }

  constexpr void reduce(std::int16_t chunk) {
    for (int bucket = options_.buckets - 1; bucket >= 0; --bucket)  // backward makes the last layers' gradients first
      *next_++ = action{.kind = op::reduce_gradients,
                        .stage = chunks_[chunk].stage,
                        .chunk = chunk,
                        .bucket = static_cast<std::int16_t>(bucket)};
  }

  action* next_ = nullptr;
};

}  // namespace plait::detail
