// SPDX-License-Identifier: Apache-2.0
#pragma once
// Runs programs as a trainer would, on symbols instead of numbers: an oracle for `verify` that shares no idea with it.
//
// A buffer holds the name of a value. Whoever finds another value than the mathematics needs makes garbage of what it
// computes, as a kernel would; nothing is checked on the way. At the end every chunk must have been updated once, with
// the sum of one gradient of each micro-batch, reduced once; and the loss must be the sum of one loss of each.

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <map>
#include <tuple>
#include <vector>

#include <plait/schedule/program.hpp>

namespace testing {

template <class Placement>
class symbolic_run {
 public:
  explicit symbolic_run(const std::vector<plait::program>& programs) : programs_{programs}, shape_{programs[0].shape} {
    for (const plait::program& one : programs) {
      rank_state state;
      for (std::size_t chunk = 0; chunk < one.slots.size(); ++chunk)
        state.chunks.push_back({std::vector<slot>(static_cast<std::size_t>(one.slots[chunk])),
                                std::vector<gradient>(static_cast<std::size_t>(one.messages[chunk]))});
      ranks_.push_back(std::move(state));
    }
  }

  /// Whether the programs end, and have computed what a step is to compute. `backwards`: tries the ranks in the other
  /// order, which must make no difference.
  bool right(bool backwards) {
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t i = 0; i < ranks_.size(); ++i) {
        rank_ = backwards ? ranks_.size() - 1 - i : i;
        const auto& actions = programs_[rank_].actions;
        for (; ranks_[rank_].position < actions.size() && run(actions[ranks_[rank_].position]); moved = true)
          ++ranks_[rank_].position;
        if (broken_) return false;
      }
    }
    for (std::size_t i = 0; i < ranks_.size(); ++i)
      if (ranks_[i].position < programs_[i].actions.size()) return false;
    return ended_well();
  }

 private:
  static constexpr int garbage = -1;

  struct message {
    const int* from = nullptr;  ///< the buffer that is sent; it must hold the same when it is sent and when it is taken
    int value = garbage;
    bool taken = false;
  };
  struct slot {
    int input = garbage;  ///< value number of a stage's input; outputs have the number of the next stage's input
    int output = garbage;
    int saved = garbage;  ///< of which (stage, micro) the slot holds all that backward needs
    message* sent = nullptr;
  };
  struct gradient {
    int in = garbage;
    int out = garbage;
    message* sent = nullptr;
  };
  struct chunk_state {
    std::vector<slot> slots;
    std::vector<gradient> gradients;
    std::map<int, int> slot_of{};               ///< micro-batch to slot, as a trainer remembers it
    std::vector<int> inputs_done{}, sum{};      ///< micro-batches whose gradients have been added; -1: garbage
    std::map<int, std::vector<int>> reduced{};  ///< of each bucket: what was in the sum each time it was reduced
    bool added_after_reduction = false;
  };
  struct rank_state {
    std::vector<chunk_state> chunks;
    std::size_t position = 0;
    std::vector<int> losses{}, reported{};
    int norms = 0, updates = 0, reports = 0, come_to_norm = 0, come_to_loss = 0;
    bool update_good = true;
  };

  /// The value that stage number `stage` takes for a micro-batch; that of its gradient has the same number.
  [[nodiscard]] int value(int stage, int micro) const { return stage * shape_.micro + micro; }
  /// How much is sent and received follows from the micro-batch that an action names.
  [[nodiscard]] int sized(int got, int stage, int micro) const { return got == value(stage, micro) ? got : garbage; }
  [[nodiscard]] int rank_of(int stage) const {
    return stage < 0 || stage >= shape_.stages() ? -1 : plait::rank_of<Placement>(shape_, stage);
  }
  bool no() { return broken_ = true, false; }

  bool run(const plait::action& act) {
    using plait::op;
    rank_state& rank = ranks_[rank_];
    if (act.kind == op::reduce_norm)
      return gather(rank.come_to_norm, &rank_state::come_to_norm, [&] {
        ++rank.norms;
        rank.update_good = rank.update_good && gradients_good(rank);
      });
    if (act.kind == op::reduce_loss)
      return gather(rank.come_to_loss, &rank_state::come_to_loss, [&] { ++rank.reports, rank.reported = rank.losses; });
    if (act.kind == op::optimizer_step) return update(rank), true;
    const auto chunk_number = static_cast<std::size_t>(act.chunk);
    if (act.chunk < 0 || chunk_number >= rank.chunks.size()) return no();
    chunk_state& chunk = rank.chunks[chunk_number];
    // What a chunk computes with are the weights of its stage, whatever the action says.
    const int stage = Placement::stage_of(shape_, static_cast<int>(rank_), act.chunk);
    if (act.kind == op::reduce_gradients) {
      chunk.reduced[act.bucket].push_back(static_cast<int>(chunk.sum.size()));
      return true;
    }
    if (act.micro < 0 || act.micro >= shape_.micro || act.stage < 0 || act.stage >= shape_.stages()) return no();
    if (act.slot < 0 || static_cast<std::size_t>(act.slot) >= chunk.slots.size()) return no();
    slot& mine = chunk.slots[static_cast<std::size_t>(act.slot)];
    if (act.kind == op::forward) return forward(act, stage, chunk, mine);
    if (act.kind == op::receive_activation) {
      if (!may_write(mine.sent)) return false;
      return receive(act, 0, [&](int got) { mine = slot{.input = got}; });
    }
    if (act.kind == op::send_activation) return send(act, 0, mine.output, mine.sent);
    if (act.message < 0 || static_cast<std::size_t>(act.message) >= chunk.gradients.size()) return no();
    gradient& buffer = chunk.gradients[static_cast<std::size_t>(act.message)];
    if (act.kind == op::receive_gradient) return receive(act, 1, [&](int got) { buffer.in = got; });
    if (act.kind == op::send_gradient) return send(act, 1, buffer.out, buffer.sent);
    return backward(act, stage, chunk, mine, buffer);
  }

  bool forward(const plait::action& act, int stage, chunk_state& chunk, slot& mine) {
    const bool remote = stage > 0 && rank_of(stage - 1) != static_cast<int>(rank_);
    if (!remote && !may_write(mine.sent)) return false;
    if (stage == 0) mine.input = value(0, act.micro);
    if (stage > 0 && !remote) {
      const chunk_state& before = chunk_of(stage - 1);
      const auto found = before.slot_of.find(act.micro);
      mine.input =
          found == before.slot_of.end() ? garbage : before.slots[static_cast<std::size_t>(found->second)].output;
    }
    const bool good = mine.input == value(stage, act.micro) && act.stage == stage && ranks_[rank_].updates == 0;
    mine.output = good ? value(stage + 1, act.micro) : garbage;
    mine.saved = good ? value(stage, act.micro) : garbage;
    chunk.slot_of[act.micro] = act.slot;
    if (stage + 1 == shape_.stages()) ranks_[rank_].losses.push_back(good ? act.micro : garbage);
    return true;
  }

  bool backward(const plait::action& act, int stage, chunk_state& chunk, slot& mine, gradient& buffer) {
    using plait::op;
    const bool writes = act.kind != op::backward_weight;
    if (writes && !may_write(buffer.sent)) return false;
    bool good = mine.saved == value(stage, act.micro) && act.stage == stage && ranks_[rank_].updates == 0;
    if (writes) {
      if (stage + 1 < shape_.stages()) {
        const bool remote = rank_of(stage + 1) != static_cast<int>(rank_);
        const auto& local = chunk_of(remote ? stage : stage + 1).gradients;
        const auto number = static_cast<std::size_t>(act.message);
        good = good && number < local.size() && (remote ? buffer.in : local[number].out) == value(stage + 1, act.micro);
      }
      buffer.out = good ? value(stage, act.micro) : garbage;
      if (good) chunk.inputs_done.push_back(act.micro);
    }
    if (act.kind == op::backward_input) return true;
    if (!writes) good = good && std::count(chunk.inputs_done.begin(), chunk.inputs_done.end(), act.micro) > 0;
    chunk.sum.push_back(good ? act.micro : garbage);
    return true;
  }

  /// The state of a stage that is on this rank.
  chunk_state& chunk_of(int stage) {
    for (int chunk = 0; chunk < shape_.chunks; ++chunk)
      if (Placement::stage_of(shape_, static_cast<int>(rank_), chunk) == stage)
        return ranks_[rank_].chunks[static_cast<std::size_t>(chunk)];
    return ranks_[rank_].chunks[0];
  }

  static bool may_write(const message* last) { return last == nullptr || last->taken; }

  std::deque<message*>& line(int from, int to, int direction) { return lines_[{from, to, direction}]; }

  bool send(const plait::action& act, int direction, const int& from, message*& sent) {
    if (act.peer < 0 || act.peer >= shape_.ranks) return no();
    sent = &messages_.emplace_back(message{&from, sized(from, act.stage + 1 - direction, act.micro), false});
    line(static_cast<int>(rank_), act.peer, direction).push_back(sent);
    return true;
  }

  template <class Put>
  bool receive(const plait::action& act, int direction, const Put& put) {
    if (act.peer < 0 || act.peer >= shape_.ranks) return no();
    auto& waiting = line(act.peer, static_cast<int>(rank_), direction);
    if (waiting.empty()) return false;
    message& next = *waiting.front();
    put(next.value == *next.from ? sized(next.value, act.stage + direction, act.micro) : garbage);
    next.taken = true;
    waiting.pop_front();
    return true;
  }

  /// A collective over all ranks, the `mine + 1`st of its kind on this one.
  template <class Done>
  bool gather(int& mine, int rank_state::*counter, const Done& done) {
    auto& marked = gathered_[{rank_, counter == &rank_state::come_to_norm}];
    if (!marked) {
      marked = true;
      ++mine;
    }
    for (const rank_state& other : ranks_)
      if (other.*counter < mine) return false;
    marked = false;
    done();
    return true;
  }

  /// Micro-batches 0, 1, ... each once, in any order.
  [[nodiscard]] bool each_once(std::vector<int> micros) const {
    std::sort(micros.begin(), micros.end());
    if (micros.size() != static_cast<std::size_t>(shape_.micro)) return false;
    for (int micro = 0; micro < shape_.micro; ++micro)
      if (micros[static_cast<std::size_t>(micro)] != micro) return false;
    return true;
  }
  [[nodiscard]] bool gradients_good(const rank_state& rank) const {
    const plait::step_options& options = programs_[0].options;
    return std::all_of(rank.chunks.begin(), rank.chunks.end(), [&](const chunk_state& chunk) {
      if (!each_once(chunk.sum) || chunk.reduced.size() != static_cast<std::size_t>(options.buckets)) return false;
      for (const auto& [bucket, times] : chunk.reduced)
        if (bucket < 0 || bucket >= options.buckets || times.size() != 1 || times[0] != shape_.micro) return false;
      return true;
    });
  }
  void update(rank_state& rank) {
    ++rank.updates;
    rank.update_good = rank.update_good && gradients_good(rank) && rank.norms == (programs_[0].options.clip ? 1 : 0);
  }

  [[nodiscard]] bool ended_well() const {
    const plait::program& first = programs_[0];
    for (const auto& [key, waiting] : lines_)
      if (!waiting.empty()) return false;
    for (std::size_t i = 0; i < ranks_.size(); ++i) {
      const rank_state& rank = ranks_[i];
      const bool holds_loss = rank_of(shape_.stages() - 1) == static_cast<int>(i);
      if (holds_loss && !each_once(rank.losses)) return false;
      if (rank.reports != (first.options.optimize ? 1 : 0)) return false;
      if (holds_loss && first.options.optimize && !each_once(rank.reported)) return false;
      if (rank.updates != (first.trains && first.options.optimize ? 1 : 0) || !rank.update_good) return false;
      if (rank.norms != (first.trains && first.options.optimize && first.options.clip ? 1 : 0)) return false;
      if (!first.trains) {
        for (const chunk_state& chunk : rank.chunks)
          if (!chunk.sum.empty() || !chunk.reduced.empty()) return false;
      } else if (!first.options.optimize) {
        for (const chunk_state& chunk : rank.chunks)
          if (!each_once(chunk.sum) || !chunk.reduced.empty()) return false;
      } else if (!gradients_good(rank)) {
        return false;
      }
    }
    return true;
  }

  const std::vector<plait::program>& programs_;
  plait::pipe_shape shape_;
  std::vector<rank_state> ranks_;
  std::deque<message> messages_;
  std::map<std::tuple<int, int, int>, std::deque<message*>> lines_;
  std::map<std::pair<std::size_t, bool>, bool> gathered_;
  std::size_t rank_ = 0;  ///< at hand
  bool broken_ = false;   ///< an action that names memory or ranks that do not exist
};

/// Whether programs compute a step, in whatever order ranks get on.
template <class Placement>
bool computes_a_step(const std::vector<plait::program>& programs) {
  return symbolic_run<Placement>{programs}.right(false) && symbolic_run<Placement>{programs}.right(true);
}

}  // namespace testing
