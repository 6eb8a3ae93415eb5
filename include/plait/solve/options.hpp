// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/solve/lp.hpp>

namespace plait {

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
  bool crash = true;          ///< start programs of blocks with few links from prices; see `detail::price_crash`
  bool keep_factors = false;  ///< re-solves go on with the factors that pivots updated: they take a quarter less time,
                              ///< and last bits may depend on what this solver solved before; see docs/solver.md
  double tolerance = 1e-9;    ///< of values and reduced costs, on the model as given
  double time_limit = infinity;               ///< seconds of wall time
  std::int64_t iteration_limit = -1;          ///< none where negative
  double objective_limit = infinity;          ///< in the model's sense: stop once the optimum is known to be worse
  std::uint64_t seed = 0;                     ///< of perturbations; the same seed gives the same answer to the bit
  bool (*interrupt)(void*) = nullptr;         ///< asked now and then; true stops the solve
  void (*log)(void*, const char*) = nullptr;  ///< gets one line at a time
  void* context = nullptr;                    ///< handed to both
};

}  // namespace plait
