// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <istream>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <plait/alloc/agnostic.hpp>
#include <plait/alloc/detail/archive.hpp>
#include <plait/alloc/detail/job_classes.hpp>
#include <plait/alloc/detail/simulated_jobs.hpp>
#include <plait/alloc/detail/simulation_books.hpp>
#include <plait/alloc/isolated.hpp>
#include <plait/alloc/placement.hpp>
#include <plait/alloc/rounds.hpp>
#include <plait/alloc/share_memory.hpp>
#include <plait/alloc/simulation.hpp>
#include <plait/core/require.hpp>

namespace plait {

/// Runs a stream of jobs on a cluster in rounds, under shares that a policy computes.
///
/// Jobs come in when a round begins. Shares are computed again when jobs, workers or beliefs have changed and
/// `reset_seconds` have passed, or nothing could run else. In a round a job makes as many whole steps as fit, and ends
/// with its last step; its workers are free from the next round on. A round in which all end early is as much shorter.
/// A worker costs what its type costs at each instant, from the beginning of a job's part in a round to its end; a job
/// that comes to another type loses `job::move_seconds` and pays for its checkpoint. Prices that change are an event.
/// Estimates follow what is seen: after a round on one of its ways, a job's believed rate there is the mean of what it
/// was and what was seen; pairs that nobody measured are estimated, and known once they have run.
///
/// The same input gives the same result to the bit, on every machine. It reproduces the published simulator where that
/// is defined (Narayanan et al., OSDI 2020, section 7); docs/gavel.md holds both side by side.
///
///     simulator run{cluster, jobs, max_min_perf::share, settings};
///     while (run.step()) {}
///     run.result().mean_completion_time();
class simulator : private detail::simulated_jobs {
 public:
  using policy = std::function<allocation(const instance&, const share_settings&)>;

  /// Throws: usage, where a job could never run or the stream is out of order.
  simulator(plait::cluster where, std::vector<arriving_job> jobs, policy share, simulation_settings how = {})
      : simulated_jobs{std::move(where), std::move(jobs), std::move(how)},
        share_{std::move(share)},
        rounds_{cluster_, how_.round},
        placement_{cluster_} {
    const int count = static_cast<int>(jobs_.size());
    if (how_.measure_end < 0 || how_.measure_end > count) how_.measure_end = count;
    require(0 <= how_.measure_begin && how_.measure_begin < how_.measure_end, "plait::simulator", [&] {
      return std::string{"no job is measured: the stream has "}.append(std::to_string(count)).append(" jobs");
    });
    require(how_.round.seconds > 0 && how_.reset_seconds >= 0 && how_.preemption_seconds >= 0 &&
                how_.preemption_seconds < how_.round.seconds,
            "plait::simulator",
            "a round must last more than 0 s and longer than a preemption, and no time be negative");
    how_.prices.check(cluster_);
    validate(how_.moving);
    how_.prices.set(cluster_, 0);
    next_price_ = how_.prices.next_change(0);
    begin();
    books_.begin({how_.measure_begin, how_.measure_end}, cluster_.types.size(), jobs_.size());
  }

  /// Workers that fail and come back, in the order of time. What runs on them in the round before has its round.
  void expect(std::vector<worker_event> events) { events_ = std::move(events); }

  /// One round. False when all measured jobs have ended.
  bool step() {
    if (books_.left_to_measure == 0) return false;
    wake();
    if (changed_ && (now_ - last_reset_ >= how_.reset_seconds || books_.result.allocations == 0)) allot();
    std::span<const round_entry> entries = rounds_.next(now_);
    if (entries.empty()) {
      if (changed_) {
        allot();
        entries = rounds_.next(now_);
      }
      if (entries.empty()) return wait();
    }
    run(entries);
    return books_.left_to_measure > 0;
  }

  /// Writes where the simulation is. One of the same cluster, stream, policy and settings that loads it goes on from
  /// there to the same result, to the bit. What is not the same is only noticed where the numbers of jobs differ.
  void save(std::ostream& out) {
    out << "plait-simulation 3 " << jobs_.size() << '\n';
    detail::archive_writer archive{out};
    visit(archive);
  }
  /// Throws: io, where that is no saved simulation of so many jobs.
  void load(std::istream& in) {
    std::string word;
    int version = 0;
    std::size_t jobs = 0;
    in >> word >> version >> jobs;
    if (word != "plait-simulation" || version != 3 || jobs != jobs_.size())
      throw error{error_kind::io, "plait::simulator::load", "this is no saved simulation of this stream; begin anew"};
    detail::archive_reader archive{in};
    visit(archive);
    seen_ids_.clear();
  }

  [[nodiscard]] double now() const { return now_; }
  /// Measured jobs that have ended, and all of them, for progress.
  [[nodiscard]] int ended() const { return books_.ended(); }
  [[nodiscard]] int measured() const { return books_.measured(); }

  /// What was found so far.
  [[nodiscard]] simulation_result result() const { return books_.found(jobs_); }

 private:
  template <class Archive>
  void visit(Archive& archive) {
    std::vector<double> workers;
    for (const worker_type& type : cluster_.types) workers.push_back(type.num_workers);
    for (arriving_job& one : jobs_)
      for (run_option& option : one.believed) archive(option.throughput);
    archive(workers, rounds_, placement_, pairs_, states_, active_, books_.busy, books_.there, next_arrival_,
            next_event_, now_, last_reset_, next_price_, books_.left_to_measure, books_.recorded, changed_, memory_,
            books_.result);
    for (std::size_t j = 0; j < workers.size(); ++j) cluster_.types[j].num_workers = workers[j];
    rounds_.resize(cluster_, placement_);
    how_.prices.set(cluster_, now_);
  }

  /// Lets in what happened until now; where nothing is there to run, goes on to the next arrival.
  void wake() {
    if (active_.empty() && next_arrival_ < jobs_.size()) now_ = std::max(now_, jobs_[next_arrival_].arrival);
    instance there;
    there.cluster = cluster_;
    for (; next_arrival_ < jobs_.size() && jobs_[next_arrival_].arrival <= now_; ++next_arrival_) {
      const int id = static_cast<int>(next_arrival_);
      active_.push_back(id);
      state_at(id).left_at_reset = state_at(id).left;
      changed_ = true;
      if (how_.newcomers_wait) continue;
      std::vector<round_entry> ways;
      append_idle(there, job_at(id).shape, id, ways);
      rounds_.offer(std::move(ways));
    }
    books_.result.stream_ended = next_arrival_ == jobs_.size();
    see_prices();
    for (; next_event_ < events_.size() && events_[next_event_].at <= now_; ++next_event_) {
      const worker_event& event = events_[next_event_];
      if (placement_.has_failed(event.type, event.worker) == event.failed) continue;
      placement_.set_failed(event.type, event.worker, event.failed);
      cluster_.types[static_cast<std::size_t>(event.type)].num_workers += event.failed ? -1 : 1;
      rounds_.resize(cluster_, placement_);
      changed_ = true;
    }
  }

  /// Sets the prices that hold now.
  void see_prices() {
    if (now_ < next_price_) return;
    how_.prices.set(cluster_, now_);
    next_price_ = how_.prices.next_change(now_);
    changed_ = true;
  }

  /// Nothing can run. Goes on to what happens next.
  bool wait() {
    double next = infinity;
    if (next_arrival_ < jobs_.size()) next = jobs_[next_arrival_].arrival;
    if (next_event_ < events_.size()) next = std::min(next, events_[next_event_].at);
    next = std::min(next, next_price_);
    require(next < infinity, "plait::simulator", [&] {
      return std::string{"job "}
          .append(std::to_string(active_.front()))
          .append(" gets no share from this policy and nothing more happens; it would wait for ever");
    });
    now_ = std::max(now_, next);
    return true;
  }

  void allot() {
    if (!pairs_.empty()) {
      pairs_.estimate(cluster_.size());
      books_.result.pairs_known = pairs_.known();
      books_.result.pair_error = pairs_.error();
    }
    for (const int id : active_) {
      job_state& state = state_at(id);
      if (state.isolated_rate > 0) state.isolated_time += (state.left_at_reset - state.left) / state.isolated_rate;
      state.left_at_reset = state.left;
    }
    const instance& given = seen();
    const auto ask = [&](const instance& shown) {
      const detail::job_classes alike = detail::classes_of(shown);
      isolated_.clear();
      for (const int first : alike.first)
        isolated_.push_back(isolated_throughput(shown, shown.jobs[static_cast<std::size_t>(first)]));
      for (int i = 0; i < shown.size(); ++i)
        state_at(active_[static_cast<std::size_t>(i)]).isolated_rate = isolated_[alike.class_of[i]];
      share_settings how = how_.how;
      how.memory = &memory_;
      return share_(shown, how);
    };
    // What the policy says is put in terms of `given`, so that entries name the jobs' own ways to run.
    const allocation found = how_.agnostic ? agnostic_share(ask, given, true) : ask(given);
    std::vector<round_entry> entries = entries_of(given, found, active_);
    // Who is due nothing elsewhere stays: to move costs more than a free worker is worth.
    if (weighs_moves()) {
      std::erase_if(entries, [&](const round_entry& e) {
        const int last = state_at(e.first).last_type;
        return e.share <= 0 && last >= 0 && last != e.type;
      });
    }
    rounds_.allot(std::move(entries), now_);
    ++books_.result.allocations;
    books_.result.programs += found.programs;
    books_.result.all_verified = books_.result.all_verified && (found.programs == 0 || found.certificate_verified);
    books_.result.solve_seconds += found.seconds;
    last_reset_ = now_;
    changed_ = false;
  }

  void run(std::span<const round_entry> entries) {
    const std::span<const placed_entry> placed = placement_.place(entries);
    const bool records = recording();
    double longest = 0;
    runs_.clear();
    for (std::size_t e = 0; e < entries.size(); ++e) {
      round_entry entry = entries[e];
      if (placed[e].workers.empty()) continue;
      if (entry.second >= 0 && !pairs_.empty())
        changed_ |= pairs_.meet(job_at(entry.first).shape.kind, job_at(entry.second).shape.kind, entry);
      double time = turn(entry, entry.first, true, placed[e].moved);
      if (entry.second >= 0) time = std::max(time, turn(entry, entry.second, false, placed[e].moved));
      rounds_.received(static_cast<int>(e), time);
      books_.bill(entry, time, how_.prices.dollars(cluster_, entry.type, now_, now_ + time));
      longest = std::max(longest, time);
      runs_.push_back(entry);
      if (!records) continue;
      for (const int w : placed[e].workers)
        books_.result.recorded.push_back({now_, now_ + time, entry.type, w, entry.first, entry.second});
    }
    check_progress();
    if (longest == 0) longest = how_.round.seconds;
    books_.close_round(now_, longest, cluster_, runs_);
    for (const int id : active_) state_at(id).runs_on = -1;
    for (const round_entry& entry : runs_) {
      state_at(entry.first).runs_on = entry.type;
      if (entry.second >= 0) state_at(entry.second).runs_on = entry.type;
    }
    now_ += longest;
    std::erase_if(active_, [&](int id) {
      if (state_at(id).left > 0) return false;
      rounds_.forget(id);
      changed_ = true;
      return true;
    });
  }

  /// A job's part in a round: the steps that it makes. The time that takes, in seconds.
  double turn(const round_entry& entry, int id, bool is_first, bool moved) {
    job_state& state = state_at(id);
    arriving_job& one = job_at(id);
    if (moved && state.last_type >= 0) {
      state.starting = how_.preemption_seconds;
      ++books_.result.restarts;
    }
    if (state.last_type != entry.type) come_to(entry.type, id);
    const double lost = std::min(state.starting, how_.round.seconds);
    state.starting -= lost;
    double rate = is_first ? entry.rate : entry.second_rate;
    if (entry.second < 0) {
      rate = one.shape.options[entry.option].throughput;
      if (!one.believed.empty() && one.believed[entry.option].throughput != rate) {
        double& belief = one.believed[entry.option].throughput;
        belief = std::fabs(belief - rate) < 1e-3 * rate ? rate : (belief + rate) / 2;
        changed_ = true;
      }
    }
    if (rate <= 0) return lost;
    const double room = rate * (how_.round.seconds - lost);
    const double whole = std::floor(room);
    const double steps = std::min(state.left, whole > 0 ? whole : room);
    const double time = lost + steps / rate;
    made_steps_ = made_steps_ || state.left - steps != state.left;
    state.left -= steps;
    if (state.left <= 0) books_.end(id, now_ + time);
    return time;
  }

  /// Ends a simulation that would go on for ever: rounds on rounds without a step. Rounds that begin with a move can
  /// all be spent on moves, and steps can be too few to count beside those that are left.
  void check_progress() {
    rounds_without_steps_ = made_steps_ ? 0 : rounds_without_steps_ + 1;
    made_steps_ = false;
    require(rounds_without_steps_ < most_rounds_without_steps, "plait::simulator", [&] {
      return std::string{"no job made a step in "}
          .append(std::to_string(most_rounds_without_steps))
          .append(
              " rounds; moves take longer than jobs stay, or what is left is too much beside what a round does: "
              "take longer rounds");
    });
  }

  /// A job's checkpoint is with a type of workers from now on.
  void come_to(int type, int id) {
    job_state& state = state_at(id);
    const job& shape = job_at(id).shape;
    if (state.last_type >= 0) {
      ++books_.result.moves;
      state.starting += shape.move_seconds;
      books_.bill_checkpoint(id, egress_dollars(cluster_, how_.moving, shape, state.last_type, type));
    }
    state.last_type = type;
    if (weighs_moves()) rounds_.withdraw_gifts(id, type);
  }

  [[nodiscard]] bool recording() {
    if (books_.recorded >= how_.recorded_rounds || now_ < jobs_[static_cast<std::size_t>(how_.measure_begin)].arrival)
      return false;
    ++books_.recorded;
    return true;
  }

  policy share_;
  rounds rounds_;
  placement placement_;
  std::vector<worker_event> events_;
  share_memory memory_;
  table<double> isolated_;  ///< steps/s of each class of jobs with an equal part of the cluster
  std::vector<round_entry> runs_;
  std::size_t next_arrival_ = 0, next_event_ = 0;
  double last_reset_ = 0, next_price_ = infinity;
  bool changed_ = false, made_steps_ = false;
  int rounds_without_steps_ = 0;
  static constexpr int most_rounds_without_steps = 10000;
  detail::simulation_books books_;
};

}  // namespace plait
