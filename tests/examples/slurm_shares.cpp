// SPDX-License-Identifier: Apache-2.0
// What slurm_shares reads, remembers and decides, without a Slurm. The answers are made here in the forms in which
// Slurm 22.05 and later versions give them; tests/examples/slurm_shares.py runs the program on a real one.
#if __has_include(<nlohmann/json.hpp>)

#include <map>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "../../examples/slurm_shares_books.hpp"
#include "../../examples/slurm_shares_decide.hpp"
#include "../../examples/slurm_shares_read.hpp"

namespace {

using namespace slurm_shares;
using strings = std::vector<std::string>;

TEST_CASE("lists of hosts are read as Slurm folds them") {
  CHECK(hosts("").empty());
  CHECK(hosts("v1") == strings{"v1"});
  CHECK(hosts("v[1-3,07],login") == strings{"v1", "v2", "v3", "v07", "login"});
  CHECK(hosts("n[098-101]") == strings{"n098", "n099", "n100", "n101"});
  CHECK(hosts("r[1-2]c[3-4]x") == strings{"r1c3x", "r1c4x", "r2c3x", "r2c4x"});
  CHECK_THROWS_AS(hosts("v[3-1]"), plait::error);
  CHECK_THROWS_AS(hosts("v[a-b]"), plait::error);
}

TEST_CASE("GPUs are read from every form of generic resources") {
  CHECK(gpus_of("gpu:v100:2") == std::vector<gpus>{{"v100", 2, {}}});
  CHECK(gpus_of("gpu:v100:3(IDX:0-1,3)") == std::vector<gpus>{{"v100", 3, {0, 1, 3}}});
  CHECK(gpus_of("gpu:v100:0(IDX:N/A)") == std::vector<gpus>{{"v100", 0, {}}});
  CHECK(gpus_of("gpu:a:1(S:0-1),license:3,gpu:b:2(S:0,1)") == std::vector<gpus>{{"a", 1, {}}, {"b", 2, {}}});
  CHECK(gpus_of("gres:gpu:2") == std::vector<gpus>{{"", 2, {}}});
  CHECK(gpus_of("gres/gpu:v100=4") == std::vector<gpus>{{"v100", 4, {}}});
  CHECK(gpus_of("gres/gpu=4") == std::vector<gpus>{{"", 4, {}}});
  CHECK(gpus_of("gpu") == std::vector<gpus>{{"", 1, {}}});
  CHECK(gpus_of("").empty());
  CHECK(gpus_of("mps:100").empty());
}

TEST_CASE("an answer without jobs that names an error is no cluster without jobs") {
  // 22.05 with its controller away, exit status 0.
  const json away = json::parse(R"({"errors": [{"description": "Failed while looking for jobs", "error_number": -1,
                                     "error": "Unspecified error"}], "jobs": []})");
  CHECK(fault_of(away) == "Failed while looking for jobs");
  CHECK(fault_of(json::parse(R"({"errors": [{"error": "Unspecified error", "errno": -1}], "nodes": []})")) ==
        "Unspecified error");
  CHECK(fault_of(json::parse(R"({"errors": [], "jobs": []})")).empty());
  CHECK_FALSE(fault_of(json::parse("[]")).empty());
  CHECK_THROWS_AS(jobs_of(json::parse(R"({"nodes": []})")), plait::error);
  CHECK_THROWS_AS(pools_of(json::parse(R"({"jobs": []})")), plait::error);
}

json node(const char* name, const char* gres, const char* used, const char* state = "idle") {
  return {{"name", name},         {"gres", gres}, {"gres_used", used}, {"state", state}, {"state_flags", json::array()},
          {"partitions", {"all"}}};
}

TEST_CASE("nodes are read in the forms of old and new Slurm") {
  json answer{{"nodes", {node("a1", "gpu:v100:4(S:0)", "gpu:v100:1(IDX:2)", "mixed")}}};
  answer["nodes"].push_back(node("b1", "gpu:k80:2,gpu:v100:1", "gpu:k80:0(IDX:N/A),gpu:v100:1(IDX:2)"));
  answer["nodes"].push_back(node("cpu1", "", ""));
  answer["nodes"].push_back(node("d1", "gpu:k80:8", "gpu:k80:0(IDX:N/A)", "down"));
  json drained = node("e1", "gpu:k80:8", "gpu:k80:0(IDX:N/A)");
  drained["state"] = json{"IDLE", "DRAIN"};
  answer["nodes"].push_back(drained);
  drained["state"] = "idle";
  drained["state_flags"] = json{"DRAIN"};
  answer["nodes"].push_back(drained);
  const std::vector<pool> found = pools_of(answer);
  REQUIRE(found.size() == 6);
  CHECK((found[0].node == "a1" && found[0].type == "v100" && found[0].gpus == 4 && found[0].used == 1));
  CHECK((found[0].is_up && !found[0].is_mixed && found[0].partitions.contains("all")));
  CHECK((found[1].node == "b1" && found[1].type == "k80" && found[1].is_mixed && found[2].used == 1));
  CHECK_FALSE(found[3].is_up);
  CHECK_FALSE(found[4].is_up);
  CHECK_FALSE(found[5].is_up);
}

/// A job as 22.05 tells it.
json squeue_row(int id, const char* state, const char* per_job, const char* per_node, int nodes = 1) {
  return {{"job_id", id},
          {"name", "run.sh"},
          {"job_state", state},
          {"comment", "plait: model=A"},
          {"priority", 0},
          {"requeue", true},
          {"submit_time", 100},
          {"start_time", 0},
          {"end_time", 0},
          {"tres_per_job", per_job},
          {"tres_per_node", per_node},
          {"node_count", nodes},
          {"max_nodes", 0},
          {"nodes", ""},
          {"gres_detail", json::array()},
          {"partition", "all"},
          {"required_nodes", ""},
          {"excluded_nodes", ""},
          {"features", ""},
          {"array_job_id", 0},
          {"het_job_id", 0},
          {"state_reason", "None"}};
}

slurm_job read_job(const json& row) {
  return jobs_of({{"jobs", {row}}}).at(0);
}

TEST_CASE("jobs are read in the forms of old and new Slurm") {
  json row = squeue_row(7, "RUNNING", "", "gres:gpu:2", 2);
  row["nodes"] = "v[1-2]";
  row["gres_detail"] = {"gpu:v100:2(IDX:0-1)", "gpu:v100:2(IDX:1-2)"};
  row["start_time"] = 500;
  const slurm_job old_form = read_job(row);
  row["job_state"] = json{"RUNNING"};
  row["start_time"] = {{"set", true}, {"infinite", false}, {"number", 500}};
  row["priority"] = {{"set", true}, {"infinite", false}, {"number", 0}};
  row["node_count"] = {{"set", true}, {"number", 2}};
  row["tres_per_node"] = "gres/gpu:2";
  for (const slurm_job& job : {old_form, read_job(row)}) {
    CHECK((job.id == 7 && job.state == phase::running && job.is_held && job.may_requeue && job.started == 500));
    CHECK((job.wants.gang == 4 && job.wants.nodes == 2 && job.wants.each() == 2 && job.wants.fault.empty()));
    CHECK(job.nodes == strings{"v1", "v2"});
    CHECK(held(job, "v2", "v100") == 2);
    CHECK(type_of(job) == "v100");
  }
  row["job_state"] = json{"RUNNING", "COMPLETING"};
  CHECK(read_job(row).state == phase::leaving);
  for (const char* word : {"COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL"})
    CHECK(read_job(squeue_row(1, word, "gres:gpu:1", "")).state == phase::ended);
  CHECK(read_job(squeue_row(1, "PENDING", "gres:gpu:1", "")).state == phase::waiting);
  CHECK(read_job(squeue_row(1, "SUSPENDED", "gres:gpu:1", "")).is_suspended);
  json later = squeue_row(1, "PENDING", "gres:gpu:3", "");
  later["priority"] = 4294901759;
  CHECK_FALSE(read_job(later).is_held);
  CHECK((read_job(later).wants.gang == 3 && read_job(later).wants.nodes == 0));
  later["hold"] = true;
  CHECK(read_job(later).is_held);
}

TEST_CASE("answers in the form of Slurm 24 say what those of 22.05 say") {
  const auto amount = [](double value) { return json{{"set", true}, {"infinite", false}, {"number", value}}; };
  const json none = {{"set", false}, {"infinite", false}, {"number", 0}};
  const json endless = {{"set", true}, {"infinite", true}, {"number", 0}};
  json row = {{"job_id", 12},
              {"name", "train"},
              {"comment", "plait: weight=2"},
              {"job_state", {"PENDING", "REQUEUE_HOLD"}},
              {"state_reason", "JobHeldUser"},
              {"priority", amount(0)},
              {"hold", false},
              {"requeue", true},
              {"node_count", amount(2)},
              {"max_nodes", none},
              {"time_limit", endless},
              {"submit_time", amount(1700000000)},
              {"start_time", none},
              {"end_time", none},
              {"partition", "main,spare"},
              {"nodes", ""},
              {"required_nodes", "v[1-2]"},
              {"excluded_nodes", ""},
              {"gres_detail", json::array()},
              {"tres_per_job", ""},
              {"tres_per_node", "gres/gpu:v100:2"},
              {"tres_per_task", ""},
              {"tres_per_socket", ""},
              {"features", ""},
              {"dependency", ""},
              {"array_job_id", amount(0)},
              {"array_task_id", none},
              {"het_job_id", amount(0)}};
  const slurm_job waits = read_job(row);
  CHECK((waits.id == 12 && waits.state == phase::waiting && waits.is_held && waits.may_requeue));
  CHECK((waits.submitted == 1700000000 && waits.started == 0 && waits.node_count == 2));
  CHECK((waits.wants.gang == 4 && waits.wants.type == "v100" && waits.wants.fault.empty()));
  CHECK(waits.wanted_nodes == strings{"v1", "v2"});
  CHECK(waits.partitions == std::set<std::string>{"main", "spare"});
  // No priority is none that is 0, and neither is one without end.
  for (const json& priority : {none, endless, amount(5), json{}}) {
    row["priority"] = priority;
    CHECK_FALSE(read_job(row).is_held);
  }
  row["hold"] = true;
  CHECK(read_job(row).is_held);
  row["hold"] = false;
  row["job_state"] = {"RUNNING"};
  row["start_time"] = amount(1700000100);
  row["end_time"] = endless;
  row["nodes"] = "v[1-2]";
  row["gres_detail"] = {"gpu:v100:2(IDX:0-1)", "gpu:v100:2(IDX:2,5)"};
  const slurm_job runs = read_job(row);
  CHECK((runs.state == phase::running && runs.started == 1700000100 && runs.ended == 0));
  CHECK(held(runs, "v2", "v100") == 2);
  // What has a number is part of an array, what says that it has none is not.
  row["array_job_id"] = none;
  CHECK(read_job(row).wants.fault.empty());
  row["array_job_id"] = amount(11);
  CHECK(read_job(row).wants.fault == "is part of an array");

  const json nodes = {{"nodes",
                       {{{"name", "v1"},
                         {"state", {"MIXED", "PLANNED"}},
                         {"partitions", {"main", "spare"}},
                         {"cpus", 8},
                         {"free_mem", amount(1000)},
                         {"gres", "gpu:v100:4(S:0-1)"},
                         {"gres_used", "gpu:v100:2(IDX:0-1)"}},
                        {{"name", "v2"},
                         {"state", {"IDLE", "DRAIN"}},
                         {"partitions", {"main"}},
                         {"gres", "gpu:v100:4"},
                         {"gres_used", "gpu:v100:0(IDX:N/A)"}}}},
                      {"errors", json::array()},
                      {"warnings", json::array()}};
  CHECK(fault_of(nodes).empty());
  const std::vector<pool> pools = pools_of(nodes);
  REQUIRE(pools.size() == 2);
  CHECK((pools[0].node == "v1" && pools[0].gpus == 4 && pools[0].used == 2 && pools[0].is_up));
  CHECK((pools[0].knows_indices && pools[0].partitions.size() == 2));
  CHECK((pools[1].gpus == 4 && pools[1].used == 0 && !pools[1].is_up));
}

TEST_CASE("a job that cannot be placed says why") {
  const auto fault = [](json row, const char* field, const json& value) {
    row[field] = value;
    return read_job(row).wants.fault;
  };
  const json row = squeue_row(1, "PENDING", "gres:gpu:1", "");
  CHECK(fault(row, "job_id", 1).empty());
  CHECK(fault(row, "tres_per_job", "").find("no GPU") != std::string::npos);
  CHECK(fault(row, "tres_per_node", "gres:gpu:1").find("more than one way") != std::string::npos);
  CHECK(fault(row, "tres_per_task", "gres:gpu:1").find("by task") != std::string::npos);
  CHECK(fault(row, "features", "fast").find("--constraint") != std::string::npos);
  CHECK(fault(row, "dependency", "afterok:7").find("--dependency") != std::string::npos);
  CHECK(fault(row, "array_job_id", 12).find("array") != std::string::npos);
  CHECK(fault(row, "het_job_id", 12).find("heterogeneous") != std::string::npos);
}

TEST_CASE("the comment of a job is read, and a wrong one is not guessed at") {
  slurm_job job;
  job.name = "run.sh";
  CHECK_FALSE(told_by(job));
  job.comment = "something of plait: no";
  CHECK_FALSE(told_by(job));
  job.comment = "plait:";
  CHECK((told_by(job)->model == "run.sh" && told_by(job)->fault.empty() && told_by(job)->weight == 1));
  job.comment = "plait: model=ResNet-18 (batch size 16); weight=2.5 ;steps=1e5;team=vision;slo=3600";
  const told all = *told_by(job);
  CHECK((all.model == "ResNet-18 (batch size 16)" && all.weight == 2.5 && all.steps == 1e5 && all.team == "vision"));
  CHECK((all.slo_seconds == 3600 && all.fault.empty()));
  for (const char* wrong : {"plait: modle=A", "plait: weight=0", "plait: weight=-1", "plait: weight=2x",
                            "plait: steps=nan", "plait: steps=", "plait: model"}) {
    job.comment = wrong;
    CAPTURE(wrong);
    CHECK_FALSE(told_by(job)->fault.empty());
  }
}

/// Nodes a1 (4 v100), a2 (2 v100), b1 (2 k80), all free.
std::vector<pool> three_nodes() {
  return pools_of({{"nodes",
                    {node("a1", "gpu:v100:4", "gpu:v100:0(IDX:N/A)"), node("a2", "gpu:v100:2", "gpu:v100:0(IDX:N/A)"),
                     node("b1", "gpu:k80:2", "gpu:k80:0(IDX:N/A)")}}});
}

slurm_job waits(int id, int gang, int nodes = 0) {
  slurm_job job = read_job(squeue_row(id, "PENDING", "gres:gpu:1", ""));
  job.wants.gang = gang;
  job.wants.nodes = nodes;
  return job;
}

slurm_job runs(int id, int gang, const strings& nodes, const std::string& type, int nodes_asked = 0) {
  slurm_job job = waits(id, gang, nodes_asked);
  job.state = phase::running;
  job.is_held = false;
  job.nodes = nodes;
  job.node_count = static_cast<int>(nodes.size());
  for (std::size_t n = 0; n < nodes.size(); ++n)
    job.holds.push_back({{.type = type, .count = gang / job.node_count, .indices = {}}});
  return job;
}

TEST_CASE("jobs of others are not given away, and neither are nodes that are down") {
  std::vector<pool> pools = three_nodes();
  pools[0].used = 3;
  const slurm_job mine = runs(1, 2, {"a1"}, "v100");
  CHECK(rooms_of(pools, {&mine})[0].free == 3);
  CHECK(rooms_of(pools, {})[0].free == 1);
  pools[0].is_up = false;
  CHECK(rooms_of(pools, {&mine})[0].free == 0);
}

TEST_CASE("a job that stays is not moved, and others go where they fit best") {
  const slurm_job stays = runs(1, 1, {"a1"}, "v100"), single = waits(2, 1), pair = waits(3, 2), other = waits(4, 1);
  std::vector<turn> turns{
      {&single, "v100", 9, {}}, {&stays, "v100", 0, {}}, {&pair, "v100", 0, {}}, {&other, "k80", 0, {}}};
  std::vector<pool> pools = three_nodes();
  pools[0].used = 1;
  place(rooms_of(pools, {&stays, &single, &pair, &other}), turns);
  std::map<int, strings> found;
  for (const turn& one : turns) found[one.job->id] = one.nodes;
  CHECK(found == std::map<int, strings>{{1, {"a1"}}, {2, {"a1"}}, {3, {"a2"}}, {4, {"b1"}}});
}

TEST_CASE("a gang that needs a node of its own makes others move, and only then") {
  // One job in each node; a gang of four in one node fits only if the job of a1 goes to a2.
  const slurm_job one = runs(1, 1, {"a1"}, "v100"), two = runs(2, 1, {"a2"}, "v100");
  for (const int gang : {4, 2}) {
    const slurm_job large = waits(3, gang, 1);
    std::vector<turn> turns{{&one, "v100", 0, {}}, {&two, "v100", 0, {}}, {&large, "v100", 0, {}}};
    std::vector<pool> pools = three_nodes();
    pools[0].used = pools[1].used = 1;
    place(rooms_of(pools, {&one, &two, &large}), turns);
    std::map<int, strings> found;
    for (const turn& each : turns) found[each.job->id] = each.nodes;
    CHECK(found[3] == strings{"a1"});
    CHECK(found[2] == strings{"a2"});
    CHECK(found[1] == strings{gang == 4 ? "a2" : "a1"});
  }
}

TEST_CASE("gangs lie as they asked to: in so many nodes equally, or in as few as possible") {
  const auto where = [](const slurm_job& job) {
    std::vector<turn> turns{{&job, "v100", 0, {}}};
    place(rooms_of(three_nodes(), {&job}), turns);
    return turns[0].nodes;
  };
  CHECK(where(waits(1, 2, 1)) == strings{"a2"});
  CHECK(where(waits(1, 4, 2)) == strings{"a2", "a1"});
  CHECK(where(waits(1, 6, 2)).empty());  // a2 has no three
  CHECK(where(waits(1, 5, 1)).empty());
  CHECK(where(waits(1, 4)) == strings{"a1"});
  CHECK(where(waits(1, 6)) == strings{"a1", "a2"});
  CHECK(where(waits(1, 7)).empty());
  slurm_job limited = waits(1, 6);
  limited.wants.most_nodes = 1;
  CHECK(where(limited).empty());
  slurm_job elsewhere = waits(1, 1);
  elsewhere.partitions = {"other"};
  CHECK(where(elsewhere).empty());
  slurm_job excluding = waits(1, 1);
  excluding.excluded_nodes = {"a2"};
  CHECK(where(excluding) == strings{"a1"});
  slurm_job typed = waits(1, 1);
  typed.wants.type = "k80";
  CHECK(where(typed).empty());
  CHECK(fits_alone(rooms_of(three_nodes(), {}), typed, "k80"));
}

TEST_CASE("of two gangs that do not fit together the one that is owed more runs") {
  const slurm_job a = waits(1, 4, 1), b = waits(2, 4, 1);
  for (const double owed : {-1.0, 1.0}) {
    std::vector<turn> turns{{&a, "v100", 0, {}}, {&b, "v100", owed, {}}};
    place(rooms_of(three_nodes(), {&a, &b}), turns);
    for (const turn& one : turns) CHECK(one.nodes.empty() == ((one.job == &b) == (owed < 0)));
  }
}

strings lines(const std::vector<command>& commands) {
  strings made;
  for (const command& one : commands) made.push_back(line_of(one));
  return made;
}

TEST_CASE("what is free within a round goes to whoever is owed most and has room, one turn a job") {
  // Of a1 one GPU is free, of a2 none, of b1 as many as there are.
  std::vector<pool> pools = three_nodes();
  pools[0].used = pools[0].gpus - 1;
  pools[1].used = pools[1].gpus;
  const slurm_job least = waits(1, 1), most = waits(2, 1), gang = waits(3, 2);
  const std::vector<turn> given = gifts(rooms_of(pools, {}), {{&least, "v100", 1, {}},
                                                              {&most, "k80", 5, {}},
                                                              {&gang, "v100", 9, {}},
                                                              {&most, "v100", 7, {}},
                                                              {&least, "k80", 0, {}}});
  REQUIRE(given.size() == 2);
  CHECK((given[0].job == &most && given[0].type == "v100" && given[0].nodes == strings{"a1"}));
  CHECK((given[1].job == &least && given[1].type == "k80" && given[1].nodes == strings{"b1"}));
  CHECK(gifts(rooms_of(pools, {}), {}).empty());
}

TEST_CASE("commands lead from what is to what a round wants, and who stays gets none") {
  slurm_job open = waits(5, 1), told_before = waits(6, 1);
  open.is_held = told_before.is_held = false;
  told_before.wanted_nodes = {"b1"};
  const slurm_job stays = runs(1, 1, {"a1"}, "v100"), stops = runs(2, 1, {"a1"}, "v100"),
                  moves = runs(3, 1, {"a2"}, "v100"), starts = waits(4, 2);
  const decisions found =
      decide({&stays, &stops, &moves, &starts, &open, &told_before}, {{&stays, "v100", 0, {"a1"}},
                                                                      {&moves, "k80", 0, {"b1"}},
                                                                      {&starts, "v100", 0, {"a2"}},
                                                                      {&told_before, "k80", 0, {"b1"}}});
  CHECK(found.kept == std::vector<int>{1});
  CHECK(found.released_before == std::vector<int>{6});
  // A job that Slurm queued again, as its node failed, would wait for two minutes.
  told_before.reason = "BeginTime";
  const decisions again = decide({&told_before}, {{&told_before, "k80", 0, {"b1"}}});
  REQUIRE(again.starts.size() == 1);
  CHECK(line_of(again.starts[0].place) == "scontrol update JobId=6 ReqNodeList=b1 StartTime=now");
  CHECK(lines(found.holds) == strings{"scontrol hold 5"});
  CHECK(lines(found.stops) == strings{"scontrol requeuehold incomplete 2", "scontrol requeuehold incomplete 3"});
  REQUIRE(found.starts.size() == 2);
  CHECK(line_of(found.starts[0].place) == "scontrol update JobId=3 ReqNodeList=b1 StartTime=now");
  CHECK(line_of(found.starts[1].place) == "scontrol update JobId=4 ReqNodeList=a2 StartTime=now");
  CHECK(line_of(found.starts[1].release) == "scontrol release 4");
}

TEST_CASE("a job without a place waits: it is stopped or held, not lost") {
  const slurm_job running = runs(1, 1, {"a1"}, "v100");
  slurm_job open = waits(2, 1);
  open.is_held = false;
  const decisions found = decide({&running, &open}, {{&running, "v100", 0, {}}, {&open, "v100", 0, {}}});
  CHECK(lines(found.stops) == strings{"scontrol requeuehold incomplete 1"});
  CHECK(lines(found.holds) == strings{"scontrol hold 2"});
  CHECK(found.starts.empty());
}

TEST_CASE("a gang over any nodes says over how many, once that is not one") {
  const slurm_job wide = waits(1, 6);
  decisions found = decide({&wide}, {{&wide, "v100", 0, {"a1", "a2"}}});
  CHECK(line_of(found.starts.at(0).place) == "scontrol update JobId=1 ReqNodeList=a1,a2 StartTime=now NumNodes=2-2");
  slurm_job narrow = waits(1, 4);
  narrow.node_count = 2;  // from the last time
  found = decide({&narrow}, {{&narrow, "v100", 0, {"a1"}}});
  CHECK(line_of(found.starts.at(0).place) == "scontrol update JobId=1 ReqNodeList=a1 StartTime=now NumNodes=1-1");
}

TEST_CASE("two jobs with one GPU are noticed") {
  slurm_job a = runs(1, 1, {"a1"}, "v100"), b = runs(2, 1, {"a1"}, "v100");
  a.holds = {{{"v100", 1, {0}}}};
  b.holds = {{{"v100", 1, {1}}}};
  CHECK(held_twice({a, b}).empty());
  b.holds = {{{"v100", 1, {0}}}};
  CHECK(held_twice({a, b}) == "jobs 1 and 2 both hold GPU 0 of a1");
  b.nodes = {"a2"};
  CHECK(held_twice({a, b}).empty());
  b.nodes = {"a1"};
  b.state = phase::leaving;
  CHECK(held_twice({a, b}).empty());
}

TEST_CASE("a controller that was started anew is waited for until its nodes have told of their GPUs") {
  std::set<std::string> indexed;
  std::vector<pool> pools = three_nodes();
  CHECK(unsettled_node(pools, {}, indexed).empty());
  pools[1].knows_indices = false;
  CHECK(unsettled_node(pools, {}, indexed) == "a2");
  // Where indices are never told nobody waits for them, unless a job there has one.
  indexed.clear();
  CHECK(unsettled_node(pools, {}, indexed).empty());
  slurm_job job = runs(1, 1, {"a2"}, "v100");
  job.holds = {{{"v100", 1, {0}}}};
  CHECK(unsettled_node(pools, {job}, indexed) == "a2");
  indexed.clear();
  pools[2].is_unknown = true;
  CHECK(unsettled_node(pools, {}, indexed) == "b1");
  pools[2].is_up = false;
  CHECK(unsettled_node(pools, {}, indexed).empty());
}

TEST_CASE("time is counted from start to end, through looks, requeues and other types") {
  book one;
  slurm_job job = runs(1, 1, {"a1"}, "v100");
  job.started = 100;
  count(one, job, 110);
  CHECK(one.received["v100"] == 10);
  count(one, job, 115);
  CHECK(one.received["v100"] == 15);
  // Requeued by somebody and started on another type since the last look, in whole seconds of Slurm.
  job.holds = {{{"k80", 1, {0}}}};
  job.started = 118;
  count(one, job, 120);
  CHECK(one.received["k80"] == 2);
  CHECK(one.received["v100"] == 15);
  // A run that was not there at the last look began after it, whatever Slurm rounds to.
  slurm_job waiting = waits(1, 1);
  count(one, waiting, 130.5);
  job.started = 130;
  count(one, job, 131);
  CHECK(one.received["k80"] == 2.5);
  // It ends between two looks.
  job.state = phase::ended;
  job.ended = 133;
  count(one, job, 140);
  CHECK(one.received["k80"] == 4.5);
  count(one, job, 150);
  CHECK(one.received["k80"] == 4.5);
}

TEST_CASE("what is remembered is the same after it was written and read") {
  state made;
  made.saved = 1234.5;
  book& one = made.books[17];
  one.arrived = 100;
  one.wants = {.gang = 4, .nodes = 2, .most_nodes = 3, .type = {}, .fault = {}};
  one.received = {{"v100", 12.5}, {"k80", 3}};
  one.due = {{"v100", 13}};
  one.owed = {{"v100", -0.5}};
  one.share = {{"v100", 0.25}};
  one.steps = 1e6;
  one.isolated_seconds = 77;
  one.counted_until = 1234;
  one.runs_on = "v100";
  one.began = 1000;
  made.books[18].has_ended = true;
  const state read = state_of(json::parse(json_of(made).dump()), "state");
  CHECK(read.saved == made.saved);
  CHECK(read.books.size() == 1);
  const book& same = read.books.at(17);
  CHECK((same.received == one.received && same.due == one.due && same.owed == one.owed && same.share == one.share));
  CHECK((same.wants.gang == 4 && same.wants.nodes == 2 && same.wants.most_nodes == 3 && same.arrived == 100));
  CHECK((same.steps == 1e6 && same.isolated_seconds == 77 && same.counted_until == 1234 && same.began == 1000));
  CHECK(same.runs_on == "v100");
  json broken = json_of(made);
  broken["jobs"]["17"].erase("owed");
  CHECK_THROWS_AS(state_of(broken, "state"), plait::error);
  CHECK_THROWS_AS(state_of(json::object(), "state"), plait::error);
  CHECK_THROWS_AS(state_of(json::array(), "state"), plait::error);
}

TEST_CASE("throughputs are read as a list and as Gavel's oracle") {
  const throughputs listed{json::parse(R"json(
    [{"model": "A (16)", "gang": 2, "steps_per_second": {"v100": 4.5, "k80": 1}},
     {"model": "A (16)", "steps_per_second": {"v100": 3}}])json")};
  const throughputs oracle{json::parse(R"json(
    {"v100": {"('A (16)', 2)": {"null": 4.5, "('B', 1)": [1, 2]}, "('A (16)', 1)": {"null": 3}},
     "k80": {"('A (16)', 2)": {"null": 1}}})json")};
  for (const throughputs* one : {&listed, &oracle}) {
    CHECK(one->rate("A (16)", 2, "v100") == 4.5);
    CHECK(one->rate("A (16)", 2, "k80") == 1);
    CHECK(one->rate("A (16)", 1, "v100") == 3);
    CHECK(one->rate("A (16)", 1, "k80") == 0);
    CHECK((one->has("A (16)", 2) && !one->has("A (16)", 4) && !one->has("B", 1)));
  }
  CHECK((throughputs{}.has("anything", 3) && throughputs{}.rate("anything", 3, "v100") == 1));
  for (const char* wrong : {"3", R"json([{"model": "A"}])json", R"json([{"steps_per_second": {"v100": 1}}])json",
                            R"json({"v100": {"A": {"null": 1}}})json",
                            R"json([{"model": "A", "gang": 0, "steps_per_second": {"v100": 1}}])json",
                            R"json({"v100": {"('A', 1)": {"null": -1}}})json"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(throughputs{json::parse(wrong)}, plait::error);
  }
}

}  // namespace

#endif
