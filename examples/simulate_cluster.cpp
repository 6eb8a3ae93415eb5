// SPDX-License-Identifier: Apache-2.0
// Plays a stream of jobs on a cluster in rounds, under shares by the policy of one's choice, and says how long jobs
// took and how busy the workers were.
//
//   simulate_cluster --policy max_min_perf --jobs stream.csv --throughputs measured.json
//                    --cluster v100=36,p100=36,k80=36 --rate 5.6 --measure 4000:5000
//
// Long runs can be stopped and taken up again: --stop-after 1000 --save state, then --resume state.
//
// docs/allocation.md says what is in the files, docs/gavel.md what it finds for published streams.
//
// Exit status: 0; 1 when a program behind the shares could not be proved; 2 for wrong use or files that cannot be.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include <plait/alloc.hpp>
#include <plait/alloc/simulation_svg.hpp>
#include <plait/alloc/simulator.hpp>
#include <plait/core/random.hpp>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "number_options.hpp"
#include "published_allox.hpp"
#include "published_fifo.hpp"
#include "published_packing.hpp"
#include "published_pairs.hpp"
#include "published_policies.hpp"
#include "simulate_cluster_files.hpp"

namespace {

using namespace plait;

constexpr const char* unproved =
    "shares could not be proved; throughputs, steps or priorities of jobs lie too far apart";

struct arguments {
  std::string policy, jobs, throughputs, cluster, measure, rule = "priorities", json, csv, svg, save, resume, prices,
                                                           cost;
  std::vector<std::string> entities;
  double rate = -1, move_seconds = 0, gigabytes = 0, known_pairs = 1;
  long stop_after = -1;
  int workers_per_server = 0;
  simulation_settings how;
  bool list = false, as_published = false;
};

/// What computes the shares.
simulator::policy shares_of(const named_policy& policy, arguments& given) {
  if (!given.as_published) return policy.share;
  if (policy.name == max_min_packed::name || (policy.name == max_min_perf::name && given.how.how.space_sharing))
    return published::max_min_packed;
  // The other programs with pairs are centred nowhere here.
  if (given.how.how.space_sharing &&
      (policy.name == max_min_agnostic::name || policy.name == finish_time_fairness::name))
    return policy.share;
  if (policy.name == max_min_perf::name) return published::max_min;
  if (policy.name == max_min_agnostic::name) return published::max_min_agnostic;
  if (policy.name == gandiva::name) return published::gandiva{};
  if (policy.name == allox::name) return published::allox{};
  if (policy.name == finish_time_fairness::name) return published::finish_time_fairness;
  if (policy.name == fifo::name && given.how.how.space_sharing && !given.how.agnostic) return published::fifo_packed;
  if (policy.name == least_makespan::name)
    return given.how.how.space_sharing && !given.how.agnostic ? published::makespan_packed : published::makespan;
  if (policy.name == fifo::name) {
    const bool knows_rates = !std::exchange(given.how.agnostic, false);  // it does not look at rates then
    return published::fifo_queue{knows_rates, given.how.how.seed};
  }
  return policy.share;
}

/// Whether a published policy has a memory of its own, which a saved simulation does not hold.
bool remembers(const named_policy& policy, const arguments& given) {
  return given.as_published && (policy.name == gandiva::name || policy.name == allox::name ||
                                (policy.name == fifo::name && (given.how.agnostic || !given.how.how.space_sharing)));
}

/// `4000:5000`, both counted from 0, the second not measured.
void read_measure(const std::string& text, simulation_settings& how) {
  if (text.empty()) return;
  const std::vector<std::string> both = simulate_cluster::split(text, ':');
  if (both.size() != 2)
    cluster_files::refuse("--measure must be like 4000:5000, not '" + cluster_files::shown(text) + "'");
  how.measure_begin = simulate_cluster::whole(both[0], "--measure");
  how.measure_end = simulate_cluster::whole(both[1], "--measure");
}

bool looks_at_prices(const named_policy& policy) {
  return policy.name.find("cost") != std::string_view::npos || policy.name.find("dollar") != std::string_view::npos;
}

/// Prices that stay, or that change, or none.
void read_prices(arguments& given, const named_policy& policy, cluster& where, std::vector<std::string>& notes) {
  if (!given.prices.empty() && !given.cost.empty())
    cluster_files::refuse("--cost and --prices cannot both be given; leave one of them out");
  if (!given.cost.empty()) simulate_cluster::read_costs(given.cost, where);
  if (!given.prices.empty()) given.how.prices = simulate_cluster::read_prices(given.prices, where, notes);
  if (!looks_at_prices(policy)) return;
  if (given.prices.empty() && given.cost.empty())
    cluster_files::refuse("--policy " + given.policy +
                          " looks at prices; give --cost TYPE=DOLLARS,... or --prices FILE.csv, dollars an hour");
  for (int j = 0; j < where.size(); ++j) {
    const worker_type& type = where.types[static_cast<std::size_t>(j)];
    double least = type.cost_per_hour;
    if (!given.prices.empty()) {
      least = infinity;
      for (const price_change& one : given.how.prices.of(j).changes()) least = std::min(least, one.dollars_per_hour);
    }
    if (least <= 0)
      cluster_files::refuse((given.cost.empty() ? "--prices: " : "--cost: ") + type.name +
                            " costs 0 dollars an hour; --policy " + given.policy + " divides by prices");
  }
}

void print(const simulation_result& found, const cluster& where, double seconds, bool priced) {
  constexpr double hour = 3600;
  std::printf("jobs         %zu measured\nmean JCT     %.2f h (half of them within %.2f h, 99 %% within %.2f h)\n",
              found.completion_times.size(), found.mean_completion_time() / hour, found.quantile(0.5) / hour,
              found.quantile(0.99) / hour);
  std::printf("makespan     %.2f h\nutilisation ", found.end / hour);
  for (std::size_t j = 0; j < where.types.size(); ++j)
    std::printf(" %s %.1f %%", where.types[j].name.c_str(), 100 * found.utilisation[j]);
  std::printf("\nrounds       %zu, shares computed %d times in %.2f s\nseconds      %.2f\n", found.round_begin.size(),
              found.allocations, found.solve_seconds, seconds);
  if (found.pairs_known > 0)
    std::printf("pairs        %d known in the end; parts of a job's own rate are estimated with an error of %.3f\n",
                found.pairs_known, found.pair_error);
  if (priced)
    std::printf("cost         %.2f $, of it %.2f $ for checkpoints that moved; %ld moves to another type\n",
                found.cost_dollars(), found.egress_dollars, found.moves);
  if (found.stream_ended)
    std::printf(
        "note         no job was left to arrive before the measured ones had ended; a longer stream loads more\n");
}

int run(arguments given) {
  if (given.list) {
    for (const named_policy& one : policies) std::printf("%s\n", std::string{one.name}.c_str());
    return 0;
  }
  const auto needed = [](const std::string& value, const char* name) {
    if (value.empty()) cluster_files::refuse(std::string{name} + " is missing; see --help");
  };
  needed(given.policy, "--policy");
  needed(given.jobs, "--jobs");
  needed(given.throughputs, "--throughputs");
  needed(given.cluster, "--cluster");
  const named_policy& policy = policy_of(given.policy);
  if (remembers(policy, given) && !(given.save.empty() && given.resume.empty()))
    cluster_files::refuse("--save and --resume do not hold what --policy " + given.policy +
                          " remembers --as-published; play it in one go");
  if (given.workers_per_server > 0 && given.as_published)
    cluster_files::refuse("--workers-per-server does not go with --as-published, which knows no servers");
  cluster where = simulate_cluster::read_cluster(given.cluster);
  for (worker_type& type : where.types) type.workers_per_server = given.workers_per_server;
  const nlohmann::json throughputs = cluster_files::read_json(given.throughputs);
  simulate_cluster::stream stream =
      simulate_cluster::read_stream(given.jobs, throughputs, where,
                                    {.rate = given.rate,
                                     .move_seconds = given.move_seconds,
                                     .gigabytes = given.gigabytes,
                                     .round_seconds = given.how.round.seconds,
                                     .entities = simulate_cluster::read_entities(given.entities)});
  read_prices(given, policy, where, stream.notes);
  if (policy.name == hierarchical::name && stream.entities.empty())
    cluster_files::refuse(cluster_files::shown(given.jobs) +
                          " has no column entity, which --policy hierarchical needs: the name of each job's entity");
  if (policy.name != hierarchical::name && !given.entities.empty())
    stream.notes.push_back("--entity was not looked at; it is for --policy hierarchical");
  if (given.how.preemption_seconds >= given.how.round.seconds)
    cluster_files::refuse("--preemption-seconds must be less than --round");
  read_measure(given.measure, given.how);
  if (given.how.measure_end > static_cast<int>(stream.jobs.size()))
    cluster_files::refuse("--measure ends at job " + std::to_string(given.how.measure_end) + ", but " + given.jobs +
                          " has only " + std::to_string(stream.jobs.size()));
  if (given.how.measure_end >= 0 && given.how.measure_begin >= given.how.measure_end)
    cluster_files::refuse("--measure is " + given.measure + "; no job is measured");
  if (stream.jobs.empty()) cluster_files::refuse(cluster_files::shown(given.jobs) + " has no jobs");
  for (const std::string& note : stream.notes) std::fprintf(stderr, "simulate_cluster: note: %s\n", note.c_str());
  given.how.pair_rates = stream.pair_rates;
  given.how.entities = stream.entities;
  if (given.known_pairs < 1) {
    const random_stream random{given.how.how.seed, "known pairs", 0};
    for (std::size_t p = 0; p < stream.pair_rates.size(); ++p)
      given.how.known_pairs.push_back(random.uniform(p) < given.known_pairs ? 1 : 0);
  }
  given.how.round.rule = given.rule == "owed" ? round_rule::owed : round_rule::priorities;
  given.how.round.seed = given.how.how.seed;
  // Who runs whole jobs in an order lets nobody pass, and who looks at costs leaves workers alone that are too dear.
  given.how.round.gifts = policy.name != fifo::name && policy.name != shortest_job_first::name &&
                          (policy.name != allox::name || given.as_published) && !looks_at_prices(policy);
  given.how.round.shuffle_types = given.how.agnostic || given.policy == max_min_agnostic::name ||
                                  given.policy == isolated::name || given.policy == proportional::name;
  given.how.newcomers_wait = given.as_published;
  if (!given.svg.empty()) given.how.recorded_rounds = 120;
  // Where all jobs are there at once, only the measured ones matter.
  if (stream.all_at_once && given.how.measure_end >= 0)
    stream.jobs.resize(static_cast<std::size_t>(given.how.measure_end));

  const auto began = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(); };
  const simulator::policy share = shares_of(policy, given);
  const bool priced = !given.how.prices.empty() || !given.cost.empty();
  simulator simulation{where, stream.jobs, share, given.how};
  const bool shows = isatty(STDERR_FILENO) != 0;
  double shown = 0;
  if (!given.resume.empty()) {
    std::istringstream in{cluster_files::read_text(given.resume)};
    simulation.load(in);
  }
  for (long round = 0; round != given.stop_after && simulation.step(); ++round) {
    if (!shows || seconds() < shown + 0.2) continue;
    shown = seconds();
    const int ended = simulation.ended(), all = simulation.measured(), bar = 40 * ended / all;
    std::fprintf(stderr, "\r[%s%s] %d of %d jobs, hour %.0f ", std::string(static_cast<std::size_t>(bar), '#').c_str(),
                 std::string(static_cast<std::size_t>(40 - bar), '.').c_str(), ended, all, simulation.now() / 3600);
  }
  if (shows) std::fprintf(stderr, "\r\033[K");
  const simulation_result found = simulation.result();
  print(found, where, seconds(), priced);

  const auto save = [](const std::string& name, auto&& write) {
    if (name.empty()) return;
    std::ofstream out{name};
    write(out);
    out.close();
    if (!out) cluster_files::refuse(name + " cannot be written");
  };
  save(given.save, [&](std::ostream& out) { simulation.save(out); });
  save(given.json, [&](std::ostream& out) {
    nlohmann::json said = simulate_cluster::write_json(found, where, priced);
    said["policy"] = given.policy;
    said["seconds"] = seconds();
    out << said.dump(1) << '\n';
  });
  const int end = given.how.measure_end < 0 ? static_cast<int>(stream.jobs.size()) : given.how.measure_end;
  save(given.csv, [&](std::ostream& out) {
    out.precision(17);
    simulate_cluster::write_csv(out, found, stream.jobs, given.how.measure_begin, end);
  });
  save(given.svg, [&](std::ostream& out) {
    write_svg(out, found, where, std::string{policy.name}.append(" in rounds: what jobs and workers saw"));
  });
  if (found.all_verified) return 0;
  std::fprintf(stderr, "simulate_cluster: %s\n", unproved);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  arguments given;
  simulation_settings& how = given.how;
  CLI::App app{"Plays a stream of jobs on a cluster in rounds, under the shares of a policy."};
  app.add_option("--policy", given.policy, "its name; --list has all");
  app.add_option("--jobs", given.jobs, "the stream, CSV");
  app.add_option("--throughputs", given.throughputs, "what jobs do on workers, alone and in pairs, JSON");
  app.add_option("--cluster", given.cluster, "workers by type, such as v100=36,k80=36 or v100@aws/east/spot=36");
  const auto number = [&](const std::string& name, double& value, double least, double most, const char* help) {
    number_options::add_number(app, name, value, least, most, help);
  };
  number_options::add_number(app, "--workers-per-server", given.workers_per_server, 1, 1000000,
                             "gangs run in one server as measured, or spread at the rates of TYPE_unconsolidated");
  number("--rate", given.rate, 0, 1e9, "jobs an hour; 0: all at once");
  app.add_option("--measure", given.measure, "first job to measure and the one after the last, such as 4000:5000");
  number("--round", how.round.seconds, 1e-3, 1e9, "seconds of a round");
  number("--reset", how.reset_seconds, 0, 1e12, "least seconds between two computations of shares");
  app.add_option("--rounds", given.rule, "how rounds are chosen")->check(CLI::IsMember({"priorities", "owed"}));
  number("--preemption-seconds", how.preemption_seconds, 0, 1e9, "lost by a job that is moved");
  app.add_option("--entity", given.entities,
                 "NAME=WEIGHT, NAME=WEIGHT:fairness or NAME=WEIGHT:fifo, once for each entity (column entity) that is "
                 "not of weight 1 and fairness; for --policy hierarchical");
  app.add_option("--cost", given.cost, "dollars an hour of a worker by type, such as v100=2.48,k80=0.45");
  app.add_option("--prices", given.prices,
                 "dollars an hour of a worker over time, CSV: type, time_s, dollars_per_hour");
  number("--move-seconds", given.move_seconds, 0, cluster_files::move_range.most,
         "to save a job and start it on another type");
  number("--checkpoint-gb", given.gigabytes, 0, cluster_files::dollar_range.most, "gigabytes that go along then");
  number("--egress-zones", how.moving.dollars_per_gigabyte_between_zones, 0, cluster_files::dollar_range.most,
         "dollars a gigabyte between zones");
  number("--egress-clouds", how.moving.dollars_per_gigabyte_between_clouds, 0, cluster_files::dollar_range.most,
         "dollars a gigabyte between clouds");
  number("--move-horizon", how.moving.horizon_seconds, 0, 1e12,
         "seconds in which a move has to pay; 0: policies take moves to be free");
  number("--known-pairs", given.known_pairs, 0, 1,
         "part of the pairs that was measured, chosen by --seed; the others are estimated and learned");
  number_options::add_number(app, "--seed", how.how.seed, 0, ~std::uint64_t{0},
                             "of random choices that policies and rounds make");
  number_options::add_number(app, "--partitions", how.how.partitions, 1, 1000000, "parts of the policy pop");
  app.add_flag("--agnostic", how.agnostic, "the policy takes each job's rate on its first type for that on all types");
  app.add_flag(
      "--as-published", given.as_published,
      "an interior optimum, and fifo, makespan, allox and gandiva with the peculiarities of the published program; "
      "see docs/gavel.md");
  app.add_flag("!--any-optimum", how.how.break_ties, "of equally good shares take any, not those of the stated rule");
  app.add_flag("!--ungrouped", how.how.group, "give each job its own columns, also where jobs are equal");
  app.add_flag("--space-sharing", how.how.space_sharing, "two jobs may share workers, under policies that use pairs");
  app.add_option("--json", given.json, "write the result to this file");
  app.add_option("--csv", given.csv, "write the times of the measured jobs to this file");
  app.add_option("--svg", given.svg, "draw completion times, use of workers and who ran where");
  number_options::add_number(app, "--stop-after", given.stop_after, 0, 1000000000000, "stop after so many rounds");
  app.add_option("--save", given.save, "write where the simulation stopped to this file");
  app.add_option("--resume", given.resume, "go on from there; all else must be given as before");
  app.add_flag("--list", given.list, "print the names of the policies");
  try {
    app.parse(argc, argv);
    return run(given);
  } catch (const CLI::ParseError& e) {
    return number_options::exit_of(app, e, "simulate_cluster");
  } catch (const error& e) {
    const bool is_unproved = e.kind() == error_kind::numerics;
    std::fprintf(stderr, "simulate_cluster: %s\n",
                 is_unproved ? unproved : cluster_files::one_line(e.sentence()).c_str());
    return e.exit_status();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "simulate_cluster: %s\n", e.what());
    return 1;
  }
}
