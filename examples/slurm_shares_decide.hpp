// SPDX-License-Identifier: Apache-2.0
#pragma once

// What slurm_shares decides, from what is and what a round is to be: which nodes each job gets, and by which commands
// of scontrol it comes about. Nothing here talks to Slurm.

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "slurm_shares_read.hpp"

namespace slurm_shares {

/// The nodes of a pool as they may be used by the jobs that are shared.
struct room {
  pool where;
  int free = 0;  ///< GPUs that no other job holds
};

/// GPUs of a type that a job holds in a node.
inline int held(const slurm_job& job, const std::string& node, const std::string& type) {
  int all = 0;
  for (std::size_t n = 0; n < job.nodes.size() && n < job.holds.size(); ++n) {
    if (job.nodes[n] != node) continue;
    for (const gpus& some : job.holds[n])
      if ((some.type.empty() ? "gpu" : some.type) == type) all += some.count;
  }
  return all;
}

/// What the jobs that are shared, `ours`, can be given: all GPUs that are up less those that others hold.
inline std::vector<room> rooms_of(const std::vector<pool>& pools, const std::vector<const slurm_job*>& ours) {
  std::vector<room> made;
  for (const pool& where : pools) {
    int others = where.used;
    for (const slurm_job* job : ours) others -= held(*job, where.node, where.type);
    made.push_back({.where = where, .free = where.is_up ? std::max(0, where.gpus - std::max(0, others)) : 0});
  }
  return made;
}

/// Whether a job may be put there at all.
inline bool may_use(const slurm_job& job, const pool& where) {
  // Of a node of two types Slurm would give what it likes to a job that names none; and 22.05 cannot change the type
  // that a job named (it keeps both in mind, and the job never starts).
  if (job.wants.type.empty() ? where.is_mixed : job.wants.type != where.type) return false;
  if (std::find(job.excluded_nodes.begin(), job.excluded_nodes.end(), where.node) != job.excluded_nodes.end())
    return false;
  return job.partitions.empty() || where.partitions.empty() ||
         std::any_of(job.partitions.begin(), job.partitions.end(),
                     [&](const std::string& name) { return where.partitions.contains(name); });
}

/// A job that is to run in a round, on a type.
struct turn {
  const slurm_job* job = nullptr;
  std::string type;
  double owed = 0;                 ///< of two that are as large the one that is owed more chooses first
  std::vector<std::string> nodes;  ///< where; empty: there was no room
};

/// Finds nodes for a turn, and takes their room: those where it fits best. A gang over any nodes stays in one if it
/// can, else has as few as can be; as nobody knows how Slurm divides it then, these nodes count as full.
inline void find_nodes(std::vector<room>& all_rooms, turn& one) {
  std::vector<room*> rooms;
  for (room& there : all_rooms)
    if (there.where.type == one.type && may_use(*one.job, there.where)) rooms.push_back(&there);
  const request& wants = one.job->wants;
  const auto best_with = [&](int least) {
    room* best = nullptr;
    for (room* there : rooms) {
      if (there->free < least || std::find(one.nodes.begin(), one.nodes.end(), there->where.node) != one.nodes.end())
        continue;
      if (best == nullptr || there->free < best->free) best = there;
    }
    return best;
  };
  std::vector<room*> taken;
  const auto take = [&](room* there) {
    taken.push_back(there);
    one.nodes.push_back(there->where.node);
  };
  if (wants.nodes > 0) {
    for (int n = 0; n < wants.nodes; ++n) {
      room* there = best_with(wants.each());
      if (there == nullptr) {
        one.nodes.clear();
        return;
      }
      take(there);
    }
    for (room* there : taken) there->free -= wants.each();
    return;
  }
  int left = wants.gang;
  while (left > 0) {
    room* there = best_with(left);
    if (there == nullptr) {
      for (room* other : rooms) {
        if (other->free < 1 || std::find(taken.begin(), taken.end(), other) != taken.end()) continue;
        if (there == nullptr || other->free > there->free) there = other;
      }
    }
    if (there == nullptr || (wants.most_nodes > 0 && static_cast<int>(taken.size()) == wants.most_nodes)) {
      one.nodes.clear();
      return;
    }
    take(there);
    left -= there->free;
  }
  if (taken.size() == 1) {
    taken.front()->free -= wants.gang;
  } else {
    for (room* there : taken) there->free = 0;
  }
}

namespace detail {

/// Leaves a job where it is, if it runs there as the turn says and the room is still free.
inline bool stay(std::vector<room>& rooms, turn& one) {
  const slurm_job& job = *one.job;
  if (job.state != phase::running || type_of(job) != one.type) return false;
  int all = 0;
  std::vector<std::pair<room*, int>> there;
  for (const std::string& node : job.nodes) {
    for (room& here : rooms) {
      if (here.where.node != node || here.where.type != one.type) continue;
      const int some = held(job, node, one.type);
      if (some > here.free) return false;
      there.push_back({&here, some});
      all += some;
    }
  }
  if (all != job.wants.gang) return false;
  for (const auto& [here, some] : there) here->free -= some;
  one.nodes = job.nodes;
  return true;
}

inline int placed(const std::vector<turn>& turns) {
  int all = 0;
  for (const turn& one : turns) all += one.nodes.empty() ? 0 : one.job->wants.gang;
  return all;
}

inline void place(std::vector<room> rooms, std::vector<turn>& turns, bool all_stay) {
  if (all_stay) {
    for (turn& one : turns) stay(rooms, one);
  }
  for (turn& one : turns) {
    if (!one.nodes.empty() || (!all_stay && stay(rooms, one))) continue;
    find_nodes(rooms, one);
  }
}

}  // namespace detail

/// Gives turns their nodes. What runs as it should stays. Only if somebody then finds no room, as a gang that needs a
/// node of its own may, those that run have to move: larger gangs choose first, then who is owed more.
inline void place(const std::vector<room>& rooms, std::vector<turn>& turns) {
  std::stable_sort(turns.begin(), turns.end(), [](const turn& a, const turn& b) {
    return a.job->wants.gang != b.job->wants.gang ? a.job->wants.gang > b.job->wants.gang : a.owed > b.owed;
  });
  std::vector<turn> moved = turns;
  detail::place(rooms, turns, true);
  if (std::all_of(turns.begin(), turns.end(), [](const turn& one) { return !one.nodes.empty(); })) return;
  detail::place(rooms, moved, false);
  if (detail::placed(moved) > detail::placed(turns)) turns = std::move(moved);
}

/// Of turns that may be taken on what is free, those that find room: who is owed most first, one for each job.
inline std::vector<turn> gifts(std::vector<room> free, std::vector<turn> open) {
  std::stable_sort(open.begin(), open.end(), [](const turn& a, const turn& b) { return a.owed > b.owed; });
  std::vector<turn> given;
  for (turn& one : open) {
    if (std::any_of(given.begin(), given.end(), [&](const turn& other) { return other.job == one.job; })) continue;
    find_nodes(free, one);
    if (!one.nodes.empty()) given.push_back(std::move(one));
  }
  return given;
}

/// Whether a job could be placed on a type if it were alone there.
inline bool fits_alone(std::vector<room> rooms, const slurm_job& job, const std::string& type) {
  turn one{.job = &job, .type = type, .nodes = {}};
  find_nodes(rooms, one);
  return !one.nodes.empty();
}

/// A command of scontrol.
struct command {
  int job = 0;
  std::vector<std::string> words;
};

inline std::string line_of(const command& one) {
  std::string made = "scontrol";
  for (const std::string& word : one.words) made.append(" ").append(word);
  return made;
}

/// What makes a job run where its turn says: words that need it to be pending, and its release.
struct start {
  int job = 0;
  command place, release;
  bool is_held = true;  ///< else it may start anyway, and need not be released
};

struct decisions {
  std::vector<command> stops, holds;
  std::vector<start> starts;  ///< of the jobs that are stopped, after they have stopped
  std::vector<int> kept, released_before;
};

inline std::string joined(const std::vector<std::string>& names) {
  std::string made;
  for (const std::string& name : names) made.append(made.empty() ? "" : ",").append(name);
  return made;
}

inline start start_of(const slurm_job& job, const turn& one) {
  start made{.job = job.id, .place = {}, .release = {}};
  std::vector<std::string>& words = made.place.words;
  // A job that was requeued may otherwise not begin for two minutes, until the credential of its last run has expired.
  words = {"update", "JobId=" + std::to_string(job.id), "ReqNodeList=" + joined(one.nodes), "StartTime=now"};
  const int count = static_cast<int>(one.nodes.size());
  if (job.wants.nodes == 0 && (count > 1 || job.node_count > 1)) {
    words.push_back("NumNodes=" + std::to_string(count) + "-" + std::to_string(count));
  }
  made.place.job = made.release.job = job.id;
  made.release.words = {"release", std::to_string(job.id)};
  return made;
}

/// The way from what is to what the turns say. `ours` are the jobs that are shared; those without a turn, or whose turn
/// has no nodes, wait. Jobs are requeued only if they have not ended meanwhile.
inline decisions decide(const std::vector<const slurm_job*>& ours, const std::vector<turn>& turns) {
  decisions made;
  std::map<int, const turn*> turn_of;
  for (const turn& one : turns)
    if (!one.nodes.empty()) turn_of[one.job->id] = &one;
  for (const slurm_job* job : ours) {
    const auto at = turn_of.find(job->id);
    const turn* mine = at == turn_of.end() ? nullptr : at->second;
    const std::string id = std::to_string(job->id);
    if (job->state == phase::running) {
      if (mine != nullptr && mine->nodes == job->nodes && mine->type == type_of(*job)) {
        made.kept.push_back(job->id);
        continue;
      }
      made.stops.push_back({.job = job->id, .words = {"requeuehold", "incomplete", id}});
      if (mine != nullptr) made.starts.push_back(start_of(*job, *mine));
    } else if (job->state == phase::waiting || job->state == phase::leaving) {
      if (mine != nullptr) {
        // Slurm itself queues a job again whose node failed, and lets it wait.
        const bool is_told = !job->is_held && job->state == phase::waiting && job->wanted_nodes == mine->nodes &&
                             job->reason != "BeginTime";
        if (is_told) {
          made.released_before.push_back(job->id);
        } else {
          made.starts.push_back(start_of(*job, *mine));
        }
      } else if (!job->is_held && job->state == phase::waiting) {
        made.holds.push_back({.job = job->id, .words = {"hold", id}});
      }
    }
  }
  return made;
}

/// What gives a job back to Slurm: it may run on any node, at once.
inline std::vector<command> give_back(const slurm_job& job) {
  const std::string id = std::to_string(job.id);
  return {{.job = job.id, .words = {"update", "JobId=" + id, "ReqNodeList=", "StartTime=now"}},
          {.job = job.id, .words = {"release", id}}};
}

}  // namespace slurm_shares
