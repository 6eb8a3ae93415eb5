// SPDX-License-Identifier: Apache-2.0
#pragma once

// The files of simulate_cluster: a stream of jobs (CSV) with measured throughputs (JSON) to read, results to write.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <plait/alloc.hpp>
#include <plait/alloc/simulator.hpp>

#include <nlohmann/json.hpp>

#include "throughput_oracle.hpp"

namespace simulate_cluster {

using cluster_files::json;
using cluster_files::refuse;

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

/// A finite number that is not negative, from text.
inline double number(const std::string& text, const std::string& field) {
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || end != text.data() + text.size()) refuse(field + " is '" + text + "', not a number");
  if (!std::isfinite(value)) refuse(field + " must be finite");
  if (value < 0) refuse(field + " is negative");
  return value;
}

inline int whole(const std::string& text, const std::string& field) {
  const double value = number(text, field);
  if (value != std::floor(value) || value > 1e9) refuse(field + " is '" + text + "', not a whole number");
  return static_cast<int>(value);
}

/// `v100=36,p100@aws/east/spot=36`: types in the order in which schedulers go through them, where wanted with their
/// cloud, zone, and `spot`.
inline plait::cluster read_cluster(const std::string& text) {
  plait::cluster made;
  for (const std::string& part : split(text, ',')) {
    const std::vector<std::string> both = split(part, '=');
    if (both.size() != 2 || both[0].empty()) refuse("--cluster must be like v100=36,p100=36, not '" + text + "'");
    for (const plait::worker_type& one : made.types)
      if (one.name == both[0]) refuse("--cluster names " + both[0] + " twice");
    plait::worker_type& type = made.types.emplace_back();
    type.name = both[0];
    type.num_workers = whole(both[1], "--cluster " + both[0]);
    const std::size_t at = both[0].find('@');
    if (at == std::string::npos) continue;
    const std::vector<std::string> place = split(both[0].substr(at + 1), '/');
    if (place.size() > 3 || (place.size() == 3 && place[2] != "spot") || at == 0 || place[0].empty())
      refuse("--cluster " + both[0] + " must be like v100@CLOUD, v100@CLOUD/ZONE or v100@CLOUD/ZONE/spot");
    type.cloud = place[0];
    if (place.size() > 1) type.zone = place[1];
    type.spot = place.size() > 2;
  }
  if (made.workers() == 0) refuse("--cluster has no workers");
  return made;
}

/// A table with a line of names.
class csv {
 public:
  explicit csv(const std::string& file) : file_{file} {
    std::ifstream in{file};
    if (!in) refuse(file + " cannot be read");
    std::string line;
    std::getline(in, line);
    const std::vector<std::string> names = split(line, ',');
    for (std::size_t c = 0; c < names.size(); ++c) column_[names[c]] = c;
    while (std::getline(in, line)) {
      if (line.empty() || line == "\r") continue;
      rows_.push_back(split(line, ','));
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
  [[nodiscard]] double amount(std::size_t row, const std::string& name) const {
    return number(at(row, name), place(row) + ", " + name);
  }
  [[nodiscard]] int count(std::size_t row, const std::string& name) const {
    return whole(at(row, name), place(row) + ", " + name);
  }
  [[nodiscard]] std::string place(std::size_t row) const { return file_ + ", line " + std::to_string(row + 2); }

 private:
  std::string file_;
  std::map<std::string, std::size_t> column_;
  std::vector<std::vector<std::string>> rows_;
};

/// The stream, its pairs, and how many jobs there are.
struct stream {
  std::vector<plait::arriving_job> jobs;
  std::vector<plait::pair_rate> pair_rates;
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

/// Columns: `type_id` (a line of job_types.csv beside the file) or `model`; `scale_factor`; `total_steps`;
/// `unit_gap_to_next` (times an hour / rate) or `arrival_s`; optional `priority`, `slo_s`, and `move_s` and
/// `checkpoint_gb`, without which all jobs have the same. Rate 0: all jobs are there from the beginning.
inline stream read_stream(const std::string& file, const json& throughputs, const plait::cluster& where, double rate,
                          double move_seconds = 0, double gigabytes = 0) {
  const csv table{file};
  const cluster_files::throughput_oracle oracle{throughputs};
  std::map<int, std::string> models;
  if (!table.has("model")) {
    const csv types{(std::filesystem::path{file}.parent_path() / "job_types.csv").string()};
    for (std::size_t r = 0; r < types.size(); ++r) models[types.count(r, "type_id")] = types.at(r, "model");
  }
  if (!table.has("arrival_s") && rate < 0) refuse("--rate is missing; " + file + " has only the gaps between arrivals");
  stream made;
  std::map<std::string, int> kinds;
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
    one.shape.steps_remaining = table.amount(r, "total_steps");
    one.shape.number = static_cast<int>(r);
    one.shape.kind = kinds.emplace(key, static_cast<int>(kinds.size())).first->second;
    if (table.has("priority")) one.shape.priority = table.amount(r, "priority");
    if (table.has("slo_s")) one.shape.slo_seconds = table.amount(r, "slo_s");
    one.shape.move_seconds = table.has("move_s") ? table.amount(r, "move_s") : move_seconds;
    one.shape.checkpoint_gigabytes = table.has("checkpoint_gb") ? table.amount(r, "checkpoint_gb") : gigabytes;
    one.arrival = table.has("arrival_s") ? table.amount(r, "arrival_s") : arrival;
    if (!table.has("arrival_s") && rate > 0) arrival += table.amount(r, "unit_gap_to_next") * 3600 / rate;
  }
  made.pair_rates = oracle.pairs(kinds, where);
  return made;
}

/// Columns: `type`, as in the cluster; `time_s`, which increases for each type; `dollars_per_hour` of one worker from
/// then on. Every type of the cluster needs one line at least; types that are not in the cluster are passed over.
inline plait::cluster_prices read_prices(const std::string& file, const plait::cluster& where) {
  const csv table{file};
  std::map<std::string, std::vector<plait::price_change>> changes;
  for (std::size_t r = 0; r < table.size(); ++r) {
    std::vector<plait::price_change>& of = changes[table.at(r, "type")];
    of.push_back({.at = table.amount(r, "time_s"), .dollars_per_hour = table.amount(r, "dollars_per_hour")});
    if (of.size() > 1 && of[of.size() - 2].at >= of.back().at)
      refuse(table.place(r) + ", time_s does not come after the one before it for " + table.at(r, "type"));
  }
  std::vector<plait::price_series> made;
  for (const plait::worker_type& type : where.types) {
    const auto found = changes.find(type.name);
    if (found == changes.end()) refuse(file + " has no price for " + type.name);
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
