// SPDX-License-Identifier: Apache-2.0
// Where a process stands, by what launchers set. The variables are those that each launcher was seen to set.
#include <cstdlib>
#include <string>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/launch/launch_place.hpp>

#include <doctest/doctest.h>

using plait::environment;
using plait::launch_arguments;
using plait::launch_place;
using plait::launcher;
using plait::place_of;

namespace {

const environment torchrun{{"RANK", "5"},
                           {"LOCAL_RANK", "1"},
                           {"WORLD_SIZE", "8"},
                           {"LOCAL_WORLD_SIZE", "4"},
                           {"GROUP_RANK", "1"},
                           {"MASTER_ADDR", "node7"},
                           {"MASTER_PORT", "29500"},
                           {"TORCHELASTIC_RUN_ID", "abc"},
                           {"TORCHELASTIC_RESTART_COUNT", "2"},
                           {"TORCHELASTIC_USE_AGENT_STORE", "True"}};
const environment open_mpi{{"OMPI_COMM_WORLD_RANK", "3"},       {"OMPI_COMM_WORLD_SIZE", "4"},
                           {"OMPI_COMM_WORLD_LOCAL_RANK", "3"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "4"},
                           {"PMIX_NAMESPACE", "2470445057"},    {"PMIX_RANK", "3"}};
const environment hydra{{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"MPI_LOCALRANKID", "1"}, {"MPI_LOCALNRANKS", "2"}};
const environment srun{{"SLURM_JOB_ID", "77"},
                       {"SLURM_STEP_ID", "3"},
                       {"SLURM_PROCID", "4"},
                       {"SLURM_LOCALID", "0"},
                       {"SLURM_NODEID", "2"},
                       {"SLURM_NTASKS", "5"},
                       {"SLURM_STEP_NUM_TASKS", "5"},
                       {"SLURM_STEP_TASKS_PER_NODE", "2(x2),1"},
                       {"SLURM_STEP_NODELIST", "gpu[03-04,9]"},
                       {"SLURM_JOB_NODELIST", "gpu[01-20]"}};

environment with(environment base, const environment& more) {
  for (const auto& [name, value] : more) base[name] = value;
  return base;
}
environment without(environment base, const std::string& name) {
  base.erase(name);
  return base;
}

}  // namespace

TEST_CASE("each launcher's variables give rank, size, local rank, address, port and job") {
  const launch_place by_torchrun = place_of(torchrun);
  CHECK(by_torchrun == launch_place{launcher::torchrun, 5, 8, 1, 4, "node7", 29501, "abc.2"});
  const launch_place by_open_mpi = place_of(open_mpi);
  CHECK(by_open_mpi == launch_place{launcher::open_mpi, 3, 4, 3, 4, "127.0.0.1", by_open_mpi.port, "2470445057"});
  CHECK(by_open_mpi.port >= 20000);
  CHECK(by_open_mpi.port < 32000);
  CHECK(place_of(hydra) == launch_place{launcher::pmi, 1, 2, 1, 2, "127.0.0.1", 0, ""});
  const launch_place by_srun = place_of(srun);
  CHECK(by_srun == launch_place{launcher::slurm, 4, 5, 0, 1, "gpu03", by_srun.port, "77.3"});
  CHECK(by_srun.port != place_of(with(srun, {{"SLURM_STEP_ID", "4"}})).port);
  CHECK(place_of({}) == launch_place{launcher::none, 0, 1, 0, 0, "127.0.0.1", 0, ""});
}

TEST_CASE("variables set by hand, and arguments, give a place as well") {
  const environment by_hand{{"RANK", "1"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "::1"}, {"MASTER_PORT", "4000"}};
  CHECK(place_of(by_hand) == launch_place{launcher::torchrun, 1, 2, 1, 0, "::1", 4000, ""});
  launch_arguments arguments;
  arguments.rank = 2;
  arguments.size = 3;
  arguments.address = "10.0.0.1";
  arguments.port = 5000;
  arguments.job = "mine";
  CHECK(place_of({}, arguments) == launch_place{launcher::arguments, 2, 3, 2, 0, "10.0.0.1", 5000, "mine"});
  CHECK(place_of(torchrun, arguments) == place_of({}, arguments));
  arguments.local_rank = 0;
  arguments.local_size = 1;
  CHECK(place_of({}, arguments) == launch_place{launcher::arguments, 2, 3, 0, 1, "10.0.0.1", 5000, "mine"});
  launch_arguments port_alone;
  port_alone.port = 6000;
  CHECK(place_of(torchrun, port_alone) == launch_place{launcher::torchrun, 5, 8, 1, 4, "node7", 6000, "abc.2"});
}

TEST_CASE("an inner launcher goes before an outer one") {
  CHECK(place_of(with(srun, torchrun)).by == launcher::torchrun);
  CHECK(place_of(with(open_mpi, torchrun)).rank == 5);
  CHECK(place_of(with(srun, open_mpi)).by == launcher::open_mpi);
  CHECK(place_of(with(srun, hydra)).by == launcher::pmi);
  // mpirun on several machines of a Slurm job: rank 0 is on the first of them.
  CHECK(place_of(with(with(srun, open_mpi), {{"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "1"}}))
            .address == "gpu03");
  // The script of a job is told that it is task 0 of 5, but srun has started nobody.
  CHECK(place_of(without(srun, "SLURM_STEP_ID")).by == launcher::none);
  CHECK(place_of(with(srun, {{"RANK", "4"}, {"WORLD_SIZE", "5"}})).by == launcher::slurm);
  CHECK(place_of(with(srun, {{"MASTER_ADDR", "n1"}, {"MASTER_PORT", "99"}})).address == "n1");
  CHECK(place_of(with(srun, {{"MASTER_ADDR", "n1"}, {"MASTER_PORT", "99"}})).port == 99);
  CHECK(place_of(with(srun, {{"RANK", ""}})).by == launcher::slurm);
}

TEST_CASE("half a launcher, numbers that are none, and what disagrees are named in one sentence") {
  struct wrong {
    environment given;
    const char* words;
  };
  const std::vector<wrong> cases{
      {without(torchrun, "WORLD_SIZE"), "RANK is set and WORLD_SIZE is not; torchrun sets them together"},
      {without(torchrun, "RANK"), "WORLD_SIZE is set and RANK is not"},
      {without(open_mpi, "OMPI_COMM_WORLD_SIZE"), "OMPI_COMM_WORLD_RANK is set and OMPI_COMM_WORLD_SIZE is not"},
      {without(hydra, "PMI_RANK"), "PMI_SIZE is set and PMI_RANK is not"},
      {without(without(srun, "SLURM_STEP_NUM_TASKS"), "SLURM_NTASKS"),
       "and SLURM_STEP_ID is set and SLURM_NTASKS is not"},
      {with(torchrun, {{"RANK", "8"}}), "RANK=8 and WORLD_SIZE=8 disagree: a rank is less than the size"},
      {with(torchrun, {{"LOCAL_RANK", "4"}}), "LOCAL_RANK=4 and LOCAL_WORLD_SIZE=4 disagree"},
      {with(torchrun, {{"LOCAL_WORLD_SIZE", "9"}}), "no machine has more ranks than there are"},
      {with(torchrun, {{"RANK", "one"}}), "RANK is 'one', which is not a whole number from 0 on"},
      {with(torchrun, {{"RANK", "-1"}}), "RANK is '-1'"},
      {with(torchrun, {{"WORLD_SIZE", "99999999999"}}), "WORLD_SIZE is '99999999999'"},
      {with(torchrun, {{"MASTER_PORT", "0"}}), "MASTER_PORT is a port"},
      {with(torchrun, {{"MASTER_PORT", "70000"}}), "MASTER_PORT is a port"},
      {with(open_mpi, {{"OMPI_COMM_WORLD_RANK", "4"}}), "OMPI_COMM_WORLD_RANK=4 and OMPI_COMM_WORLD_SIZE=4 disagree"},
      {with(srun, {{"SLURM_PROCID", "5"}}), "SLURM_PROCID=5 and SLURM_STEP_NUM_TASKS=5 disagree"},
      {with(srun, {{"RANK", "0"}, {"WORLD_SIZE", "5"}}),
       "RANK and WORLD_SIZE say rank 0 of 5, but Slurm says rank 4 of 5"},
      {{{"PMIX_RANK", "0"}}, "PMIX_RANK is set, but nothing tells how many ranks there are"},
  };
  for (const wrong& one : cases) {
    CAPTURE(one.words);
    CHECK_THROWS_WITH_AS(static_cast<void>(place_of(one.given)), doctest::Contains(one.words), plait::error);
  }
  launch_arguments half;
  half.rank = 1;
  CHECK_THROWS_WITH_AS(static_cast<void>(place_of({}, half)), doctest::Contains("rank and size belong together"),
                       plait::error);
  half.size = 1;
  CHECK_THROWS_WITH_AS(static_cast<void>(place_of({}, half)), doctest::Contains("rank 1 of 1"), plait::error);
}

TEST_CASE("the lists of Slurm are read: first host, tasks of a node") {
  using plait::detail::first_slurm_host;
  using plait::detail::slurm_tasks_of_node;
  CHECK(first_slurm_host("n1") == "n1");
  CHECK(first_slurm_host("n1,n2") == "n1");
  CHECK(first_slurm_host("n[01-03,7],m2") == "n01");
  CHECK(first_slurm_host("n[7,9]") == "n7");
  CHECK(first_slurm_host("rack[0-1]n[4-5]-ib,x") == "rack0n4-ib");
  CHECK(first_slurm_host("") == "");
  CHECK(first_slurm_host("n[1-") == "");
  for (int node = 0; node < 4; ++node) CHECK(slurm_tasks_of_node("2(x3),1", node) == (node < 3 ? 2 : 1));
  CHECK(slurm_tasks_of_node("2(x3),1", 4) == 0);
  CHECK(slurm_tasks_of_node("4", 0) == 4);
  CHECK(slurm_tasks_of_node("many", 0) == 0);
  CHECK(slurm_tasks_of_node("2(x", 0) == 2);
}

TEST_CASE("the environment of the process is read as it is") {
  ::setenv("PLAIT_TEST_OF_ENVIRONMENT", "a=b", 1);
  const environment found = plait::environment_of_process();
  CHECK(found.at("PLAIT_TEST_OF_ENVIRONMENT") == "a=b");
  ::unsetenv("PLAIT_TEST_OF_ENVIRONMENT");
  CHECK(plait::environment_of_process().count("PLAIT_TEST_OF_ENVIRONMENT") == 0);
}
