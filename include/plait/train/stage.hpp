// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <plait/comm/communicator.hpp>
#include <plait/cost/layer_profile.hpp>
#include <plait/cost/memory.hpp>
#include <plait/kernels/reduce.hpp>
#include <plait/layers/layer.hpp>
#include <plait/schedule/action.hpp>
#include <plait/tensor/arena.hpp>
#include <plait/train/parameters.hpp>
#include <plait/train/profile.hpp>
#include <plait/train/stage_skips.hpp>
#include <plait/train/workspace.hpp>

namespace plait {

namespace detail {

// The backward pass of a layer and its halves, as objects: nvcc 13 loses its way in generic lambdas that name them.
struct whole_pass {
  template <class L, class Context, class X, class Y, class DX>
  void operator()(const L& layer, Context& context, X x, Y y, Y dy, DX dx) const {
    plait::backward<L, Context, typename X::placed, typename Y::placed>(layer, context, x, y, dy, dx);
  }
};
struct input_half {
  template <class L, class Context, class X, class Y, class DX>
  void operator()(const L& layer, Context& context, X x, Y y, Y dy, DX dx) const {
    plait::backward_input<L, Context, typename X::placed, typename Y::placed>(layer, context, x, y, dy, dx);
  }
};
struct weight_half {
  template <class L, class Context, class X, class Y, class DX>
  void operator()(const L& layer, Context& context, X x, Y y, Y dy, DX) const {
    plait::backward_weight<L, Context, typename X::placed, typename Y::placed>(layer, context, x, y, dy);
  }
};

/// Whether a layer's backward pass can be split.
template <class L, class Context, class X, class Y, class DX>
concept has_input_half = requires(const L& layer, Context& context, X x, Y y, DX dx) {
  layer.backward_input(context, x, y, y, dx);
};

}  // namespace detail

/// One stage on its rank: its layers' parameters, activation slots and message buffers, and its passes over them.
template <real T, class Model, class Comm>
class stage {
 public:
  using space = typename Comm::space;
  using stream = typename space::stream;
  using context = layer_context<T, space, Comm>;
  using target = target_of<typename Model::loss_type, T>;

  /// The buffers of a chunk.
  struct buffer_counts {
    int slots = 0;     ///< for activations
    int messages = 0;  ///< for gradients between stages
    int pending = 0;   ///< for gradients between the halves of a backward pass
    int versions = 1;  ///< of the weights
    int skips = 0;     ///< for gradients along skip edges
  };

  /// features: global, [layers + 1].   micro: micro-batches of a program.
  stage(const Model& model, const std::vector<std::int64_t>& features, const model_profile& profile,
        const stage_place& place, buffer_counts counts, int states, tensor_place on_tensor_axis, Comm& tensor,
        step_arenas<space>& memory, int micro)
      : model_{&model},
        place_{place},
        here_{on_tensor_axis},
        tensor_{&tensor},
        features_{features},
        skips_{place, profile, counts.slots, counts.messages, counts.skips, micro, memory},
        slot_of_(static_cast<std::size_t>(micro)) {
    const auto begin = static_cast<std::size_t>(place.layers.begin), end = static_cast<std::size_t>(place.layers.end);
    inputs_ = begin < profile.layers.size() ? profile.layers[begin].inputs : profile.loss.inputs;
    outputs_ = end > 0 ? profile.layers[end - 1].outputs : inputs_;
    take_parameters(states, counts.versions, memory);
    for (int number = 0; number < counts.slots; ++number) {
      slot_state one;
      if (!place.input_is_here) one.input = memory.activations.template take<T>(profile.rows * inputs_);
      for (std::size_t i = begin; i < end; ++i) {
        one.outputs.push_back(memory.activations.template take<T>(profile.rows * profile.layers[i].outputs));
        one.saved.push_back(memory.activations.template take<T>(profile.layers[i].saved));
      }
      if (place.last) {
        one.saved_by_loss = memory.activations.template take<T>(profile.loss.saved);
        one.targets = memory.communication.template take<target>(profile.rows * profile.target_columns);
      }
      slots_.push_back(one);
    }
    for (int number = 0; number < counts.pending; ++number) {
      pending_.emplace_back();
      for (std::size_t i = begin; i < end; ++i)
        pending_.back().push_back(profile.layers[i].parameters.empty()
                                      ? nullptr
                                      : memory.activations.template take<T>(profile.rows * profile.layers[i].outputs));
    }
    gradient_sent_.resize(static_cast<std::size_t>(counts.messages));
    for (int i = 0; i < counts.messages && place.has_before; ++i)
      gradient_out_.push_back(memory.communication.template take<T>(profile.rows * inputs_));
    for (int i = 0; i < counts.messages && place.has_after_elsewhere; ++i)
      gradient_in_.push_back(memory.communication.template take<T>(profile.rows * outputs_));
  }

  [[nodiscard]] const stage_place& place() const { return place_; }
  [[nodiscard]] std::int64_t inputs() const { return inputs_; }  ///< features of a sample that are here
  [[nodiscard]] std::int64_t outputs() const { return outputs_; }
  [[nodiscard]] stage_skips<T, space>& skips() { return skips_; }
  [[nodiscard]] const stage_skips<T, space>& skips() const { return skips_; }
  [[nodiscard]] std::vector<held_parameter<T>>& parameters() { return parameters_; }
  [[nodiscard]] const std::vector<held_parameter<T>>& parameters() const { return parameters_; }

  /// Puts a micro-batch of `rows` samples into a slot. `input`: where its input is, if not in the slot's own buffer.
  void open(const action& act, std::int64_t rows, T* input) {
    slot_of_[static_cast<std::size_t>(act.micro)] = act.slot;
    slot_state& one = at(act.slot);
    one.rows = rows;
    if (input != nullptr) one.input = input;
  }
  [[nodiscard]] T* input(int slot) const { return slots_[static_cast<std::size_t>(slot)].input; }
  [[nodiscard]] target* targets(int slot) const { return slots_[static_cast<std::size_t>(slot)].targets; }
  [[nodiscard]] T* output_of_micro(int micro) const {
    return output(slots_[static_cast<std::size_t>(slot_of_[static_cast<std::size_t>(micro)])]);
  }
  /// The output of layer `index` of the model, which is one of the stage.
  [[nodiscard]] T* output_of_layer(int slot, int index) const {
    return slots_[static_cast<std::size_t>(slot)].outputs[local(index)];
  }
  [[nodiscard]] int slot_of_micro(int micro) const { return slot_of_[static_cast<std::size_t>(micro)]; }
  [[nodiscard]] T* output_of_slot(int number) const { return output(slots_[static_cast<std::size_t>(number)]); }
  [[nodiscard]] T* gradient_in(int message) const { return gradient_in_[static_cast<std::size_t>(message)]; }
  [[nodiscard]] T* gradient_out(int message) const { return gradient_out_[static_cast<std::size_t>(message)]; }
  /// Sends under way out of the stage's buffers.
  ticket& activation_sent(int slot) { return at(slot).sent; }
  ticket& gradient_sent(int message) { return gradient_sent_[static_cast<std::size_t>(message)]; }
  /// Calls `seen(ticket&)` for all of them.
  template <class Seen>
  void for_each_ticket(const Seen& seen) {
    for (slot_state& one : slots_) seen(one.sent);
    for (ticket& one : gradient_sent_) seen(one);
    skips_.for_each_ticket(seen);
  }

  /// Runs the layers forward and, on the last stage, adds the losses of the rows to those of `step`; `counts_hits` adds
  /// the hits as well, where the loss can tell them.   version: weight buffer.
  void forward(int number, int version, int step, const shared_workspace<T>& work, bool counts_hits, stream order) {
    slot_state& one = at(number);
    T* x = one.input;
    for (int index = first(); index < last(); ++index) {
      T* const y = one.outputs[local(index)];
      visit(index, [&]<class In, class Out>(const auto& layer, std::type_identity<In>, std::type_identity<Out>) {
        context mine = context_of(index, one, version, work, order);
        layer.forward(mine, view_of<In, const T>(x, one.rows, index), view_of<Out, T>(y, one.rows, index + 1));
      });
      x = y;
    }
    if (!place_.last) return;
    context mine = loss_context(one, work, order);
    const auto logits = view_of<loss_takes, const T>(x, one.rows, Model::layers);
    model_->loss().forward(mine, logits, one.targets, work.row_loss);
    add_sum(work.row_loss, one.rows, work.loss(step), work.reduce_scratch, order);
    if constexpr (requires { model_->loss().hits(mine, logits, one.targets, work.row_hit); }) {
      if (!counts_hits) return;
      model_->loss().hits(mine, logits, one.targets, work.row_hit);
      add_sum(work.row_hit, one.rows, work.hits(step), work.reduce_scratch, order);
    }
  }

  /// Runs the layers backward: adds to the gradients of the parameters and writes the gradient of the input to `dx`
  /// (nothing where `dx` is none).
  ///   dy: the gradient of the output, written over where others than the next stage read it; unused on the last
  ///       stage, where it is made from the loss
  ///   scale: what the sum of the rows' losses is multiplied by
  ///   layer_is_done(first): called after each layer; gradients from `first` to the end get nothing more in this pass
  template <class Done>
  void backward(int number, int version, T* dy, T* dx, T scale, const shared_workspace<T>& work, stream order,
                Done&& layer_is_done) {
    slot_state& one = at(number);
    skips_.start(one.rows, order);
    std::size_t turn = 0;
    if (place_.last) {
      T* const made = first() == last() ? dx : work.gradient[turn];
      if (made == nullptr) return;  // a loss alone, of an input that nobody wants the gradient of
      backward_of_loss(one, scale, made, work, order);
      dy = made;
      turn ^= 1;
    } else if (first() == last()) {
      return pass_on(one, dy, dx, order);
    }
    for (int index = last() - 1; index >= first(); --index) {
      T* const to = index == first() ? dx : work.gradient[turn];
      skips_.add_to(dy, index, one.rows, order);
      visit_backward(index, one, version, dy, to, work, order, detail::whole_pass{});
      layer_is_done(gradients_from_[local(index)]);
      dy = to;
      turn ^= 1;
    }
  }

  /// Throws: usage, unless the backward passes of all layers can be split.
  void require_halves() const {
    for (int index = first(); index < last(); ++index)
      visit(index, []<class L, class In, class Out>(const L& layer, std::type_identity<In>, std::type_identity<Out>) {
        if constexpr (!detail::has_input_half<L, context, matrix<const T, space, In>, matrix<const T, space, Out>,
                                              matrix<T, space, In>>)
          plait::detail::require_halves(layer);
      });
  }

  /// The input half of `backward`: keeps what the weight half needs in slot `kept` of those between the halves.
  void backward_input(int number, int kept, int version, T* dy, T* dx, T scale, const shared_workspace<T>& work,
                      stream order) {
    slot_state& one = at(number);
    skips_.start(one.rows, order);
    const std::vector<T*>& pending = pending_[static_cast<std::size_t>(kept)];
    std::size_t turn = 0;
    const auto gradient_of = [&](int index) {
      return pending[local(index)] != nullptr ? pending[local(index)] : work.gradient[turn ^= 1];
    };
    if (place_.last) {
      T* const made = first() == last() ? dx : gradient_of(last() - 1);
      if (made == nullptr) return;
      backward_of_loss(one, scale, made, work, order);
      dy = made;
    } else if (first() == last()) {
      return pass_on(one, dy, dx, order);
    } else if (T* const top = pending[local(last() - 1)]; top != nullptr) {
      space::copy(top, dy, static_cast<std::size_t>(one.rows * outputs_) * sizeof(T), order);
      dy = top;
    }
    for (int index = last() - 1; index >= first(); --index) {
      T* const to = index == first() ? dx : gradient_of(index - 1);
      skips_.add_to(dy, index, one.rows, order);
      if (to == nullptr) return;  // nobody wants the gradient of the samples
      visit_backward(index, one, version, dy, to, work, order, detail::input_half{});
      dy = to;
    }
  }

  /// The weight half: adds to the gradients of the parameters.
  template <class Done>
  void backward_weight(int number, int kept, int version, const shared_workspace<T>& work, stream order,
                       Done&& layer_is_done) {
    slot_state& one = at(number);
    for (int index = last() - 1; index >= first(); --index) {
      if (T* const dy = pending_[static_cast<std::size_t>(kept)][local(index)]; dy != nullptr)
        visit_backward(index, one, version, dy, nullptr, work, order, detail::weight_half{});
      layer_is_done(gradients_from_[local(index)]);
    }
  }

  void clear_gradients(stream order) {
    space::zero(gradients_, static_cast<std::size_t>(gradients_end_ - gradients_) * sizeof(T), order);
  }

  // ---- weight versions

  /// The buffer of parameter number `parameter` that holds what programs call version buffer `version`.
  [[nodiscard]] T* weight(std::size_t parameter, int version) const {
    return buffers_[static_cast<std::size_t>((version + first_buffer_) % versions())][parameter];
  }
  [[nodiscard]] int versions() const { return static_cast<int>(buffers_.size()); }
  /// Which buffer programs call 0 now.
  [[nodiscard]] int first_version() const { return first_buffer_; }
  /// Programs name buffers anew: buffer `version` is the one that they call `as` from now on, and holds the newest. The
  /// one that they call `as` - 1 holds the version before.
  void rename_versions(int version, int as) {
    first_buffer_ = (first_buffer_ + version - as + versions()) % versions();
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      parameters_[i].weight = weight(i, as);
      parameters_[i].previous = as > 0 ? weight(i, as - 1) : nullptr;
    }
  }

  /// The gradients of bucket `bucket` of `buckets`, as one run of memory.
  [[nodiscard]] std::span<T> bucket(int bucket, int buckets) const {
    const index_range part = balanced_part(gradients_end_ - gradients_, buckets, bucket);
    return {gradients_ + part.begin, static_cast<std::size_t>(part.size())};
  }

 private:
  using loss_takes = typename Model::loss_type::takes;

  struct slot_state {
    std::int64_t rows = 0;
    T* input = nullptr;
    std::vector<T*> outputs{};  ///< of each layer
    std::vector<T*> saved{};    ///< by each layer
    T* saved_by_loss = nullptr;
    target* targets = nullptr;
    ticket sent{};
  };

  void take_parameters(int states, int versions, step_arenas<space>& memory) {
    gradients_of_.resize(static_cast<std::size_t>(last() - first()));
    buffers_.resize(static_cast<std::size_t>(versions));
    const auto next_gradient = [&] { return reinterpret_cast<T*>(memory.gradients.data() + memory.gradients.used()); };
    gradients_ = next_gradient();
    for (int index = first(); index < last(); ++index) {
      const std::string name = model_->layer_name(index);
      gradients_from_.push_back(next_gradient());
      first_parameter_.push_back(parameters_.size());
      visit(index, [&](const auto& layer, auto, auto) {
        layer.parameters([&](const parameter& each) {
          held_parameter<T> held{.name = name + "." + std::string{each.name},
                                 .global = each,
                                 .rows = each.local_rows(here_),
                                 .columns = each.local_columns(here_),
                                 .copy = place_.copy};
          held.weight = memory.weights.template take<T>(held.size());
          held.gradient = memory.gradients.template take<T>(held.size());
          for (int state = 0; state < states; ++state)
            held.state.push_back(memory.optimizer_state.template take<T>(held.size()));
          buffers_[0].push_back(held.weight);
          for (std::size_t version = 1; version < buffers_.size(); ++version)
            buffers_[version].push_back(memory.stash.template take<T>(held.size()));
          gradients_of_[local(index)].push_back(held.gradient);
          parameters_.push_back(held);
        });
      });
    }
    gradients_end_ = next_gradient();
  }

  void backward_of_loss(slot_state& one, T scale, T* dx, const shared_workspace<T>& work, stream order) {
    context mine = loss_context(one, work, order);
    model_->loss().backward(mine, view_of<loss_takes, const T>(output(one), one.rows, Model::layers), one.targets,
                            scale, view_of<loss_takes, T>(dx, one.rows, Model::layers));
  }
  /// A stage without layers hands the gradient of its output on as that of its input.
  void pass_on(slot_state& one, const T* dy, T* dx, stream order) {
    if (dx != nullptr) space::copy(dx, dy, static_cast<std::size_t>(one.rows * inputs_) * sizeof(T), order);
  }
  /// Calls `pass(layer, context, x, y, dy, dx)` for a layer's backward pass or a half of it.
  template <class Pass>
  void visit_backward(int index, slot_state& one, int version, const T* dy, T* dx, const shared_workspace<T>& work,
                      stream order, Pass&& pass) {
    const T* const x = index == first() ? one.input : one.outputs[local(index - 1)];
    const T* const y = one.outputs[local(index)];
    visit(index, [&]<class In, class Out>(const auto& layer, std::type_identity<In>, std::type_identity<Out>) {
      context mine = context_of(index, one, version, work, order);
      pass(layer, mine, view_of<In, const T>(x, one.rows, index), view_of<Out, const T>(y, one.rows, index + 1),
           view_of<Out, const T>(dy, one.rows, index + 1), view_of<In, T>(dx, one.rows, index));
    });
  }

  [[nodiscard]] int first() const { return static_cast<int>(place_.layers.begin); }
  [[nodiscard]] int last() const { return static_cast<int>(place_.layers.end); }
  [[nodiscard]] std::size_t local(int index) const { return static_cast<std::size_t>(index - first()); }
  slot_state& at(int number) { return slots_[static_cast<std::size_t>(number)]; }
  static T* output(const slot_state& one) { return one.outputs.empty() ? one.input : one.outputs.back(); }

  template <class Visit>
  void visit(int index, Visit&& seen) const {
    model_->visit(index, seen);
  }

  template <class Placed, class Element>
  [[nodiscard]] auto view_of(Element* data, std::int64_t rows, int boundary) const {
    return matrix<Element, space, Placed>{
        data, {rows, local_features<Placed>(features_[static_cast<std::size_t>(boundary)], here_)}};
  }

  context context_of(int index, slot_state& one, int version, const shared_workspace<T>& work, stream order) {
    const std::vector<T*>& weights = buffers_[static_cast<std::size_t>((version + first_buffer_) % versions())];
    const auto& read = skips_.of_layer(local(index));
    return {tensor_,
            here_,
            order,
            weights.data() + first_parameter_[local(index)],
            gradients_of_[local(index)].data(),
            one.saved[local(index)],
            work.scratch,
            read.source < 0 ? nullptr
            : read.in >= 0  ? skips_.value(read)
                            : one.outputs[local(read.source)],
            read.source < 0 ? nullptr : skips_.gradient(read)};
  }
  context loss_context(slot_state& one, const shared_workspace<T>& work, stream order) {
    return {tensor_, here_, order, nullptr, nullptr, one.saved_by_loss, work.scratch};
  }

  const Model* model_;
  stage_place place_;
  tensor_place here_;
  Comm* tensor_;
  std::vector<std::int64_t> features_;
  std::int64_t inputs_ = 0;
  std::int64_t outputs_ = 0;
  std::vector<held_parameter<T>> parameters_;
  std::vector<std::vector<T*>> buffers_;       ///< [versions][parameters of the stage]: weights
  int first_buffer_ = 0;                       ///< which of them programs call 0
  std::vector<std::size_t> first_parameter_;   ///< [layers]
  std::vector<std::vector<T*>> gradients_of_;  ///< [layers][parameters]
  std::vector<T*> gradients_from_;             ///< [layers]: where each layer's begin
  T* gradients_ = nullptr;                     ///< of all parameters, padding included
  T* gradients_end_ = nullptr;
  stage_skips<T, space> skips_;
  std::vector<slot_state> slots_;
  std::vector<std::vector<T*>> pending_;  ///< [slots between halves][layers]: gradients of outputs
  std::vector<int> slot_of_;              ///< [micro]
  std::vector<T*> gradient_in_;           ///< [message slots], or none
  std::vector<T*> gradient_out_;
  std::vector<ticket> gradient_sent_;  ///< [message slots]
};

}  // namespace plait
