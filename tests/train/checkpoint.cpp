// SPDX-License-Identifier: Apache-2.0
// Law 2, across a stop: a run that is resumed from a checkpoint is equal to the bit to one that never stopped.

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <plait/checkpoint/reader.hpp>
#include <plait/train/checkpoint.hpp>

#include <doctest/doctest.h>

#include "data/scratch.hpp"
#include "exact_model.hpp"
#include "real_model.hpp"
#include "stopped.hpp"

namespace {

using namespace harness;
using plait::testing::scratch_directory;

const std::vector<layout_handle>& layouts() {
  static const std::vector<layout_handle> some{
      layout_of({1, 1, 1}, 1, 1), layout_of({2, 1, 1}, 1, 1), layout_of({1, 2, 1}, 1, 1), layout_of({1, 1, 2}, 1, 1),
      layout_of({2, 2, 2}, 1, 1), layout_of({1, 3, 2}, 2, 2), layout_of({3, 1, 2}, 1, 0)};
  return some;
}

template <real T, class Optimizer>
void resuming_changes_no_bit(Optimizer optimizer) {
  const auto model = real_model();
  const auto job = real_task<T>(4, 5);
  for (const layout_handle& layout : layouts()) {
    CAPTURE(to_string(layout.mesh.ways));
    const auto whole = train_part<T, std::int32_t>(threads{}, layout, model, optimizer, job, {0, job.steps, "", ""});
    for (const int stop : {1, 3}) {
      const auto resumed =
          stopped_and_resumed<T, std::int32_t>(threads{}, layout, threads{}, layout, model, optimizer, job, stop);
      CHECK(equal_bits(resumed, whole));
    }
  }
}

TEST_CASE("a run that is stopped and resumed is equal to the bit to one that was not: SGD with momentum, float32") {
  resuming_changes_no_bit<float>(sgd_momentum{.learning_rate = 0.05});
}

TEST_CASE("a run that is stopped and resumed is equal to the bit to one that was not: AdamW, float32") {
  resuming_changes_no_bit<float>(adamw{});
}

TEST_CASE("a run that is stopped and resumed is equal to the bit to one that was not: AdamW, float64") {
  resuming_changes_no_bit<double>(adamw{});
}

TEST_CASE("a run resumes to the bit under schedules with copies of stages, split passes and two versions of weights") {
  const auto model = real_model();
  auto job = real_task<double>(4, 5);
  job.settings.clip_norm = 0;
  for (const layout_handle& layout :
       {layout_under<zb_v>({1, 1, 2}), layout_under<dualpipe>({2, 1, 2}), layout_under<chimera>({1, 2, 4}),
        layout_under<pipedream_2bw>({1, 1, 3}), layout_under<pipedream_2bw>({2, 2, 2})}) {
    CAPTURE(std::string{layout.schedule.name});
    const auto whole = train_part<double, std::int32_t>(threads{}, layout, model, adamw{}, job, {0, job.steps, "", ""});
    for (const int stop : {1, 3})
      CHECK(equal_bits(
          stopped_and_resumed<double, std::int32_t>(threads{}, layout, threads{}, layout, model, adamw{}, job, stop),
          whole));
  }
}

TEST_CASE("a run under double buffers goes on where there is one version, and the other way round") {
  const auto model = real_model();
  auto job = real_task<double>(4, 4);
  job.settings.clip_norm = 0;
  const layout_handle flushes = layout_under<one_f_one_b>({1, 1, 2}), two = layout_under<pipedream_2bw>({1, 1, 3});
  const auto onward = [&](const layout_handle& before, const layout_handle& after) {
    return stopped_and_resumed<double, std::int32_t>(threads{}, before, threads{}, after, model, sgd{}, job, 2).losses;
  };
  const std::vector<double> to_one = onward(two, flushes), to_two = onward(flushes, two);
  const auto one = train_part<double, std::int32_t>(threads{}, flushes, model, sgd{}, job, {0, 4, "", ""}).losses;
  CHECK(to_two.size() == to_one.size());
  CHECK(to_two[2] == doctest::Approx(one[2]).epsilon(1e-12));  // the first step reads what was saved, as version before
  CHECK(to_two[3] != doctest::Approx(one[3]).epsilon(1e-9));   // the second reads it once more
}

TEST_CASE(
    "a run goes on under any other layout: where no sum rounds, equal to the bit to one rank that never stopped") {
  const auto model = exact_model();
  const auto optimizer = exact_optimizer<double>();
  const auto one = train_part<double, double>(serial{}, handle_of_layout<mesh<>>(), model, optimizer,
                                              exact_task<double>(1), {0, 4, "", ""});
  for (const layout_handle& before : layouts())
    for (const layout_handle& after : layouts()) {
      CAPTURE(to_string(before.mesh.ways));
      CAPTURE(to_string(after.mesh.ways));
      const auto moved = stopped_and_resumed<double, double>(threads{}, before, threads{}, after, model, optimizer,
                                                             exact_task<double>(3, 4), 2);
      CHECK(equal_bits(moved, one));
    }
}

TEST_CASE("each element is written once, and ranks that hold the same share the writing") {
  const scratch_directory scratch;
  const auto model = real_model();
  train_part<float, std::int32_t>(threads{}, layout_of({2, 2, 2}, 1, 1), model, adamw{}, real_task<float>(4),
                                  {0, 1, "", scratch.path()});
  const std::string folder = *latest_checkpoint(scratch.path());
  const checkpoint_reader from{folder};  // which proves that pieces tile their tensors
  CHECK(from.tensors().size() == 3 * 10);
  CHECK(from.tensors().at("optimizer.mean.0.column_linear.weight").shape == tensor_shape{40, 30});
  CHECK(from.tensors().at("2.row_linear.weight").pieces.size() == 2);
  CHECK(from.tensors().at("2.row_linear.bias").pieces.size() == 1);
  std::uintmax_t least = UINTMAX_MAX, most = 0;
  int shards = 0;
  for (const auto& each : std::filesystem::directory_iterator{folder})
    if (each.path().extension() == ".safetensors") {
      ++shards;
      least = std::min(least, each.file_size());
      most = std::max(most, each.file_size());
    }
  CHECK(shards == 8);
  CHECK(most < 3 * least);
}

TEST_CASE("the manifest says what there is to know of the run") {
  const scratch_directory scratch;
  const auto model = real_model();
  plait::run(threads{}, layout_of({1, 2, 1}, 1, 1), [&](auto& rank) {
    trainer trainer{rank, model, sgd_momentum{}, real_task<double>(2).settings};
    const sampler order{100, 48, /*seed=*/18446744073709551615u};
    save_checkpoint(trainer, {.folder = scratch.path(), .position = order.state_before(3, 2)});
    const auto loaded = load_latest_checkpoint(trainer, scratch.path(), &order);
    CHECK(loaded->position == order.state_before(4, 0));  // 2 batches an epoch
    CHECK(trainer.seed() == 5);
  });
  const checkpoint_reader from{*latest_checkpoint(scratch.path())};
  CHECK(
      from.state().to_text() ==
      R"({"steps":0,"seed":"5","dtype":"f64","optimizer_states":["velocity"],)"
      R"("position":{"samples":100,"global_batch":48,"seed":"18446744073709551615","shuffled":true,"epoch":4,"step":0},)"
      R"("layout":{"tensor":2,"data":1,"pipeline":1,"chunks":1,"schedule":"1f1b"}})");
}

/// The sentences with which the ranks of a layout refuse to load a checkpoint; after that each must be as it was, and
/// go on. `spoil`: what is done to the checkpoint once it was saved.
template <real T = float, class Optimizer = adamw, class Model = decltype(real_model())>
std::set<std::string> refusals(const std::function<void(const std::string& folder)>& spoil, Optimizer optimizer = {},
                               const Model& model = real_model(), const sampler* order = nullptr) {
  const scratch_directory scratch;
  const layout_handle layout = layout_of({1, 2, 2}, 1, 1);
  train_part<float, std::int32_t>(threads{}, layout, real_model(), adamw{}, real_task<float>(4),
                                  {0, 1, "", scratch.path()});
  spoil(*latest_checkpoint(scratch.path()));
  std::mutex guard;
  std::set<std::string> sentences;
  const auto job = real_task<T>(4);
  plait::run(threads{}, layout, [&](auto& rank) {
    trainer trainer{rank, model, optimizer, job.settings};
    const std::uint64_t before = trainer.digest();
    std::string said = "nothing";
    try {
      load_latest_checkpoint(trainer, scratch.path(), order);
    } catch (const error& refused) {
      said = refused.sentence();
      CHECK(refused.exit_status() == 2);
      CHECK(refused.rank() >= 0);
    }
    CHECK(trainer.digest() == before);
    CHECK(trainer.steps() == 0);
    const local_batch<T, std::int32_t> data{job, 0, 0, 1};
    CHECK(trainer.step(data.view(job)).loss > 0);
    const std::lock_guard lock{guard};
    sentences.insert(said);
  });
  return sentences;
}

bool one_says(const std::set<std::string>& sentences, std::string_view words) {
  INFO(*sentences.begin());
  const bool good = sentences.size() == 1 && sentences.begin()->find(words) != std::string::npos &&
                    sentences.begin()->find('\n') == std::string::npos;
  CHECK(good);
  return good;
}

void change_last_byte(const std::string& path) {
  plait::input_file file{path};
  std::vector<std::byte> bytes(static_cast<std::size_t>(file.size()));
  file.read(bytes, 0);
  bytes.back() ^= std::byte{1};
  std::filesystem::remove(path);
  plait::output_file changed{path};
  changed.append(bytes);
  changed.finish();
}

TEST_CASE("damage that one rank alone reads is refused by all with one sentence, and nothing is half loaded") {
  for (int number = 0; number < 4; ++number) {
    const std::string shard = "shard-0000" + std::to_string(number) + ".safetensors";
    CAPTURE(shard);
    one_says(refusals([&](const std::string& folder) { change_last_byte(folder + "/" + shard); }),
             shard + " is corrupted: the check sum of tensor");
    one_says(refusals([&](const std::string& folder) { std::filesystem::remove(folder + "/" + shard); }),
             shard + ": No such file");
    one_says(refusals([&](const std::string& folder) { std::filesystem::resize_file(folder + "/" + shard, 1000); }),
             "has 1000 bytes, and its checkpoint was written with");
  }
  one_says(refusals([](const std::string& folder) { change_last_byte(folder + "/manifest.json"); }), "manifest.json");
}

TEST_CASE("a checkpoint of another model, optimizer, element type or order of data is refused with what differs") {
  const auto as_it_is = [](const std::string&) {};
  one_says(refusals<float>(as_it_is, sgd_momentum{}),
           "was saved with an optimizer that keeps mean, square, and this one keeps velocity");
  one_says(refusals<float>(as_it_is, sgd{}), "and this one keeps nothing");
  one_says(refusals<double>(as_it_is), "was saved in f32, and the model computes in f64");
  const stack wider{column_linear{30, 40}, relu{},
                    row_linear{40, 24},    gelu{},
                    column_linear{24, 32}, relu{},
                    row_linear{32, 25},    relu{},
                    column_linear{25, 10}, softmax_cross_entropy{10}};
  one_says(refusals<float>(as_it_is, adamw{}, wider),
           "has 6.row_linear.bias of shape [1, 24], and the model's is [1, 25]");
  const stack shorter{column_linear{30, 40},    relu{}, row_linear{40, 24}, gelu{}, column_linear{24, 10},
                      softmax_cross_entropy{10}};
  one_says(refusals<float>(as_it_is, adamw{}, shorter), "4.column_linear");
  const stack longer{column_linear{30, 40}, relu{},
                     row_linear{40, 24},    gelu{},
                     column_linear{24, 32}, relu{},
                     row_linear{32, 24},    relu{},
                     column_linear{24, 10}, relu{},
                     row_linear{10, 10},    relu{},
                     column_linear{10, 10}, softmax_cross_entropy{10}};
  one_says(refusals<float>(as_it_is, adamw{}, longer),
           "has no 10.row_linear.bias, which the model and its optimizer need");
  const stack less{column_linear{30, 40},    relu{}, row_linear{40, 24}, gelu{}, column_linear{24, 32},
                   softmax_cross_entropy{32}};
  one_says(refusals<float>(as_it_is, adamw{}, less),
           "has 6.row_linear.bias, which the model and its optimizer have not");
  const sampler order{100, 48, 1};
  one_says(refusals<float>(as_it_is, adamw{}, real_model(), &order), "was saved without a position in the data");
}

TEST_CASE("where there is no checkpoint yet nothing is loaded, and the newest are kept where so many are wanted") {
  const scratch_directory scratch;
  plait::run(threads{}, layout_of({2, 1, 1}, 1, 1), [&](auto& rank) {
    const auto job = real_task<float>(2);
    const auto model = real_model();
    trainer trainer{rank, model, sgd{}, job.settings};
    CHECK_FALSE(load_latest_checkpoint(trainer, scratch.path()).has_value());
    for (int step = 0; step < 4; ++step) {
      const local_batch<float, std::int32_t> data{job, 0, rank.place().data, 2};
      trainer.step(data.view(job));
      const std::string folder = save_checkpoint(trainer, {.folder = scratch.path(), .keep = 2});
      CHECK(folder == scratch.path() + "/step-0000000" + std::to_string(step + 1));
    }
  });
  CHECK(checkpoints_in(scratch.path()) == std::vector<checkpoint_number>{{3, 1}, {4, 1}});
}

TEST_CASE("a folder that cannot be written is refused by all ranks with one sentence, and training goes on") {
  const scratch_directory scratch;
  const std::string file = scratch.write("file", plait::testing::bytes_of({1}));
  std::atomic<int> refused_by = 0;
  plait::run(threads{}, layout_of({1, 2, 2}, 1, 1), [&](auto& rank) {
    const auto job = real_task<float>(2);
    const auto model = real_model();
    trainer trainer{rank, model, sgd{}, job.settings};
    try {
      save_checkpoint(trainer, {.folder = file + "/below"});
    } catch (const error& refused) {
      ++refused_by;
      CHECK(refused.kind() == error_kind::io);
      CHECK(refused.sentence().find("cannot make " + file) != std::string::npos);
      CHECK(refused.rank() == 0);
    }
    const local_batch<float, std::int32_t> data{job, 0, 0, 1};
    CHECK(trainer.step(data.view(job)).loss > 0);
  });
  CHECK(refused_by == 4);
}

TEST_CASE("what one rank throws in a thing that all do together is thrown by all, and they stay in step") {
  std::atomic<int> thrown = 0;
  plait::run(threads{}, layout_of({1, 3, 1}, 1, 1), [&](auto& rank) {
    for (int failing = 0; failing < 3; ++failing) {
      try {
        all_or_none(rank, {}, [&] {
          if (rank.rank() >= failing)
            throw error{error_kind::io, "reading", "a sentence of rank " + std::to_string(rank.rank())};
        });
      } catch (const error& one) {
        ++thrown;
        CHECK(one.sentence() == "a sentence of rank " + std::to_string(failing));
        CHECK(one.call() == "reading");
        CHECK(one.kind() == error_kind::io);
        CHECK(one.rank() == failing);
        CHECK(one.coordinates() == to_string(rank.mesh().coordinate_of(failing)));
      }
      CHECK_NOTHROW(all_or_none(rank, {}, [] {}));
    }
  });
  CHECK(thrown == 9);
}

TEST_CASE("a job that is killed at any time while it saves leaves a checkpoint that goes on as if nothing had been") {
  const auto model = real_model();
  const auto job = real_task<float>(4, 400);
  const layout_handle layout = layout_of({2, 1, 2}, 1, 1);
  // The digest after each number of steps, of a run that never stops.
  std::map<std::int64_t, std::uint64_t> digests;
  constexpr int steps = 12;
  const auto each_step = [&](const std::string& folder, auto&& seen) {
    plait::run(threads{}, layout, [&](auto& rank) {
      trainer trainer{rank, model, adamw{}, job.settings};
      if (!folder.empty()) load_latest_checkpoint(trainer, folder);
      for (std::int64_t step = trainer.steps(); step < steps; ++step) {
        const local_batch<float, std::int32_t> data{job, static_cast<std::uint64_t>(step), rank.place().data, 2};
        trainer.step(data.view(job));
        seen(rank, trainer);
      }
    });
  };
  each_step("", [&](auto& rank, auto& trainer) {
    const std::uint64_t digest = trainer.digest();
    if (rank.rank() == 0) digests[trainer.steps()] = digest;
  });
  int killed_in_writing = 0, kills = 0;
  const scratch_directory scratch;
  // Whether a kill meets the writing is luck; on a machine that writes quickly it takes more of them.
  for (int delay = 0; kills < 40 || (killed_in_writing <= 3 && kills < 600); ++delay) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      each_step(scratch.path(), [&](auto&, auto& trainer) { save_checkpoint(trainer, {scratch.path(), 2, {}}); });
      ::_exit(0);
    }
    ::usleep(static_cast<useconds_t>(2000 + 1700 * (delay % 37)));
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (WIFEXITED(status)) REQUIRE(WEXITSTATUS(status) == 0);
    ++kills;
    if (!std::filesystem::exists(scratch.path())) continue;  // killed before it began to save
    for (const auto& each : std::filesystem::directory_iterator{scratch.path()})
      if (each.path().filename().string().starts_with(".partial-step")) ++killed_in_writing;
    const auto newest = latest_checkpoint(scratch.path());
    if (!newest) continue;
    for (const checkpoint_number& one : checkpoints_in(scratch.path()))
      REQUIRE_NOTHROW(checkpoint_reader{scratch.path() + "/" + to_string(one)});
    plait::run(threads{}, layout_of({1, 2, 1}, 1, 1), [&](auto& rank) {
      trainer trainer{rank, model, adamw{}, job.settings};
      load_checkpoint(trainer, *newest);
      const std::uint64_t digest = trainer.digest();
      if (rank.rank() == 0) CHECK(digest == digests.at(trainer.steps()));
    });
    if (*newest == scratch.path() + "/" + to_string(checkpoint_number{steps}))
      std::filesystem::remove_all(scratch.path());
  }
  CHECK(killed_in_writing > 3);
}

}  // namespace
