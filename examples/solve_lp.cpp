// SPDX-License-Identifier: Apache-2.0
// Solves a linear program from a file, and says how it knows: every status comes with a certificate that was checked
// against the file's own numbers in 32-digit arithmetic.
//
//   solve_lp model.mps                              MPS, fixed or free; CPLEX LP format where the name ends in .lp or
//   .LP solve_lp model.mps --json answer.json           the same for a program solve_lp model.mps --basis-out b.bas ...
//   and, after a change of the model: solve_lp changed.mps --basis-in b.bas           goes on from there
//
// Exit status: 0 when the status is proved (optimal, infeasible or unbounded), 1 at a limit or without a proof, 2 for
// wrong use or a file that cannot be read. Whole columns are branched on; where their relaxation is unbounded and no
// whole point is known the status is infeasible_or_unbounded, which proves neither.

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <exception>
#include <string>
#include <string_view>

#include <plait/core/error.hpp>
#include <plait/solve.hpp>
#include <plait/solve/branch_and_bound.hpp>
#include <plait/solve/formats.hpp>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "number_options.hpp"

namespace {

using namespace plait;

struct arguments {
  std::string file, presolve = "on", algorithm = "auto", basis_in, basis_out, solution, json;
  double time_limit = infinity;
  int repeat = 1;
  bool log = false, presolve_given = false;
};

/// In large letters or small.
bool is_lp_file(const std::string& file) {
  return file.size() >= 3 && detail::same_word(std::string_view{file}.substr(file.size() - 3), ".LP");
}

void print_line(void* /*context*/, const char* line) {
  std::fprintf(stderr, "%s\n", line);
}

solve_options options_of(const arguments& given) {
  solve_options options;
  options.presolve = given.presolve == "on";
  if (given.algorithm == "dual") options.algorithm = lp_algorithm::dual;
  if (given.algorithm == "primal") options.algorithm = lp_algorithm::primal;
  options.time_limit = given.time_limit;
  if (given.log) options.log = print_line;
  return options;
}

/// Whether the objective is that of a point: without one its number says nothing.
bool has_objective(const answer& found) {
  return found.status != termination::infeasible && (found.x.size() > 0 || found.status == termination::optimal);
}

void write_solution(const lp& model, const answer& found, const std::string& file) {
  std::string text = std::string{"status "}.append(name_of(found.status)).append("\n");
  const auto number = [](double value) { return detail::number_text(value); };
  if (has_objective(found)) text.append("objective ").append(number(found.objective)).append("\n");
  for (int j = 0; j < found.x.size(); ++j) {
    text.append("column ").append(model.column_name(j)).append(" ").append(number(found.x[j])).append(" ");
    text.append(j < found.reduced_cost.size() ? number(found.reduced_cost[j]) : "0").append("\n");
  }
  for (int i = 0; i < found.activity.size(); ++i) {
    text.append("row ").append(model.row_name(i)).append(" ").append(number(found.activity[i])).append(" ");
    text.append(i < found.dual.size() ? number(found.dual[i]) : "0").append("\n");
  }
  write_text(file, text);
}

/// Some answers have no basis: bounds that cross need none, and branch and bound without a solution has none to give.
void write_basis_of(const lp& model, const answer& found, const std::string& file) {
  if (found.basis.columns.size() == model.columns() && found.basis.rows.size() == model.rows()) {
    write_basis(model, found.basis, file);
  } else {
    std::fprintf(stderr, "solve_lp: there is no basis to write to %s; the status is %s\n", file.c_str(),
                 std::string{name_of(found.status)}.c_str());
  }
}

void write_json(const lp& model, const answer& found, double cpu_seconds, const std::string& file) {
  const nlohmann::json said{{"status", name_of(found.status)},
                            {"objective", has_objective(found) ? nlohmann::json(found.objective) : nlohmann::json()},
                            {"iterations", found.iterations},
                            {"nodes", found.nodes},
                            {"seconds", found.seconds},
                            {"cpu_seconds", cpu_seconds},
                            {"rows", model.rows()},
                            {"columns", model.columns()},
                            {"nonzeros", model.entries()},
                            {"max_primal_residual", found.max_primal_residual},
                            {"max_dual_residual", found.max_dual_residual},
                            {"relative_gap", found.relative_gap},
                            {"explanation", found.explanation},
                            {"certificate", {{"kind", name_of(found.certificate)}, {"verified", found.verified}}}};
  write_text(file, said.dump(2) + "\n");
}

int run(const arguments& given) {
  const model_text<lp> read = is_lp_file(given.file) ? read_lp(given.file) : read_mps(given.file);
  const lp& model = read.model;
  for (const std::string& note : read.notes) std::fprintf(stderr, "%s: %s\n", given.file.c_str(), note.c_str());
  const basis start = given.basis_in.empty() ? basis{} : read_basis(model, given.basis_in);
  const char* const integer = model.has_integers() ? "the model has whole columns, and branch and bound" : nullptr;
  if (!given.basis_in.empty() && integer != nullptr) {
    std::fprintf(stderr, "solve_lp: --basis-in has no effect: %s starts from none\n", integer);
  }
  if (given.presolve_given && given.presolve == "on" && integer != nullptr) {
    std::fprintf(stderr, "solve_lp: --presolve on has no effect: %s leaves it out\n", integer);
  }
  const solve_options options = options_of(given);
  answer found;
  double cpu_seconds = infinity;
  for (int run = 0; run < given.repeat; ++run) {
    simplex solver;  // nothing is kept from one to the next
    const std::clock_t began = std::clock();
    found = model.has_integers() ? branch_and_bound(model, options) : solver.solve(model, options, start);
    cpu_seconds = std::min(cpu_seconds, static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC);
  }

  std::printf("%s: %d rows, %d columns, %d nonzeros\n", given.file.c_str(), model.rows(), model.columns(),
              model.entries());
  std::printf("status       %s\n", std::string{name_of(found.status)}.c_str());
  if (has_objective(found)) std::printf("objective    %.15g\n", found.objective);
  std::printf("certificate  %s, %s\n", std::string{name_of(found.certificate)}.c_str(),
              found.verified ? "verified" : "not verified");
  if (!found.explanation.empty()) std::printf("because      %s\n", found.explanation.c_str());
  std::printf("iterations   %lld\nseconds      %.4f\n", static_cast<long long>(found.iterations), found.seconds);

  if (!given.solution.empty()) write_solution(model, found, given.solution);
  if (!given.basis_out.empty()) write_basis_of(model, found, given.basis_out);
  if (!given.json.empty()) write_json(model, found, cpu_seconds, given.json);
  switch (found.status) {
    case termination::optimal:
    case termination::infeasible:
    case termination::unbounded:
      return found.verified ? 0 : 1;
    default:
      return 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  arguments given;
  CLI::App app{"Solves a linear program and checks the answer."};
  app.add_option("file", given.file, "the model: .mps, or .lp for CPLEX LP format")->required();
  app.add_option("--presolve", given.presolve, "on or off")->check(CLI::IsMember({"on", "off"}))->capture_default_str();
  app.add_option("--algorithm", given.algorithm, "auto, dual or primal")
      ->check(CLI::IsMember({"auto", "dual", "primal"}))
      ->capture_default_str();
  number_options::add_number(app, "--time-limit", given.time_limit, 0, 1e9, "seconds");
  app.add_option("--basis-in", given.basis_in, "start from the basis in this file");
  app.add_option("--basis-out", given.basis_out, "write the last basis to this file");
  app.add_option("--solution", given.solution, "write values and duals to this file");
  app.add_option("--json", given.json,
                 "write what was found to this file; objective is null where there is no point, and relative_gap where "
                 "branch and bound has none");
  number_options::add_number(app, "--repeat", given.repeat, 1, 1000,
                             "solve this many times; cpu_seconds of --json is the least")
      ->capture_default_str();
  app.add_flag("--log", given.log, "say what happens, on stderr");
  try {
    app.parse(argc, argv);
    given.presolve_given = app.count("--presolve") > 0;
    return run(given);
  } catch (const CLI::ParseError& e) {
    return number_options::exit_of(app, e, "solve_lp");
  } catch (const number_options::wrong_number& e) {
    return number_options::exit_of(e, "solve_lp");
  } catch (const error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return e.exit_status();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "solve_lp: %s\n", e.what());
    return 1;
  }
}
