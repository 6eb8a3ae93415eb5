// SPDX-License-Identifier: Apache-2.0
// Models whose layers read outputs of layers long before them: wherever the pipeline is cut, and whichever schedule
// runs it, they train as on one rank.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "exact_model.hpp"
#include "trains_as_one_rank.hpp"

namespace {

using namespace harness;

TEST_CASE_TEMPLATE("a model with skips trains under a schedule that flushes as on one rank, bit for bit", S, gpipe,
                   one_f_one_b, interleaved<2>, interleaved<3>, looped_bfs<2>, zb_h1, zb_h2, interleaved_zb<2>, zb_v,
                   v_half, v_min, v_1f1b, dualpipe, dualpipe_v, chimera, hanayo<1>, hanayo<2>) {
  trains_as_one_rank<S>(exact_u_net(), {1, 3, 4, 8});
}

TEST_CASE("wherever the cut comes, a model with skips trains as on one rank, bit for bit") {
  const auto model = exact_u_net();
  const outcome<double> one = train_serial<double, double>(model, exact_optimizer<double>(), exact_task<double>(1));
  task<double, double> job = exact_task<double>(4);
  // Right behind what is read, right before and behind what reads it, between the two readers of one layer, and with a
  // stage that has no layer.
  for (const std::vector<int>& cut : {std::vector<int>{0, 4, 20, 42},
                                      {0, 3, 30, 42},
                                      {0, 4, 31, 42},
                                      {0, 8, 36, 42},
                                      {0, 10, 10, 42},
                                      {0, 1, 2, 42},
                                      {0, 37, 38, 42},
                                      {0, 0, 21, 42}}) {
    job.settings.cut = cut;
    CAPTURE(cut[1]);
    CAPTURE(cut[2]);
    for (const layout_handle& layout : {layout_under<one_f_one_b>({1, 1, 3}), layout_under<zb_h1>({1, 1, 3})})
      CHECK(equal_bits(train<double, double>(threads{}, layout, model, exact_optimizer<double>(), job), one));
  }
}

TEST_CASE("what a model with skips sends and keeps is counted: bytes of each edge, and memory to the byte") {
  const auto model = exact_u_net();
  task<double, double> job = exact_task<double>(4);
  job.settings.cut = {0, 4, 20, 42};
  std::mutex guard;
  std::map<int, std::int64_t> bytes;  // of each edge, sent and received
  run(threads{}, layout_under<one_f_one_b>({1, 1, 3}), [&](auto& rank) {
    typename std::remove_cvref_t<decltype(rank)>::space::owned_stream stream;
    trainer trainer{rank, model, exact_optimizer<double>(), job.settings, stream};
    trainer.fill_parameters(job.weight);
    const local_batch<double, double> data{job, 0, rank.place().data, 1};
    static_cast<void>(trainer.step(data.view(job)));
    const step_memory need = trainer.predicted_memory();
    const memory_by_class expected{{need.weights, need.gradients, need.optimizer_state, need.activations, need.stash,
                                    need.workspace, need.communication}};
    const timeline measured = gather_measured(rank, trainer.recorded(), 4).rows;
    const std::lock_guard lock{guard};
    CHECK(trainer.memory().peak() == expected);
    for (const timeline_row& row : measured.rows)
      if (row.edge >= 0 && row.rank == rank.rank()) bytes[row.edge] += row.bytes;
  });
  // Stage 1 ends with layer 19, and layer 20 reads layer 7 of it; layers 30 and 36 read layer 3, the last of stage 0.
  // 16 rows of 6 doubles, there and back, at both ends.
  CHECK(bytes == std::map<int, std::int64_t>{{0, 4 * 16 * 6 * 8}, {1, 4 * 16 * 6 * 8}});
}

// ---- against arithmetic

std::string nudged;  // the parameter that the next run changes
std::int64_t nudged_element = 0;
double nudge = 0;

double start_of(const held_parameter<double>& held, std::int64_t element) {
  const double value = random_stream{7, held.name, 0}.uniform(static_cast<std::uint64_t>(element)) - 0.5;
  return value + (held.name == nudged && element == nudged_element ? nudge : 0);
}

TEST_CASE("gradients through skips agree with finite differences") {
  const stack model{column_linear{3, 4}, gelu{},           row_linear{4, 4}, gelu{}, column_linear{4, 4}, gelu{},
                    add_skip<2>{},       row_linear{4, 4}, add_skip<5>{},    gelu{}, add_skip<2>{},       gelu{},
                    column_linear{4, 2}, squared_error{2}};
  task<double, double> job{.features = 3,
                           .target_columns = 2,
                           .steps = 1,
                           .evaluates = false,
                           .settings = {.features = 3, .batch = 4, .micro = 1},
                           .sample =
                               [](std::uint64_t, std::int64_t row, std::int64_t feature) {
                                 return std::sin(1.0 + 3.0 * static_cast<double>(row) + static_cast<double>(feature));
                               },
                           .target = [](std::uint64_t, std::int64_t row,
                                        std::int64_t column) { return std::cos(static_cast<double>(row + column)); },
                           .weight = start_of};
  nudge = 0;
  const auto still = train_serial<double, double>(model, sgd{.learning_rate = 0}, job);
  int compared = 0;
  for (const auto& [name, gradient] : still.gradients)
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      constexpr double step = 1e-5;
      const auto loss_at = [&](double by) {
        nudged = name, nudged_element = static_cast<std::int64_t>(i), nudge = by;
        return train_serial<double, double>(model, sgd{.learning_rate = 0}, job).losses[0];
      };
      const double slope = (loss_at(step) - loss_at(-step)) / (2 * step);
      CAPTURE(name);
      CAPTURE(i);
      CHECK(gradient[i] == doctest::Approx(slope).epsilon(1e-7));
      ++compared;
    }
  nudge = 0;
  CHECK(compared == 3 * 4 + 4 + 3 * (4 * 4 + 4) + 4 * 2 + 2);
}

// ---- what is refused

template <class Model>
std::string refusal(const Model& model) {
  try {
    static_cast<void>(model.features(6));
  } catch (const error& caught) {
    CHECK(caught.kind() == error_kind::usage);
    return caught.sentence();
  }
  return "accepted";
}

TEST_CASE("a skip that does not fit is refused, with both layers") {
  CHECK(refusal(stack{relu{}, add_skip<2>{}, column_linear{6, 6}, squared_error{6}}) ==
        "1.add_skip reads the output of the layer 2 before it, and there are only 1 before it");
  CHECK(refusal(stack{column_linear{6, 6}, row_linear{6, 4}, column_linear{4, 6}, row_linear{6, 6}, add_skip<3>{},
                      column_linear{6, 6}, squared_error{6}}) ==
        "it takes 6 features, and the layer 3 before it gives 4");
  CHECK(refusal(
            stack{column_linear{6, 6}, relu{}, row_linear{6, 6}, add_skip<2>{}, column_linear{6, 6}, squared_error{6}})
            .find("3.add_skip reads the output of 1.relu, and one of its two inputs is split over the tensor axis") !=
        std::string::npos);
  CHECK(refusal(stack{column_linear{6, 6}, relu{}, add_skip<2>{}, row_linear{6, 6}, column_linear{6, 6},
                      squared_error{6}}) == "accepted");
}

}  // namespace
