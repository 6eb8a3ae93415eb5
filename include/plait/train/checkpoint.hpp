// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <plait/checkpoint/box.hpp>
#include <plait/checkpoint/folder.hpp>
#include <plait/checkpoint/json.hpp>
#include <plait/checkpoint/manifest.hpp>
#include <plait/checkpoint/reader.hpp>
#include <plait/checkpoint/shard.hpp>
#include <plait/core/error.hpp>
#include <plait/core/require.hpp>
#include <plait/data/sampler.hpp>
#include <plait/optim/optimizer.hpp>
#include <plait/tensor/dtype.hpp>
#include <plait/train/agreement.hpp>
#include <plait/train/parameters.hpp>
#include <plait/train/run_state.hpp>
#include <plait/train/trainer.hpp>

namespace plait {

namespace detail {

/// One array that a checkpoint holds of a parameter, as it lies on a rank: the weights, or a state of the optimizer.
template <real T>
struct held_array {
  std::string name;
  tensor_shape shape;  ///< global
  box where;
  T* values;
  bool everywhere;  ///< every rank of the tensor axis holds the same
  bool again;       ///< another pipeline rank holds it as well, and answers for it

  [[nodiscard]] std::int64_t size() const { return where.volume(); }
};

/// `optimizer.velocity.3.row_linear.weight`
inline std::string state_name(std::string_view state, std::string_view parameter) {
  return std::string{"optimizer."}.append(state).append(".").append(parameter);
}

/// Before the name of a parameter: its version before, where weights are double-buffered. A checkpoint without it
/// serves as well, as one of a run that starts; where nothing needs it, it is not read.
inline constexpr std::string_view previous = "previous.";

/// Everything that a checkpoint holds of this rank's stages, in a fixed order that ranks which hold the same share.
template <real T, class Model, class Optimizer, class Comm>
std::vector<held_array<T>> held_arrays(trainer<T, Model, Optimizer, Comm>& from) {
  const std::vector<std::string> states = state_names_of<Optimizer>();
  std::vector<held_array<T>> all;
  from.for_each_held([&](held_parameter<T>& held) {
    held_array<T> one{held.name,
                      {held.global.rows, held.global.columns},
                      {{held.rows.begin, held.columns.begin}, {held.rows.size(), held.columns.size()}},
                      held.weight,
                      held.global.sharded_dim < 0,
                      held.copy != 0};
    all.push_back(one);
    if (held.previous != nullptr) {
      one.name = std::string{previous}.append(held.name);
      one.values = held.previous;
      all.push_back(one);
    }
    for (std::size_t state = 0; state < states.size(); ++state) {
      one.name = state_name(states[state], held.name);
      one.values = held.state[state];
      all.push_back(one);
    }
  });
  return all;
}

/// Every tensor that a checkpoint of this model holds, over all ranks. Throws: usage, where a name stands twice.
template <class Optimizer, class Model>
std::map<std::string, tensor_shape> tensors_of(const Model& model) {
  const std::vector<std::string> states = state_names_of<Optimizer>();
  std::map<std::string, tensor_shape> all;
  for (int index = 0; index < Model::layers; ++index)
    model.visit(index, [&](const auto& layer, auto, auto) {
      layer.parameters([&](const parameter& each) {
        const std::string name = model.layer_name(index).append(".").append(each.name);
        require(all.try_emplace(name, tensor_shape{each.rows, each.columns}).second, "plait::checkpoint",
                [&] { return "two parameters are named " + name; });
        for (const std::string& state : states) all.try_emplace(state_name(state, name), all.at(name));
      });
    });
  return all;
}

/// The arrays that this rank writes: of ranks that hold the same, each is written by one, and they share evenly.
///
/// Over the data axis the next array goes to the rank that has the fewest bytes yet; what every rank of the tensor axis
/// holds is written by its first.
template <real T, class Model, class Optimizer, class Comm>
std::vector<held_array<T>> arrays_to_write(trainer<T, Model, Optimizer, Comm>& from) {
  const coordinate place = from.rank().place();
  std::vector<std::int64_t> written(static_cast<std::size_t>(from.rank().mesh().ways.data), 0);
  std::vector<held_array<T>> mine;
  for (held_array<T>& one : held_arrays(from)) {
    if (one.size() == 0 || one.again || (one.everywhere && place.tensor != 0)) continue;
    const auto least = std::min_element(written.begin(), written.end());
    *least += one.size();
    if (least - written.begin() == place.data) mine.push_back(std::move(one));
  }
  return mine;
}

/// Throws: usage, unless a checkpoint holds exactly the tensors of a model and its optimizer, of its element type.
template <real T, class Optimizer, class Model>
void require_same_tensors(const Model& model, const checkpoint_reader& from) {
  const std::map<std::string, tensor_shape> wanted = tensors_of<Optimizer>(model);
  const auto refuse = [&](const std::string& what) {
    throw error{error_kind::usage, "plait::load_checkpoint", from.folder() + what};
  };
  for (const auto& [name, shape] : wanted) {
    const auto there = from.tensors().find(name);
    if (there == from.tensors().end()) {
      if (*byte_size(shape) == 0) continue;
      refuse(" has no " + name + ", which the model and its optimizer need; it was saved of another model");
    }
    if (there->second.shape != shape)
      refuse(" has " + name + " of shape " + to_string(there->second.shape) + ", and the model's is " +
             to_string(shape));
    if (there->second.type != dtype_of<T>)
      refuse(" has " + name + " in " + std::string{name_of(there->second.type)} + ", and the model computes in " +
             std::string{name_of(dtype_of<T>)});
  }
  for (const auto& [name, tensor] : from.tensors())
    if (!wanted.contains(name) && !(name.starts_with(previous) && wanted.contains(name.substr(previous.size()))))
      refuse(" has " + name + ", which the model and its optimizer have not; it was saved of another model");
}

}  // namespace detail

/// Where checkpoints go, and how many stay.
struct checkpoint_settings {
  std::string folder{};                     ///< of all checkpoints of a run; made where it is not there
  int keep = 0;                             ///< the newest; 0: all
  std::optional<sampler_state> position{};  ///< `sampler::state_before` of the batch that is next, if any
};

/// Saves all that training goes on from: parameters, optimizer state, steps, seed and position in the data. Gives the
/// new checkpoint's folder. All ranks call it together, between steps, with equal settings.
///
///     save_checkpoint(trainer, {.folder = "runs/a", .keep = 3, .position = batches.order().state_before(epoch,
///     next)});
///
/// Ranks write at the same time, each array once, to files that all must be able to see: a shared file system where
/// ranks are on several machines. Laws: `docs/checkpoint.md`. On failure all ranks throw the same error, and the folder
/// is as it was.
///
/// Cost: on each rank the largest array in host memory, and a file of its share of the bytes. Throws: io.
template <real T, class Model, class Optimizer, communicator Comm>
std::string save_checkpoint(trainer<T, Model, Optimizer, Comm>& from, const checkpoint_settings& settings) {
  using space = typename Comm::space;
  auto& rank = from.rank();
  const auto order = from.order();
  rank.world().doing({"saving a checkpoint", -1, -1, -1});
  std::optional<new_checkpoint> made;  // on rank 0
  const auto together = [&](auto&& body) {
    try {
      all_or_none(rank, order, body);
    } catch (...) {
      if (made) made->abandon();
      throw;
    }
  };
  together([&] {
    detail::tensors_of<Optimizer>(from.model());
    require(settings.keep >= 0, "plait::save_checkpoint", "keep counts checkpoints; 0 keeps all");
    if (rank.rank() == 0) made.emplace(settings.folder, from.steps());
  });
  const std::string folder = detail::broadcast_text(rank, made ? made->folder() : "", 0, order);
  const std::string final_folder = detail::broadcast_text(rank, made ? made->final_folder() : "", 0, order);

  shard_identity written;
  const auto file_of = [](std::size_t number) {
    const std::string digits = std::to_string(number);
    return "shard-" + std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits + ".safetensors";
  };
  together([&] {
    const std::vector<detail::held_array<T>> mine = detail::arrays_to_write(from);
    if (mine.empty()) return;
    std::vector<tensor_piece> pieces;
    for (const detail::held_array<T>& one : mine)
      pieces.push_back(tensor_piece{.name = one.name, .type = dtype_of<T>, .shape = one.shape, .where = one.where});
    std::vector<T> values;
    written = write_shard(folder + "/" + file_of(static_cast<std::size_t>(rank.rank())), pieces, [&](std::size_t i) {
      values.resize(static_cast<std::size_t>(mine[i].size()));
      space::download(values.data(), mine[i].values, values.size() * sizeof(T), order);
      return std::as_bytes(std::span{values});
    });
  });
  const std::vector<std::int64_t> shards = detail::gather_counts(rank, {written.bytes, written.header_crc}, order);
  together([&] {
    if (rank.rank() != 0) return;
    manifest whole{.state = to_json(run_state{.steps = from.steps(),
                                              .seed = from.seed(),
                                              .type = dtype_of<T>,
                                              .optimizer_states = state_names_of<Optimizer>(),
                                              .position = settings.position},
                                    rank.layout())};
    for (std::size_t number = 0; 2 * number < shards.size(); ++number)
      if (shards[2 * number] > 0)
        whole.shards.push_back(
            {file_of(number), {shards[2 * number], static_cast<std::uint32_t>(shards[2 * number + 1])}});
    made->commit(whole);
    remove_old_checkpoints(settings.folder, settings.keep);
  });
  rank.world().doing({"between steps", -1, -1, -1});
  return final_folder;
}

/// What is loaded besides what went into the trainer.
struct loaded_checkpoint {
  std::string folder{};
  std::int64_t steps = 0;                   ///< that had been made
  std::optional<sampler_state> position{};  ///< as saved
};

/// Loads a checkpoint into a trainer, whatever layout it was saved under: afterwards the trainer goes on as if it had
/// made the steps itself. All ranks call it together, between steps.
///
///     const auto loaded = load_checkpoint(trainer, *latest_checkpoint("runs/a"), &batches.order());
///     for (const auto& batch : batches.epoch(loaded.position->epoch, loaded.position->step)) ...
///
/// The model and the kind of optimizer must be those that were saved; settings, such as the learning rate, are the
/// program's. `sampler`, where given, must give the order that the run was in; null: no matter.
///
/// Everything is read and checked on every rank before anything of the trainer is touched. On failure all ranks throw
/// the same error, and the trainer is as it was.
///
/// Cost: on each rank its parameters and optimizer state once more in host memory while it loads; it reads every piece
/// of which it holds a part. Throws: io, where the checkpoint is not whole; usage, where it is another model's.
template <real T, class Model, class Optimizer, communicator Comm>
loaded_checkpoint load_checkpoint(trainer<T, Model, Optimizer, Comm>& into, const std::string& folder,
                                  const sampler* order_of_data = nullptr) {
  using space = typename Comm::space;
  const auto order = into.order();
  into.rank().world().doing({"loading a checkpoint", -1, -1, -1});
  run_state state;
  std::vector<detail::held_array<T>> arrays;
  std::vector<std::vector<T>> values;
  all_or_none(into.rank(), order, [&] {
    const checkpoint_reader from{folder};
    state = run_state_of(from.state(), folder);
    require(state.type == dtype_of<T>, "plait::load_checkpoint", [&] {
      return folder + " was saved in " + std::string{name_of(state.type)} + ", and the model computes in " +
             std::string{name_of(dtype_of<T>)};
    });
    require(state.optimizer_states == state_names_of<Optimizer>(), "plait::load_checkpoint", [&] {
      return folder + " was saved with an optimizer that keeps " + joined(state.optimizer_states) +
             ", and this one keeps " + joined(state_names_of<Optimizer>());
    });
    detail::require_same_tensors<T, Optimizer>(into.model(), from);
    if (order_of_data != nullptr) {
      require(state.position.has_value(), "plait::load_checkpoint",
              [&] { return folder + " was saved without a position in the data"; });
      order_of_data->require_same_order(*state.position);
    }
    arrays = detail::held_arrays(into);
    values.resize(arrays.size());
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      if (arrays[i].size() == 0) continue;
      values[i].resize(static_cast<std::size_t>(arrays[i].size()));
      std::string name = arrays[i].name;
      if (name.starts_with(detail::previous) && !from.tensors().contains(name)) name.erase(0, detail::previous.size());
      from.read(name, arrays[i].where, std::as_writable_bytes(std::span{values[i]}));
    }
  });
  for (std::size_t i = 0; i < arrays.size(); ++i)
    space::upload(arrays[i].values, values[i].data(), values[i].size() * sizeof(T), order);
  into.restore(state.steps, state.seed);
  into.rank().world().doing({"between steps", -1, -1, -1});
  return {folder, state.steps, state.position};
}

/// The same for the newest checkpoint of a run's folder, on which all ranks agree; none where there is none yet.
template <real T, class Model, class Optimizer, communicator Comm>
std::optional<loaded_checkpoint> load_latest_checkpoint(trainer<T, Model, Optimizer, Comm>& into,
                                                        const std::string& folder_of_run,
                                                        const sampler* order_of_data = nullptr) {
  std::string newest;
  all_or_none(into.rank(), into.order(), [&] {
    if (into.rank().rank() == 0) newest = latest_checkpoint(folder_of_run).value_or("");
  });
  newest = detail::broadcast_text(into.rank(), newest, 0, into.order());
  if (newest.empty()) return std::nullopt;
  return load_checkpoint(into, newest, order_of_data);
}

}  // namespace plait
