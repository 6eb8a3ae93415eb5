// SPDX-License-Identifier: Apache-2.0
#pragma once
// Runs programs as a trainer would, on symbols instead of numbers: an oracle for `verify` that shares no idea with it.
//
// A buffer holds the name of a value. Whoever finds another value than the mathematics needs makes garbage of what it
// computes, as a kernel would; nothing is checked on the way. Of two passes that run together either may be first. At
// the end every chunk must have had its updates, each of the weights that the policy says and with the sum of one
// gradient of each micro-batch of its step, over all copies of the stage, reduced once; and the loss must be the sum of
// one loss of each.

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
  explicit symbolic_run(const std::vector<plait::program>& programs)
      : programs_{programs}, shape_{programs[0].shape}, edges_{programs[0].options.skips} {
    for (const plait::program& one : programs) {
      rank_state state;
      for (std::size_t chunk = 0; chunk < one.slots.size(); ++chunk)
        state.chunks.push_back(chunk_of_program(one, chunk));
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
        while (ranks_[rank_].position < actions.size() && step(actions, backwards)) moved = true;
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
    int version = garbage;
    message* sent = nullptr;
    std::vector<int> came{};            ///< [skip edges]: what has come along each
    std::vector<int> made{};            ///< [skip edges]: what goes along each that begins here
    std::vector<message*> made_sent{};  ///< [skip edges]
  };
  struct gradient {
    int in = garbage;
    int out = garbage;
    message* sent = nullptr;
    std::vector<int> came{};  ///< [skip edges]
  };
  struct skip_gradient {
    std::vector<int> made{};  ///< [skip edges]
    std::vector<message*> sent{};
  };
  struct reduction {
    std::size_t added = 0;      ///< micro-batches that the chunk had added by then
    std::vector<int> summed{};  ///< those of all copies
  };
  struct chunk_state {
    int stage = -1;
    int copies = 1;
    std::vector<slot> slots;
    std::vector<gradient> gradients;
    std::vector<int> pending;  ///< the value whose weight half can be run from it
    std::vector<int> weights;  ///< how many right updates the weights in each buffer have had
    std::vector<skip_gradient> skips{};
    std::map<int, int> slot_of{};                     ///< micro-batch to slot, as a trainer remembers it
    std::map<int, int> skip_of{};                     ///< the same for slots of gradients along skip edges
    std::vector<int> sum{};                           ///< micro-batches whose gradients have been added; -1: garbage
    std::map<int, std::vector<reduction>> reduced{};  ///< of each bucket, since the last update
    std::size_t sums_come_to = 0, sums_done = 0;      ///< over the copies of its stage
    int updates = 0;
    bool updates_good = true;
  };
  struct rank_state {
    std::vector<chunk_state> chunks{};
    std::size_t position = 0;
    bool one_of_pair_done = false;
    std::vector<int> losses{}, reported{};
    int norms = 0, updates = 0, validations = 0, reports = 0, come_to_norm = 0, come_to_loss = 0;
    bool norm_good = true, update_good = true;
  };
  /// What the copies of a stage bring to their sum number so and so.
  struct sum_over_copies {
    std::vector<int> buckets{}, summed{};
  };

  chunk_state chunk_of_program(const plait::program& one, std::size_t chunk) const {
    const auto count = [](int number) { return static_cast<std::size_t>(number); };
    chunk_state state{.stage = Placement::stage_of(shape_, one.rank, static_cast<int>(chunk)),
                      .slots = std::vector<slot>(count(one.slots[chunk])),
                      .gradients = std::vector<gradient>(count(one.messages[chunk])),
                      .pending = std::vector<int>(count(one.pending[chunk]), garbage),
                      .weights = std::vector<int>(count(one.versions[chunk]), garbage)};
    const std::size_t edges = count(edges_.size());
    for (slot& each : state.slots) {
      each.came.assign(edges, garbage), each.made.assign(edges, garbage);
      each.made_sent.assign(edges, nullptr);
    }
    for (gradient& each : state.gradients) each.came.assign(edges, garbage);
    state.skips.assign(count(one.skips[chunk]), {std::vector<int>(edges, garbage), std::vector<message*>(edges)});
    state.copies = 0;
    for (int rank = 0; rank < shape_.ranks; ++rank)
      for (int other = 0; other < shape_.chunks; ++other)
        if (Placement::stage_of(shape_, rank, other) == state.stage) ++state.copies;
    // Double-buffered weights begin as two copies of the start.
    const std::size_t starts = one.policy == plait::weight_versions::double_buffered ? 2 : 1;
    for (std::size_t buffer = 0; buffer < std::min(starts, state.weights.size()); ++buffer) state.weights[buffer] = 0;
    return state;
  }

  /// One action, or two that run together, in either order. False: the rank waits, or the programs make no sense.
  bool step(const std::vector<plait::action>& actions, bool second_first) {
    rank_state& rank = ranks_[rank_];
    const std::size_t at = rank.position;
    const bool is_pair = at + 1 < actions.size() && actions[at + 1].beside;
    if (actions[at].beside ||
        (is_pair && (actions[at].kind != plait::op::forward || !is_backward(actions[at + 1].kind))))
      return no();  // what runs together is a forward pass and a backward pass
    if (!is_pair || !second_first) {
      if (!rank.one_of_pair_done && !run(actions[at])) return false;
      rank.one_of_pair_done = is_pair;
      if (is_pair && !run(actions[at + 1])) return false;
    } else {
      if (!rank.one_of_pair_done && !run(actions[at + 1])) return false;
      rank.one_of_pair_done = true;
      if (!run(actions[at])) return false;
    }
    rank.one_of_pair_done = false;
    rank.position += is_pair ? 2 : 1;
    return true;
  }

  /// The value that stage number `stage` takes for a micro-batch; that of its gradient has the same number.
  [[nodiscard]] int value(int stage, int micro) const { return stage * shape_.all_micro() + micro; }
  /// What goes along a skip edge; its gradient has the same number.
  [[nodiscard]] int skip_value(int edge, int micro) const { return value(shape_.stages() + 2 + edge, micro); }
  /// How much is sent and received follows from the micro-batch that an action names.
  [[nodiscard]] int sized(int got, int stage, int micro) const { return got == value(stage, micro) ? got : garbage; }
  /// The rank that runs a stage for a micro-batch.
  [[nodiscard]] int rank_of(int stage, int micro) const {
    return stage < 0 || stage >= shape_.stages() ? -1 : plait::rank_of<Placement>(shape_, stage, micro);
  }
  bool no() { return broken_ = true, false; }

  bool run(const plait::action& act) {
    using plait::op;
    rank_state& rank = ranks_[rank_];
    if (act.kind == op::reduce_norm)
      return gather(
          &rank_state::come_to_norm, [&] { rank.norm_good = gradients_good(rank); },
          [&] {
            ++rank.norms;
            for (const rank_state& other : ranks_) rank.update_good = rank.update_good && other.norm_good;
          });
    if (act.kind == op::reduce_loss)
      return gather(
          &rank_state::come_to_loss, [&] { rank.reported = rank.losses; }, [&] { ++rank.reports; });
    if (act.kind == op::validate_step) return validate(rank), true;
    if (act.kind == op::optimizer_step && act.chunk < 0) return update(rank), true;
    const auto chunk_number = static_cast<std::size_t>(act.chunk);
    if (act.chunk < 0 || chunk_number >= rank.chunks.size()) return no();
    chunk_state& chunk = rank.chunks[chunk_number];
    if (act.version < 0 || static_cast<std::size_t>(act.version) >= chunk.weights.size()) return no();
    // What a chunk computes with are the weights of its stage, whatever the action says.
    const int stage = chunk.stage;
    if (act.kind == op::optimizer_step) return update(chunk, act), true;
    if (act.kind == op::reduce_gradients) return reduce(chunk, act.bucket);
    if (act.micro < 0 || act.micro >= shape_.all_micro() || act.stage < 0 || act.stage >= shape_.stages()) return no();
    if (act.slot < 0 || static_cast<std::size_t>(act.slot) >= chunk.slots.size()) return no();
    slot& mine = chunk.slots[static_cast<std::size_t>(act.slot)];
    if (act.kind == op::forward) return forward(act, stage, chunk, mine);
    if (act.edge >= edges_.size()) return no();
    const auto edge = static_cast<std::size_t>(act.edge);
    if (act.kind == op::receive_activation) {
      if (!may_write(mine)) return false;
      return receive(act, 0, [&](int got) {
        (act.edge < 0 ? mine.input : mine.came[edge]) = got;
        mine.output = mine.saved = mine.version = garbage;
        std::fill(mine.made.begin(), mine.made.end(), garbage);
      });
    }
    if (act.kind == op::send_activation)
      return act.edge < 0 ? send(act, 0, mine.output, mine.sent) : send(act, 0, mine.made[edge], mine.made_sent[edge]);
    if (act.kind == op::send_gradient && act.edge >= 0) {
      if (act.skip < 0 || static_cast<std::size_t>(act.skip) >= chunk.skips.size()) return no();
      skip_gradient& skip = chunk.skips[static_cast<std::size_t>(act.skip)];
      return send(act, 1, skip.made[edge], skip.sent[edge]);
    }
    if (act.message < 0 || static_cast<std::size_t>(act.message) >= chunk.gradients.size()) return no();
    gradient& buffer = chunk.gradients[static_cast<std::size_t>(act.message)];
    if (act.kind == op::receive_gradient)
      return receive(act, 1, [&](int got) { (act.edge < 0 ? buffer.in : buffer.came[edge]) = got; });
    if (act.kind == op::send_gradient) return send(act, 1, buffer.out, buffer.sent);
    return backward(act, stage, chunk, mine, buffer);
  }

  bool forward(const plait::action& act, int stage, chunk_state& chunk, slot& mine) {
    const bool remote = stage > 0 && rank_of(stage - 1, act.micro) != static_cast<int>(rank_);
    if (!remote && !may_write(mine)) return false;
    if (stage == 0) mine.input = value(0, act.micro);
    if (stage > 0 && !remote) {
      const chunk_state& before = chunk_of(stage - 1);
      const auto found = before.slot_of.find(act.micro);
      mine.input =
          found == before.slot_of.end() ? garbage : before.slots[static_cast<std::size_t>(found->second)].output;
    }
    mine.version = chunk.weights[static_cast<std::size_t>(act.version)];
    // The copies of a stage are given their own micro-batches, and no others.
    const bool good = mine.input == value(stage, act.micro) && act.stage == stage &&
                      rank_of(stage, act.micro) == static_cast<int>(rank_) &&
                      mine.version == version_to_read(chunk, act.micro) && finds_skips(stage, act.micro, mine);
    mine.output = good ? value(stage + 1, act.micro) : garbage;
    mine.saved = good ? value(stage, act.micro) : garbage;
    for (int edge = 0; edge < edges_.size(); ++edge)
      if (edges_[edge].from == stage)
        mine.made[static_cast<std::size_t>(edge)] = good ? skip_value(edge, act.micro) : garbage;
    chunk.slot_of[act.micro] = act.slot;
    if (stage + 1 == shape_.stages()) ranks_[rank_].losses.push_back(good ? act.micro : garbage);
    return true;
  }

  bool backward(const plait::action& act, int stage, chunk_state& chunk, slot& mine, gradient& buffer) {
    using plait::op;
    const bool writes = act.kind != op::backward_weight;
    if (writes && !may_write(buffer.sent)) return false;
    const bool makes = writes && std::any_of(edges_.begin(), edges_.end(), [&](auto one) { return one.to == stage; });
    if (makes) {
      if (act.skip < 0 || static_cast<std::size_t>(act.skip) >= chunk.skips.size()) return no();
      for (const message* sent : chunk.skips[static_cast<std::size_t>(act.skip)].sent)
        if (!may_write(sent)) return false;
    }
    const bool split = act.kind != op::backward;
    if (split && (act.pending < 0 || static_cast<std::size_t>(act.pending) >= chunk.pending.size())) return no();
    bool good = mine.saved == value(stage, act.micro) && act.stage == stage;
    if (writes) {
      good = good && chunk.weights[static_cast<std::size_t>(act.version)] == mine.version;
      if (stage + 1 < shape_.stages()) {
        const bool remote = rank_of(stage + 1, act.micro) != static_cast<int>(rank_);
        const auto& local = remote ? chunk.gradients : chunk_of(stage + 1).gradients;
        const auto number = static_cast<std::size_t>(act.message);
        good = good && number < local.size() && (remote ? buffer.in : local[number].out) == value(stage + 1, act.micro);
      }
      good = good && finds_skips(stage, act.micro, mine) && finds_skip_gradients(stage, act.micro, buffer);
      for (int edge = 0; edge < edges_.size(); ++edge)
        if (edges_[edge].to == stage)
          chunk.skips[static_cast<std::size_t>(act.skip)].made[static_cast<std::size_t>(edge)] =
              good ? skip_value(edge, act.micro) : garbage;
      if (makes) chunk.skip_of[act.micro] = act.skip;
      buffer.out = good ? value(stage, act.micro) : garbage;
      if (split) chunk.pending[static_cast<std::size_t>(act.pending)] = buffer.out;
    }
    if (act.kind == op::backward_input) return true;
    if (!writes) good = good && chunk.pending[static_cast<std::size_t>(act.pending)] == value(stage, act.micro);
    chunk.sum.push_back(good ? act.micro : garbage);
    return true;
  }

  /// Whether a pass of a stage finds what came to it along skip edges: in its slot, or where it was made on this rank.
  bool finds_skips(int stage, int micro, const slot& mine) {
    for (int edge = 0; edge < edges_.size(); ++edge) {
      if (edges_[edge].to != stage) continue;
      const auto number = static_cast<std::size_t>(edge);
      const slot* from = &mine;
      if (const bool local = rank_of(edges_[edge].from, micro) == static_cast<int>(rank_); local) {
        const chunk_state& maker = chunk_of(edges_[edge].from);
        const auto found = maker.slot_of.find(micro);
        if (found == maker.slot_of.end()) return false;
        from = &maker.slots[static_cast<std::size_t>(found->second)];
        if (from->made[number] != skip_value(edge, micro)) return false;
      } else if (from->came[number] != skip_value(edge, micro)) {
        return false;
      }
    }
    return true;
  }
  /// The same for gradients of what a stage sent along them.
  bool finds_skip_gradients(int stage, int micro, const gradient& buffer) {
    for (int edge = 0; edge < edges_.size(); ++edge) {
      if (edges_[edge].from != stage) continue;
      const auto number = static_cast<std::size_t>(edge);
      if (rank_of(edges_[edge].to, micro) != static_cast<int>(rank_)) {
        if (buffer.came[number] != skip_value(edge, micro)) return false;
        continue;
      }
      const chunk_state& maker = chunk_of(edges_[edge].to);
      const auto found = maker.skip_of.find(micro);
      if (found == maker.skip_of.end() ||
          maker.skips[static_cast<std::size_t>(found->second)].made[number] != skip_value(edge, micro))
        return false;
    }
    return true;
  }

  /// How many updates the weights have had that a micro-batch goes forward with.
  [[nodiscard]] int version_to_read(const chunk_state& chunk, int micro) const {
    switch (programs_[0].policy) {
      case plait::weight_versions::flush:
        return 0;
      case plait::weight_versions::stash:
        return chunk.updates;
      case plait::weight_versions::synchronised:  // the first stage warms up with ranks - 1 micro-batches
        return std::max(0, micro - (shape_.ranks - 1)) / shape_.micro;
      case plait::weight_versions::double_buffered:
        return std::max(0, micro / shape_.micro - 1);
    }
    return garbage;
  }

  /// The state of a stage that is on this rank.
  chunk_state& chunk_of(int stage) {
    for (int chunk = 0; chunk < shape_.chunks; ++chunk)
      if (Placement::stage_of(shape_, static_cast<int>(rank_), chunk) == stage)
        return ranks_[rank_].chunks[static_cast<std::size_t>(chunk)];
    return ranks_[rank_].chunks[0];
  }

  static bool may_write(const message* last) { return last == nullptr || last->taken; }
  static bool may_write(const slot& mine) {
    return may_write(mine.sent) && std::all_of(mine.made_sent.begin(), mine.made_sent.end(),
                                               [](const message* last) { return may_write(last); });
  }

  std::deque<message*>& line(int from, int to, int direction) { return lines_[{from, to, direction}]; }

  bool send(const plait::action& act, int direction, const int& from, message*& sent) {
    if (act.peer < 0 || act.peer >= shape_.ranks) return no();
    const int value = act.edge < 0                              ? sized(from, act.stage + 1 - direction, act.micro)
                      : from == skip_value(act.edge, act.micro) ? from
                                                                : garbage;
    sent = &messages_.emplace_back(message{&from, value, false});
    line(static_cast<int>(rank_), act.peer, direction + 2 * (act.edge + 1)).push_back(sent);
    return true;
  }

  template <class Put>
  bool receive(const plait::action& act, int direction, const Put& put) {
    if (act.peer < 0 || act.peer >= shape_.ranks) return no();
    auto& waiting = line(act.peer, static_cast<int>(rank_), direction + 2 * (act.edge + 1));
    if (waiting.empty()) return false;
    message& next = *waiting.front();
    const int value = next.value == *next.from ? next.value : garbage;
    put(act.edge < 0                               ? sized(value, act.stage + direction, act.micro)
        : value == skip_value(act.edge, act.micro) ? value
                                                   : garbage);
    next.taken = true;
    waiting.pop_front();
    return true;
  }

  /// A collective over all ranks, the next of its kind on this one. come: what it brings; done: what it takes away.
  template <class Come, class Done>
  bool gather(int rank_state::*counter, const Come& come, const Done& done) {
    int& mine = ranks_[rank_].*counter;
    auto& marked = gathered_[{rank_, counter == &rank_state::come_to_norm}];
    if (!marked) {
      marked = true;
      ++mine;
      come();
    }
    for (const rank_state& other : ranks_)
      if (other.*counter < mine) return false;
    marked = false;
    done();
    return true;
  }

  /// One bucket of a chunk over the copies of its stage, in the order in which each copy comes to it.
  bool reduce(chunk_state& chunk, int bucket) {
    auto& sums = sums_[chunk.stage];
    if (chunk.sums_come_to == chunk.sums_done) {
      if (sums.size() == chunk.sums_come_to) sums.emplace_back();
      sum_over_copies& sum = sums[chunk.sums_come_to++];
      sum.buckets.push_back(bucket);
      sum.summed.insert(sum.summed.end(), chunk.sum.begin(), chunk.sum.end());
    }
    const sum_over_copies& sum = sums[chunk.sums_done];
    if (sum.buckets.size() < static_cast<std::size_t>(chunk.copies)) return false;
    ++chunk.sums_done;
    const bool same = std::count(sum.buckets.begin(), sum.buckets.end(), bucket) == chunk.copies;
    chunk.reduced[bucket].push_back({chunk.sum.size(), same ? sum.summed : std::vector<int>{garbage}});
    return true;
  }

  /// Whether these are the micro-batches from `begin` to `end`, each once, in any order.
  static bool each_once(std::vector<int> micros, int begin, int end) {
    std::sort(micros.begin(), micros.end());
    if (micros.size() != static_cast<std::size_t>(end - begin)) return false;
    for (int micro = begin; micro < end; ++micro)
      if (micros[static_cast<std::size_t>(micro - begin)] != micro) return false;
    return true;
  }
  [[nodiscard]] bool each_once(const std::vector<int>& micros) const {
    return each_once(micros, 0, shape_.all_micro());
  }
  [[nodiscard]] bool flushes() const { return programs_[0].policy == plait::weight_versions::flush; }

  /// Whether the sum that a chunk's next update takes is that of its step: over all copies where they have been summed.
  [[nodiscard]] bool gradients_good(const chunk_state& chunk) const {
    const plait::step_options& options = programs_[0].options;
    if (chunk.stage < 0) return chunk.sum.empty() && chunk.reduced.empty();
    const int of_update = shape_.micro * chunk.copies;
    const int begin = flushes() ? 0 : chunk.updates * of_update,
              end = flushes() ? shape_.all_micro() : begin + of_update;
    if (options.buckets == 0 || !options.optimize)
      return chunk.reduced.empty() && (chunk.copies == 1 ? each_once(chunk.sum, begin, end) : own_once(chunk));
    if (chunk.reduced.size() != static_cast<std::size_t>(options.buckets)) return false;
    for (const auto& [bucket, times] : chunk.reduced)
      if (bucket < 0 || bucket >= options.buckets || times.size() != 1 || times[0].added != chunk.sum.size() ||
          !each_once(times[0].summed, begin, end))
        return false;
    return true;
  }
  /// Whether a copy that is not summed with the others has what goes through it.
  [[nodiscard]] bool own_once(const chunk_state& chunk) const {
    for (int micro = 0; micro < shape_.all_micro(); ++micro) {
      const rank_state& at = ranks_[static_cast<std::size_t>(rank_of(chunk.stage, micro))];
      const bool own = &chunk >= at.chunks.data() && &chunk < at.chunks.data() + at.chunks.size();
      if (std::count(chunk.sum.begin(), chunk.sum.end(), micro) != (own ? 1 : 0)) return false;
    }
    return std::count(chunk.sum.begin(), chunk.sum.end(), garbage) == 0;
  }
  [[nodiscard]] bool gradients_good(const rank_state& rank) const {
    return std::all_of(rank.chunks.begin(), rank.chunks.end(),
                       [&](const chunk_state& chunk) { return gradients_good(chunk); });
  }

  /// All parameters of a rank, at the end of a step that flushes.
  void update(rank_state& rank) {
    const plait::step_options& options = programs_[0].options;
    ++rank.updates;
    rank.update_good = rank.update_good && gradients_good(rank) && flushes() &&
                       (options.post_validate || rank.norms == (options.clip ? 1 : 0));
    for (chunk_state& chunk : rank.chunks)
      for (int& weights : chunk.weights) weights = rank.updates;
  }
  /// Those of one chunk, from its newest weights into a buffer.
  void update(chunk_state& chunk, const plait::action& act) {
    chunk.updates_good = chunk.updates_good && gradients_good(chunk) && act.stage == chunk.stage && !flushes() &&
                         !programs_[0].options.clip && !programs_[0].options.post_validate;
    chunk.weights[static_cast<std::size_t>(act.version)] = chunk.updates_good ? ++chunk.updates : garbage;
    chunk.sum.clear();
    chunk.reduced.clear();
  }
  /// Takes back what the norm, which comes after the update, shows to be wrong.
  void validate(rank_state& rank) {
    ++rank.validations;
    rank.update_good = rank.update_good && rank.norms == 1 && rank.updates == 1;
  }

  [[nodiscard]] bool ended_well() const {
    const plait::program& first = programs_[0];
    const plait::step_options& options = first.options;
    for (const auto& [key, waiting] : lines_)
      if (!waiting.empty()) return false;
    std::vector<int> losses, reported;
    for (const rank_state& rank : ranks_) {
      losses.insert(losses.end(), rank.losses.begin(), rank.losses.end());
      reported.insert(reported.end(), rank.reported.begin(), rank.reported.end());
    }
    if (!each_once(losses) || (options.optimize && !each_once(reported))) return false;
    const int once = first.trains && options.optimize && flushes() ? 1 : 0;
    for (const rank_state& rank : ranks_) {
      if (rank.reports != (options.optimize ? 1 : 0)) return false;
      if (rank.updates != once || !rank.update_good) return false;
      if (rank.norms != (options.clip || options.post_validate ? once : 0)) return false;
      if (rank.validations != (options.post_validate ? once : 0)) return false;
      for (const chunk_state& chunk : rank.chunks)
        if (!chunk_ended_well(chunk)) return false;
    }
    return true;
  }
  [[nodiscard]] bool chunk_ended_well(const chunk_state& chunk) const {
    if (!programs_[0].trains) return chunk.sum.empty() && chunk.reduced.empty();
    if (flushes()) return gradients_good(chunk);
    return chunk.updates_good && chunk.sum.empty() && chunk.reduced.empty() &&
           chunk.updates * shape_.micro * chunk.copies == shape_.all_micro();
  }

  const std::vector<plait::program>& programs_;
  plait::pipe_shape shape_;
  plait::skip_edges edges_;
  std::vector<rank_state> ranks_;
  std::deque<message> messages_;
  std::map<std::tuple<int, int, int>, std::deque<message*>> lines_;
  std::map<std::pair<std::size_t, bool>, bool> gathered_;
  std::map<int, std::vector<sum_over_copies>> sums_;  ///< of each stage
  std::size_t rank_ = 0;                              ///< at hand
  bool broken_ = false;                               ///< an action that names memory or ranks that do not exist
};

/// Whether programs compute a step, in whatever order ranks get on.
template <class Placement>
bool computes_a_step(const std::vector<plait::program>& programs) {
  return symbolic_run<Placement>{programs}.right(false) && symbolic_run<Placement>{programs}.right(true);
}

}  // namespace testing
