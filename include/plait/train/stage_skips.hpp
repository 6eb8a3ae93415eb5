// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <plait/comm/communicator.hpp>
#include <plait/cost/layer_profile.hpp>
#include <plait/cost/memory.hpp>
#include <plait/kernels/elementwise.hpp>
#include <plait/kernels/for_each.hpp>
#include <plait/tensor/dtype.hpp>
#include <plait/train/workspace.hpp>

namespace plait {

/// What a stage keeps of the outputs that layers read besides their inputs: values that came along skip edges,
/// gradients that it makes for them, and gradients that came back.
///
/// The gradient of an output is the sum over all who read it, taken in a fixed order: the next layer's, then that of
/// readers of the same stage, then those of skip edges by number. A reader adds to what is there, so buffers start at
/// zero in each backward pass.
template <real T, class Space>
class stage_skips {
 public:
  using stream = typename Space::stream;

  /// gradients: slots for gradients along skip edges.   micro: micro-batches of a program.
  stage_skips(const stage_place& place, const model_profile& profile, int slots, int messages, int gradients, int micro,
              step_arenas<Space>& memory)
      : in_{place.skips_in}, out_{place.skips_out}, own_{place.own_skips}, slot_of_(static_cast<std::size_t>(micro)) {
    const auto features = [&](int source) { return profile.layers[static_cast<std::size_t>(source)].outputs; };
    for (const skip_end& one : in_) features_in_.push_back(features(one.source));
    for (const skip_end& one : out_) features_out_.push_back(features(one.source));
    values_.resize(in_.size());
    made_.resize(in_.size());
    came_.resize(out_.size());
    value_sent_.resize(out_.size() * static_cast<std::size_t>(slots));
    gradient_sent_.resize(in_.size() * static_cast<std::size_t>(gradients));
    for (int slot = 0; slot < slots; ++slot)
      for (std::size_t k = 0; k < in_.size(); ++k)
        value_buffers_.push_back(
            in_[k].chunk_there < 0 ? memory.activations.template take<T>(profile.rows * features_in_[k]) : nullptr);
    for (int slot = 0; slot < gradients; ++slot)
      for (std::size_t k = 0; k < in_.size(); ++k)
        made_buffers_.push_back(memory.communication.template take<T>(profile.rows * features_in_[k]));
    for (int message = 0; message < messages; ++message)
      for (std::size_t k = 0; k < out_.size(); ++k)
        came_buffers_.push_back(
            out_[k].chunk_there < 0 ? memory.communication.template take<T>(profile.rows * features_out_[k]) : nullptr);
    for (const int source : own_) {
      own_features_.push_back(features(source));
      own_sums_.push_back(memory.workspace.template take<T>(profile.rows * own_features_.back()));
    }
    // Which of these each layer reads.
    const auto begin = static_cast<std::size_t>(place.layers.begin), end = static_cast<std::size_t>(place.layers.end);
    for (std::size_t layer = begin; layer < end; ++layer) {
      reading one{.source = profile.layers[layer].skip};
      for (std::size_t k = 0; k < in_.size(); ++k)
        if (in_[k].source == one.source) one.in = static_cast<int>(k);
      for (std::size_t k = 0; k < own_.size(); ++k)
        if (own_[k] == one.source) one.own = static_cast<int>(k);
      readings_.push_back(one);
    }
  }

  /// What a layer of the stage reads: the output of layer `source`, from edge `in` of `in()` or from the stage itself.
  struct reading {
    int source = -1;  ///< -1: nothing
    int in = -1;
    int own = -1;
  };
  [[nodiscard]] const reading& of_layer(std::size_t local) const { return readings_[local]; }
  [[nodiscard]] const std::vector<skip_end>& in() const { return in_; }
  [[nodiscard]] const std::vector<skip_end>& out() const { return out_; }
  [[nodiscard]] std::size_t in_number(int edge) const { return number(in_, edge); }
  [[nodiscard]] std::size_t out_number(int edge) const { return number(out_, edge); }
  [[nodiscard]] std::int64_t features_in(std::size_t k) const { return features_in_[k]; }
  [[nodiscard]] std::int64_t features_out(std::size_t k) const { return features_out_[k]; }

  // Buffers, and the last sends out of them. k: number of the edge among those that lead to the stage, or begin at it.
  [[nodiscard]] T* value_buffer(int slot, std::size_t k) const { return value_buffers_[at(slot, in_, k)]; }
  [[nodiscard]] T* made_buffer(int slot, std::size_t k) const { return made_buffers_[at(slot, in_, k)]; }
  [[nodiscard]] T* came_buffer(int message, std::size_t k) const { return came_buffers_[at(message, out_, k)]; }
  ticket& value_sent(int slot, std::size_t k) { return value_sent_[at(slot, out_, k)]; }
  ticket& gradient_sent(int slot, std::size_t k) { return gradient_sent_[at(slot, in_, k)]; }
  template <class Seen>
  void for_each_ticket(const Seen& seen) {
    for (ticket& one : value_sent_) seen(one);
    for (ticket& one : gradient_sent_) seen(one);
  }
  /// The gradient that a micro-batch's backward pass has left for an edge.
  [[nodiscard]] T* made_for(int micro, int edge) const {
    return made_buffer(slot_of_[static_cast<std::size_t>(micro)], in_number(edge));
  }

  // ---- of the pass at hand

  void read_from(std::size_t k, const T* value) { values_[k] = value; }
  void add_from(std::size_t k, const T* gradient) { came_[k] = gradient; }
  /// Gradients for the edges that lead here go into a slot, or nowhere where there are none.
  void write_to(int micro, int slot) {
    slot_of_[static_cast<std::size_t>(micro)] = slot;
    for (std::size_t k = 0; k < in_.size(); ++k) made_[k] = made_buffer(slot, k);
  }
  [[nodiscard]] const T* value(const reading& one) const { return values_[static_cast<std::size_t>(one.in)]; }
  [[nodiscard]] T* gradient(const reading& one) const {
    return one.in >= 0 ? made_[static_cast<std::size_t>(one.in)] : own_sums_[static_cast<std::size_t>(one.own)];
  }

  /// Before a backward pass of `rows` samples.
  void start(std::int64_t rows, stream order) {
    for (std::size_t k = 0; k < in_.size(); ++k) Space::zero(made_[k], bytes(rows * features_in_[k]), order);
    for (std::size_t k = 0; k < own_.size(); ++k) Space::zero(own_sums_[k], bytes(rows * own_features_[k]), order);
  }
  /// Adds the gradients of the output of layer `source` that its readers have left to `dy`, which is that of the next
  /// layer.
  void add_to(T* dy, int source, std::int64_t rows, stream order) const {
    for (std::size_t k = 0; k < own_.size(); ++k)
      if (own_[k] == source) for_each_element(rows * own_features_[k], elementwise::add<T>{own_sums_[k], dy}, order);
    for (std::size_t k = 0; k < out_.size(); ++k)
      if (out_[k].source == source) for_each_element(rows * features_out_[k], elementwise::add<T>{came_[k], dy}, order);
  }

 private:
  static std::size_t bytes(std::int64_t elements) { return static_cast<std::size_t>(elements) * sizeof(T); }
  static std::size_t number(const std::vector<skip_end>& ends, int edge) {
    std::size_t k = 0;
    while (ends[k].edge != edge) ++k;
    return k;
  }
  static std::size_t at(int slot, const std::vector<skip_end>& ends, std::size_t k) {
    return static_cast<std::size_t>(slot) * ends.size() + k;
  }

  std::vector<skip_end> in_;
  std::vector<skip_end> out_;
  std::vector<int> own_;                                                       ///< layers that the stage reads itself
  std::vector<std::int64_t> features_in_{}, features_out_{}, own_features_{};  ///< of a sample that are here
  std::vector<reading> readings_{};                                            ///< [layers]
  std::vector<T*> value_buffers_{};                                            ///< [slots, in]; none where on this rank
  std::vector<T*> made_buffers_{};                                             ///< [gradient slots, in]
  std::vector<T*> came_buffers_{};                                             ///< [message slots, out]
  std::vector<T*> own_sums_{};                                                 ///< [own]
  std::vector<ticket> value_sent_{};                                           ///< [slots, out]
  std::vector<ticket> gradient_sent_{};                                        ///< [gradient slots, in]
  std::vector<int> slot_of_;                                                   ///< [micro]
  std::vector<const T*> values_{};                                             ///< [in]
  std::vector<T*> made_{};                                                     ///< [in]
  std::vector<const T*> came_{};                                               ///< [out]
};

}  // namespace plait
