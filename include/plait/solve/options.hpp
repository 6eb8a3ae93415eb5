// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/solve/lp.hpp>

namespace plait {

struct answer;

enum class lp_algorithm {
  automatic,  ///< primal from a basis that is primal feasible and not dual feasible, else dual
  dual,
  primal
};

/// How to solve. The defaults serve every model; none of them is about speed against accuracy.
struct solve_options {
  lp_algorithm algorithm = lp_algorithm::automatic;
  bool presolve = true;       ///< left out where a starting basis is given
  bool fold = true;           ///< solve one column and row for each class of alike ones first, likewise
  bool crash = true;          ///< start programs of blocks with few links from prices, see `detail::price_crash`, and
                              ///< the primal method from a triangular basis
  bool keep_factors = false;  ///< re-solves go on with the factors that pivots updated: they take a quarter less time,
                              ///< and last bits may depend on what this solver solved before; see docs/solver.md
  double tolerance = 1e-9;    ///< of values and reduced costs, on the model as given
  double time_limit = infinity;               ///< seconds of wall time
  std::int64_t iteration_limit = -1;          ///< none where negative
  double objective_limit = infinity;          ///< in the model's sense: stop once the optimum is proved to be worse, by
                                              ///< more than 1e-9 of the limit; see `simplex::solve`
  std::uint64_t seed = 0;                     ///< of perturbations; the same seed gives the same answer to the bit
  bool (*interrupt)(void*) = nullptr;         ///< asked now and then; true stops the solve
  void (*log)(void*, const char*) = nullptr;  ///< gets one line at a time
  void* context = nullptr;                    ///< handed to both
};

/// How branch and bound searches.
struct branching_options {
  double absolute_gap = 1e-9;  ///< a node is left when its bound is within this of the best whole solution
  double relative_gap = 1e-9;  ///< ... or within this share of its objective
  double whole = 1e-6;         ///< how far a value may be from a whole number
  std::int64_t node_limit = -1;
  void (*incumbent)(void*, const answer&) = nullptr;  ///< gets every better whole solution
  void* context = nullptr;
};

}  // namespace plait
