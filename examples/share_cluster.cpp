// SPDX-License-Identifier: Apache-2.0
// Says how the workers of a cluster should be shared among jobs, by the policy of one's choice, and what one more
// worker of each type would be worth. Linear programs behind the shares are solved exactly, and proved.
//
//   share_cluster jobs.json --policy max_min_perf                        a table of shares and prices
//   share_cluster jobs.json --policy makespan --json shares.json         the same for a program
//   share_cluster jobs.json --policy water_filling --svg shares.svg      a picture
//   share_cluster --list                                                 the names of policies
//
// An instance, here with two types of workers and three jobs; docs/allocation.md has all fields:
//
//   {"worker_types": ["v100", "k80"], "num_workers": [1, 2],
//    "throughput": [[40, 10], [12, 4], [100, 100]], "priority": [1, 2, 1], "steps_remaining": [1e5, 2e5, 3e5]}
//
// Exit status: 0; 1 when an answer could not be proved; 2 for wrong use or an instance that cannot be.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>

#include <plait/alloc.hpp>
#include <plait/alloc/svg.hpp>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "number_options.hpp"
#include "share_cluster_files.hpp"

namespace {

using namespace plait;

struct arguments {
  std::string file, policy, oracle, json, svg;
  share_settings how;
  bool list = false, agnostic = false;
};

void print(const instance& given, const named_policy& policy, const allocation& found) {
  std::printf("policy       %s\nobjective    %.12g\n", std::string{policy.name}.c_str(), found.objective);
  if (policy.solves_programs) {
    std::printf("certificate  %s, %d linear programs of up to %d rows and %d columns\n",
                found.certificate_verified ? "verified" : "not verified", found.programs, found.rows, found.columns);
  }
  std::printf("seconds      %.4f\n", found.seconds);
  if (!found.note.empty()) std::printf("note         %s\n", found.note.c_str());
  std::printf("\n%-8s", "job");
  for (const worker_type& type : given.cluster.types) std::printf(" %12.12s", type.name.c_str());
  std::printf(" %12s %12s\n", "in pairs", "steps/s");
  constexpr int most = 40;
  for (int i = 0; i < std::min(found.jobs, most); ++i) {
    std::printf("%-8d", i);
    double alone = 0;
    for (int j = 0; j < found.types; ++j) {
      std::printf(" %11.2f%%", 100 * found.share(i, j));
      alone += found.share(i, j);
    }
    std::printf(" %11.2f%% %12.6g\n", 100 * std::max(0.0, found.busy(i) - alone), found.throughputs[i]);
  }
  if (found.jobs > most) std::printf("... and %d jobs more; --json has them all\n", found.jobs - most);
  std::printf("%-8s", "in use");
  for (int j = 0; j < found.types; ++j) {
    const double all = given.cluster.types[j].num_workers;
    std::printf(" %11.2f%%", all > 0 ? 100 * workers_used(given, found, j) / all : 0.0);
  }
  std::printf("\n");
  if (found.prices.empty()) return;
  std::printf("%-8s", "price");
  for (const double price : found.prices) std::printf(" %12.6g", price);
  std::printf("\n");
}

int run(const arguments& given) {
  if (given.list) {
    for (const named_policy& one : policies) std::printf("%s\n", std::string{one.name}.c_str());
    return 0;
  }
  if (given.file.empty()) share_cluster::refuse("INSTANCE is missing; see --help");
  if (given.policy.empty()) share_cluster::refuse("--policy is missing; --list names the policies");
  const named_policy& policy = policy_of(given.policy);
  const nlohmann::json oracle = given.oracle.empty() ? nlohmann::json{} : share_cluster::read_json(given.oracle);
  const nlohmann::json file = share_cluster::read_json(given.file);
  share_cluster::input read = share_cluster::reader{file, given.oracle.empty() ? nullptr : &oracle, policy}.read();
  for (const std::string& name : read.unknown_fields)
    std::fprintf(stderr, "share_cluster: note: %s is no field of an instance and was not looked at\n", name.c_str());
  if (given.agnostic && given.how.space_sharing)
    std::fprintf(stderr, "share_cluster: note: --agnostic knows no pairs, so no two jobs share workers\n");
  if (given.agnostic) read.instance = as_if_equal(read.instance, true);
  const auto unproved = [&] {
    return "the answer could not be proved; the numbers lie too far apart, farthest those of " +
           share_cluster::widest_field(read.instance);
  };
  const allocation found = [&] {
    try {
      return policy.share(read.instance, given.how);
    } catch (const error& e) {
      if (e.kind() != error_kind::numerics) throw;
      throw error{error_kind::numerics, "share_cluster", unproved()};
    }
  }();
  print(read.instance, policy, found);
  const auto save = [](const std::string& name, auto&& write) {
    std::ofstream out{name};
    write(out);
    out.close();
    if (!out) share_cluster::refuse(name + " cannot be written");
  };
  if (!given.json.empty())
    save(given.json, [&](std::ostream& out) { out << share_cluster::write_json(read, policy, found).dump(1) << '\n'; });
  if (!given.svg.empty()) {
    const std::string title = std::string{policy.name}.append(": how the cluster is shared");
    save(given.svg, [&](std::ostream& out) { write_svg(out, read.instance, found, title); });
  }
  if (!policy.solves_programs || found.certificate_verified) return 0;
  std::fprintf(stderr, "share_cluster: %s\n", unproved().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  arguments given;
  CLI::App app{"Shares the workers of a cluster among jobs by a policy, and says what one more worker is worth."};
  app.add_option("instance", given.file, "the cluster and its jobs, JSON");
  app.add_option("--policy", given.policy, "its name; --list has all");
  app.add_option("--oracle", given.oracle, "throughputs alone and in pairs by job_type, JSON");
  app.add_option("--json", given.json, "write the shares to this file");
  app.add_option("--svg", given.svg, "draw the shares into this file");
  app.add_flag("--list", given.list, "print the names of the policies");
  app.add_flag("--space-sharing", given.how.space_sharing, "two jobs may share workers, under policies that use pairs");
  app.add_flag("--agnostic", given.agnostic, "take each job's rate on its first type for that on all types");
  number_options::add_number(app, "--partitions", given.how.partitions, 1, 1000000, "parts of the policy pop");
  number_options::add_number(app, "--seed", given.how.seed, 0, ~std::uint64_t{0}, "of the pairs of the policy gandiva");
  try {
    app.parse(argc, argv);
    return run(given);
  } catch (const CLI::ParseError& e) {
    return number_options::exit_of(app, e, "share_cluster");
  } catch (const error& e) {
    std::fprintf(stderr, "share_cluster: %s\n", cluster_files::one_line(e.sentence()).c_str());
    return e.exit_status();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "share_cluster: %s\n", e.what());
    return 1;
  }
}
