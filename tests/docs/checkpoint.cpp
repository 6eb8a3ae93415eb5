// SPDX-License-Identifier: Apache-2.0
// The code of docs/checkpoint.md.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <plait/plait.hpp>

#include <doctest/doctest.h>

#include "data/scratch.hpp"

namespace {

using namespace plait;

/// Twenty points of two classes.
struct points {
  using target_type = std::int32_t;
  [[nodiscard]] std::int64_t samples() const { return 20; }
  [[nodiscard]] std::int64_t features() const { return 2; }
  [[nodiscard]] std::int64_t target_columns() const { return 1; }
  void fill(std::span<const std::int64_t> which, std::span<float> x, std::span<std::int32_t> targets) const {
    for (std::size_t i = 0; i < which.size(); ++i) {
      x[2 * i] = static_cast<float>(which[i] % 5) - 2;
      x[2 * i + 1] = static_cast<float>(which[i] % 7) - 3;
      targets[i] = which[i] % 5 > 2 ? 1 : 0;
    }
  }
};

/// The losses that rank 0 sees of a run that goes on from the folder's newest checkpoint, if any, to so many epochs.
std::vector<double> train(const layout_handle& layout, const std::string& folder, std::int64_t epochs) {
  const points data;
  const stack model{column_linear{2, 8},     relu{}, row_linear{8, 4}, relu{}, column_linear{4, 2},
                    softmax_cross_entropy{2}};
  std::vector<double> losses;
  const auto watch = [&](auto& rank, const step_result& done) {
    if (rank.rank() == 0) losses.push_back(done.loss);
  };
  run(threads{}, layout, [&](auto& rank) {
    trainer trainer{rank, model, adamw{}, training<float>{.features = 2, .batch = 4, .micro = 1}};
    const data_shard mine{.data_rank = rank.place().data, .data_ways = rank.mesh().ways.data, .micro = 1};
    auto batches = make_loader<float>(data, sampler{data.samples(), 4, /*seed=*/1}, mine);
    // [resume]
    sampler_state next = batches.order().state_before(0, 0);
    if (const auto loaded = load_latest_checkpoint(trainer, folder, &batches.order())) next = *loaded->position;
    // [resume]
    // [save]
    for (std::int64_t epoch = next.epoch; epoch < epochs; ++epoch)
      for (const auto& batch : batches.epoch(epoch, next.step)) {
        watch(rank, trainer.step(batch));
        next = batches.order().state_before(epoch, next.step + 1);
        if (trainer.steps() % 5 == 0) save_checkpoint(trainer, {.folder = folder, .keep = 2, .position = next});
      }
    // [save]
  });
  return losses;
}

TEST_CASE("the loop of the page on checkpoints goes on where it was, and exports") {
  const testing::scratch_directory scratch;
  const std::string folder = scratch.file("stopped");
  const layout_handle layout = handle_of_layout<mesh<data<2>, pipeline<2>>>();
  const std::vector<double> whole = train(layout, scratch.file("whole"), 4);
  std::vector<double> parts = train(layout, folder, 1);
  for (const std::int64_t epochs : {2, 4})
    for (const double loss : train(layout, folder, epochs)) parts.push_back(loss);
  CHECK(parts == whole);
  CHECK(whole.size() == 20);
  CHECK(checkpoints_in(folder).size() == 2);

  export_safetensors(checkpoint_reader{*latest_checkpoint(folder)}, folder + "/model.safetensors", "optimizer.");
  const input_file file{folder + "/model.safetensors"};
  CHECK(parse_safetensors(read_safetensors_head(file), file.size(), file.path()).tensors.size() == 6);
}

}  // namespace
