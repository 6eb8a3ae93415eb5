// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include <plait/core/error.hpp>
#include <plait/core/require.hpp>
#include <plait/launch/detail/slurm_lists.hpp>
#include <plait/launch/detail/variables.hpp>
#include <plait/launch/environment.hpp>

namespace plait {

/// Who said which rank a process is.
enum class launcher : std::uint8_t { none, arguments, torchrun, open_mpi, pmi, slurm };

constexpr std::string_view name_of(launcher by) {
  constexpr std::string_view names[] = {"nobody", "arguments", "torchrun", "Open MPI", "PMI", "Slurm"};
  return names[static_cast<int>(by)];
}

/// The place of this process among those that were started together.
struct launch_place {
  launcher by = launcher::none;
  int rank = 0;
  int size = 1;
  int local_rank = 0;     ///< which of the ranks on this machine it is; decides the device
  int local_size = 0;     ///< ranks on this machine; 0: not known
  std::string address{};  ///< where rank 0 can be reached, name or number; empty: not known
  int port = 0;           ///< that rank 0 may listen on; 0: not known
  std::string job{};      ///< the same on all ranks of this start and, as far as the launcher tells, on no others

  friend bool operator==(const launch_place&, const launch_place&) = default;
};

/// What a program was told by its own options. What is set here goes before all variables.
struct launch_arguments {
  std::optional<int> rank, size, local_rank, local_size, port;
  std::optional<std::string> address, job;
};

namespace detail {

/// A port of [20000, 32000), below those that systems give out by themselves; equal jobs have equal ports.
inline int port_of_job(std::string_view job) {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const char letter : job) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3u;
  return static_cast<int>(20000 + hash % 12000);
}

inline launch_place place_of_torchrun(const variables& given) {
  given.all_or_none("torchrun", {"RANK", "WORLD_SIZE"});
  launch_place place{launcher::torchrun, given.number("RANK"), given.number("WORLD_SIZE")};
  place.local_rank = given.number_or("LOCAL_RANK", place.rank);
  place.local_size = given.number_or("LOCAL_WORLD_SIZE", 0);
  // What torchrun starts again after a failure is another start.
  if (given.has("TORCHELASTIC_RUN_ID"))
    place.job = given.text("TORCHELASTIC_RUN_ID") + "." + given.text_or("TORCHELASTIC_RESTART_COUNT", "0");
  given.check_rank("RANK", place.rank, "WORLD_SIZE", place.size);
  if (place.local_size > 0) given.check_rank("LOCAL_RANK", place.local_rank, "LOCAL_WORLD_SIZE", place.local_size);
  return place;
}

inline launch_place place_of_open_mpi(const variables& given) {
  given.all_or_none("mpirun of Open MPI", {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"});
  launch_place place{launcher::open_mpi, given.number("OMPI_COMM_WORLD_RANK"), given.number("OMPI_COMM_WORLD_SIZE")};
  place.local_rank = given.number_or("OMPI_COMM_WORLD_LOCAL_RANK", place.rank);
  place.local_size = given.number_or("OMPI_COMM_WORLD_LOCAL_SIZE", 0);
  place.job = given.text_or("PMIX_NAMESPACE", given.text_or("OMPI_MCA_ess_base_jobid", ""));
  given.check_rank("OMPI_COMM_WORLD_RANK", place.rank, "OMPI_COMM_WORLD_SIZE", place.size);
  return place;
}

inline launch_place place_of_pmi(const variables& given) {
  given.all_or_none("mpiexec of MPICH, or another launcher with PMI,", {"PMI_RANK", "PMI_SIZE"});
  launch_place place{launcher::pmi, given.number("PMI_RANK"), given.number("PMI_SIZE")};
  place.local_rank = given.number_or("MPI_LOCALRANKID", place.rank);
  place.local_size = given.number_or("MPI_LOCALNRANKS", 0);
  place.job = given.text_or("PMI_JOBID", "");
  given.check_rank("PMI_RANK", place.rank, "PMI_SIZE", place.size);
  return place;
}

/// Slurm tells the script of a job that it is task 0 of many, though srun has started none of them: only a step counts.
inline launch_place place_of_slurm(const variables& given) {
  const char* const tasks = given.has("SLURM_STEP_NUM_TASKS") ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS";
  given.all_or_none("srun", {"SLURM_PROCID", tasks, "SLURM_STEP_ID"});
  launch_place place{launcher::slurm, given.number("SLURM_PROCID"), given.number(tasks)};
  place.local_rank = given.number_or("SLURM_LOCALID", place.rank);
  place.local_size =
      slurm_tasks_of_node(given.text_or("SLURM_STEP_TASKS_PER_NODE", ""), given.number_or("SLURM_NODEID", 0));
  place.job = given.text_or("SLURM_JOB_ID", "") + "." + given.text("SLURM_STEP_ID");
  given.check_rank("SLURM_PROCID", place.rank, tasks, place.size);
  return place;
}

/// The first launcher, from the innermost outwards, that speaks; `none` if none does.
inline launch_place place_of_variables(const variables& given) {
  const bool torchrun = given.has("RANK") || given.has("WORLD_SIZE");
  if (torchrun && given.has("TORCHELASTIC_RUN_ID")) return place_of_torchrun(given);
  launch_place place;
  if (given.has("OMPI_COMM_WORLD_RANK") || given.has("OMPI_COMM_WORLD_SIZE")) {
    place = place_of_open_mpi(given);
  } else if (given.has("PMI_RANK") || given.has("PMI_SIZE")) {
    place = place_of_pmi(given);
  } else if (given.has("SLURM_PROCID") && given.has("SLURM_STEP_ID")) {
    place = place_of_slurm(given);
  }
  if (!torchrun) return place;
  // Set by hand, as many do below srun or mpirun: then both must say the same.
  launch_place by_hand = place_of_torchrun(given);
  if (place.by == launcher::none) return by_hand;
  require(place.rank == by_hand.rank && place.size == by_hand.size, "launch_place", [&] {
    return std::string{"RANK and WORLD_SIZE say rank "}
        .append(std::to_string(by_hand.rank))
        .append(" of ")
        .append(std::to_string(by_hand.size))
        .append(", but ")
        .append(name_of(place.by))
        .append(" says rank ")
        .append(std::to_string(place.rank))
        .append(" of ")
        .append(std::to_string(place.size))
        .append("; unset RANK and WORLD_SIZE, or make them agree");
  });
  return place;
}

/// Where rank 0 is, if the variables tell: MASTER_ADDR; this machine, if it has all ranks; Slurm's first node.
inline std::string address_of(const variables& given, const launch_place& place) {
  if (given.has("MASTER_ADDR")) return given.text("MASTER_ADDR");
  if (place.by == launcher::none || (place.local_size == place.size && place.by != launcher::arguments))
    return "127.0.0.1";
  if (place.by == launcher::arguments) return "";
  return first_slurm_host(given.text_or("SLURM_STEP_NODELIST", given.text_or("SLURM_JOB_NODELIST", "")));
}

/// MASTER_PORT, or the next one while torchrun's own store listens there; else one that follows from the job.
inline int port_of(const variables& given, const launch_place& place) {
  if (given.has("MASTER_PORT")) {
    const int port = given.number("MASTER_PORT");
    require(port >= 1 && port <= 65535, "launch_place", "MASTER_PORT is a port, so from 1 to 65535");
    if (given.text_or("TORCHELASTIC_USE_AGENT_STORE", "") != "True") return port;
    return port < 65535 ? port + 1 : port - 1;
  }
  return place.job.empty() ? 0 : port_of_job(place.job);
}

}  // namespace detail

/// Reads the place of a process from what launchers set, and from the program's own options.
///
/// The first of these that speaks decides rank, size and local rank:
///   1. arguments: rank and size, both or neither
///   2. torchrun, if TORCHELASTIC_RUN_ID is set:  RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE
///   3. Open MPI:          OMPI_COMM_WORLD_RANK, _SIZE, _LOCAL_RANK, _LOCAL_SIZE; the job from PMIX_NAMESPACE
///   4. PMI (MPICH, ...):  PMI_RANK, PMI_SIZE, MPI_LOCALRANKID, MPI_LOCALNRANKS
///   5. Slurm, in a step of srun:  SLURM_PROCID, SLURM_STEP_NUM_TASKS or SLURM_NTASKS, SLURM_LOCALID, SLURM_STEP_ID
///   6. RANK and WORLD_SIZE set by hand; if one of 3 to 5 speaks as well they must say the same
///   7. nobody: rank 0 of 1
/// Inner launchers come before outer ones: torchrun may stand below srun, and mpirun uses srun to reach other machines.
/// A local rank that is not told is the rank. Address and port are MASTER_ADDR and MASTER_PORT under every launcher.
///
/// Throws: usage, in one sentence that names the variables, for numbers that are none, for half of what belongs
/// together and for what disagrees.
inline launch_place place_of(const environment& variables_of_process, const launch_arguments& arguments = {}) {
  const detail::variables given{variables_of_process};
  require(arguments.rank.has_value() == arguments.size.has_value(), "launch_place",
          "the arguments rank and size belong together: give both, or neither and let the launcher tell");
  launch_place place;
  if (arguments.rank) {
    place = {launcher::arguments, *arguments.rank, *arguments.size, *arguments.rank};
  } else {
    place = detail::place_of_variables(given);
    require(place.by != launcher::none || !given.has("PMIX_RANK"), "launch_place",
            "PMIX_RANK is set, but nothing tells how many ranks there are; give rank and size as arguments");
  }
  if (arguments.local_rank) place.local_rank = *arguments.local_rank;
  if (arguments.local_size) place.local_size = *arguments.local_size;
  require(place.rank >= 0 && place.rank < place.size && place.local_rank >= 0 && place.local_size >= 0 &&
              (place.local_size == 0 || place.local_rank < place.local_size) && place.local_size <= place.size,
          "launch_place", [&] {
            return std::string{"rank "}
                .append(std::to_string(place.rank))
                .append(" of ")
                .append(std::to_string(place.size))
                .append(", local rank ")
                .append(std::to_string(place.local_rank))
                .append(" of ")
                .append(std::to_string(place.local_size))
                .append(", as ")
                .append(name_of(place.by))
                .append(" says: a rank is less than its size, and no machine has more ranks than there are");
          });
  if (arguments.job) place.job = *arguments.job;
  place.address = arguments.address ? *arguments.address : detail::address_of(given, place);
  place.port = arguments.port ? *arguments.port : detail::port_of(given, place);
  require(place.port >= 0 && place.port <= 65535, "launch_place", "a port is at most 65535");
  return place;
}

/// The place of this process.
inline launch_place place_of_process(const launch_arguments& arguments = {}) {
  return place_of(environment_of_process(), arguments);
}

}  // namespace plait
