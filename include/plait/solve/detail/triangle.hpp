// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/solve/detail/work_vector.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// One triangular factor as a set of vectors, one for each pivot, and the order of the pivots.
///
/// The vector of pivot p stands at begin[p] .. end[p]. A solve walks over the pivots in order, or against it, and for
/// each place p that is not zero takes x[p] times its vector off x: where the vectors are columns this solves with the
/// factor, where they are rows with its transpose. When x is very sparse, the places that can become nonzero are found
/// first by a walk in depth along the vectors, and nothing else is touched.
/// Source: Gilbert, Peierls, "Sparse partial pivoting in time proportional to arithmetic operations", SIAM J. Sci.
/// Stat. Comput. 9, 1988; Hall, McKinnon, "Hyper-sparsity in the revised simplex method", Comput. Optim. Appl. 32,
/// 2005.
struct triangle {
  table<int> sequence;  ///< pivots in order; -1 where a pivot was replaced
  table<int> begin, end;
  table<int> index;
  table<double> value;
  table<int> owner;  ///< the pivot in whose vector an entry stands; known to whoever builds it alone

  void reset(int size) {
    sequence.clear();
    begin.assign(size, 0);
    end.assign(size, 0);
    index.clear();
    value.clear();
    owner.clear();
  }
};

/// The memory of walks in depth.
struct depth_walk {
  table<char> seen;
  table<int> stack, next, order;
  void resize(int size) {
    seen.assign(size, 0);
    stack.resize(size);
    next.resize(size);
    order.resize(size);
  }
};

/// x := T^-1 x, place by place in the order of the pivots, without a list of what is not zero afterwards.
template <bool Backward>
void sweep_triangle(const triangle& t, const double* inverse, work_vector& x) {
  double* const v = x.value.data();
  const int* const index = t.index.data();
  const double* const value = t.value.data();
  const int *const begin = t.begin.data(), *const end = t.end.data(), *const sequence = t.sequence.data();
  const int length = t.sequence.size();
  for (int s = 0; s < length; ++s) {
    const int p = sequence[Backward ? length - 1 - s : s];
    if (p < 0) continue;
    const int first = begin[p], last = end[p];
    if (first < last && v[p] == 0) continue;  // what leads nowhere is not asked: that would be as good as a coin
    double step = meaning(v[p]);
    if (inverse != nullptr) step *= inverse[p];
    v[p] = step;
    for (int k = first; k < last; ++k) v[index[k]] -= step * value[k];
  }
  x.listed = false;
}

/// x := T^-1 x by a walk in depth from what is not zero. False where it would meet more than `most` places, or x is not
/// listed; x then is as it was, but for values that mean nothing.
inline bool walk_triangle(const triangle& t, const double* inverse, work_vector& x, int most, depth_walk& walk) {
  constexpr double tiny = 1e-14;
  if (!x.listed || x.count > most) return false;
  double* const v = x.value.data();
  const int* const index = t.index.data();
  const double* const value = t.value.data();
  const int* const begin = t.begin.data();
  const int* const end = t.end.data();
  x.forget_tiny();  // what cancelled out would lead to places that stay zero
  int found = 0;
  for (int s = 0; s < x.count && found <= most; ++s) {
    int p = x.index[s];
    if (walk.seen[p] != 0) continue;
    int depth = 0;
    walk.seen[p] = 1;
    walk.stack[0] = p;
    walk.next[0] = begin[p];
    while (depth >= 0 && found <= most) {
      p = walk.stack[depth];
      int k = walk.next[depth];
      const int last = end[p];
      while (k < last && walk.seen[index[k]] != 0) ++k;
      if (k < last) {
        walk.next[depth] = k + 1;
        const int q = index[k];
        walk.seen[q] = 1;
        ++depth;
        walk.stack[depth] = q;
        walk.next[depth] = begin[q];
      } else {
        walk.order[found++] = p;
        --depth;
      }
    }
    for (; depth >= 0; --depth) walk.seen[walk.stack[depth]] = 0;
  }
  for (int s = 0; s < found; ++s) walk.seen[walk.order[s]] = 0;
  if (found > most) return false;
  x.count = 0;
  for (int s = found - 1; s >= 0; --s) {
    const int p = walk.order[s];
    double step = v[p];
    if (step > tiny || step < -tiny) {
      if (inverse != nullptr) step *= inverse[p];
      v[p] = step;
      x.index[x.count++] = p;
      for (int k = begin[p], last = end[p]; k < last; ++k) v[index[k]] -= step * value[k];
    } else {
      v[p] = 0;
    }
  }
  return true;
}

/// How many places a walk may meet before it is given up: a place found by walking costs about five times one of the
/// plain loop. Where solves of a kind mostly end full, some still end with a handful, and to try costs little.
inline int most_to_walk(const work_vector& x, double expected) {
  return expected < 0.10 ? (x.sparse(0.05) ? x.size() / 8 + 64 : 0) : x.size() / 64;
}

/// x := T^-1 x, by vectors; `inverse` holds one over each pivot, or is null where all are one. `expected`: the share of
/// places that earlier solves of this kind left nonzero.
template <bool Backward>
void solve_triangle(const triangle& t, const double* inverse, work_vector& x, double expected, depth_walk& walk) {
  if (walk_triangle(t, inverse, x, most_to_walk(x, expected), walk)) return;
  sweep_triangle<Backward>(t, inverse, x);
  x.list();
}

/// The same where most of x ends nonzero, without a list: each place takes off the product of its vector with what is
/// known, so that nothing depends on which places are zero. The vectors are those of the transposed factor: rows where
/// `solve_triangle` has columns, in the other direction of the walk.
template <bool Backward>
void solve_triangle_densely(const triangle& t, const double* inverse, work_vector& x) {
  double* const v = x.value.data();
  const int *const index = t.index.data(), *const begin = t.begin.data(), *const end = t.end.data();
  const int* const sequence = t.sequence.data();
  const double* const value = t.value.data();
  const int length = t.sequence.size();
  const auto solve = [=](auto&& scaled) {
    for (int s = 0; s < length; ++s) {
      const int p = sequence[Backward ? length - 1 - s : s];
      if (p < 0) continue;
      double sum = v[p];
      for (int k = begin[p], last = end[p]; k < last; ++k) sum -= value[k] * v[index[k]];
      v[p] = scaled(p, sum);
    }
  };
  if (inverse != nullptr) {
    solve([=](int p, double sum) { return sum * inverse[p]; });
  } else {
    solve([](int, double sum) { return sum; });
  }
  x.listed = false;
}

}  // namespace plait::detail
