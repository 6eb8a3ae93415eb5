// SPDX-License-Identifier: Apache-2.0
#pragma once

// What slurm_shares learns from Slurm: the answers of `squeue --json`, and of `sinfo --json` or `scontrol show nodes
// --json`. Read with Slurm 22.05's OpenAPI v0.0.38; of later forms, from v0.0.40 on, {"set": true, "infinite": false,
// "number": 3} and lists of states are understood too. Nothing here talks to Slurm.

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slurm_shares_text.hpp"

namespace slurm_shares {

/// The GPUs of one type in one node.
struct pool {
  std::string node, type;
  int gpus = 0;
  int used = 0;                ///< by all jobs
  bool knows_indices = false;  ///< Slurm says which GPUs are used, not only how many
  bool is_unknown = false;     ///< the node has not yet spoken to a controller that was started anew
  bool is_up = true;           ///< jobs may be started here
  bool is_mixed = false;       ///< the node has GPUs of another type too
  std::set<std::string> partitions;
};

/// What Slurm says went wrong, where it says so inside an answer that looks like a good one: 22.05 answers with no
/// jobs, no nodes and exit status 0 when its controller is away.
inline std::string fault_of(const json& answer) {
  if (!answer.is_object()) return "the answer is not an object";
  if (!answer.contains("errors") || !answer.at("errors").is_array()) return {};
  for (const json& one : answer.at("errors")) {
    if (!one.is_object()) continue;
    const std::string told = text(one, "description"), kind = text(one, "error");
    return !told.empty() ? told : !kind.empty() ? kind : "an error without a name";
  }
  return {};
}

inline std::vector<pool> pools_of(const json& answer) {
  if (!answer.is_object() || !answer.contains("nodes") || !answer.at("nodes").is_array())
    refuse("Slurm's answer about nodes has no list of nodes");
  std::vector<pool> made;
  for (const json& one : answer.at("nodes")) {
    std::set<std::string> state = words(one, "state");
    state.merge(words(one, "state_flags"));
    bool is_up = true;
    for (const std::string& word : state) {
      for (const char* away : {"DOWN", "DRAIN", "FAIL", "ERROR", "FUTURE", "MAINT", "RESERVED", "REBOOT_ISSUED"})
        is_up = is_up && word != away && word.find("DRAIN") == std::string::npos;
    }
    pool there{.node = text(one, "name"), .type = {}, .is_up = is_up, .partitions = {}};
    if (one.contains("partitions") && one.at("partitions").is_array()) {
      for (const json& name : one.at("partitions"))
        if (name.is_string()) there.partitions.insert(name.get<std::string>());
    }
    there.is_unknown = state.contains("UNKNOWN");
    there.knows_indices = text(one, "gres_used").find("(IDX:") != std::string::npos;
    const std::vector<gpus> all = gpus_of(text(one, "gres")), used = gpus_of(text(one, "gres_used"));
    std::map<std::string, pool> by_type;
    for (const gpus& some : all) {
      pool& here = by_type.try_emplace(some.type.empty() ? "gpu" : some.type, there).first->second;
      here.type = some.type.empty() ? "gpu" : some.type;
      here.gpus += some.count;
    }
    for (const gpus& some : used) {
      const auto at = by_type.find(some.type.empty() ? "gpu" : some.type);
      if (at != by_type.end()) at->second.used += some.count;
    }
    for (auto& [type, here] : by_type) {
      here.is_mixed = by_type.size() > 1;
      if (here.gpus > 0) made.push_back(std::move(here));
    }
  }
  return made;
}

enum class phase {
  waiting,  ///< also: not yet allowed to start
  running,
  leaving,  ///< it has ended or was requeued, and its last processes are still there
  ended,
};

/// The GPUs that a job asks for.
struct request {
  int gang = 0;        ///< GPUs in all; 0: none
  int nodes = 0;       ///< over so many nodes, equally; 0: over any
  int most_nodes = 0;  ///< where over any: over so many at most; 0: no matter
  std::string type;    ///< that it names
  std::string fault;   ///< why slurm_shares cannot place it; empty: it can
  [[nodiscard]] int each() const { return nodes > 0 ? gang / nodes : gang; }
};

struct slurm_job {
  int id = 0;
  std::string name, comment, reason;
  phase state = phase::waiting;
  bool is_held = false, is_suspended = false, may_requeue = false;
  int node_count = 1;                            ///< that it asks for, or has
  double submitted = 0, started = 0, ended = 0;  ///< seconds since 1970; the first is set anew when a job is requeued
  request wants;
  std::vector<std::string> wanted_nodes, excluded_nodes;
  std::set<std::string> partitions;
  std::vector<std::string> nodes;        ///< that it has
  std::vector<std::vector<gpus>> holds;  ///< in each of them
};

inline request request_of(const json& one) {
  request made;
  const std::vector<gpus> job = gpus_of(text(one, "tres_per_job")), node = gpus_of(text(one, "tres_per_node"));
  const int nodes = std::max(1, static_cast<int>(number(one, "node_count")));
  if (!text(one, "tres_per_task").empty() || !text(one, "tres_per_socket").empty()) {
    made.fault = "asks for GPUs by task or socket; ask with --gpus or --gres";
  } else if (job.size() + node.size() > 1) {
    made.fault = "asks for GPUs in more than one way";
  } else if (!job.empty()) {
    made = {.gang = job[0].count, .nodes = 0, .type = job[0].type, .fault = {}};
    made.most_nodes = static_cast<int>(number(one, "max_nodes"));
  } else if (!node.empty()) {
    made = {.gang = node[0].count * nodes, .nodes = nodes, .type = node[0].type, .fault = {}};
  }
  if (made.fault.empty() && made.gang < 1) made.fault = "asks for no GPU; ask with --gpus or --gres";
  if (made.fault.empty() && !text(one, "features").empty()) made.fault = "asks for features of nodes with --constraint";
  if (!text(one, "dependency").empty()) made.fault = "waits for other jobs by --dependency";
  if (number(one, "array_job_id") > 0) made.fault = "is part of an array";
  if (number(one, "het_job_id") > 0) made.fault = "is part of a heterogeneous job";
  return made;
}

inline phase phase_of(const std::set<std::string>& state) {
  if (state.contains("COMPLETING")) return phase::leaving;
  for (const char* word : {"COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL",
                           "DEADLINE", "OUT_OF_MEMORY", "REVOKED"})
    if (state.contains(word)) return phase::ended;
  for (const char* word : {"RUNNING", "CONFIGURING", "SUSPENDED", "STOPPED", "RESIZING", "SIGNALING", "STAGE_OUT"})
    if (state.contains(word)) return phase::running;
  return phase::waiting;
}

inline std::vector<slurm_job> jobs_of(const json& answer) {
  if (!answer.is_object() || !answer.contains("jobs") || !answer.at("jobs").is_array())
    refuse("Slurm's answer about jobs has no list of jobs");
  std::vector<slurm_job> made;
  for (const json& one : answer.at("jobs")) {
    slurm_job job;
    job.id = static_cast<int>(number(one, "job_id"));
    job.name = text(one, "name");
    job.comment = text(one, "comment");
    job.reason = text(one, "state_reason");
    const std::set<std::string> word = words(one, "job_state");
    job.state = phase_of(word);
    job.is_suspended = word.contains("SUSPENDED");
    job.is_held = (has_number(one, "priority") && number(one, "priority") == 0) ||
                  (one.contains("hold") && one.at("hold") == true);
    job.node_count = std::max(1, static_cast<int>(number(one, "node_count")));
    job.may_requeue = one.contains("requeue") && (one.at("requeue") == true || one.at("requeue") == 1);
    job.submitted = number(one, "submit_time");
    job.started = number(one, "start_time");
    job.ended = number(one, "end_time");
    job.wants = request_of(one);
    job.wanted_nodes = hosts(text(one, "required_nodes"));
    job.excluded_nodes = hosts(text(one, "excluded_nodes"));
    for (const std::string& name : split(text(one, "partition"), ',')) job.partitions.insert(name);
    if (job.state == phase::running || job.state == phase::leaving) {
      job.nodes = hosts(text(one, "nodes"));
      if (one.contains("gres_detail") && one.at("gres_detail").is_array()) {
        for (const json& there : one.at("gres_detail"))
          job.holds.push_back(there.is_string() ? gpus_of(there.get<std::string>()) : std::vector<gpus>{});
      }
    }
    made.push_back(std::move(job));
  }
  return made;
}

/// The type that a job runs on; empty: it does not run, or on several.
inline std::string type_of(const slurm_job& job) {
  std::set<std::string> types;
  for (const std::vector<gpus>& there : job.holds)
    for (const gpus& some : there) types.insert(some.type.empty() ? "gpu" : some.type);
  return types.size() == 1 ? *types.begin() : std::string{};
}

/// What a job says in its comment: `plait: model=ResNet-18 (batch size 16); weight=2; steps=100000`.
struct told {
  std::string model, team;
  double weight = 1;
  double steps = 0;        ///< in all; 0: not told
  double slo_seconds = 0;  ///< from its submission; 0: none
  std::string fault;       ///< why it is not understood; empty: it is
};

/// Nothing where the comment does not begin with `plait:`; then the job is none of slurm_shares's business.
inline std::optional<told> told_by(const slurm_job& job) {
  constexpr std::string_view mark = "plait:";
  if (!job.comment.starts_with(mark)) return std::nullopt;
  told made{.model = job.name, .team = {}, .fault = {}};
  const auto amount = [&](const std::string& key, const std::string& value, double& into) {
    const auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), into);
    if (fault != std::errc{} || end != value.data() + value.size() || !(into > 0) || !(into < 1e300))
      made.fault = "says " + key + "=" + value + ", which is not a positive number";
  };
  for (const std::string& part : split(std::string_view{job.comment}.substr(mark.size()), ';')) {
    const auto at = part.find('=');
    const std::string key = part.substr(0, at), value = at == std::string::npos ? std::string{} : part.substr(at + 1);
    if (key == "model" && !value.empty()) {
      made.model = value;
    } else if (key == "team" && !value.empty()) {
      made.team = value;
    } else if (key == "weight") {
      amount(key, value, made.weight);
    } else if (key == "steps") {
      amount(key, value, made.steps);
    } else if (key == "slo") {
      amount(key, value, made.slo_seconds);
    } else {
      made.fault = "says '" + part + "' in its comment; there are model, weight, steps, team and slo";
    }
  }
  return made;
}

/// A sentence where two jobs that run hold the same GPU; empty: there is no such GPU.
inline std::string held_twice(const std::vector<slurm_job>& jobs) {
  std::map<std::pair<std::string, int>, int> holder;
  for (const slurm_job& job : jobs) {
    if (job.state != phase::running || job.is_suspended) continue;
    for (std::size_t n = 0; n < job.nodes.size() && n < job.holds.size(); ++n) {
      for (const gpus& some : job.holds[n]) {
        for (const int index : some.indices) {
          const auto [at, is_new] = holder.emplace(std::pair{job.nodes[n], index}, job.id);
          if (!is_new)
            return "jobs " + std::to_string(at->second) + " and " + std::to_string(job.id) + " both hold GPU " +
                   std::to_string(index) + " of " + job.nodes[n];
        }
      }
    }
  }
  return {};
}

/// A node that Slurm does not yet know all about, as it is for seconds after its controller was started anew; empty:
/// all is well. `indexed` are the nodes that once told which GPUs are used, and is brought up.
///
/// Slurm 22.05 loses count of GPUs if jobs are requeued in that time: the next job is started there with none.
inline std::string unsettled_node(const std::vector<pool>& pools, const std::vector<slurm_job>& jobs,
                                  std::set<std::string>& indexed) {
  for (const slurm_job& job : jobs) {
    if (job.state != phase::running) continue;
    for (std::size_t n = 0; n < job.nodes.size() && n < job.holds.size(); ++n)
      for (const gpus& some : job.holds[n])
        if (!some.indices.empty()) indexed.insert(job.nodes[n]);
  }
  for (const pool& one : pools) {
    if (one.knows_indices) indexed.insert(one.node);
    if (one.is_up && (one.is_unknown || (!one.knows_indices && indexed.contains(one.node)))) return one.node;
  }
  return {};
}

}  // namespace slurm_shares
