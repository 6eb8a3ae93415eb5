// SPDX-License-Identifier: Apache-2.0
// Draws, times, ranks and checks schedules of pipeline parallelism.
//
//   draw_schedule --schedule zb_v --stages 4 --micro 8 --svg zb_v.svg     a picture for a paper or a bug report
//   draw_schedule --schedule 1f1b --costs 1,1.4,0.6 --message 0.25        passes and messages that cost what they cost
//   draw_schedule --check order.csv --memory-limit 4                      is a hand-edited order right, and how long?
//   draw_schedule --rank-all --stages 8 --micro 16 --memory-limit 8       which schedule for this pipeline?
//   draw_schedule --schedule zb_v --skip 0,7 --skip 1,6 --message 0.25    a U-Net: stages that are not neighbours
//   draw_schedule --list                                                  what there is
//
// Costs are those of one pass through one stage, in any unit of time. FILE.json of --costs-file has them for each
// stage:
//
//   {"stages": [{"forward": 1, "backward_input": 1.2, "backward_weight": 0.8}, ...], "message": 0.1}
//
// or each stage as [1, 1.2, 0.8]. Exit status: 0 for a valid order, 2 for wrong use or a file that cannot be read, 3
// for an order that is not valid, cannot be delivered or exceeds the memory limit.

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <plait/schedule/named.hpp>
#include <plait/schedule/simulate.hpp>
#include <plait/schedule/synthesize.hpp>
#include <plait/schedule/verify_orders.hpp>
#include <plait/schedule/with_room.hpp>
#include <plait/timeline/svg.hpp>
#include <plait/timeline/trace.hpp>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "draw_schedule_costs.hpp"
#include "number_options.hpp"

namespace {

using namespace plait;
using draw_schedule::costs_of;
using draw_schedule::cut_again;
using draw_schedule::model_costs;

constexpr int invalid_order = 3;

struct arguments {
  std::string schedule, check, costs_file, csv, svg, trace, json;
  schedule_request pipe{};
  std::vector<double> costs{1, 1, 1};
  double message = 0;
  int memory_limit = 0;
  std::vector<int> skips{};  ///< from, to, from, to, ...
  bool list = false, rank_all = false, synthesize = false, comms = false;
};

// ---- one order

struct outcome {
  orders order;
  order_fault fault{};
  bool completes = false;  ///< an order beyond the memory limit is not valid, and has a length all the same
  double makespan = 0;
  double bubble = 0;
  double lower_bound = -1;  ///< of the length of any order; below 0: not asked for
  std::vector<int> peak_live{}, weight_versions{};
  int messages = 0;
  step_costs costs{};
  std::vector<program> programs{};
};

/// The skip edges of the model, which is cut into `stages`.
skip_edges skips_of(const arguments& given, int stages) {
  require(given.skips.size() % 2 == 0, "--skip", "an edge is two stages: FROM,TO");
  skip_edges skips;
  for (std::size_t i = 0; i < given.skips.size(); i += 2) {
    const int from = given.skips[i], to = given.skips[i + 1];
    require(from >= 0 && from < to && to < stages, "--skip", [&] {
      return "an edge leads from a stage to a later one of 0 to " + std::to_string(stages - 1) + ", not from " +
             std::to_string(from) + " to " + std::to_string(to);
    });
    skips.add({static_cast<std::int16_t>(from), static_cast<std::int16_t>(to)});
  }
  return skips;
}

outcome examine(orders order, step_costs costs, int memory_limit, const skip_edges& skips = {}) {
  outcome result{.order = std::move(order), .costs = std::move(costs)};
  const auto peak = [](const std::vector<pass>& passes) {
    const bool trains =
        std::any_of(passes.begin(), passes.end(), [](const pass& one) { return is_backward(one.kind); });
    return trains ? detail::peak_of(passes.data(), passes.data() + passes.size()) : 0;
  };
  for (const std::vector<pass>& mine : result.order.passes) result.peak_live.push_back(peak(mine));
  result.fault = verify_orders(result.order, 0, skips);
  if (result.fault.valid) {
    result.order = with_room(std::move(result.order), result.costs, skips);
    result.programs = programs_of(result.order, {.skips = skips});
    const simulation step = simulate(result.programs, result.costs);
    result.completes = step.completes;
    result.makespan = step.makespan;
    result.bubble = step.bubble();
    for (const program& one : result.programs) {
      result.weight_versions.push_back(*std::max_element(one.versions.begin(), one.versions.end()));
      result.messages += static_cast<int>(
          std::count_if(one.actions.begin(), one.actions.end(), [](const action& act) { return is_send(act.kind); }));
    }
    result.fault = verify_orders(result.order, memory_limit, skips);
  }
  return result;
}

nlohmann::json json_of(const outcome& one) {
  const pipe_shape shape = one.order.shape;
  nlohmann::json said{{"schedule", one.order.name},
                      {"ranks", shape.ranks},
                      {"stages", shape.stages()},
                      {"micro", shape.all_micro()},
                      {"chunks", shape.chunks},
                      {"valid", one.fault.valid},
                      {"reason", to_string(one.fault)},
                      {"makespan", nullptr},
                      {"bubble", nullptr},
                      {"peak_live", one.peak_live},
                      {"weight_versions", one.weight_versions},
                      {"messages", nullptr}};
  if (one.completes) {
    said["makespan"] = one.makespan;
    said["bubble"] = one.bubble;
    said["messages"] = one.messages;
  }
  if (one.lower_bound >= 0) said["lower_bound"] = one.lower_bound;
  return said;
}

void write_json(const std::string& file, const nlohmann::json& said) {
  if (file.empty()) return;
  std::ofstream out{file};
  out << said.dump(2) << '\n';
  out.close();
  if (!out) throw error{error_kind::io, "--json", "cannot write " + file};
}

std::string title_of(const pipe_shape& shape, const std::string& name) {
  std::string text = name;
  text.append(": ").append(std::to_string(shape.ranks)).append(shape.ranks == 1 ? " rank, " : " ranks, ");
  text.append(std::to_string(shape.all_micro())).append(shape.all_micro() == 1 ? " micro-batch" : " micro-batches");
  if (shape.chunks > 1) text.append(", ").append(std::to_string(shape.chunks)).append(" chunks on each rank");
  return text;
}

int report(const outcome& one, const arguments& given) {
  const std::string title = title_of(one.order.shape, one.order.name);
  std::printf("%s\n", title.c_str());
  if (one.completes) {
    std::printf("makespan %.6g, bubble %.2f %%, %d messages\n\n", one.makespan, 100 * one.bubble, one.messages);
    std::printf("%5s  %10s  %15s\n", "rank", "peak live", "weight versions");
    for (std::size_t rank = 0; rank < one.peak_live.size(); ++rank)
      std::printf("%5zu  %10d  %15d\n", rank, one.peak_live[rank], one.weight_versions[rank]);
  }
  write_json(given.json, json_of(one));
  if (!given.csv.empty()) save_csv(given.csv, given.comms && one.completes ? with_messages(one.order) : one.order);
  if (one.completes && !(given.svg.empty() && given.trace.empty())) {
    timeline step = predicted_timeline(one.programs, one.costs);
    step.name.clear();
    if (!given.svg.empty()) save_svg(given.svg, std::vector{step}, {.title = title, .unit = time_unit::unit});
    step.name = title;
    if (!given.trace.empty()) save_trace(given.trace, std::vector{step});
  }
  if (one.fault.valid) return 0;
  std::fprintf(stderr, "draw_schedule: the order is not valid: %s\n", to_string(one.fault).c_str());
  return invalid_order;
}

// ---- several

int list(const arguments& given) {
  nlohmann::json all = nlohmann::json::array();
  for (const schedule_facts& one : known_schedules) {
    std::printf("%-17s %s%s%s\n", std::string{one.name}.c_str(), std::string{one.what}.c_str(),
                one.needs.empty() ? "" : "; needs: ", std::string{one.needs}.c_str());
    all.push_back({{"name", one.name},
                   {"what", one.what},
                   {"needs", one.needs},
                   {"when", one.when},
                   {"step", one.step},
                   {"holds", one.holds},
                   {"peak", one.peak},
                   {"messages", one.messages},
                   {"versions", one.versions}});
  }
  write_json(given.json, {{"schedules", all}});
  return 0;
}

int rank_all(const arguments& given, const model_costs& costs) {
  const int pieces = given.pipe.ranks * std::max(given.pipe.chunks, 1);
  const std::vector<stage_costs> model = costs.of_stages(pieces).stages;
  struct entry {
    outcome found;
    double peak = 0;  ///< in the pieces that the costs are of
  };
  std::vector<entry> all;
  std::string left_out;
  const auto leave_out = [&](std::string_view name, std::string_view why) {
    left_out.append("  ").append(name).append(": ").append(why).append("\n");
  };
  for (const schedule_facts& known : known_schedules) {
    if (known.name == "forward_only") continue;
    schedule_request wanted = given.pipe;
    if (known.name != "pipedream_2bw") wanted.steps = 1;
    const bool any = known.name.starts_with("interleaved") || known.name == "looped_bfs" || known.name == "hanayo";
    if (!any || wanted.chunks < 2) wanted.chunks = 0;
    try {
      orders order = orders_of(known.name, wanted);
      const int stages = order.shape.stages();
      const std::vector<stage_costs> cut = cut_again(model, stages);
      if (cut.empty()) {
        leave_out(known.name, "its stages cannot be made of the stages that have costs");
        continue;
      }
      entry one{examine(std::move(order), costs.of(cut), 0)};
      one.peak = *std::max_element(one.found.peak_live.begin(), one.found.peak_live.end()) *
                 static_cast<double>(pieces) / stages;
      if (!one.found.completes) {
        leave_out(known.name, to_string(one.found.fault));
      } else if (given.memory_limit > 0 && one.peak > given.memory_limit) {
        char text[64];
        std::snprintf(text, sizeof text, "it keeps %g stages alive", one.peak);
        leave_out(known.name, text);
      } else {
        all.push_back(std::move(one));
      }
    } catch (const error& wrong) {
      leave_out(known.name, wrong.sentence());
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const entry& a, const entry& b) {
    return a.found.makespan != b.found.makespan ? a.found.makespan < b.found.makespan : a.peak < b.peak;
  });
  std::printf(
      "%d ranks, %d micro-batches; one model of %d stages, cut finer or coarser where a schedule has another\n"
      "number of them; peak counts these stages, on the rank that keeps most\n\n",
      given.pipe.ranks, given.pipe.micro, pieces);
  std::printf("%-17s %6s %10s %8s %6s %9s %9s\n", "schedule", "chunks", "makespan", "bubble", "peak", "versions",
              "messages");
  nlohmann::json ranking = nlohmann::json::array();
  for (const entry& one : all) {
    const std::vector<int>& versions = one.found.weight_versions;
    std::printf("%-17s %6d %10.6g %6.2f %% %6.4g %9d %9d\n", one.found.order.name.c_str(), one.found.order.shape.chunks,
                one.found.makespan, 100 * one.found.bubble, one.peak,
                *std::max_element(versions.begin(), versions.end()), one.found.messages);
    ranking.push_back(json_of(one.found));
    ranking.back()["peak"] = one.peak;
  }
  if (!left_out.empty()) std::printf("\nleft out\n%s", left_out.c_str());
  write_json(given.json, {{"ranking", ranking}});
  return all.empty() ? invalid_order : 0;
}

int find_order(const arguments& given, const model_costs& costs) {
  const pipe_shape shape{
      .ranks = given.pipe.ranks, .micro = given.pipe.micro, .chunks = std::max(given.pipe.chunks, 1)};
  require_legal("synthesize", shape, positive_shape(shape));
  std::vector<int> limit;
  if (given.memory_limit > 0) limit.assign(static_cast<std::size_t>(shape.ranks), given.memory_limit);
  const step_costs each = costs.of_stages(shape.stages());
  const skip_edges skips = skips_of(given, shape.stages());
  orders found = synthesize(shape, each, limit, {}, skips);
  if (found.name.empty()) found.name = "synthesize";
  outcome examined = examine(std::move(found), each, given.memory_limit, skips);
  examined.lower_bound = lower_bound(shape, each, limit, skips);
  std::printf("no order is shorter than %.6g\n", examined.lower_bound);
  return report(examined, given);
}

int run(const arguments& given) {
  const int tasks = (given.list ? 1 : 0) + (given.rank_all ? 1 : 0) + (given.synthesize ? 1 : 0) +
                    (given.check.empty() ? 0 : 1) + (given.schedule.empty() ? 0 : 1);
  require(tasks == 1, "draw_schedule", "give one of --schedule, --check, --rank-all, --synthesize and --list");
  require(given.skips.empty() || !given.rank_all, "--skip",
          "schedules that cut the model into other numbers of stages have other edges; leave it out with --rank-all");
  if (given.list) return list(given);
  const model_costs costs = costs_of(given.costs, given.message, given.costs_file);
  if (given.rank_all) return rank_all(given, costs);
  if (given.synthesize) return find_order(given, costs);
  if (!given.check.empty()) {
    imported_orders read;
    try {
      read = load_csv(given.check);
    } catch (const error& wrong) {
      if (wrong.kind() != error_kind::schedule) throw;
      std::fprintf(stderr, "draw_schedule: the order is not valid: %s\n", wrong.sentence().c_str());
      outcome nothing{.order = {.name = given.check}, .fault = {.valid = false}};
      nlohmann::json said = json_of(nothing);
      for (const char* unknown : {"ranks", "stages", "micro", "chunks"}) said[unknown] = nullptr;
      said["reason"] = wrong.sentence();
      write_json(given.json, said);
      return invalid_order;
    }
    const int stages = read.orders.shape.stages();
    outcome found =
        examine(std::move(read.orders), costs.of_stages(stages), given.memory_limit, skips_of(given, stages));
    if (found.fault.rank >= 0 && found.fault.rank < static_cast<int>(read.columns.size())) {
      const std::vector<int>& columns = read.columns[static_cast<std::size_t>(found.fault.rank)];
      const auto position = static_cast<std::size_t>(found.fault.position);
      found.fault.position = position < columns.size() ? columns[position] : columns.back() + 1;
    }
    return report(found, given);
  }
  orders order = orders_of(given.schedule, given.pipe);
  const int stages = order.shape.stages();
  return report(examine(std::move(order), costs.of_stages(stages), given.memory_limit, skips_of(given, stages)), given);
}

}  // namespace

int main(int argc, char** argv) {
  arguments given;
  CLI::App app{"Draws, times, ranks and checks schedules of pipeline parallelism."};
  app.add_option("--schedule", given.schedule, "the name of a schedule; --list prints them");
  app.add_flag("--list", given.list, "print the schedules that there are, and their constraints");
  const auto whole = [&](const char* name, int& value, int most, const char* help) {
    return number_options::add_number(app, name, value, 1, most, help);
  };
  constexpr double longest = 1e15;
  whole("--stages", given.pipe.ranks, 4096, "ranks of the pipeline")->capture_default_str();
  whole("--micro", given.pipe.micro, 32767, "micro-batches of a step; of pipedream, steps of one each")
      ->capture_default_str();
  whole("--chunks", given.pipe.chunks, 4096, "stages on each rank; if not given, the schedule's own, or two");
  whole("--group", given.pipe.group, 32767,
        "micro-batches of a group of interleaved schedules; if not given, as many as there are ranks, and what "
        "is left over dealt out");
  whole("--steps", given.pipe.steps, 32767, "of pipedream_2bw, without draining between them")->capture_default_str();
  number_options::add_numbers(app, "--costs", given.costs, 0, longest,
                              "time of a forward pass, of an input half and of a weight half: F,I,W")
      ->expected(3);
  number_options::add_number(app, "--message", given.message, 0, longest, "time of a message between ranks");
  app.add_option("--costs-file", given.costs_file, "JSON file with the costs of each stage");
  number_options::add_numbers(
      app, "--skip", given.skips, 0, 1 << 24,
      "a stage whose output a later one needs that is not the next: FROM,TO; may be given several times");
  whole("--memory-limit", given.memory_limit, 1 << 20, "chunks that a rank may keep alive");
  app.add_option("--csv", given.csv, "write the order to this file, in the form of torch.distributed.pipelining");
  app.add_flag("--comms", given.comms, "with sends and receives in that file");
  app.add_option("--svg", given.svg, "draw the step into this file");
  app.add_option("--trace", given.trace, "write the step to this file, for ui.perfetto.dev");
  app.add_option("--json", given.json, "write what was found to this file");
  app.add_option("--check", given.check, "verify and time the order in this CSV file");
  app.add_flag("--rank-all", given.rank_all, "simulate every schedule that fits, and print them by makespan");
  app.add_flag("--synthesize", given.synthesize, "search for an order for these costs and this memory limit");
  try {
    app.parse(argc, argv);
    return run(given);
  } catch (const CLI::ParseError& wrong) {
    return number_options::exit_of(app, wrong, "draw_schedule");
  } catch (const number_options::wrong_number& wrong) {
    return number_options::exit_of(wrong, "draw_schedule");
  } catch (const error& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return wrong.exit_status();
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "draw_schedule: %s\n", wrong.what());
    return 1;
  }
}
