// SPDX-License-Identifier: Apache-2.0
#pragma once

// The files of simulate_cluster: a stream of jobs (CSV) with measured throughputs (JSON) to read, results to write.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <ostream>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <plait/alloc.hpp>
#include <plait/alloc/simulator.hpp>

#include <nlohmann/json.hpp>

#include "throughput_oracle.hpp"

namespace simulate_cluster {

using cluster_files::json;
using cluster_files::magnitudes;
using cluster_files::refuse;
using cluster_files::shown;

inline std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts{""};
  for (const char c : text) {
    if (c == at)
      parts.emplace_back();
    else if (c != '\r')
      parts.back().push_back(c);
  }
  return parts;
}

/// A number that `range` allows, from text.
inline double number(const std::string& text, const std::string& field, const magnitudes& range) {
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault == std::errc::result_out_of_range && end == text.data() + text.size())
    refuse(field + " is '" + shown(text) + "', which is beyond the range of doubles");
  if (fault != std::errc{} || end != text.data() + text.size())
    refuse(field + " is '" + shown(text) + "', not a number");
  return cluster_files::within(value, field, range);
}

inline int whole(const std::string& text, const std::string& field) {
  const double value = number(text, field, {0, cluster_files::infinite});
  if (value != std::floor(value) || value > 1e9)
    refuse(field + " is '" + shown(text) + "', not a whole number of at most 1e9");
  return static_cast<int>(value);
}

/// Parts of `--OPTION NAME=VALUE,NAME=VALUE`.
inline std::vector<std::pair<std::string, std::string>> named_values(const std::string& text, const std::string& option,
                                                                     const std::string& example) {
  std::vector<std::pair<std::string, std::string>> made;
  for (const std::string& part : split(text, ',')) {
    const std::vector<std::string> both = split(part, '=');
    if (both.size() != 2 || both[0].empty())
      refuse(option + " must be like " + example + ", not '" + shown(text) + "'");
    for (const auto& [name, value] : made)
      if (name == both[0]) refuse(option + " names " + shown(name) + " twice");
    made.emplace_back(both[0], both[1]);
  }
  return made;
}

/// `v100=36,p100@aws/east/spot=36`: types in the order in which schedulers go through them, where wanted with their
/// cloud, zone, and `spot`.
inline plait::cluster read_cluster(const std::string& text) {
  plait::cluster made;
  for (const auto& [name, count] : named_values(text, "--cluster", "v100=36,p100=36")) {
    plait::worker_type& type = made.types.emplace_back();
    type.name = name;
    type.num_workers = whole(count, "--cluster " + shown(name));
    const std::size_t at = name.find('@');
    if (at == std::string::npos) continue;
    const std::vector<std::string> place = split(name.substr(at + 1), '/');
    if (place.size() > 3 || (place.size() == 3 && place[2] != "spot") || at == 0 || place[0].empty())
      refuse("--cluster " + name + " must be like v100@CLOUD, v100@CLOUD/ZONE or v100@CLOUD/ZONE/spot");
    type.cloud = place[0];
    if (place.size() > 1) type.zone = place[1];
    type.spot = place.size() > 2;
  }
  if (made.workers() == 0) refuse("--cluster has no workers");
  constexpr double most = 1e6;  // each has its place and its failures
  if (made.workers() > most)
    refuse("--cluster has " + cluster_files::said(made.workers()) + " workers; each is placed on its own, and up to " +
           cluster_files::said(most) + " in all can be");
  return made;
}

/// Refuses a job that could never run, with the place where it is.
inline void check_runs(const std::string& place, const std::string& key, const plait::job& one,
                       const plait::cluster& where) {
  if (one.options.empty())
    refuse(place + " is " + shown(key) +
           ", which by --throughputs makes no step alone (\"null\") on any type of --cluster");
  plait::instance there;
  there.cluster = where;
  if (!plait::detail::runs_somewhere(there, one))
    refuse(place + ", scale_factor is " + std::to_string(one.scale_factor) + ", and no type of --cluster that " +
           shown(key) + " can run on has so many workers");
}

/// A table with a line of names.
class csv {
 public:
  explicit csv(const std::string& file) : file_{shown(file)} {
    std::istringstream in{cluster_files::read_text(file)};
    std::string line;
    std::getline(in, line);
    const std::vector<std::string> names = split(line, ',');
    for (std::size_t c = 0; c < names.size(); ++c)
      if (!column_.emplace(names[c], c).second)
        refuse(file_ + " has the column " + shown(names[c]) + " twice; leave one of them out");
    for (int number = 2; std::getline(in, line); ++number) {
      if (line.empty() || line == "\r") continue;
      rows_.push_back(split(line, ','));
      lines_.push_back(number);
      if (rows_.back().size() != names.size())
        refuse(place(rows_.size() - 1) + " has " + std::to_string(rows_.back().size()) + " fields, not " +
               std::to_string(names.size()));
    }
  }
  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  [[nodiscard]] bool has(const std::string& name) const { return column_.contains(name); }
  [[nodiscard]] const std::string& at(std::size_t row, const std::string& name) const {
    const auto found = column_.find(name);
    if (found == column_.end()) refuse(file_ + " has no column " + name);
    return rows_[row][found->second];
  }
  [[nodiscard]] double amount(std::size_t row, const std::string& name, const magnitudes& range) const {
    return number(at(row, name), place(row) + ", " + name, range);
  }
  [[nodiscard]] int count(std::size_t row, const std::string& name) const {
    return whole(at(row, name), place(row) + ", " + name);
  }
  /// The columns that nobody looks at, as sentences.
  void append_unknown(const std::set<std::string>& known, std::vector<std::string>& notes) const {
    for (const auto& [name, at] : column_)
      if (!known.contains(name)) notes.push_back(file_ + ": the column '" + shown(name) + "' was not looked at");
  }
  [[nodiscard]] std::string place(std::size_t row) const { return file_ + ", line " + std::to_string(lines_[row]); }

 private:
  std::string file_;
  std::map<std::string, std::size_t> column_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<int> lines_;
};

/// `--entity NAME=WEIGHT` or `--entity NAME=WEIGHT:fairness` or `:fifo`, by name.
inline std::map<std::string, plait::entity> read_entities(const std::vector<std::string>& given) {
  std::map<std::string, plait::entity> made;
  for (const std::string& text : given) {
    const std::size_t at = text.rfind('='), colon = text.find(':', at == std::string::npos ? 0 : at);
    const std::string rule = colon == std::string::npos ? "fairness" : text.substr(colon + 1);
    if (at == std::string::npos || at == 0 || (rule != "fairness" && rule != "fifo"))
      refuse("--entity must be NAME=WEIGHT, NAME=WEIGHT:fairness or NAME=WEIGHT:fifo, not '" + shown(text) + "'");
    const std::string name = text.substr(0, at);
    plait::entity team;
    team.weight = number(text.substr(at + 1, colon == std::string::npos ? colon : colon - at - 1),
                         "--entity " + shown(name), cluster_files::weight_range);
    if (rule == "fifo") team.policy = plait::entity_policy::fifo;
    if (!made.emplace(name, team).second) refuse("--entity names " + shown(name) + " twice");
  }
  return made;
}

/// What options say about all jobs of a stream.
struct stream_options {
  double rate = -1;  ///< jobs an hour; 0: all at once; negative: not given
  double move_seconds = 0, gigabytes = 0;
  double round_seconds = 360;
  std::map<std::string, plait::entity> entities;
};

/// The stream, its pairs and entities, and what people should know about the file.
struct stream {
  std::vector<plait::arriving_job> jobs;
  std::vector<plait::pair_rate> pair_rates;
  std::vector<plait::entity> entities;  ///< in the order in which their first jobs come
  std::vector<std::string> notes;
  bool all_at_once = false;  ///< by `--rate 0`
};

/// Where types have servers of several workers: what the file has for a gang was measured in one server, and beside it
/// stands the gang that is spread over servers.
inline void add_spread_ways(plait::job& gang, const std::string& key, const plait::cluster& where,
                            const cluster_files::throughput_oracle& oracle, const std::string& place) {
  for (plait::run_option& way : gang.options)
    way.consolidated = where.types[static_cast<std::size_t>(way.type)].workers_per_server > 0;
  for (int j = 0; j < where.size(); ++j) {
    const plait::worker_type& type = where.types[static_cast<std::size_t>(j)];
    const double rate = type.workers_per_server > 0 ? oracle.spread(type.name, key, place) : 0;
    if (rate > 0) gang.options.push_back({.type = j, .workers = gang.scale_factor, .throughput = rate});
  }
}

/// Rounds that a job may take on any one type of workers: a simulation goes through all of them, and in each through
/// the workers, so that it would not end in a day. 1e6 rounds of 360 s are eleven years.
inline double most_rounds(const plait::cluster& where) {
  return std::min(1e6, std::floor(1e10 / where.workers()));
}

/// Columns: `type_id` (a line of job_types.csv beside the file) or `model`; `scale_factor`; `total_steps`;
/// `unit_gap_to_next` (times an hour / rate) or `arrival_s`; optional `priority`, `slo_s`, `entity`, and `move_s` and
/// `checkpoint_gb`, without which all jobs have the same. Rate 0: all jobs are there from the beginning.
inline stream read_stream(const std::string& file, const json& throughputs, const plait::cluster& where,
                          const stream_options& how) {
  const csv table{file};
  const cluster_files::throughput_oracle oracle{throughputs};
  std::map<int, std::string> models;
  if (!table.has("model")) {
    const csv types{(std::filesystem::path{file}.parent_path() / "job_types.csv").string()};
    for (std::size_t r = 0; r < types.size(); ++r)
      if (!models.emplace(types.count(r, "type_id"), types.at(r, "model")).second)
        refuse(types.place(r) + ", type_id is there for the second time");
  }
  const bool by_clock = table.has("arrival_s");
  if (!by_clock && how.rate < 0) refuse("--rate is missing; " + shown(file) + " has only the gaps between arrivals");
  stream made;
  std::set<std::string> known{"job_id",
                              "v100_duration_s",  // of published streams; total_steps says it
                              "scale_factor",
                              "total_steps",
                              "priority",
                              "slo_s",
                              "move_s",
                              "entity",
                              "checkpoint_gb",
                              by_clock ? "arrival_s" : "unit_gap_to_next",
                              table.has("model") ? "model" : "type_id"};
  made.all_at_once = !by_clock && how.rate == 0;
  table.append_unknown(known, made.notes);
  if (by_clock && how.rate >= 0) made.notes.push_back("--rate was not looked at; " + shown(file) + " has arrival_s");
  if (!how.entities.empty() && !table.has("entity"))
    refuse("--entity is given, but " + shown(file) + " has no column entity");
  std::map<std::string, int> kinds, entity_of;
  std::map<std::string, std::vector<double>> rates_of;  // of each kind on each type
  double arrival = 0;
  for (std::size_t r = 0; r < table.size(); ++r) {
    std::string model;
    if (table.has("model")) {
      model = table.at(r, "model");
    } else {
      const auto found = models.find(table.count(r, "type_id"));
      if (found == models.end()) refuse(table.place(r) + ", type_id is not in job_types.csv");
      model = found->second;
    }
    const int gang = table.count(r, "scale_factor");
    if (gang < 1) refuse(table.place(r) + ", scale_factor must be at least 1");
    const std::string key = cluster_files::key_of(model, gang);
    std::vector<double>& rates = rates_of[key];
    if (rates.empty())
      for (const plait::worker_type& type : where.types) rates.push_back(oracle.alone(type.name, key, table.place(r)));
    plait::arriving_job& one = made.jobs.emplace_back();
    one.shape = plait::job_of(rates, gang);
    if (gang > 1) add_spread_ways(one.shape, key, where, oracle, table.place(r));
    check_runs(table.place(r), key, one.shape, where);
    one.shape.steps_remaining =
        table.amount(r, "total_steps", {cluster_files::step_range.least, cluster_files::step_range.most, false});
    for (const plait::run_option& option : one.shape.options)
      if (option.throughput * how.round_seconds * most_rounds(where) < one.shape.steps_remaining)
        refuse(table.place(r) + ", total_steps is " + cluster_files::said(one.shape.steps_remaining) +
               ", which alone takes more than " + cluster_files::said(most_rounds(where)) + " rounds on " +
               where.types[static_cast<std::size_t>(option.type)].name + "; take fewer steps or a longer --round");
    one.shape.number = static_cast<int>(r);
    one.shape.kind = kinds.emplace(key, static_cast<int>(kinds.size())).first->second;
    if (table.has("priority")) one.shape.priority = table.amount(r, "priority", cluster_files::weight_range);
    if (table.has("slo_s")) one.shape.slo_seconds = table.amount(r, "slo_s", cluster_files::deadline_range);
    one.shape.move_seconds =
        table.has("move_s") ? table.amount(r, "move_s", cluster_files::move_range) : how.move_seconds;
    one.shape.checkpoint_gigabytes =
        table.has("checkpoint_gb") ? table.amount(r, "checkpoint_gb", cluster_files::dollar_range) : how.gigabytes;
    if (table.has("entity")) {
      const std::string& name = table.at(r, "entity");
      if (name.empty()) refuse(table.place(r) + ", entity is empty; name the one that the job belongs to");
      const auto [found, is_new] = entity_of.emplace(name, static_cast<int>(entity_of.size()));
      one.entity = found->second;
      const auto told = how.entities.find(name);
      if (is_new) made.entities.push_back(told == how.entities.end() ? plait::entity{} : told->second);
    }
    one.arrival = by_clock ? table.amount(r, "arrival_s", cluster_files::seconds_range) : arrival;
    if (r > 0 && one.arrival < made.jobs[r - 1].arrival)
      refuse(table.place(r) + ", arrival_s is before that of the line in front of it; sort the lines by arrival_s");
    if (!by_clock && how.rate > 0) {
      arrival += table.amount(r, "unit_gap_to_next", cluster_files::seconds_range) * 3600 / how.rate;
      if (arrival > cluster_files::seconds_range.most)
        refuse(table.place(r) + ", unit_gap_to_next: at this --rate the next job comes after " +
               cluster_files::said(cluster_files::seconds_range.most) + " s");
    }
  }
  for (const auto& [name, team] : how.entities)
    if (!entity_of.contains(name)) refuse("--entity " + shown(name) + " is the entity of no job in " + shown(file));
  made.pair_rates = oracle.pairs(kinds, where);
  return made;
}

/// `v100=2.48,k80=0.45`: dollars an hour of one worker, for ever. Every type of the cluster needs one.
inline void read_costs(const std::string& text, plait::cluster& where) {
  std::map<std::string, double> costs;
  for (const auto& [name, value] : named_values(text, "--cost", "v100=2.48,k80=0.45"))
    costs[name] = number(value, "--cost " + shown(name), cluster_files::dollar_range);
  for (plait::worker_type& type : where.types) {
    const auto found = costs.find(type.name);
    if (found == costs.end()) refuse("--cost has no price for " + type.name);
    type.cost_per_hour = found->second;
    costs.erase(found);
  }
  if (!costs.empty()) refuse("--cost names " + shown(costs.begin()->first) + ", which is not in --cluster");
}

/// Columns: `type`, as in the cluster; `time_s`, which increases for each type; `dollars_per_hour` of one worker from
/// then on. Every type of the cluster needs one line at least; types that are not in the cluster are passed over.
inline plait::cluster_prices read_prices(const std::string& file, const plait::cluster& where,
                                         std::vector<std::string>& notes) {
  const csv table{file};
  table.append_unknown({"type", "time_s", "dollars_per_hour"}, notes);
  std::map<std::string, std::vector<plait::price_change>> changes;
  for (std::size_t r = 0; r < table.size(); ++r) {
    std::vector<plait::price_change>& of = changes[table.at(r, "type")];
    of.push_back({.at = table.amount(r, "time_s", cluster_files::seconds_range),
                  .dollars_per_hour = table.amount(r, "dollars_per_hour", cluster_files::dollar_range)});
    if (of.size() > 1 && of[of.size() - 2].at >= of.back().at)
      refuse(table.place(r) + ", time_s does not come after the one before it for " + table.at(r, "type"));
  }
  std::vector<plait::price_series> made;
  for (const plait::worker_type& type : where.types) {
    const auto found = changes.find(type.name);
    if (found == changes.end()) refuse(shown(file) + " has no price for " + type.name);
    made.emplace_back(found->second);
  }
  return plait::cluster_prices{std::move(made)};
}

/// All that was found, in hours and seconds as the names say.
inline json write_json(const plait::simulation_result& found, const plait::cluster& where, bool priced) {
  constexpr double hour = 3600;
  json said, paid = json::object();
  for (int j = 0; j < where.size(); ++j)
    paid[where.types[static_cast<std::size_t>(j)].name] = found.worker_dollars[static_cast<std::size_t>(j)];
  said["cost_dollars"] = priced ? json(found.cost_dollars()) : json{};
  said["worker_dollars"] = priced ? paid : json{};
  said["egress_dollars"] = found.egress_dollars;
  said["moves"] = found.moves;
  said["pairs_known"] = found.pairs_known > 0 ? json(found.pairs_known) : json{};
  said["pair_error"] = found.pairs_known > 0 ? json(found.pair_error) : json{};
  said["mean_jct_hours"] = found.mean_completion_time() / hour;
  said["p50"] = found.quantile(0.5) / hour;
  said["p99"] = found.quantile(0.99) / hour;
  said["makespan_hours"] = found.end / hour;
  json used = json::object();
  for (int j = 0; j < where.size(); ++j)
    used[where.types[static_cast<std::size_t>(j)].name] = found.utilisation[static_cast<std::size_t>(j)];
  said["utilisation"] = used;
  said["jobs_measured"] = found.completion_times.size();
  said["rounds"] = found.round_begin.size();
  said["allocations_computed"] = found.allocations;
  said["programs"] = found.programs;
  said["certificates_verified"] = found.programs > 0 ? json(found.all_verified) : json{};
  said["restarts"] = found.restarts;
  said["stream_ended"] = found.stream_ended;
  said["solve_seconds"] = found.solve_seconds;
  return said;
}

/// One line for each measured job: number, arrival, completion and the time between, in seconds, and what it cost.
inline void write_csv(std::ostream& out, const plait::simulation_result& found,
                      const std::vector<plait::arriving_job>& jobs, int begin, int end) {
  out << "job,arrival_s,completed_s,jct_s,dollars\n";
  for (int i = begin; i < end; ++i) {
    const auto at = static_cast<std::size_t>(i);
    out << i << ',' << jobs[at].arrival << ',' << found.completed[at] << ',' << found.completed[at] - jobs[at].arrival
        << ',' << found.job_dollars[at] << '\n';
  }
}

}  // namespace simulate_cluster
