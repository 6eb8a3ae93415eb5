// SPDX-License-Identifier: Apache-2.0
#pragma once

// What slurm_shares remembers of jobs, in memory and in its state file: how long each ran on which type, what it is
// owed, and what Slurm forgets when a job is requeued. And the throughputs of models.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <plait/alloc.hpp>

#include "slurm_shares_read.hpp"

namespace slurm_shares {

/// Steps/s of a gang of a model on a type of GPU. With no file every type is as fast as every other.
class throughputs {
 public:
  throughputs() = default;

  /// Either {"v100": {"('ResNet-18 (batch size 16)', 2)": {"null": 40.5}}}, as Gavel's oracle has it, or a list of
  /// {"model": "ResNet-18", "gang": 2, "steps_per_second": {"v100": 40.5, "k80": 9}}.
  explicit throughputs(const json& from) : is_known_{true} {
    if (from.is_array()) {
      for (std::size_t i = 0; i < from.size(); ++i)
        read_row(from[i], "row " + std::to_string(i) + " of the throughputs");
    } else if (from.is_object()) {
      for (const auto& [type, table] : from.items()) read_table(type, table);
    } else {
      refuse("the throughputs must be a list of rows, or an object of types");
    }
  }

  /// Whether there is anything about a gang of a model.
  [[nodiscard]] bool has(const std::string& model, int gang) const {
    return !is_known_ || rates_.contains({model, gang});
  }

  [[nodiscard]] double rate(const std::string& model, int gang, const std::string& type) const {
    if (!is_known_) return 1;
    const auto of_model = rates_.find({model, gang});
    if (of_model == rates_.end()) return 0;
    const auto found = of_model->second.find(type);
    return found == of_model->second.end() ? 0 : found->second;
  }

 private:
  void put(const std::string& model, int gang, const std::string& type, const json& value, const std::string& where) {
    if (!value.is_number() || !(value.get<double>() >= 0) || !std::isfinite(value.get<double>()))
      refuse(where + " has no finite number of steps/s that is not negative for " + type);
    rates_[{model, gang}][type] = value.get<double>();
  }

  void read_row(const json& row, const std::string& where) {
    if (!row.is_object() || !row.contains("model") || !row["model"].is_string()) refuse(where + " has no model");
    if (!row.contains("steps_per_second") || !row["steps_per_second"].is_object())
      refuse(where + " has no steps_per_second by type");
    int gang = 1;
    if (row.contains("gang")) {
      if (!row["gang"].is_number_integer() || row["gang"].get<long>() < 1 || row["gang"].get<long>() > 1'000'000)
        refuse(where + " has a gang that is no positive number of GPUs");
      gang = row["gang"].get<int>();
    }
    for (const auto& [type, value] : row["steps_per_second"].items())
      put(row["model"].get<std::string>(), gang, type, value, where);
  }

  void read_table(const std::string& type, const json& table) {
    if (!table.is_object()) refuse("the throughputs of " + type + " must be an object of jobs");
    for (const auto& [key, value] : table.items()) {
      // "('model', gang)"
      const auto quote = key.rfind("', ");
      const std::optional<int> gang =
          key.starts_with("('") && key.ends_with(")") && quote != std::string::npos && quote >= 2
              ? integer(std::string_view{key}.substr(quote + 3, key.size() - quote - 4))
              : std::nullopt;
      if (!gang) refuse("the throughputs of " + type + " name " + key + ", which is not of the form ('model', gang)");
      if (!value.is_object()) refuse("the throughputs of " + type + " for " + key + " must be an object with null");
      if (value.contains("null")) put(key.substr(2, quote - 2), *gang, type, value["null"], key);
    }
  }

  bool is_known_ = false;
  std::map<std::pair<std::string, int>, std::map<std::string, double>> rates_;
};

/// What is remembered of a job. Times are by type of GPU.
struct book {
  double arrived = 0;  ///< seconds since 1970; Slurm's own time of submission is that of the requeue
  request wants;       ///< as the job asked before it was placed for the first time
  std::map<std::string, double> received;  ///< seconds that it ran
  std::map<std::string, double> due;       ///< seconds that its shares were worth
  std::map<std::string, double> owed;      ///< seconds at `counted_until`, as the rounds have it
  std::map<std::string, double> share;     ///< of the time, from the last round on
  double steps = 0;                        ///< done, by the throughputs that were told
  double isolated_seconds = 0;             ///< that these steps would have taken with an equal part of the cluster
  double counted_until = 0;                ///< seconds since 1970
  std::string runs_on;                     ///< type, when last looked at; empty: it did not run
  double began = 0;                        ///< that run, by Slurm's clock
  bool has_ended = false;
};

/// Seconds that a job ran since it was last looked at, on the type on which it is or was seen.
///
/// Slurm tells the begin of a run in whole seconds; a run that was not there at the last look began after it.
inline std::pair<std::string, double> count(book& one, const slurm_job& job, double now) {
  const std::string was = one.runs_on;
  std::string type = was;
  double seconds = 0;
  if (job.state == phase::running) {
    type = type_of(job);
    const bool is_same_run = !was.empty() && job.started == one.began;
    seconds = now - (is_same_run ? one.counted_until : std::max(one.counted_until, job.started));
    one.runs_on = type;
    one.began = job.started;
  } else {
    // The end of a run that somebody else requeued is not told; such a job is taken to have run until this look.
    if (!was.empty() && job.state == phase::ended) seconds = std::min(now, job.ended) - one.counted_until;
    if (!was.empty() && job.state == phase::leaving) seconds = now - one.counted_until;
    one.runs_on.clear();
  }
  one.counted_until = now;
  if (!(seconds > 0) || type.empty()) return {{}, 0.0};
  one.received[type] += seconds;
  return {type, seconds};
}

/// What outlives the program: all books, when they were last brought up to date.
struct state {
  double saved = 0;  ///< seconds since 1970; 0: never
  std::map<int, book> books;
};

inline json json_of(const state& from) {
  json jobs = json::object();
  for (const auto& [id, one] : from.books) {
    if (one.has_ended) continue;
    jobs[std::to_string(id)] = {{"arrived", one.arrived},
                                {"gang", one.wants.gang},
                                {"nodes", one.wants.nodes},
                                {"most_nodes", one.wants.most_nodes},
                                {"received", one.received},
                                {"due", one.due},
                                {"owed", one.owed},
                                {"share", one.share},
                                {"steps", one.steps},
                                {"isolated_seconds", one.isolated_seconds},
                                {"counted_until", one.counted_until},
                                {"runs_on", one.runs_on},
                                {"began", one.began}};
  }
  return {{"slurm_shares", 1}, {"saved", from.saved}, {"jobs", jobs}};
}

/// Throws: io where the file is not one of `json_of`.
inline state state_of(const json& from, const std::string& file) {
  const auto fault = [&](const std::string& what) {
    refuse(file + " is not a state of slurm_shares: " + what + "; move it away to begin with nothing owed");
  };
  if (!from.is_object() || from.value("slurm_shares", json{}) != 1) fault("it does not say so");
  state made;
  try {
    made.saved = from.at("saved").get<double>();
    for (const auto& [name, one] : from.at("jobs").items()) {
      const std::optional<int> id = integer(name);
      if (!id) fault("'" + name + "' is no number of a job");
      book& read = made.books[*id];
      read.arrived = one.at("arrived").get<double>();
      read.wants.gang = one.at("gang").get<int>();
      read.wants.nodes = one.at("nodes").get<int>();
      read.wants.most_nodes = one.at("most_nodes").get<int>();
      one.at("received").get_to(read.received);
      one.at("due").get_to(read.due);
      one.at("owed").get_to(read.owed);
      one.at("share").get_to(read.share);
      read.steps = one.at("steps").get<double>();
      read.isolated_seconds = one.at("isolated_seconds").get<double>();
      read.counted_until = one.at("counted_until").get<double>();
      one.at("runs_on").get_to(read.runs_on);
      read.began = one.at("began").get<double>();
    }
  } catch (const json::exception& e) {
    fault(e.what());
  }
  return made;
}

}  // namespace slurm_shares
