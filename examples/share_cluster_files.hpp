// SPDX-License-Identifier: Apache-2.0
#pragma once

// The files of share_cluster: instances and pair throughputs in JSON. Every fault is one sentence that names the field.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <plait/alloc.hpp>

#include "throughput_oracle.hpp"

namespace share_cluster {

using cluster_files::amount;
using cluster_files::json;
using cluster_files::read_json;
using cluster_files::refuse;
using cluster_files::shown;

inline std::string place(const std::string& field, std::size_t at) {
  return field + "[" + std::to_string(at) + "]";
}

inline int whole(const json& from, const std::string& field) {
  const double value = amount(from, field, {0, cluster_files::infinite});
  if (value != std::floor(value) || value > 1e9) refuse(field + " must be a whole number of at most 1e9");
  return static_cast<int>(value);
}

/// A list of `count` elements, or of any number where count is negative.
inline const json& list(const json& from, const std::string& field, std::ptrdiff_t count, const char* of = "entries") {
  if (!from.is_array()) refuse(field + " must be a list");
  if (count >= 0 && static_cast<std::ptrdiff_t>(from.size()) != count)
    refuse(field + " has " + std::to_string(from.size()) + " " + of + ", not " + std::to_string(count));
  return from;
}

/// What the program reads, and what it needs to answer in the same terms.
struct input {
  plait::instance instance;
  std::vector<std::pair<int, int>> pairs;  ///< as given
  std::vector<std::string> unknown_fields;
};

class reader {
 public:
  /// policy: what it needs must be there.
  reader(const json& from, const json* oracle, const plait::named_policy& policy)
      : from_{from}, oracle_{oracle}, policy_{policy} {}

  input read() {
    if (!from_.is_object()) refuse("the instance must be an object with worker_types, num_workers and throughput");
    find_unknown_fields();
    check_needs();
    read_cluster();
    read_job_types();
    read_throughputs();
    read_jobs();
    read_entities();
    read_pairs();
    plait::validate(made_.instance);
    check_pairs();
    return std::move(made_);
  }

 private:
  const json& field(const char* name) {
    if (!from_.contains(name)) refuse(std::string{name} + " is missing");
    return from_.at(name);
  }
  [[nodiscard]] bool has(const char* name) const { return from_.contains(name) && !from_.at(name).is_null(); }

  void find_unknown_fields() {
    static const std::set<std::string> known{
        "worker_types",    "num_workers", "throughput", "options",         "scale_factor",
        "priority",        "elapsed",     "pairs",      "steps_remaining", "isolated_time_so_far",
        "cost_per_hour",   "slo_seconds", "entities",   "forbid_oversize", "workers_per_server",
        "pair_throughput", "job_type"};
    for (const auto& [name, value] : from_.items())
      if (!known.contains(name)) made_.unknown_fields.push_back(shown(name));
  }
  void find_unknown_fields(const json& from, const std::string& where, const std::set<std::string>& known) {
    for (const auto& [name, value] : from.items())
      if (!known.contains(name)) made_.unknown_fields.push_back(where + "." + shown(name));
  }

  /// What may be left out in general, but not for every policy.
  void check_needs() {
    const std::string name{policy_.name};
    const auto needed = [&](const char* field) {
      if (!has(field)) refuse(std::string{field} + " is missing; --policy " + name + " needs it");
    };
    static const std::set<std::string> by_steps{"makespan", "ftf", "sjf", "allox"};
    const bool with_slo = name.find("_slo") != std::string::npos && has("slo_seconds");
    if (by_steps.contains(name) || with_slo) needed("steps_remaining");
    if (name.find("cost") != std::string::npos || name.find("dollar") != std::string::npos) needed("cost_per_hour");
    if (name == plait::hierarchical::name) needed("entities");
    if (has("pair_throughput") && !has("pairs")) refuse("pair_throughput is there, but pairs is missing");
  }

  void read_cluster() {
    const json& names = list(field("worker_types"), "worker_types", -1);
    types_ = names.size();
    const json& counts = list(field("num_workers"), "num_workers", static_cast<std::ptrdiff_t>(types_), "numbers");
    std::vector<plait::worker_type>& types = made_.instance.cluster.types;
    for (std::size_t j = 0; j < types_; ++j) {
      if (!names[j].is_string()) refuse(place("worker_types", j) + " must be a name");
      types.push_back({.name = names[j].get<std::string>(),
                       .num_workers = amount(counts[j], place("num_workers", j), cluster_files::worker_range)});
      if (!type_of_.emplace(types.back().name, static_cast<int>(j)).second)
        refuse(place("worker_types", j) + " is '" + shown(types.back().name) + "' for the second time");
    }
    const auto each = [&](const char* name, auto&& put) {
      if (!has(name)) return;
      const json& values = list(field(name), name, static_cast<std::ptrdiff_t>(types_), "numbers");
      for (std::size_t j = 0; j < types_; ++j) put(types[j], values[j], place(name, j));
    };
    each("cost_per_hour", [](plait::worker_type& type, const json& value, const std::string& where) {
      type.cost_per_hour = amount(value, where, cluster_files::dollar_range);
    });
    each("workers_per_server", [](plait::worker_type& type, const json& value, const std::string& where) {
      type.workers_per_server = whole(value, where);
    });
    if (has("forbid_oversize")) {
      if (!field("forbid_oversize").is_boolean()) refuse("forbid_oversize must be true or false");
      made_.instance.forbid_oversize = field("forbid_oversize").get<bool>();
    }
  }

  void read_job_types() {
    if (!has("job_type")) return;
    const json& all = list(field("job_type"), "job_type", -1);
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::string where = place("job_type", i);
      list(all[i], where, 2);
      if (!all[i][0].is_string()) refuse(where + "[0] must be the name of a model");
      const int gang = whole(all[i][1], where + "[1]");
      job_gang_.push_back(gang);
      job_key_.push_back(cluster_files::key_of(all[i][0].get<std::string>(), gang));
    }
  }

  void read_throughputs() {
    std::vector<plait::job>& jobs = made_.instance.jobs;
    const bool from_oracle = !has("throughput") && oracle_ != nullptr && !job_key_.empty();
    const json rows = from_oracle ? oracle_rows() : field("throughput");
    list(rows, "throughput", job_key_.empty() ? -1 : static_cast<std::ptrdiff_t>(job_key_.size()), "rows");
    const json options = has("options") ? field("options") : json::array();
    if (has("options")) list(options, "options", static_cast<std::ptrdiff_t>(rows.size()), "lists");
    const json gangs = has("scale_factor") ? field("scale_factor") : json::array();
    if (has("scale_factor")) list(gangs, "scale_factor", static_cast<std::ptrdiff_t>(rows.size()), "numbers");
    for (std::size_t i = 0; i < rows.size(); ++i) {
      int gang = job_gang_.empty() ? 1 : job_gang_[i];
      if (!gangs.empty()) {
        gang = whole(gangs[i], place("scale_factor", i));
        if (gang < 1) refuse(place("scale_factor", i) + " must be at least 1");
        if (!job_gang_.empty() && gang != job_gang_[i])
          refuse(place("scale_factor", i) + " is not the gang that job_type names");
      }
      const std::string where = place("throughput", i);
      list(rows[i], where, static_cast<std::ptrdiff_t>(types_), "numbers");
      std::vector<double> rates;
      for (std::size_t j = 0; j < types_; ++j)
        rates.push_back(amount(rows[i][j], place(where, j), cluster_files::rate_range));
      jobs.push_back(plait::job_of(rates, gang));
      if (i < options.size() && !options[i].is_null()) read_options(options[i], place("options", i), jobs.back());
    }
  }

  json oracle_rows() const {
    const cluster_files::throughput_oracle oracle{*oracle_};
    json rows = json::array();
    for (std::size_t i = 0; i < job_key_.size(); ++i) {
      json row = json::array();
      for (const plait::worker_type& type : made_.instance.cluster.types)
        row.push_back(oracle.alone(type.name, job_key_[i], place("job_type", i)));
      rows.push_back(row);
    }
    return rows;
  }

  /// Several gangs, plans or placements of a job, in place of its row of throughputs.
  void read_options(const json& from, const std::string& where, plait::job& one) {
    list(from, where, -1);
    one.options.clear();
    for (std::size_t k = 0; k < from.size(); ++k) {
      const std::string here = place(where, k);
      const json& option = from[k];
      if (!option.is_object() || !option.contains("type") || !option["type"].is_string())
        refuse(here + " must be an object with type, workers and throughput");
      const auto type = type_of_.find(option["type"].get<std::string>());
      if (type == type_of_.end()) refuse(here + ".type is not one of worker_types");
      plait::run_option made{.type = type->second};
      made.workers = option.contains("workers") ? whole(option["workers"], here + ".workers") : one.scale_factor;
      if (made.workers < 1) refuse(here + ".workers must be at least 1");
      if (!option.contains("throughput")) refuse(here + ".throughput is missing");
      made.throughput = amount(option["throughput"], here + ".throughput", cluster_files::rate_range);
      find_unknown_fields(option, here, {"type", "workers", "throughput", "consolidated"});
      if (option.contains("consolidated")) {
        if (!option["consolidated"].is_boolean()) refuse(here + ".consolidated must be true or false");
        made.consolidated = option["consolidated"].get<bool>();
      }
      one.options.push_back(made);
    }
  }

  void read_jobs() {
    std::vector<plait::job>& jobs = made_.instance.jobs;
    const auto each = [&](const char* name, double plait::job::*member, const cluster_files::magnitudes& range) {
      if (!has(name)) return;
      const json& values = list(field(name), name, static_cast<std::ptrdiff_t>(jobs.size()), "numbers");
      for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i].*member = amount(values[i], place(name, i), range);
    };
    each("priority", &plait::job::priority, cluster_files::weight_range);
    each("steps_remaining", &plait::job::steps_remaining, cluster_files::step_range);
    each("elapsed", &plait::job::elapsed, cluster_files::seconds_range);
    each("isolated_time_so_far", &plait::job::isolated_time_so_far, cluster_files::seconds_range);
    if (!has("slo_seconds")) return;
    const json& slos = field("slo_seconds");
    if (!slos.is_object()) refuse("slo_seconds must be an object of seconds by job");
    for (const auto& [name, value] : slos.items()) {
      const std::string where = "slo_seconds[" + shown(name) + "]";
      // As people count: no sign, no spaces, no zeros in front, so that no job can be named twice.
      std::size_t job = jobs.size();
      const auto [end, fault] = std::from_chars(name.data(), name.data() + name.size(), job);
      if (fault != std::errc{} || end != name.data() + name.size() || name != std::to_string(job) || job >= jobs.size())
        refuse(where + " names no job; there are " + std::to_string(jobs.size()) + ", counted from 0");
      jobs[job].slo_seconds = amount(value, where, cluster_files::deadline_range);
    }
  }

  void read_entities() {
    if (!has("entities")) return;
    const json& all = list(field("entities"), "entities", -1);
    for (std::size_t e = 0; e < all.size(); ++e) {
      const std::string where = place("entities", e);
      if (!all[e].is_object()) refuse(where + " must be an object with weight, policy and jobs");
      find_unknown_fields(all[e], where, {"weight", "policy", "jobs"});
      plait::entity team;
      if (all[e].contains("weight"))
        team.weight = amount(all[e]["weight"], where + ".weight", cluster_files::weight_range);
      if (all[e].contains("policy")) {
        const json& policy = all[e]["policy"];
        if (policy != "fairness" && policy != "fifo") refuse(where + ".policy must be fairness or fifo");
        if (policy == "fifo") team.policy = plait::entity_policy::fifo;
      }
      if (!all[e].contains("jobs")) refuse(where + ".jobs is missing");
      const json& jobs = list(all[e]["jobs"], where + ".jobs", -1);
      for (std::size_t k = 0; k < jobs.size(); ++k) team.jobs.push_back(whole(jobs[k], place(where + ".jobs", k)));
      made_.instance.entities.push_back(team);
    }
  }

  void read_pairs() {
    std::vector<plait::job>& jobs = made_.instance.jobs;
    if (has("pairs")) {
      if (oracle_ != nullptr) refuse("pairs cannot be given beside --oracle; leave one of them out");
      const json& pairs = list(field("pairs"), "pairs", -1);
      const json& rates = list(field("pair_throughput"), "pair_throughput", static_cast<std::ptrdiff_t>(pairs.size()));
      for (std::size_t p = 0; p < pairs.size(); ++p) {
        list(pairs[p], place("pairs", p), 2);
        const int a = whole(pairs[p][0], place("pairs", p) + "[0]"), b = whole(pairs[p][1], place("pairs", p) + "[1]");
        if (static_cast<std::size_t>(std::max(a, b)) >= jobs.size() || a == b)
          refuse(place("pairs", p) + " must name two different jobs");
        jobs[static_cast<std::size_t>(a)].kind = a;
        jobs[static_cast<std::size_t>(b)].kind = b;
        list(rates[p], place("pair_throughput", p), static_cast<std::ptrdiff_t>(types_), "types");
        for (std::size_t j = 0; j < types_; ++j) {
          const std::string where = place(place("pair_throughput", p), j);
          list(rates[p][j], where, 2);
          const double first = amount(rates[p][j][0], where + "[0]", cluster_files::rate_range);
          const double second = amount(rates[p][j][1], where + "[1]", cluster_files::rate_range);
          made_.instance.pair_rates.push_back({.first_kind = std::min(a, b),
                                               .second_kind = std::max(a, b),
                                               .type = static_cast<int>(j),
                                               .first = a < b ? first : second,
                                               .second = a < b ? second : first});
        }
        if (!seen_.insert({std::min(a, b), std::max(a, b)}).second)
          refuse(place("pairs", p) + " is there for the second time");
        made_.pairs.push_back({a, b});
      }
    } else if (oracle_ != nullptr) {
      if (job_key_.empty()) refuse("job_type is missing; --oracle needs it");
      std::map<std::string, int> kinds;
      for (std::size_t i = 0; i < jobs.size(); ++i)
        jobs[i].kind = kinds.emplace(job_key_[i], static_cast<int>(kinds.size())).first->second;
      made_.instance.pair_rates = cluster_files::throughput_oracle{*oracle_}.pairs(kinds, made_.instance.cluster);
    }
  }

  /// What a job does is measured by what it does alone, so who runs in pairs must run alone somewhere, and not do much
  /// more beside another: rates in other units would.
  void check_pairs() {
    const plait::instance& all = made_.instance;
    for (std::size_t p = 0; p < made_.pairs.size(); ++p) {
      const int gang = all.jobs[static_cast<std::size_t>(made_.pairs[p].first)].scale_factor;
      const int other = all.jobs[static_cast<std::size_t>(made_.pairs[p].second)].scale_factor;
      if (gang != other)
        refuse(place("pairs", p) + " names jobs with gangs of " + std::to_string(gang) + " and " +
               std::to_string(other) + "; two that share workers hold equally many");
    }
    std::map<int, std::vector<int>> of_kind;
    for (int i = 0; i < all.size(); ++i) of_kind[all.jobs[static_cast<std::size_t>(i)].kind].push_back(i);
    for (std::size_t p = 0; p < all.pair_rates.size(); ++p) {
      const plait::pair_rate& rate = all.pair_rates[p];
      const std::vector<int>&x = of_kind[rate.first_kind], &y = of_kind[rate.second_kind];
      const int gang = all.jobs[static_cast<std::size_t>(x.front())].scale_factor;
      const bool is_one_job = rate.first_kind == rate.second_kind && x.size() < 2;
      const bool can_meet = gang == all.jobs[static_cast<std::size_t>(y.front())].scale_factor && !is_one_job &&
                            plait::detail::gang_fits(all, rate.type, gang);
      if ((rate.first == 0 && rate.second == 0) || !can_meet) continue;
      for (const bool first : {true, false}) {
        const auto i = static_cast<std::size_t>((first ? x : y).front());
        const double alone = plait::proportional_throughput(all, all.jobs[i]);
        const double fastest = fastest_alone(all.jobs[i]);
        constexpr double most_gain = 1000;
        const auto job = [&] {
          return (has("throughput") ? place("throughput", i) : place("job_type", i)) + " lets job " +
                 std::to_string(i) + " ";
        };
        const auto pair = [&] {
          return made_.pairs.empty() ? std::string{"the oracle"} : place("pair_throughput", p / types_);
        };
        if (alone <= 0)
          refuse(job() + "run alone on no type that has workers, but " + pair() +
                 " lets it run in a pair; say what it does alone, or that the pair does nothing");
        if ((first ? rate.first : rate.second) > most_gain * fastest)
          refuse(job() + "make at most " + cluster_files::said(fastest) + " steps/s alone, but " + pair() +
                 " more than 1000 times that; count the same steps in both");
      }
    }
  }

  static double fastest_alone(const plait::job& one) {
    double fastest = 0;
    for (const plait::run_option& option : one.options) fastest = std::max(fastest, option.throughput);
    return fastest;
  }

  const json& from_;
  const json* oracle_;
  const plait::named_policy& policy_;
  input made_;
  std::size_t types_ = 0;
  std::map<std::string, int> type_of_;
  std::vector<int> job_gang_;
  std::vector<std::string> job_key_;
  std::set<std::pair<int, int>> seen_;
};

/// The field whose numbers lie farthest apart, and by what factor: what to look at where an answer cannot be proved.
inline std::string widest_field(const plait::instance& given) {
  std::map<std::string, std::pair<double, double>> range;  // least and most of those that are not 0
  const auto add = [&](const char* field, double value) {
    if (value <= 0 || value == cluster_files::infinite) return;
    const auto [at, is_new] = range.emplace(field, std::pair{value, value});
    at->second = {std::min(at->second.first, value), std::max(at->second.second, value)};
  };
  for (const plait::worker_type& type : given.cluster.types) {
    add("num_workers", type.num_workers);
    add("cost_per_hour", type.cost_per_hour);
  }
  for (const plait::job& one : given.jobs) {
    for (const plait::run_option& option : one.options) add("throughput", option.throughput);
    add("priority", one.priority);
    add("steps_remaining", one.steps_remaining);
    add("elapsed", one.elapsed);
    add("isolated_time_so_far", one.isolated_time_so_far);
    add("slo_seconds", one.slo_seconds);
  }
  for (const plait::pair_rate& rate : given.pair_rates) {
    add("pair_throughput", rate.first);
    add("pair_throughput", rate.second);
  }
  for (const plait::entity& team : given.entities) add("entities.weight", team.weight);
  std::string widest;
  double factor = 0;
  for (const auto& [field, both] : range) {
    if (both.second / both.first <= factor) continue;
    factor = both.second / both.first;
    widest = field + " from " + cluster_files::said(both.first) + " to " + cluster_files::said(both.second);
  }
  return widest;
}

inline json table_of(const plait::table<double>& values) {
  json made = json::array();
  for (const double v : values) made.push_back(v);
  return made;
}

/// The answer, with `allocation[i][j]` for time alone and `pair_allocation[p][j]` for time in the pair `pairs[p]`.
inline json write_json(const input& given, const plait::named_policy& policy, const plait::allocation& found) {
  json said{{"policy", policy.name}, {"objective", found.objective}, {"seconds", found.seconds}};
  json rows = json::array();
  for (int i = 0; i < found.jobs; ++i) {
    json row = json::array();
    for (int j = 0; j < found.types; ++j) row.push_back(found.share(i, j));
    rows.push_back(row);
  }
  said["allocation"] = rows;
  said["throughput"] = table_of(found.throughputs);
  std::map<std::pair<int, int>, std::vector<double>> together;
  std::vector<std::vector<int>> members(static_cast<std::size_t>(found.groups.size()));
  for (int i = 0; !found.pairs.empty() && i < found.jobs; ++i)
    members[static_cast<std::size_t>(found.groups.group_of[i])].push_back(i);
  for (const plait::pair_share& one : found.pairs) {
    for (const int a : members[static_cast<std::size_t>(one.first_group)]) {
      for (const int b : members[static_cast<std::size_t>(one.second_group)]) {
        if (one.first_group == one.second_group && b <= a) continue;
        std::vector<double>& row = together[{std::min(a, b), std::max(a, b)}];
        row.resize(static_cast<std::size_t>(found.types), 0.0);
        row[static_cast<std::size_t>(one.type)] += one.share;
      }
    }
  }
  json pairs = json::array(), shares = json::array();
  for (const auto& [a, b] : given.pairs) {
    pairs.push_back({a, b});
    const auto at = together.find({std::min(a, b), std::max(a, b)});
    shares.push_back(at == together.end() ? std::vector<double>(static_cast<std::size_t>(found.types), 0.0)
                                          : at->second);
  }
  for (const auto& [both, row] : together) {
    if (!given.pairs.empty()) break;
    pairs.push_back({both.first, both.second});
    shares.push_back(row);
  }
  if (!pairs.empty()) {
    said["pairs"] = pairs;
    said["pair_allocation"] = shares;
  }
  said["prices"] = found.prices.empty() ? json{} : table_of(found.prices);
  if (!found.levels.empty()) said["levels"] = table_of(found.levels);
  said["certificate_verified"] = policy.solves_programs ? json(found.certificate_verified) : json{};
  said["programs"] = found.programs;
  said["rows"] = found.rows;
  said["columns"] = found.columns;
  if (!found.note.empty()) said["note"] = found.note;
  return said;
}

}  // namespace share_cluster
