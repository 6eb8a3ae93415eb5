// SPDX-License-Identifier: Apache-2.0
#pragma once
// The grid on which orders that are found are compared with the fixed schedules: docs/design/synthesize.md.

#include <algorithm>
#include <cstddef>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <plait/schedule/costs.hpp>
#include <plait/schedule/simulate.hpp>
#include <plait/schedule/synthesize.hpp>

namespace testing {

struct synthesis_case {
  plait::pipe_shape shape{};
  std::string_view costs_name{};
  double message = 0;  ///< latency; the unit of time is a forward pass of the unit case
  std::vector<int> limit{};
  plait::step_costs costs{};
  plait::skip_edges skips{};

  [[nodiscard]] std::string name() const {
    std::string text{costs_name};
    text.append(", ").append(std::to_string(shape.ranks)).append(" ranks, ").append(std::to_string(shape.micro));
    text.append(" micro-batches, ").append(std::to_string(shape.chunks)).append(" chunks, message ");
    text.append(std::to_string(message)).append(", limit ");
    return text.append(limit.empty() ? "none" : std::to_string(limit[0]));
  }
};

/// Costs of one stage out of `stages`, for each kind of costs in the grid.
struct synthesis_costs {
  std::string_view name;
  plait::stage_costs (*of)(int stage, int stages);
};
inline constexpr synthesis_costs kinds_of_costs[]{
    {"equal",
     [](int, int) {
       return plait::stage_costs{1, 1, 1, {}};
     }},
    {"input half longer",
     [](int, int) {
       return plait::stage_costs{1, 1.4, 0.6, {}};
     }},
    {"last stage slow",
     [](int stage, int stages) {
       const double slow = stage + 1 == stages ? 1.5 : 1;
       return plait::stage_costs{slow, slow, slow, {}};
     }},
    {"all uneven",
     [](int stage, int) {
       const double slow = 1 + 0.1 * (stage * 7 % 5);
       return plait::stage_costs{slow, 1.2 * slow, 0.8 * slow, {}};
     }},
};

/// All cases of some numbers of ranks and of micro-batches: one or two chunks, each kind of costs, with messages of no
/// time and of half a pass, limits from the least to none.
inline std::vector<synthesis_case> synthesis_grid(const std::vector<int>& ranks, const std::vector<int>& micros) {
  std::vector<synthesis_case> all;
  for (const int chunks : {1, 2})
    for (const int p : ranks)
      for (const int micro : micros) {
        // Nothing to spare, one more, half of 1F1B's, 1F1B's, twice that, no limit.
        const std::set<int> limits{chunks, chunks + 1, chunks * ((p + 1) / 2), chunks * p, 2 * chunks * p};
        for (const synthesis_costs& kind : kinds_of_costs)
          for (const double message : {0.0, 0.5})
            for (int limit : {0, 1, 2, 3, 4, 5}) {
              synthesis_case one{.shape = {p, micro, chunks}, .costs_name = kind.name, .message = message};
              if (limit < static_cast<int>(limits.size())) {
                const int most = *std::next(limits.begin(), limit);
                if (most >= chunks * micro) continue;
                one.limit.assign(static_cast<std::size_t>(p), most);
              } else if (limit < 5) {
                continue;
              }
              for (int stage = 0; stage < one.shape.stages(); ++stage)
                one.costs.stages.push_back(kind.of(stage, one.shape.stages()));
              one.costs.between_ranks.latency = {message};
              all.push_back(std::move(one));
            }
      }
  return all;
}

/// The grid of docs/design/synthesize.md: 2472 cases.
inline std::vector<synthesis_case> published_grid() {
  return synthesis_grid({2, 3, 4, 5, 6, 7, 8}, {2, 4, 8, 16, 32});
}

/// Every `step`-th case: a sample that meets all values of what a case is made of, for steps that are prime.
inline std::vector<synthesis_case> every(const std::vector<synthesis_case>& all, std::size_t step) {
  std::vector<synthesis_case> some;
  for (std::size_t i = 0; i < all.size(); i += step) some.push_back(all[i]);
  return some;
}

struct fixed_best {
  std::string_view name = "none";
  double makespan = std::numeric_limits<double>::infinity();
};

/// The shortest fixed schedule that keeps a case's limit, as `simulate` has it.
inline fixed_best best_fixed(const synthesis_case& one) {
  fixed_best best;
  plait::detail::for_each_fixed([&]<class S>() {
    if (S::chunks != one.shape.chunks || !S::accepts(one.shape).legal) return;
    for (int rank = 0; rank < one.shape.ranks; ++rank)
      if (!one.limit.empty() && S::peak_activations(one.shape, rank) > one.limit[static_cast<std::size_t>(rank)])
        return;
    const double makespan = plait::simulate(plait::programs_of<S>(one.shape, {.skips = one.skips}), one.costs).makespan;
    if (makespan < best.makespan) best = {S::name, makespan};
  });
  return best;
}

}  // namespace testing
