// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/factors.hpp>
#include <plait/solve/detail/form.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/work_vector.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// The part of row `rho` of B^-1 [A, -I] that belongs to the columns, into `row`; activities have -rho. Entries of
/// basic columns are zero.
///
/// By rows of A where rho is sparse, with a list where the result was sparse before, which `price_density` knows; else
/// by columns that are not basic.
inline void price_row(const form& program, const table<basis_status>& status, const work_vector& rho, work_vector& row,
                      density& price_density) {
  const int n = program.columns();
  row.clear();
  int kept = 0;
  double* const v = row.value.data();
  monitor* const asked = program.a.entries() > monitor::between ? program.limits : nullptr;
  if (rho.sparse(0.25)) {
    const sparse_matrix& r = program.by_rows();
    const bool few = rho.sparse(0.1) && price_density.share < 0.3;
    if (few) {
      for (int s = 0; s < rho.count; ++s) {
        const int i = rho.index[s];
        const double times = rho.value[i];
        spend(asked, r.begin[i + 1] - r.begin[i]);
        for (int k = r.begin[i]; k < r.begin[i + 1]; ++k) {
          const int j = r.index[k];
          if (v[j] == 0) row.index[row.count++] = j;
          v[j] += times * r.value[k];
          if (v[j] == 0) v[j] = 1e-100;
        }
      }
      for (int s = 0; s < row.count; ++s) {
        const int j = row.index[s];
        if (status[j] == basis_status::basic || math::abs(v[j]) < 1e-14) {
          v[j] = 0;
        } else {
          row.index[kept++] = j;
        }
      }
      row.count = kept;
    } else {
      row.listed = false;  // until it is: a request to stop leaves it to be cleared
      for (int s = 0; s < rho.count; ++s) {
        const int i = rho.index[s];
        const double times = rho.value[i];
        spend(asked, r.begin[i + 1] - r.begin[i]);
        for (int k = r.begin[i]; k < r.begin[i + 1]; ++k) v[r.index[k]] += times * r.value[k];
      }
      int* const at = row.index.data();
      for (int j = 0; j < n; ++j) {  // without branches, as in work_vector::list
        const int counts = static_cast<int>(means(v[j])) & static_cast<int>(status[j] != basis_status::basic);
        v[j] = only_if(counts != 0, v[j]);
        at[kept] = j;
        kept += counts;
      }
      row.count = kept;
      row.listed = true;
    }
  } else {
    const sparse_matrix& a = program.a;
    const double* const y = rho.value.data();
    int resting = 0;
    int* const at = row.index.data();
    const int *const begin = a.begin.data(), *const index = a.index.data();
    const double* const value = a.value.data();
    const basis_status* const is = status.data();
    row.listed = false;
    for (const auto [from, to] : parts(asked, begin, n)) {
      const int first = resting;
      for (int j = from; j < to; ++j) {  // listed first, and without a branch: basic columns come in no order
        at[resting] = j;
        resting += static_cast<int>(is[j] != basis_status::basic);
      }
      for (int s = first; s < resting; ++s) {
        const int j = at[s];
        double sum = 0;
        for (int k = begin[j], end = begin[j + 1]; k < end; ++k) sum += value[k] * y[index[k]];
        v[j] = meaning(sum);
        kept += static_cast<int>(means(sum));
      }
    }
    row.count = resting;
    row.listed = true;
    if (kept < resting / 2) row.forget_tiny();  // else a few places that are zero are listed
  }
  price_density.note(kept, n);
}

}  // namespace plait::detail
