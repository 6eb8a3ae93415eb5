// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include <plait/core/scratch.hpp>
#include <plait/schedule/action.hpp>
#include <plait/schedule/detail/pass_rules.hpp>
#include <plait/schedule/verification.hpp>

namespace plait::detail {

/// Runs the programs of all ranks against each other without time: each goes on until it must wait. What a micro-batch
/// waits for is said by `pass_rules`; collectives over all ranks wait for all. Since no rank ever chooses, the outcome
/// does not depend on the order in which ranks are tried.
class program_checker : pass_rules {
 public:
  using pass_rules::pass_rules;

  constexpr verification run() {
    if (options_.buckets < 0 || options_.buckets > 30) return fault("a chunk has at most 30 buckets");
    if (policy_ != weight_versions::flush && (options_.clip || options_.post_validate))
      return fault("weights that have versions are updated stage by stage, so there is no norm of all gradients");
    if (!place_stages()) return found_;
    place_skips();
    scratch<const action*> positions(size(ranks_count_));
    const action** const position = positions.data();
    for (int rank = 0; rank < ranks_count_; ++rank) position[rank] = ranks_[rank].begin;

    for (bool moved = true; moved;) {
      moved = false;
      for (rank_ = 0; rank_ < ranks_count_; ++rank_) {
        const action* const end = ranks_[rank_].end;
        at_ = position[rank_];
        while (at_ != end && (at_->micro < 0 ? step_once(*at_) : step_pass(*at_))) ++at_;
        if (!found_.valid) return found_;
        if (at_ == position[rank_]) continue;
        moved = true;
        position[rank_] = at_;
      }
    }
    // Some rank may wait for ever. Where one waits for what nobody is going to send, the others wait because of it.
    for (rank_ = 0; rank_ < ranks_count_; ++rank_)
      if (at_ = position[rank_]; at_ != ranks_[rank_].end && never_sent(*at_, position))
        return fault("waits for ever for a message that is not sent");
    for (rank_ = 0; rank_ < ranks_count_; ++rank_)
      if (at_ = position[rank_]; at_ != ranks_[rank_].end) return fault(waits_for(*at_));
    return all_done();
  }

 private:
  // ---- who waits for ever

  /// Whether a waiting action is a receive of what no action that its sender has left sends.
  constexpr bool never_sent(const action& act, const action* const* position) const {
    if (!is_receive(act.kind) || has_message(act)) return false;
    const bool backward = act.kind == op::receive_gradient;
    const action* const end = ranks_[act.peer].end;
    const int sender = act.edge < 0 ? act.stage + (backward ? 1 : -1)
                       : backward   ? options_.skips[act.edge].to
                                    : options_.skips[act.edge].from;
    for (const action* next = position[act.peer]; next != end; ++next)
      if (next->kind == (backward ? op::send_gradient : op::send_activation) && next->micro == act.micro &&
          next->stage == sender && next->edge == act.edge)
        return false;
    return true;
  }
  /// Why an action that names nothing impossible is still waiting at the end.
  constexpr std::string_view waits_for(const action& act) const {
    if (act.kind == op::reduce_loss || act.kind == op::reduce_norm)
      return "waits for ever for a rank that does not come";
    if (act.kind == op::reduce_gradients) return "waits for ever for another copy of its stage to come to this sum";
    if (is_receive(act.kind) && !has_message(act)) return "waits for ever for a message whose sender waits as well";
    return "waits for ever for a message from its slot to be taken";
  }

  // ---- what has no micro-batch

  /// As `step_pass`, for what a step or a chunk has once.
  constexpr bool step_once(const action& act) {
    if (act.kind == op::reduce_gradients) return reduce_gradients(act);
    if (act.kind == op::optimizer_step && policy_ != weight_versions::flush) return update_chunk(act);
    if (act.kind != op::reduce_norm && act.kind != op::optimizer_step && act.kind != op::reduce_loss &&
        act.kind != op::validate_step)
      return refuse("it has no micro-batch");
    const bool norm = options_.clip || options_.post_validate;
    if (!options_.optimize || (act.kind != op::reduce_loss && !trains_) || (act.kind == op::reduce_norm && !norm) ||
        (act.kind == op::validate_step && !options_.post_validate))
      return refuse("the options of the step leave it out");
    std::uint8_t& mine = once_[rank_ * op_count + static_cast<int>(act.kind)];
    if (mine == passed) return refuse("it has already run");
    if (mine == 0 && !ready(act.kind))
      return refuse(act.kind == op::reduce_loss ? "not every micro-batch has come to the loss"
                                                : "not all gradients of this rank are complete");
    const std::uint8_t* const once = once_ + rank_ * op_count;
    if (act.kind == op::optimizer_step) {
      if (norm && !options_.post_validate && once[static_cast<int>(op::reduce_norm)] != passed)
        return refuse("the norm has not been reduced");
      mine = passed;
      return true;
    }
    if (act.kind == op::validate_step) {
      if (once[static_cast<int>(op::reduce_norm)] != passed) return refuse("the norm has not been reduced");
      if (once[static_cast<int>(op::optimizer_step)] != passed) return refuse("there is no update to validate yet");
      mine = passed;
      return true;
    }
    // A collective over all ranks.
    int& come = arrived_[static_cast<int>(act.kind)];
    if (mine == 0) {
      mine = waiting;
      ++come;
    }
    if (come < ranks_count_) return false;
    mine = passed;
    return true;
  }

  /// The place of an action that names a stage and a chunk, or none.
  constexpr place_state* place_of(const action& act) const {
    if (act.stage < 0 || act.stage >= stages_ || act.chunk < 0 || act.chunk >= chunks_) return nullptr;
    place_state* const place = place_ + rank_ * chunks_ + act.chunk;
    return place->stage == act.stage ? place : nullptr;
  }

  constexpr bool reduce_gradients(const action& act) {
    place_state* const place = place_of(act);
    if (place == nullptr) return refuse("its stage or chunk is not on this rank");
    if (!options_.optimize || act.bucket < 0 || act.bucket >= options_.buckets)
      return refuse("there is no such bucket");
    if (place->weight_passes < place->passes_of_update)
      return refuse("not every micro-batch has added to these gradients");
    const unsigned bit = 1u << act.bucket;
    if ((place->reduced & bit) != 0) return refuse("it has already run");
    place->come |= bit;
    if (place->copies > 1 && !all_copies_have_come(*place, bit)) return false;
    place->reduced |= bit;
    return true;
  }

  /// Whether every copy of a stage has come to the sum of a bucket, for the same update.
  constexpr bool all_copies_have_come(const place_state& one, unsigned bit) const {
    for (int place = 0; place < ranks_count_ * chunks_; ++place) {
      const place_state& other = place_[place];
      if (other.stage == one.stage && other.updates <= one.updates &&
          ((other.come & bit) == 0 || other.updates < one.updates))
        return false;
    }
    return true;
  }

  /// An update of one chunk, where weights have versions: it writes a buffer that nobody will read again.
  constexpr bool update_chunk(const action& act) {
    place_state* const place = place_of(act);
    if (place == nullptr) return refuse("its stage or chunk is not on this rank");
    if (!options_.optimize || !trains_) return refuse("the options of the step leave it out");
    if (!gradients_ready(*place)) return refuse("not all gradients of this chunk are complete");
    if (act.version >= buffers_) return refuse("there is no such weight buffer");
    place->version[act.version] = static_cast<std::int16_t>(++place->updates);
    place->weight_passes = 0;
    place->reduced = place->come = 0;
    return true;
  }

  /// Whether this rank has what it brings to an action of the end: all losses, or all gradients.
  constexpr bool ready(op kind) const {
    for (int chunk = 0; chunk < chunks_; ++chunk) {
      const place_state& place = place_[rank_ * chunks_ + chunk];
      if (place.stage >= 0 && kind != op::reduce_loss && !gradients_ready(place)) return false;
    }
    if (kind != op::reduce_loss) return true;
    for (int micro = 0; micro < micro_; ++micro)
      if (stage_of(stages_ - 1, micro).rank == rank_ && (state_[(stages_ - 1) * micro_ + micro] & forward) == 0)
        return false;
    return true;
  }

  /// Whether the gradients of a chunk are complete and summed.
  constexpr bool gradients_ready(const place_state& place) const {
    return place.weight_passes == place.passes_of_update && place.reduced == (1u << options_.buckets) - 1;
  }

  // ---- the end

  /// What has not been done though every program has ended.
  constexpr verification all_done() {
    const int needed = trains_ ? forward | input | weight : forward;
    for (int i = 0; i < stages_ * micro_; ++i) {
      const int done = state_[i];
      if ((done & needed) == needed) continue;
      const op kind = (done & forward) == 0 ? op::forward : (done & input) == 0 ? op::backward : op::backward_weight;
      return missing(action{.kind = kind,
                            .stage = static_cast<std::int16_t>(i / micro_),
                            .micro = static_cast<std::int16_t>(i % micro_)},
                     stage_of(i / micro_, i % micro_).rank);
    }
    if (!options_.optimize) return found_;
    for (int place = 0; place < ranks_count_ * chunks_ && trains_; ++place) {
      const place_state& one = place_[place];
      if (one.stage < 0) continue;
      const bool flushes = policy_ == weight_versions::flush;
      if (flushes ? !gradients_ready(one) : one.weight_passes > 0)
        return missing(action{.kind = flushes ? op::reduce_gradients : op::optimizer_step,
                              .stage = static_cast<std::int16_t>(one.stage)},
                       place / chunks_);
    }
    for (int rank = 0; rank < ranks_count_; ++rank) {
      const std::uint8_t* const mine = once_ + rank * op_count;
      if (trains_ && policy_ == weight_versions::flush && mine[static_cast<int>(op::optimizer_step)] != passed)
        return missing(action{.kind = op::optimizer_step}, rank);
      if (trains_ && options_.post_validate && mine[static_cast<int>(op::validate_step)] != passed)
        return missing(action{.kind = op::validate_step}, rank);
      if (mine[static_cast<int>(op::reduce_loss)] != passed) return missing(action{.kind = op::reduce_loss}, rank);
    }
    return found_;
  }
};

}  // namespace plait::detail
