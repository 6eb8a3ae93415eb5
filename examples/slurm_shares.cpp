// SPDX-License-Identifier: Apache-2.0
// Shares a running Slurm cluster of unlike GPUs among its jobs by the policy of one's choice, in rounds: it holds,
// releases, requeues and places jobs, and Slurm runs them.
//
//   sbatch --hold --requeue --gpus=2 --comment "plait: model=ResNet-18 (batch size 64)" train.sh
//   slurm_shares --policy max_min_perf --throughputs throughputs.json --state shares.json
//   slurm_shares --policy max_min_perf --dry-run             what it would do now, and nothing else
//   slurm_shares --release-all                               gives all jobs back to Slurm
//
// A job takes part if its comment begins with `plait:`. It may be stopped at the end of any round, by SIGTERM, and is
// started again from the begin of its script, perhaps on another type of GPU: it has to save what it did, and to load
// it. docs/slurm.md says what a job can tell of itself, what is assumed, and what is done when something fails.
//
// Exit status: 0; 1 where Slurm does not answer; 2 for wrong use or a file that cannot be.

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <plait/alloc.hpp>
#include <plait/alloc/rounds.hpp>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "number_options.hpp"
#include "slurm_shares_books.hpp"
#include "slurm_shares_decide.hpp"
#include "slurm_shares_run.hpp"

namespace {

using namespace slurm_shares;

struct arguments {
  std::string policy, throughputs, state, json, partition;
  std::vector<std::string> costs, teams;
  double round = 360, patience = 600;
  int rounds = 0;  ///< 0: without end
  bool dry_run = false, once = false, release_all = false, list = false;
};

void say(const std::string& sentence) {
  std::fprintf(stderr, "slurm_shares: %s\n", sentence.c_str());
}

json read_json(const std::string& file) {
  std::ifstream in{file};
  if (!in) refuse(file + " cannot be read");
  try {
    return json::parse(in);
  } catch (const json::exception& e) {
    refuse(file + " is not JSON: " + e.what());
  }
}

/// name=number, as in --cost v100=2.48. Throws: usage.
std::map<std::string, double> amounts(const std::vector<std::string>& given, const char* option) {
  std::map<std::string, double> made;
  for (const std::string& one : given) {
    const auto at = one.rfind('=');
    double value = 0;
    plait::require(
        at != std::string::npos && at > 0 && number_options::read(one.substr(at + 1), value, 1e-300, 1e300),
        "slurm_shares", [&] {
          return std::string{option}.append(" ").append(one).append(": it must be NAME=NUMBER, the number positive");
        });
    made[one.substr(0, at)] = value;
  }
  return made;
}

class sharer {
 public:
  explicit sharer(const arguments& given)
      : given_{given},
        policy_{given.release_all ? nullptr : &plait::policy_of(given.policy)},
        costs_{amounts(given.costs, "--cost")},
        teams_{amounts(given.teams, "--team")},
        slurm_{given.patience, say} {
    if (!given.throughputs.empty()) rates_ = throughputs{read_json(given.throughputs)};
    if (given.state.empty()) return;
    if (!given.dry_run) lock_.emplace(given.state);
    if (std::ifstream{given.state}) state_ = state_of(read_json(given.state), given.state);
  }

  int run() {
    if (given_.release_all) return release_all();
    const int last = given_.once || (given_.dry_run && given_.rounds == 0) ? 1 : given_.rounds;
    double ends = now();
    try {
      for (int n = 1; last == 0 || n <= last; ++n) {
        look(true);
        // Where Slurm was away for long the next round is no shorter for it.
        ends = std::max(ends + given_.round, now() + given_.round / 2);
        round(n, ends);
        if (given_.dry_run || given_.once) return 0;
        while (now() < ends) {
          wait_until(std::min(ends, now() + std::clamp(given_.round / 8, 0.5, 15.0)));
          look(false);
          if (has_changed_ && !is_queue() && ends - now() > given_.round / 4) refill(ends);
        }
      }
      finish();
    } catch (const interrupted&) {
      finish();
      say("told to end; jobs stay as they are. Start slurm_shares again to go on, or with --release-all to be done");
    } catch (...) {
      finish();
      throw;
    }
    return 0;
  }

 private:
  /// A job that is shared.
  struct member {
    const slurm_job* job = nullptr;
    told said;
    book* books = nullptr;
  };

  /// A job's turn in the round that is on.
  struct lease {
    int index = 0;  ///< in the round
    std::string type;
    double received = 0;  ///< seconds
    bool is_released = false;
  };

  [[nodiscard]] bool is_ours(const slurm_job& job) const {
    return job.comment.starts_with("plait:") &&
           (given_.partition.empty() || job.partitions.empty() || job.partitions.contains(given_.partition));
  }

  /// Reads jobs, and nodes where asked for, and counts the time that passed.
  void look(bool with_nodes) {
    jobs_ = slurm_.jobs();
    if (with_nodes) look_at_nodes();
    const double time = now();
    if (const std::string twice = held_twice(jobs_); !twice.empty()) {
      throw plait::error{plait::error_kind::comm, "slurm_shares",
                         twice + "; that must never be, so slurm_shares touches nothing any more"};
    }
    std::set<int> there;
    for (slurm_job& job : jobs_) {
      if (!is_ours(job)) continue;
      there.insert(job.id);
      auto found = state_.books.find(job.id);
      if (found == state_.books.end()) {
        if (job.state == phase::ended || job.state == phase::leaving) continue;
        found = state_.books.emplace(job.id, book{}).first;
        has_changed_ = true;
        found->second.arrived = job.submitted > 0 ? job.submitted : time;
        found->second.wants = job.wants;
      }
      book& one = found->second;
      if (job.state == phase::waiting || job.state == phase::running) one.has_ended = false;
      // Where Slurm tells of nodes that are half free again, and of limits that were set to place the job, it is what
      // the job asked at first that counts.
      if (job.state == phase::leaving) job.wants = one.wants;
      job.wants.most_nodes = one.wants.most_nodes;
      const auto [type, seconds] = count(one, job, time);
      if (job.state == phase::ended) end(job.id);
      if (seconds > 0) credit(job, type, seconds);
    }
    for (auto& [id, one] : state_.books)
      if (!there.contains(id)) end(id);
  }

  /// Reads nodes, and waits until Slurm knows all about them.
  void look_at_nodes() {
    const double began = now();
    bool has_told = false;
    for (;;) {
      pools_ = slurm_.pools();
      if (!given_.partition.empty())
        std::erase_if(pools_, [&](const pool& one) { return !one.partitions.contains(given_.partition); });
      const std::string node = unsettled_node(pools_, jobs_, indexed_);
      if (node.empty() || now() - began >= given_.patience) return;
      if (!has_told) say("Slurm does not yet know all about node " + node + "; waiting for it");
      has_told = true;
      wait_until(now() + 0.5);
      jobs_ = slurm_.jobs();
    }
  }

  /// Time that a job had, in steps, in the time of an equal part of the cluster, and for the rounds.
  void credit(const slurm_job& job, const std::string& type, double seconds) {
    book& one = state_.books.at(job.id);
    const std::optional<told> said = told_by(job);
    const double rate = said ? rates_.rate(said->model, one.wants.gang, type) : 0;
    one.steps += seconds * rate;
    const auto isolated = isolated_rate_.find(job.id);
    if (isolated != isolated_rate_.end() && isolated->second > 0)
      one.isolated_seconds += seconds * rate / isolated->second;
    if (!rounds_) {
      if (one.share.contains(type)) one.owed[type] -= seconds;  // while this program was not there
      return;
    }
    const auto leased = chosen_.find(job.id);
    if (leased == chosen_.end() || leased->second.type != type) return;
    leased->second.received += seconds;
    receive(job.id, leased->second, seconds);
  }

  /// Tells the rounds of time that a job had, and keeps in the state what they make of it.
  void receive(int id, const lease& turn_had, double seconds) {
    const plait::round_entry what = entry_of(id, turn_had.type);
    const double before = rounds_->owed(what);
    rounds_->received(turn_had.index, seconds);
    state_.books.at(id).owed[turn_had.type] += rounds_->owed(what) - before;
  }

  [[nodiscard]] plait::round_entry entry_of(int id, const std::string& type) const {
    const auto at = std::find(types_.begin(), types_.end(), type) - types_.begin();
    return {.first = numbers_.at(id), .option = static_cast<int>(at), .type = static_cast<int>(at)};
  }

  void end(int id) {
    book& one = state_.books.at(id);
    if (one.has_ended) return;
    one.has_ended = true;
    has_changed_ = true;
    one.owed.clear();
    one.share.clear();
    one.runs_on.clear();
    chosen_.erase(id);
    if (rounds_ && numbers_.contains(id)) rounds_->forget(numbers_.at(id));
  }

  /// One sentence for each job and reason.
  void leave_alone(const slurm_job& job, const std::string& why) {
    if (told_.insert({job.id, why}).second) say("job " + std::to_string(job.id) + " is left alone: it " + why);
  }

  /// The jobs that take part in this round, by their arrival; others keep what they have.
  std::vector<member> members() {
    std::vector<member> made;
    for (const slurm_job& job : jobs_) {
      if (!is_ours(job) || job.state == phase::ended) continue;
      const auto found = state_.books.find(job.id);
      if (found == state_.books.end() || found->second.has_ended) continue;
      // Who leaves without having been stopped here has ended.
      if (job.state == phase::leaving && !stopped_.contains(job.id)) continue;
      const told said = *told_by(job);
      const auto fault = [&]() -> std::string {
        if (!said.fault.empty()) return said.fault;
        if (!job.wants.fault.empty()) return job.wants.fault;
        if (job.is_suspended) return "is suspended";
        if (job.state == phase::running && !job.may_requeue)
          return "runs and may not be requeued; submit with --requeue";
        if (job.state == phase::running && type_of(job).empty()) return "runs on GPUs of several types, or of none";
        if (!rates_.has(said.model, job.wants.gang))
          return "is a gang of " + std::to_string(job.wants.gang) + " of " + said.model +
                 ", of which the throughputs say nothing";
        if (said.steps == 0 && needs_steps())
          return "says no steps in its comment, which " + std::string{policy_->name} + " needs";
        if (policy_->name == "allox" && job.wants.gang > 1) return "is a gang, and allox knows only jobs of one GPU";
        return {};
      }();
      if (!fault.empty()) {
        leave_alone(job, fault);
        continue;
      }
      made.push_back({.job = &job, .said = said, .books = &found->second});
    }
    std::sort(made.begin(), made.end(), [](const member& a, const member& b) {
      return a.books->arrived != b.books->arrived ? a.books->arrived < b.books->arrived : a.job->id < b.job->id;
    });
    return made;
  }

  [[nodiscard]] bool needs_steps() const {
    return policy_->name == "makespan" || policy_->name == "ftf" || policy_->name == "sjf" || policy_->name == "allox";
  }

  /// Policies that let jobs wait in line; who comes later must not pass on GPUs that are left.
  [[nodiscard]] bool is_queue() const {
    return policy_->name == "fifo" || policy_->name == "sjf" || policy_->name == "allox";
  }

  /// The types in an order that stays; a new one comes last.
  void find_types() {
    for (const pool& one : pools_)
      if (std::find(types_.begin(), types_.end(), one.type) == types_.end()) types_.push_back(one.type);
  }

  plait::instance instance_of(const std::vector<room>& rooms, std::vector<member>& ours) {
    plait::instance made;
    for (const std::string& type : types_) {
      plait::worker_type one{.name = type};
      for (const room& there : rooms) one.num_workers += there.where.type == type ? there.free : 0;
      if (const auto cost = costs_.find(type); cost != costs_.end()) one.cost_per_hour = cost->second;
      made.cluster.types.push_back(one);
    }
    std::map<std::string, std::vector<int>> teams;
    for (auto at = ours.begin(); at != ours.end();) {
      const slurm_job& job = *at->job;
      plait::job one;
      one.scale_factor = job.wants.gang;
      bool runs = false;
      for (std::size_t j = 0; j < types_.size(); ++j) {
        const double rate =
            fits_alone(rooms, job, types_[j]) ? rates_.rate(at->said.model, job.wants.gang, types_[j]) : 0;
        one.options.push_back({.type = static_cast<int>(j), .workers = job.wants.gang, .throughput = rate});
        runs = runs || rate > 0;
      }
      if (!runs) {
        leave_alone(job, "fits nowhere now, with its " + std::to_string(job.wants.gang) + " GPUs");
        at = ours.erase(at);
        continue;
      }
      one.priority = at->said.weight;
      // A job that does more steps than it said is nearly at its end, as far as anybody knows.
      if (at->said.steps > 0) one.steps_remaining = std::max(at->said.steps - at->books->steps, at->said.steps / 100);
      const double age = std::max(0.0, now() - at->books->arrived);
      one.elapsed = age;
      one.isolated_time_so_far = at->books->isolated_seconds;
      if (at->said.slo_seconds > 0 && at->said.steps > 0) one.slo_seconds = std::max(at->said.slo_seconds - age, 1.0);
      teams[at->said.team].push_back(made.size());
      made.jobs.push_back(one);
      ++at;
    }
    for (const auto& [name, jobs] : teams) {
      const auto weight = teams_.find(name);
      made.entities.push_back({.weight = weight == teams_.end() ? 1 : weight->second, .jobs = jobs});
    }
    return made;
  }

  /// The rounds, with what is owed from before this program was started.
  void begin_rounds(const plait::instance& given, const std::vector<member>& ours, double time) {
    rounds_.emplace(given.cluster, plait::round_settings{.seconds = given_.round, .gifts = !is_queue()});
    std::vector<plait::round_entry> old;
    for (const member& one : ours) {
      for (const auto& [type, owed] : one.books->owed) {
        if (owed == 0 || std::find(types_.begin(), types_.end(), type) == types_.end()) continue;
        plait::round_entry what = entry_of(one.job->id, type);
        what.workers = one.job->wants.gang;
        what.share = owed;  // of the second that passed since: so it is owed this much
        old.push_back(what);
      }
    }
    rounds_->allot(std::move(old), time - 1);
  }

  /// Small numbers for the jobs of Slurm.
  int number_of(int id) { return numbers_.emplace(id, static_cast<int>(numbers_.size())).first->second; }

  void round(int n, double ends) {
    find_types();
    std::vector<member> ours = members();
    std::vector<const slurm_job*> shared;
    for (const member& one : ours) shared.push_back(one.job);
    const std::vector<room> rooms = rooms_of(pools_, shared);
    const plait::instance given = instance_of(rooms, ours);
    const double time = now();
    has_changed_ = false;
    charge_idle(time);
    bring_up(time);
    chosen_.clear();
    std::vector<turn> turns;
    double objective = 0;
    std::string note;
    if (given.size() > 0 && given.cluster.workers() > 0) {
      const plait::allocation found = policy_->share(given, {});
      const plait::allocation isolated = plait::isolated::share(given, {});
      objective = found.objective;
      note = found.note;
      std::vector<int> ids;
      for (const member& one : ours) ids.push_back(number_of(one.job->id));
      if (!rounds_) begin_rounds(given, ours, time);
      rounds_->resize(given.cluster);
      rounds_->allot(given, found, ids, time);
      std::map<int, const member*> by_number;
      for (std::size_t i = 0; i < ours.size(); ++i) {
        by_number[ids[i]] = &ours[i];
        book& one = *ours[i].books;
        one.share.clear();
        for (std::size_t j = 0; j < types_.size(); ++j) {
          const double share = found.share(static_cast<int>(i), static_cast<int>(j));
          if (share > 0) one.share[types_[j]] = share;
        }
        isolated_rate_[ours[i].job->id] = isolated.throughputs[static_cast<int>(i)];
      }
      const std::span<const plait::round_entry> entries = rounds_->next(time);
      for (int e = 0; e < static_cast<int>(entries.size()); ++e) {
        const plait::round_entry& entry = entries[static_cast<std::size_t>(e)];
        const member& one = *by_number.at(entry.first);
        const std::string& type = types_[static_cast<std::size_t>(entry.type)];
        turns.push_back({.job = one.job, .type = type, .owed = rounds_->owed(entry), .nodes = {}});
        chosen_[one.job->id] = {.index = e, .type = type, .received = 0};
      }
      remember_debts(ours);
    }
    // Those that fit nowhere now were left out of the instance, and are not touched.
    shared.clear();
    for (const member& one : ours) shared.push_back(one.job);
    place(rooms, turns);
    for (const turn& one : turns)
      if (one.nodes.empty()) chosen_.erase(one.job->id);
    const decisions plan = decide(shared, turns);
    for (const int id : plan.released_before)
      if (const auto leased = chosen_.find(id); leased != chosen_.end()) leased->second.is_released = true;
    report(n, given, plan, objective, note);
    if (given_.dry_run) {
      for (const command& one : commands_of(plan)) std::printf("%s\n", line_of(one).c_str());
      return;
    }
    began_ = time;
    save();
    carry_out(plan, ends);
    save();
  }

  /// Gives GPUs that became free within a round to jobs that wait and are owed most, as a gift that is not counted.
  /// Nobody is stopped for it.
  void refill(double ends) {
    look(true);
    has_changed_ = false;
    if (!rounds_) return;
    const std::vector<member> ours = members();
    std::vector<const slurm_job*> shared, waiting;
    for (const member& one : ours) shared.push_back(one.job);
    std::vector<room> rooms = rooms_of(pools_, shared);
    std::vector<turn> open;
    for (const member& one : ours) {
      for (room& there : rooms) there.free -= held(*one.job, there.where.node, there.where.type);
      if (one.job->state != phase::waiting || chosen_.contains(one.job->id)) continue;
      waiting.push_back(one.job);
      // Who came within this round has no share yet, and is welcome to what it can use.
      for (const std::string& type : types_) {
        if (rates_.rate(one.said.model, one.job->wants.gang, type) == 0) continue;
        const auto owed = one.books->owed.find(type);
        open.push_back(
            {.job = one.job, .type = type, .owed = owed == one.books->owed.end() ? 0 : owed->second, .nodes = {}});
      }
    }
    // Those that are to start in this round are not there yet.
    for (const member& one : ours) {
      const auto leased = chosen_.find(one.job->id);
      if (leased == chosen_.end() || one.job->state != phase::waiting) continue;
      for (room& there : rooms)
        if (there.where.type == leased->second.type) there.free -= one.job->wants.gang;
    }
    const std::vector<turn> turns = gifts(std::move(rooms), std::move(open));
    if (turns.empty()) return;
    const decisions plan = decide(waiting, turns);
    std::printf("within the round: %zu start on GPUs that became free\n", turns.size());
    std::fflush(stdout);
    carry_out(plan, ends);
    save();
  }

  /// Adds to what is due and owed what the shares were worth since the books were last brought up, also where this
  /// program was away.
  void bring_up(double time) {
    const double passed = state_.saved > 0 ? std::max(0.0, time - state_.saved) : 0;
    for (auto& [id, one] : state_.books) {
      if (one.has_ended) continue;
      for (const auto& [type, share] : one.share) {
        one.due[type] += share * passed;
        one.owed[type] += share * passed;
      }
    }
    state_.saved = time;
  }

  /// A turn that Slurm did not use at all, for want of memory or because of jobs of others, counts as had for what is
  /// owed. Else such a job would have every turn from then on.
  void charge_idle(double time) {
    for (const auto& [id, leased] : chosen_) {
      if (leased.received > 0 || !leased.is_released || time - began_ < given_.round / 2) continue;
      const auto job = std::find_if(jobs_.begin(), jobs_.end(), [&](const slurm_job& one) { return one.id == id; });
      if (job == jobs_.end() || job->state != phase::waiting || job->is_held) continue;
      receive(id, leased, time - began_);
      say("job " + std::to_string(id) + " was released and did not start in its round; Slurm says " + job->reason);
    }
  }

  void remember_debts(const std::vector<member>& ours) {
    for (const member& one : ours) {
      one.books->owed.clear();
      for (const std::string& type : types_) {
        const double owed = rounds_->owed(entry_of(one.job->id, type));
        if (owed != 0) one.books->owed[type] = owed;
      }
    }
  }

  static std::vector<command> commands_of(const decisions& plan) {
    std::vector<command> made = plan.holds;
    made.insert(made.end(), plan.stops.begin(), plan.stops.end());
    for (const start& one : plan.starts) {
      made.push_back(one.place);
      if (one.is_held) made.push_back(one.release);
    }
    return made;
  }

  [[nodiscard]] const slurm_job* find(int id) const {
    const auto at = std::find_if(jobs_.begin(), jobs_.end(), [&](const slurm_job& one) { return one.id == id; });
    return at == jobs_.end() ? nullptr : &*at;
  }

  /// A command for one job. What Slurm refuses is said, and the job stays as it is until the next round.
  bool control(const command& one) {
    if (history_.size() >= 100'000) history_.erase(history_.begin(), history_.begin() + 50'000);
    history_.push_back({{"time", now()}, {"command", line_of(one)}});
    const std::string fault = slurm_.control(one.words);
    if (fault.empty()) return true;
    say(line_of(one) + ": " + fault);
    history_.back()["fault"] = fault;
    return false;
  }

  void carry_out(const decisions& plan, double ends) {
    for (const command& one : plan.holds) {
      control(one);
      explain(one.job);
    }
    for (const command& one : plan.stops) {
      stopped_.insert(one.job);
      if (!control(one)) continue;
      if (const slurm_job* job = find(one.job)) {
        book& books = state_.books.at(one.job);
        const auto [type, seconds] = count(books, *job, now());
        if (seconds > 0) credit(*job, type, seconds);
        books.runs_on.clear();
      }
      explain(one.job);
    }
    std::vector<start> left = plan.starts;
    double pause = 0.1;
    while (!left.empty()) {
      std::erase_if(left, [&](const start& one) {
        const slurm_job* job = find(one.job);
        if (job == nullptr || job->state == phase::ended) return true;
        // Who was stopped now was seen to run, and is looked at again below.
        if (job->state != phase::waiting) return false;
        if (control(one.place) && (!job->is_held || control(one.release))) {
          if (const auto leased = chosen_.find(one.job); leased != chosen_.end()) leased->second.is_released = true;
        }
        stopped_.erase(one.job);
        explain(one.job);
        return true;
      });
      if (left.empty()) return;
      if (now() + pause >= ends) return;
      wait_until(now() + pause);
      pause = std::min(2 * pause, 2.0);
      look(false);
    }
  }

  /// Tells whoever looks at a job what holds it. Only operators of Slurm may; without it all works as well.
  void explain(int id) {
    if (!may_explain_ || !explained_.insert(id).second) return;
    const command one{
        .job = id,
        .words = {"update", "JobId=" + std::to_string(id),
                  "AdminComment=slurm_shares runs this job in turns; slurm_shares --release-all gives it back"}};
    may_explain_ = slurm_.control(one.words).empty();
  }

  void report(int n, const plait::instance& given, const decisions& plan, double objective, const std::string& note) {
    std::printf("round %d: %zu of %d jobs run on", n,
                plan.kept.size() + plan.starts.size() + plan.released_before.size(), given.size());
    for (const plait::worker_type& type : given.cluster.types)
      std::printf(" %g %s", type.num_workers, type.name.c_str());
    std::printf("; %zu stay, %zu stop, %zu start; %s %.6g\n", plan.kept.size() + plan.released_before.size(),
                plan.stops.size(), plan.starts.size(), std::string{policy_->name}.c_str(), objective);
    std::fflush(stdout);
    if (!note.empty() && note != last_note_) say(note);
    last_note_ = note;
  }

  void finish() {
    bring_up(now());
    save();
  }

  void save() {
    if (given_.dry_run) return;
    if (!given_.state.empty()) write_whole(given_.state, json_of(state_).dump(1) + "\n");
    if (given_.json.empty()) return;
    json jobs = json::array();
    for (const auto& [id, one] : state_.books) {
      jobs.push_back({{"id", id},
                      {"gang", one.wants.gang},
                      {"has_ended", one.has_ended},
                      {"received", one.received},
                      {"due", one.due},
                      {"owed", one.owed},
                      {"share", one.share},
                      {"steps", one.steps}});
    }
    const json said{{"policy", policy_->name}, {"round_seconds", given_.round}, {"jobs", jobs}, {"commands", history_}};
    write_whole(given_.json, said.dump(1) + "\n");
  }

  int release_all() {
    jobs_ = slurm_.jobs();
    int count = 0;
    for (const slurm_job& job : jobs_) {
      if (!is_ours(job) || job.state != phase::waiting) continue;
      for (const command& one : give_back(job)) {
        if (given_.dry_run) {
          std::printf("%s\n", line_of(one).c_str());
        } else {
          control(one);
        }
      }
      ++count;
    }
    if (!given_.dry_run) std::printf("%d jobs that waited were given back to Slurm\n", count);
    return 0;
  }

  arguments given_;
  const plait::named_policy* policy_;
  std::map<std::string, double> costs_, teams_;
  client slurm_;
  throughputs rates_;
  std::optional<lock> lock_;
  state state_;
  std::vector<pool> pools_;
  std::vector<slurm_job> jobs_;
  std::vector<std::string> types_;
  std::optional<plait::rounds> rounds_;
  std::map<int, int> numbers_;
  std::map<int, lease> chosen_;  ///< of the round that is on
  std::map<int, double> isolated_rate_;
  std::set<int> stopped_, explained_;
  std::set<std::string> indexed_;
  std::set<std::pair<int, std::string>> told_;
  std::string last_note_;
  json history_ = json::array();
  double began_ = 0;
  bool may_explain_ = true, has_changed_ = false;
};

int run(const arguments& given) {
  if (given.list) {
    for (const plait::named_policy& one : plait::policies) std::printf("%s\n", std::string{one.name}.c_str());
    return 0;
  }
  plait::require(given.release_all || !given.policy.empty(), "slurm_shares",
                 "--policy is missing; --list names the policies");
  return sharer{given}.run();
}

}  // namespace

int main(int argc, char** argv) {
  arguments given;
  CLI::App app{
      "Shares a running Slurm cluster of unlike GPUs by a policy, in rounds. Jobs take part whose comment begins "
      "with plait: as in sbatch --hold --requeue --gpus=2 --comment 'plait: model=ResNet-18; weight=2' run.sh"};
  app.add_option("--policy", given.policy, "its name; --list has all");
  number_options::add_number(app, "--round", given.round, 1, 1e6, "seconds of a round, 360");
  app.add_option("--throughputs", given.throughputs, "steps/s by model, gang and type, JSON; else all types are equal");
  app.add_option("--state", given.state, "remember in this file what jobs received and are owed");
  app.add_option("--partition", given.partition, "share this partition alone");
  app.add_option("--cost", given.costs, "TYPE=DOLLARS, of one GPU for an hour");
  app.add_option("--team", given.teams, "NAME=WEIGHT, for the policy hierarchical");
  number_options::add_number(app, "--patience", given.patience, 0, 1e9,
                             "seconds for which a Slurm that does not answer is asked again, 600");
  app.add_option("--json", given.json, "write what was received, due and done to this file");
  auto* rounds = number_options::add_number(app, "--rounds", given.rounds, 1, 1000000000, "end after so many rounds");
  auto* once = app.add_flag("--once", given.once, "begin one round and end; call again when it should be over");
  once->excludes(rounds);
  app.add_flag("--dry-run", given.dry_run, "print the commands of the next round, and run none");
  app.add_flag("--release-all", given.release_all, "give all jobs back to Slurm, to run when and where it likes");
  app.add_flag("--list", given.list, "print the names of the policies");
  std::signal(SIGPIPE, SIG_IGN);
  for (const int one : {SIGINT, SIGTERM}) std::signal(one, [](int) { told_to_end = 1; });
  try {
    app.parse(argc, argv);
    return run(given);
  } catch (const CLI::ParseError& e) {
    return number_options::exit_of(app, e, "slurm_shares");
  } catch (const interrupted&) {
    say("told to end");
    return 0;
  } catch (const plait::error& e) {
    say(e.sentence());
    return e.exit_status();
  } catch (const std::exception& e) {
    say(e.what());
    return 1;
  }
}
