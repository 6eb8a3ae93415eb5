// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/timeline/trace.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "timelines.hpp"

namespace {

using namespace plait;
using nlohmann::json;

json trace_of(const std::vector<timeline>& timelines) {
  std::ostringstream out;
  write_trace(out, timelines);
  return json::parse(out.str());
}
/// The events of one phase, of one process.
std::vector<json> events(const json& trace, const std::string& phase, int process) {
  std::vector<json> found;
  for (const json& event : trace.at("traceEvents"))
    if (event.at("ph") == phase && event.at("pid") == process) found.push_back(event);
  return found;
}

TEST_CASE("a trace has one complete event for each row, in microseconds, on the thread of its rank") {
  const timeline step = testing::two_ranks();
  const json trace = trace_of({step});
  const auto complete = events(trace, "X", 0);
  REQUIRE(complete.size() == step.rows.size());
  for (std::size_t i = 0; i < step.rows.size(); ++i) {
    const timeline_row& row = step.rows[i];
    CHECK(complete[i].at("tid") == row.rank);
    CHECK(complete[i].at("ts").get<double>() == row.begin * 1e6);
    CHECK(complete[i].at("dur").get<double>() == (row.end - row.begin) * 1e6);
    CHECK(complete[i].at("name").get<std::string>().starts_with(name_of(row.kind)));
  }
  // Rank 0 begins with the forward pass, then sends.
  CHECK(complete[0] == json::parse(R"({"ph": "X", "pid": 0, "tid": 0, "name": "forward 0", "cat": "compute", "ts": 0,
                                       "dur": 1000000, "args": {"stage": 0, "micro": 0, "chunk": 0}})"));
  CHECK(complete[1].at("args") == json::parse(R"({"stage": 0, "micro": 0, "chunk": 0, "bytes": 64})"));
  CHECK(complete[1].at("cat") == "communication");
}

TEST_CASE("times are round numbers where they should be") {
  const timeline one{
      .name = "one", .ranks = 1, .rows = {{.kind = op::optimizer_step, .begin = 0.25, .end = 0.2578125}}};
  std::ostringstream out;
  write_trace(out, std::vector{one});
  CHECK(out.str().find(R"("ts":250000,"dur":7812.5,"args":{})") != std::string::npos);
}

TEST_CASE("each timeline is a process, each rank a thread, under their names and in their order") {
  timeline predicted = testing::two_ranks(), measured = predicted;
  measured.name = "measured";
  measured.rank_names = {"rank 0 {data 0}", "rank 1 {data 1}"};
  const json trace = trace_of({predicted, measured});
  std::map<std::pair<int, std::string>, std::string> names;
  for (int process : {0, 1})
    for (const json& event : events(trace, "M", process)) {
      const std::string what = event.at("name");
      if (what == "process_name") names[{process, "process"}] = event.at("args").at("name");
      if (what == "thread_name")
        names[{process, std::to_string(event.at("tid").get<int>())}] = event.at("args").at("name");
      if (what == "process_sort_index") CHECK(event.at("args").at("sort_index") == process);
      if (what == "thread_sort_index") CHECK(event.at("args").at("sort_index") == event.at("tid"));
    }
  CHECK(names == std::map<std::pair<int, std::string>, std::string>{{{0, "process"}, "predicted"},
                                                                    {{0, "0"}, "rank 0"},
                                                                    {{0, "1"}, "rank 1"},
                                                                    {{1, "process"}, "measured"},
                                                                    {{1, "0"}, "rank 0 {data 0}"},
                                                                    {{1, "1"}, "rank 1 {data 1}"}});
  CHECK(events(trace, "X", 0).size() == events(trace, "X", 1).size());
}

TEST_CASE("each message is an arrow from its sender to its receiver") {
  const timeline step = testing::unit_timeline<interleaved<2>>({2, 3, 2});
  const json trace = trace_of({step, step});
  std::map<int, json> from;
  for (int process : {0, 1})
    for (const json& event : events(trace, "s", process)) {
      CHECK(from.count(event.at("id")) == 0);
      from[event.at("id")] = event;
    }
  CHECK(from.size() == 2 * 2 * 3 * 3);  // two timelines, two directions, three borders, three micro-batches
  std::size_t arrived = 0;
  for (int process : {0, 1})
    for (const json& event : events(trace, "f", process)) {
      const json& start = from.at(event.at("id"));
      CHECK(start.at("pid") == event.at("pid"));
      CHECK(start.at("tid") != event.at("tid"));
      CHECK(start.at("name") == event.at("name"));
      CHECK(start.at("ts").get<double>() <= event.at("ts").get<double>());
      ++arrived;
    }
  CHECK(arrived == from.size());
}

TEST_CASE("a message along a skip edge is an arrow of its own, from where the edge begins to where it ends") {
  const pipe_shape shape{4, 2, 1};
  const timeline step = predicted_timeline(
      programs_of<one_f_one_b>(shape, {.optimize = false, .skips = {{0, 3}, {0, 1}}}), step_costs::uniform(shape));
  const json trace = trace_of({step});
  std::map<std::pair<int, int>, int> ways;  // of ranks
  std::map<int, int> sender;
  for (const json& event : events(trace, "s", 0)) sender[event.at("id")] = event.at("tid");
  for (const json& event : events(trace, "f", 0)) ++ways[{sender.at(event.at("id")), event.at("tid")}];
  // Two micro-batches, either way; two messages between the first two ranks.
  CHECK(ways ==
        std::map<std::pair<int, int>, int>{
            {{0, 1}, 4}, {{0, 3}, 2}, {{1, 0}, 4}, {{1, 2}, 2}, {{2, 1}, 2}, {{2, 3}, 2}, {{3, 0}, 2}, {{3, 2}, 2}});
}

TEST_CASE("replicas that send the same message each have their own arrow") {
  timeline step{.name = "two replicas", .ranks = 4};
  for (int replica : {0, 1}) {
    step.rows.push_back({.rank = replica, .kind = op::send_activation, .stage = 0, .micro = 0, .begin = 1, .end = 1});
    step.rows.push_back(
        {.rank = 2 + replica, .kind = op::receive_activation, .stage = 1, .micro = 0, .begin = 0, .end = 2});
  }
  const json trace = trace_of({step});
  const auto from = events(trace, "s", 0), to = events(trace, "f", 0);
  REQUIRE(from.size() == 2);
  for (std::size_t i : {0u, 1u}) {
    CHECK(from[i].at("id") == to[i].at("id"));
    CHECK(to[i].at("tid").get<int>() == from[i].at("tid").get<int>() + 2);
  }
}

TEST_CASE("names with quotes, backslashes and control characters come back as they were") {
  const std::string name = "a \"quoted\" \\ name,\n\ttwo lines, \x01, \xc3\xa9";
  timeline step{.name = name, .ranks = 1, .rank_names = {name}};
  const json trace = trace_of({step});
  int names = 0;
  for (const json& event : trace.at("traceEvents")) {
    if (!event.at("args").contains("name")) continue;
    CHECK(event.at("args").at("name") == name);
    ++names;
  }
  CHECK(names == 2);  // of the process and of its rank
}

TEST_CASE("a trace of nothing is a trace") {
  CHECK(trace_of({}).at("traceEvents").empty());
  CHECK(events(trace_of({timeline{.name = "empty", .ranks = 2}}), "M", 0).size() == 6);
}

TEST_CASE("rows that cannot be drawn are refused with a sentence that names them") {
  timeline step{.name = "measured", .ranks = 1, .rows = {{.kind = op::forward, .begin = 2, .end = 1}}};
  CHECK_THROWS_WITH_AS(trace_of({step}),
                       doctest::Contains("timeline measured: a row of rank 0 (forward) runs from 2 to 1"), error);
  step.rows[0] = {.kind = op::forward, .begin = 0, .end = std::numeric_limits<double>::infinity()};
  CHECK_THROWS_AS(trace_of({step}), error);
  step.rows[0] = {.rank = 1, .kind = op::forward, .begin = 0, .end = 1};
  CHECK_THROWS_AS(trace_of({step}), error);
}

TEST_CASE("a trace is saved to a file, and a file that cannot be written is an io error") {
  const std::vector steps{testing::two_ranks()};
  const std::string file = "plait_test_trace.json";
  save_trace(file, steps);
  CHECK(json::parse(std::ifstream{file}) == trace_of(steps));
  std::remove(file.c_str());
  try {
    save_trace("no_such_folder/trace.json", steps);
    FAIL("nothing was thrown");
  } catch (const error& caught) {
    CHECK(caught.kind() == error_kind::io);
    CHECK(caught.sentence() == "cannot write no_such_folder/trace.json: No such file or directory");
  }
}

}  // namespace
