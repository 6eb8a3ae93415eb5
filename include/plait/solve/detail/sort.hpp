// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace plait::detail {

/// Sorts in place: insertion for a few, else a heap. Costs compilers a fraction of <algorithm>.
/// Source: Williams, "Algorithm 232: Heapsort", CACM 7, 1964.
template <class T, class Less>
void sort(T* first, int count, Less less) {
  if (count <= 12) {
    for (int i = 1; i < count; ++i) {
      const T moved = first[i];
      int k = i;
      for (; k > 0 && less(moved, first[k - 1]); --k) first[k] = first[k - 1];
      first[k] = moved;
    }
    return;
  }
  const auto sink = [&](int at, int end) {
    const T moved = first[at];
    for (int child = 2 * at + 1; child < end; child = 2 * at + 1) {
      if (child + 1 < end && less(first[child], first[child + 1])) ++child;
      if (!less(moved, first[child])) break;
      first[at] = first[child];
      at = child;
    }
    first[at] = moved;
  };
  for (int i = count / 2; i-- > 0;) sink(i, count);
  for (int end = count - 1; end > 0; --end) {
    const T last = first[end];
    first[end] = first[0];
    first[0] = last;
    sink(0, end);
  }
}

}  // namespace plait::detail
