// SPDX-License-Identifier: Apache-2.0
// A schedule is data: the order of each rank's passes, which can be printed, verified, timed and drawn before anything
// runs. This program prints a schedule pass by pass and in time, and draws it.
//
//   02_schedule                                                     1F1B, 4 ranks, 8 micro-batches
//   02_schedule --schedule interleaved2 --micro 6 --svg step.svg    another one, with a picture
//
// In the picture in time each column is one unit: a forward pass takes 1 and shows the number of its micro-batch, a
// backward pass takes 2 and shows its letter (a for 0, b for 1), and a point is a rank that waits.

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <plait/plan.hpp>
#include <plait/timeline/svg.hpp>

#include <CLI/CLI.hpp>

namespace {

using namespace plait;

/// `F0 F1 B0`, and with the letter of the chunk where a rank has several, `F0a F1a F0b`.
std::string order_of(const program& one) {
  std::string text;
  for (const action& act : one.actions) {
    if (!is_compute(act.kind)) continue;
    text.append(act.kind == op::forward ? " F" : " B").append(std::to_string(act.micro));
    if (one.shape.chunks > 1) text += static_cast<char>('a' + act.chunk);
  }
  return text;
}

template <schedule S>
void print(int ranks, int micro, const std::string& svg) {
  const pipe_shape shape{.ranks = ranks, .micro = micro, .chunks = S::chunks};
  // [a program]
  const std::vector<program> programs = programs_of<S>(shape, {.optimize = false});
  require_valid("02_schedule", programs);
  const timeline step = predicted_timeline(programs, step_costs::uniform(shape));
  // [a program]

  std::printf("%s: %d ranks, %d micro-batches, stages on each rank: %d\n\n", std::string{S::name}.c_str(), ranks, micro,
              S::chunks);
  for (const program& one : programs) std::printf("rank %d %s\n", one.rank, order_of(one).c_str());

  const auto length = static_cast<std::size_t>(step.makespan());
  std::vector<std::string> lanes(programs.size(), std::string(length, '.'));
  for (const timeline_row& row : step.work())
    for (double at = row.begin; at < row.end; ++at)
      lanes[static_cast<std::size_t>(row.rank)][static_cast<std::size_t>(at)] =
          static_cast<char>(row.kind == op::forward ? '0' + row.micro % 10 : 'a' + row.micro % 26);
  std::printf("\n");
  for (const program& one : programs)
    std::printf("rank %d  %s  keeps %d\n", one.rank, lanes[static_cast<std::size_t>(one.rank)].c_str(),
                peak_activations(one));
  std::printf("\n%g units of time, of which %.1f %% are spent waiting\n", step.makespan(), 100 * step.bubble());

  if (svg.empty()) return;
  save_svg(svg, std::vector{step}, {.title = std::string{S::name}, .unit = time_unit::unit});
  std::printf("picture: %s\n", svg.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  std::string name = "1f1b", svg;
  int ranks = 4, micro = 8;
  CLI::App app{"Prints, times and draws a schedule of pipeline parallelism."};
  app.add_option("--schedule", name, "gpipe, 1f1b, interleaved2 or interleaved4")
      ->check(CLI::IsMember({"gpipe", "1f1b", "interleaved2", "interleaved4"}))
      ->capture_default_str();
  app.add_option("--ranks", ranks, "ranks of the pipeline")->check(CLI::Range(1, 64))->capture_default_str();
  app.add_option("--micro", micro, "micro-batches of a step")->check(CLI::Range(1, 256))->capture_default_str();
  app.add_option("--svg", svg, "write a picture to this file");
  try {
    app.parse(argc, argv);
    if (name == "gpipe") print<gpipe>(ranks, micro, svg);
    if (name == "1f1b") print<one_f_one_b>(ranks, micro, svg);
    if (name == "interleaved2") print<interleaved<2>>(ranks, micro, svg);
    if (name == "interleaved4") print<interleaved<4>>(ranks, micro, svg);
  } catch (const CLI::ParseError& wrong) {
    return app.exit(wrong) == 0 ? 0 : 2;
  } catch (const error& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return wrong.exit_status();
  }
}
