// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <plait/alloc/detail/pair_beliefs.hpp>
#include <plait/alloc/instance.hpp>
#include <plait/alloc/moving.hpp>
#include <plait/alloc/simulation.hpp>
#include <plait/core/require.hpp>

namespace plait::detail {

/// The jobs of a stream while it is simulated: what each has left to do, where it has been, and what policies are told.
class simulated_jobs {
 protected:
  simulated_jobs(plait::cluster where, std::vector<arriving_job> jobs, simulation_settings how)
      : cluster_{std::move(where)}, jobs_{std::move(jobs)}, how_{std::move(how)} {}

  /// All jobs before their first step. Throws: usage, where a job could never run or the stream is out of order.
  void begin() {
    check_jobs();
    states_.resize(jobs_.size());
    for (std::size_t i = 0; i < jobs_.size(); ++i) states_[i].left = jobs_[i].shape.steps_remaining;
    if (!how_.known_pairs.empty()) pairs_ = pair_beliefs{how_.pair_rates, how_.known_pairs, alone()};
  }

  struct job_state {
    double left = 0;           ///< steps
    double left_at_reset = 0;  ///< when shares were last computed
    double isolated_time = 0;  ///< seconds that the steps until then would have taken with an equal part of the cluster
    double isolated_rate = 0;  ///< steps/s, as it was then
    int runs_on = -1;          ///< type
    int last_type = -1;        ///< that it ran on
    double starting = 0;       ///< seconds that it still needs before it makes steps
    template <class Archive>
    void visit(Archive& archive) {
      archive(left, left_at_reset, isolated_time, isolated_rate, runs_on, last_type, starting);
    }
  };

  arriving_job& job_at(int id) { return jobs_[static_cast<std::size_t>(id)]; }
  job_state& state_at(int id) { return states_[static_cast<std::size_t>(id)]; }

  /// The jobs as the policy sees them.
  const instance& seen() {
    seen_.cluster = cluster_;
    if (!pairs_.empty()) {
      seen_.pair_rates = pairs_.rates();
    } else if (seen_.pair_rates.size() != how_.pair_rates.size()) {
      seen_.pair_rates = how_.pair_rates;
    }
    // Those that are still there keep their places in order; new ones follow.
    std::size_t kept = 0;
    for (std::size_t i = 0, at = 0; i < seen_ids_.size(); ++i) {
      while (at < active_.size() && active_[at] < seen_ids_[i]) ++at;
      if (at == active_.size() || active_[at] != seen_ids_[i]) continue;
      if (kept != i) std::swap(seen_.jobs[kept], seen_.jobs[i]);
      ++kept;
    }
    seen_.jobs.resize(kept);
    for (std::size_t i = kept; i < active_.size(); ++i) seen_.jobs.push_back(job_at(active_[i]).shape);
    seen_ids_ = active_;
    for (std::size_t i = 0; i < active_.size(); ++i) {
      const arriving_job& one = job_at(active_[i]);
      const job_state& state = state_at(active_[i]);
      job& made = seen_.jobs[i];
      if (!one.believed.empty()) made.options = one.believed;
      made.steps_remaining = state.left;
      made.elapsed = now_ - one.arrival;
      made.isolated_time_so_far = state.isolated_time;
      made.runs_on = state.runs_on;
      made.last_type = state.last_type;
      if (made.slo_seconds < infinity) made.slo_seconds = std::max(1.0, one.shape.slo_seconds - made.elapsed);
    }
    charge_moves(seen_, how_.moving);
    see_entities();
    return seen_;
  }

  /// Steps/s of each kind alone with its usual gang, [kinds, types]; of several ways on a type the fastest.
  [[nodiscard]] table<double> alone() const {
    const int types = cluster_.size();
    table<double> made;
    for (const arriving_job& one : jobs_) {
      if (one.shape.kind < 0) continue;
      if (made.size() < (one.shape.kind + 1) * types) made.resize((one.shape.kind + 1) * types, 0.0);
      for (const run_option& option : one.shape.options) {
        double& rate = made[one.shape.kind * types + option.type];
        if (option.workers == one.shape.scale_factor) rate = std::max(rate, option.throughput);
      }
    }
    return made;
  }

  [[nodiscard]] bool weighs_moves() const { return how_.moving.horizon_seconds > 0; }

  plait::cluster cluster_;
  std::vector<arriving_job> jobs_;
  simulation_settings how_;
  pair_beliefs pairs_;  ///< empty: all pairs are known
  std::vector<job_state> states_;
  std::vector<int> active_;  ///< jobs that are there, in the order of arrival
  instance seen_;            ///< as a policy was last shown them, and who they were
  std::vector<int> seen_ids_;
  double now_ = 0;

 private:
  /// The jobs that are there by entity, in the order of arrival. An entity of which no job is there is empty.
  void see_entities() {
    if (how_.entities.empty()) return;
    seen_.entities = how_.entities;
    for (entity& team : seen_.entities) team.jobs.clear();
    for (std::size_t i = 0; i < active_.size(); ++i)
      seen_.entities[static_cast<std::size_t>(job_at(active_[i]).entity)].jobs.push_back(static_cast<int>(i));
  }

  static bool has_rates(const job& one) {
    for (const run_option& option : one.options)
      if (option.throughput > 0) return true;
    return false;
  }

  void check_jobs() const {
    for (std::size_t e = 0; e < how_.entities.size(); ++e) {
      require(how_.entities[e].weight > 0 && how_.entities[e].weight < infinity, "plait::simulator", [&] {
        return std::string{"entities["}.append(std::to_string(e)).append("].weight must be positive and finite");
      });
    }
    instance there;
    there.cluster = cluster_;
    there.forbid_oversize = true;
    double before = 0;
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      const arriving_job& one = jobs_[i];
      const auto job_is = [&](const char* what) { return std::string{"job "}.append(std::to_string(i)).append(what); };
      require(one.arrival >= before && one.arrival < infinity, "plait::simulator",
              [&] { return job_is(" arrives before the one in front of it; sort the stream by arrival"); });
      require(one.shape.steps_remaining > 0 && one.shape.steps_remaining < infinity, "plait::simulator",
              [&] { return job_is(" has no steps; give each job at least one"); });
      require(has_rates(one.shape), "plait::simulator",
              [&] { return job_is(" can run nowhere: alone it makes no step on any type of worker of the cluster"); });
      require(runs_somewhere(there, one.shape), "plait::simulator", [&] {
        return job_is(" can run nowhere: its gang is larger than every type of worker that it can run on");
      });
      const int entities = static_cast<int>(how_.entities.size());
      require(entities > 0 ? 0 <= one.entity && one.entity < entities : one.entity < 0, "plait::simulator",
              [&] { return job_is(" is in no entity that there is; with entities, every job is in one of them"); });
      require(one.believed.empty() || one.believed.size() == one.shape.options.size(), "plait::simulator",
              [&] { return job_is(" has another number of believed rates than of ways to run"); });
      before = one.arrival;
    }
  }
};

}  // namespace plait::detail
