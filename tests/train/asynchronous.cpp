// SPDX-License-Identifier: Apache-2.0
// Schedules that never drain: against the published recurrences, written out here, one micro-batch after the other.

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "exact_model.hpp"

namespace {

using namespace harness;

constexpr double rate = 0.03125, momentum = 0.5;
constexpr int layers = 34;  // of the exact model

using weights = std::map<std::string, std::vector<double>>;

/// Losses of all steps and the weights after the last.
struct history {
  std::vector<double> losses{};
  weights after{};
  friend bool operator==(const history&, const history&) = default;
};

int layer_of(const std::string& parameter) {
  return std::stoi(parameter);
}

/// The gradient of one step's mean loss at given weights, and the loss: a whole step on one rank that moves nothing.
class gradient_at {
 public:
  gradient_at(int micro, int of_steps) : job_{exact_task<double>(micro)}, steps_{of_steps} {}

  std::pair<double, weights> operator()(int step, const weights& at) const {
    std::pair<double, weights> found;
    plait::run(serial{}, handle_of_layout<mesh<>>(), [&](auto& rank) {
      const auto model = exact_model();
      auto settings = job_.settings;
      trainer trainer{rank, model, sgd{.learning_rate = 0}, settings};
      trainer.fill_parameters([&](const held_parameter<double>& held, std::int64_t element) {
        return at.empty() ? job_.weight(held, element) : at.at(held.name)[static_cast<std::size_t>(element)];
      });
      const local_batch<double, double> data{job_, static_cast<std::uint64_t>(step), 0, 1};
      found.first = trainer.step(data.view(job_)).loss;
      trainer.for_each_parameter(
          [&](const held_parameter<double>& held, std::span<const double> values) {
            found.second[held.name].assign(values.begin(), values.end());
          },
          steps_ > 0);
    });
    return found;
  }
  /// The weights at the start.
  [[nodiscard]] weights start() const { return gradient_at{job_.settings.micro, 0}(0, {}).second; }

 private:
  task<double, double> job_;
  int steps_;
};

/// How many updates old a stage's weights are, and how many micro-batches an update is of.
struct recurrence {
  std::function<int(int stage, int step)> version;               ///< updates that the weights of a step have had
  std::function<int(int stage)> copies = [](int) { return 1; };  ///< steps whose gradients are averaged
};

/// W_s(k + 1) = W_s(k) - rate * v_s(k + 1), v_s(k + 1) = momentum * v_s(k) + mean of the gradients of round k, each
/// taken at the versions that the recurrence gives to its step.
history by_formula(const recurrence& rule, int stages, int steps, int micro) {
  const gradient_at gradient{micro, 1};
  const std::vector<int> cut = balanced_cut(std::vector<double>(layers, 1.0), stages);
  const auto stage_of = [&](const std::string& name) {
    int stage = 0;
    while (cut[static_cast<std::size_t>(stage) + 1] <= layer_of(name)) ++stage;
    return stage;
  };
  history result;
  std::map<std::string, std::vector<std::vector<double>>> versions;
  weights speed, sums;
  for (const auto& [name, values] : gradient.start()) {
    versions[name].push_back(values);
    speed[name].assign(values.size(), 0);
    sums[name].assign(values.size(), 0);
  }
  for (int step = 0; step < steps; ++step) {
    weights at;
    for (const auto& [name, all] : versions)
      at[name] = all.at(static_cast<std::size_t>(rule.version(stage_of(name), step)));
    const auto [loss, slope] = gradient(step, at);
    result.losses.push_back(loss);
    for (auto& [name, all] : versions) {
      const int round = rule.copies(stage_of(name));
      for (std::size_t i = 0; i < slope.at(name).size(); ++i) sums[name][i] += slope.at(name)[i];
      if ((step + 1) % round != 0) continue;
      std::vector<double> next = all.back();
      for (std::size_t i = 0; i < next.size(); ++i) {
        speed[name][i] = momentum * speed[name][i] + sums[name][i] / round;
        next[i] -= rate * speed[name][i];
      }
      all.push_back(next);
      sums[name].assign(next.size(), 0);
    }
  }
  for (const auto& [name, all] : versions) result.after[name] = all.back();
  return result;
}

/// The trainer, in windows of `window` steps between which the pipeline drains.
template <schedule S>
history by_trainer(coordinate ways, int steps, int window, int micro,
                   const std::function<void(std::vector<program>&)>& edit = nullptr) {
  history result;
  auto job = exact_task<double>(micro);
  job.settings.steps = window;
  job.settings.edit = edit;
  job.settings.check = edit == nullptr;
  job.settings.cut = balanced_cut(std::vector<double>(layers, 1.0), shape_of<S>(ways.pipeline, micro).stages());
  std::mutex guard;
  const layout_handle layout{.mesh = {.ways = ways, .chunks = S::chunks}, .schedule = handle_of<S>()};
  plait::run(threads{}, layout, [&](auto& rank) {
    const auto model = exact_model();
    trainer trainer{rank, model, sgd_momentum{.learning_rate = rate, .momentum = momentum}, job.settings};
    trainer.fill_parameters(job.weight);
    for (int first = 0; first < steps; first += window) {
      std::vector<local_batch<double, double>> data;
      std::vector<batch<double, double>> views;
      for (int step = first; step < first + window; ++step)
        data.emplace_back(job, static_cast<std::uint64_t>(step), rank.place().data, ways.data);
      for (const auto& one : data) views.push_back(one.view(job));
      for (const step_result& done : trainer.step(views))
        if (rank.rank() == 0) result.losses.push_back(done.loss);
    }
    const std::lock_guard lock{guard};
    trainer.for_each_parameter([&](const held_parameter<double>& held, std::span<const double> values) {
      std::vector<double>& whole = result.after[held.name];
      whole.resize(static_cast<std::size_t>(held.global.rows * held.global.columns));
      for (std::int64_t i = 0; i < held.size(); ++i)
        whole[static_cast<std::size_t>(held.global_index(i))] = values[static_cast<std::size_t>(i)];
    });
  });
  return result;
}

constexpr int steps = 12;

TEST_CASE("PipeDream computes what its recurrence says: stage s of p uses weights p - 1 - s updates old") {
  for (const int stages : {1, 2, 3, 4})
    for (const int window : {4, 6, 12}) {
      CAPTURE(stages);
      CAPTURE(window);
      const auto version = [=](int stage, int step) {  // a window begins with the newest weights
        const int start = step / window * window;
        return std::max(start, step - (stages - 1 - stage));
      };
      CHECK(by_trainer<pipedream<>>({1, 1, stages}, steps, window, 1) == by_formula({version}, stages, steps, 1));
    }
}

TEST_CASE("PipeDream with vertical sync uses one version at all stages: the newest of the first when it came in") {
  for (const int stages : {1, 2, 3, 4}) {
    CAPTURE(stages);
    const auto version = [=](int, int step) { return std::max(step / 6 * 6, step - (stages - 1)); };
    CHECK(by_trainer<pipedream<weight_versions::synchronised>>({1, 1, stages}, steps, 6, 1) ==
          by_formula({version}, stages, steps, 1));
  }
}

TEST_CASE("PipeDream-2BW computes W(t + 1) = W(t) - rate * gradient(W(t - 1)), and draining changes nothing") {
  for (const int stages : {1, 2, 3, 4})
    for (const int window : {1, 3, 12}) {
      CAPTURE(stages);
      CAPTURE(window);
      const auto version = [](int, int step) { return std::max(0, step - 1); };
      CHECK(by_trainer<pipedream_2bw>({1, 1, stages}, steps, window, 4) == by_formula({version}, stages, steps, 4));
    }
}

TEST_CASE("data and tensor axes beside it change nothing") {
  const auto one_late = [](int stage, int step) { return std::max(step / 6 * 6, step - (1 - stage)); };
  const history formula = by_formula({one_late}, 2, steps, 1);
  for (const coordinate ways : {coordinate{2, 1, 2}, {1, 2, 2}, {2, 2, 2}})
    CHECK(by_trainer<pipedream<>>(ways, steps, 6, 1) == formula);
  const history two = by_formula({[](int, int step) { return std::max(0, step - 1); }}, 2, steps, 4);
  for (const coordinate ways : {coordinate{2, 1, 2}, {1, 2, 2}, {2, 2, 2}})
    CHECK(by_trainer<pipedream_2bw>(ways, steps, 4, 4) == two);
}

TEST_CASE("copies of a stage average their gradients over each round") {
  // Two ranks for the first stage, one for the second: (3 - 1) / 2 = 1 forward pass to warm up, and none.
  const auto version = [](int stage, int step) {
    const int start = step / 6 * 6, number = step - start;
    return stage == 0 ? start / 2 + std::max(0, number / 2 - 1) : start + number;
  };
  const recurrence rule{version, [](int stage) { return stage == 0 ? 2 : 1; }};
  CHECK(by_trainer<pipedream<weight_versions::stash, 2, 1>>({1, 1, 3}, steps, 6, 1) == by_formula(rule, 2, steps, 1));
}

TEST_CASE("without stashing, backward passes would read newer weights, and the training would be another one") {
  const auto naive = [](std::vector<program>& all) {
    for (program& one : all) {
      std::int8_t newest = 0;
      for (action& act : one.actions) {
        if (act.kind == op::backward) act.version = newest;
        if (act.kind == op::optimizer_step) newest = act.version;
      }
    }
  };
  const history stashed = by_trainer<pipedream<>>({1, 1, 3}, steps, 6, 1);
  CHECK_FALSE(by_trainer<pipedream<>>({1, 1, 3}, steps, 6, 1, naive) == stashed);
  // ... and with the edit, the program is not one that may run.
  auto programs = programs_of<pipedream<>>(shape_of<pipedream<>>(3, 1, 6));
  naive(programs);
  CHECK(to_string(verify(programs)).ends_with("it reads another version of the weights than its forward pass did"));
}

}  // namespace
