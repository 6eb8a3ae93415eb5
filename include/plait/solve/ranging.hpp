// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/core/require.hpp>
#include <plait/solve/answer.hpp>
#include <plait/solve/detail/form.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/detail/work_vector.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/options.hpp>
#include <plait/solve/table.hpp>

namespace plait {

/// The range of one number of a program within which the basis of an answer stays optimal.
struct number_range {
  double low = -infinity, high = infinity;
};

struct ranging {
  bool found = false;         ///< false where a limit of time or the caller ended it: then there are no ranges
  table<number_range> cost;   ///< of each column's cost
  table<number_range> bound;  ///< of the bound that each row stands at; of basic rows: their activity alone, twice
};

namespace detail {

/// What `find_ranges` does, between its questions to `limits`.
inline ranging ranges_of_basis(const lp& model, const answer& optimal, monitor& limits) {
  const int m = model.rows(), n = model.columns();
  form program;
  program.limits = &limits;
  program.load(model, false);
  tableau t;
  t.attach(program);
  table<basis_status> status(n + m);
  for (int j = 0; j < n; ++j) status[j] = optimal.basis.columns[j];
  for (int i = 0; i < m; ++i) status[n + i] = optimal.basis.rows[i];
  int basic = 0;
  for (const basis_status one : status) basic += one == basis_status::basic ? 1 : 0;
  require(basic == m, "find_ranges", "the basis of the answer must have as many basic variables as the model has rows");
  t.set_basis(status);
  t.settle_all();
  t.factors.limits = &limits;
  require(t.refactor() == 0, "find_ranges", "the basis of the answer is none of the model");
  t.compute_values();
  t.compute_reduced_costs();
  const double sign = model.sense() == objective_sense::maximize ? -1 : 1;
  ranging found;
  found.cost.assign(n, {});
  found.bound.assign(m, {});
  work_vector row, rho, column;
  row.resize(n);
  rho.resize(m);
  column.resize(m);
  for (int j = 0; j < n; ++j) {
    limits.poll();
    double down = infinity, up = infinity;  // of the cost as it is minimized
    if (t.status[j] != basis_status::basic) {
      const double d = t.d[j];
      if (!t.is_fixed(j)) {
        if (t.status[j] == basis_status::lower) down = math::larger(d, 0);
        if (t.status[j] == basis_status::upper) up = math::larger(-d, 0);
        if (t.status[j] == basis_status::free) down = up = 0;
      }
    } else {
      rho.clear();
      rho.set(t.place[j], 1);
      t.factors.btran(rho, 1);
      t.price(rho, row);
      const auto see = [&](int k, double alpha) {
        // The cost rises by s: d_k falls by s alpha.
        if (t.status[k] == basis_status::basic || t.is_fixed(k) || math::abs(alpha) < 1e-11) return;
        const double room = math::abs(t.d[k] / alpha);
        const bool at_lower = t.status[k] == basis_status::lower, free = t.status[k] == basis_status::free;
        if (free || (alpha > 0) == at_lower) up = math::smaller(up, room);
        if (free || (alpha > 0) != at_lower) down = math::smaller(down, room);
      };
      for (int s = 0; s < row.count; ++s) see(row.index[s], row.value[row.index[s]]);
      for (int s = 0; s < rho.count; ++s) see(n + rho.index[s], -rho.value[rho.index[s]]);
    }
    const double c = model.cost(j);
    found.cost[j] = sign > 0 ? number_range{c - down, c + up} : number_range{c - up, c + down};
  }
  for (int i = 0; i < m; ++i) {
    limits.poll();
    const int r = n + i;
    if (t.status[r] == basis_status::basic) {
      found.bound[i] = {t.x[r], t.x[r]};
      continue;
    }
    t.load_column(r, column);
    t.factors.ftran(column, 1);
    double down = infinity, up = infinity;
    for (int s = 0; s < column.count; ++s) {
      const int p = column.index[s], k = t.basic[p];
      const double alpha = column.value[p];  // x_k falls by s alpha where the bound rises by s
      if (math::abs(alpha) < 1e-11) continue;
      const double below = math::larger(t.x[k] - t.lower[k], 0), above = math::larger(t.upper[k] - t.x[k], 0);
      up = math::smaller(up, (alpha > 0 ? below : above) / math::abs(alpha));
      down = math::smaller(down, (alpha > 0 ? above : below) / math::abs(alpha));
    }
    found.bound[i] = {t.x[r] - down, t.x[r] + up};
  }
  found.found = true;
  return found;
}

}  // namespace detail

/// How far each cost, and each row's active bound, may move by itself before the basis of an optimal answer changes.
///
/// Needs: an optimal answer of `solve` with its basis. At a degenerate vertex other bases may have other ranges.
/// Cost: one solve with the factors for each basic column and each row that is not basic. Of the options the limit of
/// time and the interrupt count. Throws: usage where the answer is not of the model as it is.
/// Source: Chvatal, Linear Programming, 1983, chapter 10.
inline ranging find_ranges(const lp& model, const answer& optimal, const solve_options& options = {}) {
  require(optimal.status == termination::optimal, "find_ranges", "the answer must be optimal");
  const int m = model.rows(), n = model.columns();
  require(optimal.basis.columns.size() == n && optimal.basis.rows.size() == m, "find_ranges",
          "the answer must hold a basis of the model as it is; solve it again where it has changed");
  detail::monitor limits;
  limits.deadline = options.time_limit < infinity ? detail::seconds_now() + options.time_limit : 1e300;
  limits.interrupted = options.interrupt;
  limits.context = options.context;
  try {
    return detail::ranges_of_basis(model, optimal, limits);
  } catch (const detail::stop_request&) {
    return {};
  }
}

}  // namespace plait
