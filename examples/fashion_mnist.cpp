// SPDX-License-Identifier: Apache-2.0
// Trains a classifier of Fashion-MNIST pictures under a layout of your choice, and says how long a step was to take and
// took, and how much memory each rank was to need and needed.
//
//   fashion_mnist --layout data2_tensor2_pipeline2 --target 0.88 --timeline step.svg --compare-serial
//
// Ranks are threads, or processes:
//
//   mpirun -n 8 fashion_mnist --comm mpi --layout data2_tensor2_pipeline2
//
// The layouts are types: to try another, add it to the list below. The training loop is in fashion_mnist_run.hpp.

#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <type_traits>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "fashion_mnist_run.hpp"

namespace {

using namespace plait;

/// Calls body(list) with all layouts that are compiled in.
template <class... Layouts>
struct layout_list {
  static std::vector<std::string> names() { return names_of_layouts<Layouts...>(); }
  static layout_handle handle(const std::string& name) {
    layout_handle found;
    dispatch<Layouts...>(name, [&]<class L>(std::type_identity<L>) {
      static_assert(completes<L>(micro(8)), "every layout offered gets through a step of 8 micro-batches");
      found = handle_of_layout<L>();
    });
    return found;
  }
};

using layouts = layout_list<mesh<>, mesh<data<2>>, mesh<data<4>>, mesh<tensor<2>>, mesh<tensor<4>>, mesh<pipeline<2>>,
                            mesh<pipeline<4>>, mesh<pipeline<4, gpipe>>, mesh<pipeline<2, interleaved<2>>>,
                            mesh<data<2>, tensor<2>>, mesh<data<2>, tensor<2>, pipeline<2>>,
                            mesh<data<2>, tensor<2>, pipeline<2, interleaved<2>>>, mesh<data<2>, pipeline<4, gpipe>>>;

void list_layouts() {
  for (const std::string& name : layouts::names()) {
    const layout_handle one = layouts::handle(name);
    const coordinate ways = one.mesh.ways;
    std::printf("%-40s %2d ranks: data %d x tensor %d x pipeline %d, %s", name.c_str(), one.mesh.size(), ways.data,
                ways.tensor, ways.pipeline, std::string{one.schedule.name}.c_str());
    std::printf(one.mesh.chunks > 1 ? ", %d stages a rank\n" : "\n", one.mesh.chunks);
  }
}

nlohmann::json to_json(const fashion_options& options, const fashion_report& report) {
  nlohmann::json memory = nlohmann::json::array();
  for (std::size_t r = 0; r < report.measured_memory.size(); ++r) {
    nlohmann::json one{{"rank", r}, {"place", to_string(options.layout.mesh.coordinate_of(static_cast<int>(r)))}};
    for (int kind = 0; kind < memory_classes; ++kind) {
      const std::string name{name_of(static_cast<memory_class>(kind))};
      one["predicted"][name] = report.predicted_memory[r][static_cast<memory_class>(kind)];
      one["measured"][name] = report.measured_memory[r][static_cast<memory_class>(kind)];
    }
    memory.push_back(one);
  }
  char digest[24];
  std::snprintf(digest, sizeof digest, "%016" PRIx64, report.digest);
  nlohmann::json json{
      {"layout", options.layout_name},
      {"ranks", options.layout.mesh.size()},
      {"seed", options.seed},
      {"first_step", report.first_step},
      {"losses", report.losses},
      {"test_accuracy", report.test_accuracy},
      {"seconds_to_target", nullptr},
      {"samples_per_second", static_cast<double>(report.samples) / report.training_seconds},
      {"step_seconds", {{"measured", report.measured_step_seconds}, {"predicted", report.predicted.makespan()}}},
      {"bubble", {{"measured", report.measured_bubble}, {"predicted", report.predicted_bubble}}},
      {"memory_bytes", memory},
      {"parameters_digest", digest}};
  if (report.seconds_to_target >= 0) json["seconds_to_target"] = report.seconds_to_target;
  return json;
}

void print_report(const fashion_options& options, const fashion_report& report, const char* ranks) {
  std::printf("layout              %s, %d ranks as %s\n", options.layout_name.c_str(), options.layout.mesh.size(),
              ranks);
  if (!report.test_accuracy.empty()) std::printf("test accuracy       %.2f %%\n", 100 * report.test_accuracy.back());
  if (report.seconds_to_target >= 0)
    std::printf("time to %.0f %%        %.1f s\n", 100 * options.target, report.seconds_to_target);
  std::printf("samples per second  %.0f\n\n", static_cast<double>(report.samples) / report.training_seconds);
  if (!report.measured.rows.empty()) {
    std::printf("%-19s %12s %12s %8s\n", "", "predicted", "measured", "ratio");
    std::printf("%-19s %12s %12s %8.3f\n", "step time", to_string(seconds{report.predicted.makespan()}).c_str(),
                to_string(seconds{report.measured_step_seconds}).c_str(),
                report.measured_step_seconds / report.predicted.makespan());
    std::printf("%-19s %10.1f %% %10.1f %%\n", "bubble", 100 * report.predicted_bubble, 100 * report.measured_bubble);
  }
  for (std::size_t r = 0; r < report.measured_memory.size(); ++r) {
    const byte_count predicted = report.predicted_memory[r].total(), measured = report.measured_memory[r].total();
    std::printf("memory of rank %-4zu %12s %12s %8.3f   %s\n", r, to_string(predicted).c_str(),
                to_string(measured).c_str(), static_cast<double>(measured.value) / static_cast<double>(predicted.value),
                to_string(options.layout.mesh.coordinate_of(static_cast<int>(r))).c_str());
  }
}

/// Writes predicted and measured timelines, one above the other, as a picture or as a trace, by the ending of the name.
void write_timeline(const std::string& file, const fashion_options& options, const fashion_report& report) {
  require(!report.measured.rows.empty(), "fashion_mnist", "--timeline needs a run of at least 25 steps");
  const std::vector<timeline> both{report.predicted, report.measured};
  if (file.ends_with(".json"))
    save_trace(file, both);
  else
    save_svg(file, both, {.title = "fashion_mnist: a step of " + options.layout_name});
  std::printf("\ntimeline            %s\n", file.c_str());
}

/// Trains with one rank from the same seed and shows how far the losses are apart.
template <class Train>
void compare_with_one_rank(const fashion_options& options, const fashion_report& report, Train&& train) {
  fashion_options alone = options;
  alone.layout_name = "serial";
  alone.layout = layouts::handle("serial");
  alone.steps = static_cast<std::int64_t>(report.losses.size());
  alone.target = 0;
  alone.checkpoint.clear();
  alone.checkpoint_every = 0;
  std::printf("\nThe same with one rank from the same seed:\n");
  std::fflush(stdout);
  const fashion_report one = train(alone, "one rank  ");
  std::printf("\n%8s %20s %20s %12s\n", "step",
              options.layout_name.size() > 20 ? "layout" : options.layout_name.c_str(), "one rank", "difference");
  const auto difference = [&](std::size_t step) {
    return std::abs(report.losses[step] - one.losses[step]) / std::abs(one.losses[step]);
  };
  double first_worst = 0;
  const std::size_t last = report.losses.size() - 1;
  for (std::size_t step = 0; step <= std::min<std::size_t>(19, last); ++step)
    first_worst = std::max(first_worst, difference(step));
  for (std::size_t step = 1; step < last; step *= 4)
    std::printf("%8zu %20.9f %20.9f %12.1e\n", step, report.losses[step - 1], one.losses[step - 1],
                difference(step - 1));
  std::printf("%8zu %20.9f %20.9f %12.1e\n", last + 1, report.losses[last], one.losses[last], difference(last));
  std::printf(
      "\nThe losses of the first 20 steps agree to %.1e relative; float32 may differ by the order of its sums, by up "
      "to "
      "1e-3 (docs/design/equivalence.md).\n",
      first_worst);
  std::printf("test accuracy       %.2f %% under %s, %.2f %% with one rank\n", 100 * report.test_accuracy.back(),
              options.layout_name.c_str(), 100 * one.test_accuracy.back());
  if (first_worst > 1e-3)
    throw error{error_kind::numerics, "fashion_mnist", "the losses of the layout and of one rank do not agree"};
}

int run_program(int argc, char** argv) {
  fashion_options options;
  options.layout_name = "data2_tensor2_pipeline2";
  options.data = fashion_mnist_directory;
  std::string dtype = "f32", space = "host", comm = "threads", timeline_file, json_file;
  bool list = false, compare = false;

  CLI::App app{"Trains a classifier of Fashion-MNIST under a layout of data x tensor x pipeline parallelism."};
  app.add_option("--layout", options.layout_name, "the layout's name; --list-layouts prints them")
      ->capture_default_str();
  app.add_flag("--list-layouts", list, "print the layouts compiled in, one a line, name first");
  app.add_option("--micro", options.micro, "micro-batches of a step")->capture_default_str();
  app.add_option("--batch", options.batch, "samples of a step, over all ranks")->capture_default_str();
  app.add_option("--epochs", options.epochs, "passes over the training set, at most")->capture_default_str();
  app.add_option("--steps", options.steps, "stop after so many steps; 0: as many as the epochs have")
      ->capture_default_str();
  app.add_option("--target", options.target, "stop when the test accuracy reaches this, such as 0.88; 0: never")
      ->capture_default_str();
  app.add_option("--seed", options.seed, "of the initial values and of the order of samples")->capture_default_str();
  app.add_option("--data", options.data, "folder of the data set's four files")->capture_default_str();
  app.add_option("--checkpoint", options.checkpoint, "folder for checkpoints; one is written at the end");
  app.add_option("--checkpoint-every", options.checkpoint_every, "write one every so many steps as well; 0: no")
      ->capture_default_str();
  app.add_flag("--resume", options.resume, "go on from the newest checkpoint in the folder, under whatever layout");
  app.add_option("--dtype", dtype, "f32 or f64")->check(CLI::IsMember({"f32", "f64"}))->capture_default_str();
  app.add_option("--space", space, "host or cuda")->check(CLI::IsMember({"host", "cuda"}))->capture_default_str();
  app.add_option("--comm", comm,
                 "what ranks are: threads; mpi, processes that mpirun starts; or nccl, processes with a GPU each")
      ->check(CLI::IsMember({"threads", "mpi", "nccl"}))
      ->capture_default_str();
  app.add_flag("--graph", options.graph,
               "record the work of a step as a CUDA graph and launch that in later steps; needs --space cuda, and "
               "--layout serial or --comm nccl");
  app.add_option("--deadline", options.deadline, "seconds after which a rank that is waited for is missing")
      ->capture_default_str();
  app.add_option("--flight-record", options.flight_record,
                 "where to write what every rank did last, should the run fail; with mpi one file for each rank");
  app.add_option("--timeline", timeline_file, "write predicted and measured timelines: FILE.svg or FILE.json");
  app.add_option("--json", json_file, "write what was found, for a machine");
  app.add_flag("--compare-serial", compare, "then train with one rank from the same seed and compare the losses");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& wrong) {
    return app.exit(wrong) == 0 ? 0 : 2;
  }
  if (list) return list_layouts(), 0;
  options.layout = layouts::handle(options.layout_name);
  require(options.micro >= 1 && options.batch >= 1, "fashion_mnist", "--micro and --batch are at least 1");
  require(options.epochs >= 1 && options.steps >= 0, "fashion_mnist",
          "--epochs is at least 1, and --steps not below 0");
  require(options.target >= 0 && options.target <= 1, "fashion_mnist", "--target is a share of the test set, 0 to 1");
  require(options.checkpoint_every >= 0, "fashion_mnist", "--checkpoint-every counts steps; 0 is for none");
  require(!options.checkpoint.empty() || (!options.resume && options.checkpoint_every == 0), "fashion_mnist",
          "--resume and --checkpoint-every need --checkpoint, the folder");
  require(!options.resume || !compare, "fashion_mnist",
          "--compare-serial compares whole runs, and --resume makes the rest of one");
  require(timeline_file.empty() || timeline_file.ends_with(".svg") || timeline_file.ends_with(".json"), "fashion_mnist",
          "--timeline is a name that ends in .svg or .json");

  const bool f64 = dtype == "f64";
  require(comm != "mpi" || space == "host", "fashion_mnist", "--comm mpi is for --space host");
  require(comm != "nccl" || space == "cuda", "fashion_mnist", "--comm nccl is for --space cuda");
  require(!options.graph || (space == "cuda" && (comm == "nccl" || options.layout.mesh.size() == 1)), "fashion_mnist",
          "--graph is for --space cuda with one rank, --layout serial, or with ranks over NCCL, --comm nccl");
  const auto train_on_threads = [&](const fashion_options& what, const char* label) {
    if (space == "cuda") {
#if defined(PLAIT_EXAMPLE_CUDA)
      return train_fashion_on_cuda(what, f64, label);
#else
      throw error{error_kind::usage, "fashion_mnist", "this program was built without CUDA; --space is host"};
#endif
    }
    const threads<host> engine{.deadline_seconds = what.deadline, .flight_record = what.flight_record};
    return f64 ? train_fashion<double>(engine, what, label) : train_fashion<float>(engine, what, label);
  };
  const auto train = [&](const fashion_options& what, const char* label) {
    if (comm == "mpi") {
#if defined(PLAIT_EXAMPLE_MPI)
      return train_fashion_on_mpi(what, f64, label);
#else
      throw error{error_kind::usage, "fashion_mnist", "this program was built without MPI; --comm is threads"};
#endif
    }
    if (comm == "nccl") {
#if defined(PLAIT_EXAMPLE_NCCL)
      return train_fashion_on_nccl(what, f64, label);
#else
      throw error{error_kind::usage, "fashion_mnist", "this program was built without NCCL; --comm is threads"};
#endif
    }
    return train_on_threads(what, label);
  };
  const fashion_report report = train(options, options.layout_name.c_str());
  if (!report.here) return 0;
  print_report(options, report, comm == "threads" ? "threads" : "processes");
  if (!timeline_file.empty()) write_timeline(timeline_file, options, report);
  if (!json_file.empty()) {
    std::ofstream file{json_file};
    file << to_json(options, report).dump(2) << "\n";
    if (!file.flush()) throw error{error_kind::io, "fashion_mnist", json_file + " cannot be written"};
  }
  if (compare) compare_with_one_rank(options, report, train_on_threads);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run_program(argc, argv);
  } catch (const plait::error& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return wrong.exit_status();
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "fashion_mnist: %s\n", wrong.what());
    return 1;
  }
}
