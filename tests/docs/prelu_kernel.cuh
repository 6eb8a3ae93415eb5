// SPDX-License-Identifier: Apache-2.0
#pragma once
// The kernels that docs/bring_your_own_kernel.md starts from, as a project has them: they know nothing of plait.

// [existing kernel]
/// y[i, j] = x[i, j] where that is above 0, else slope[j] * x[i, j].   x, y: [rows, columns], slope: [columns]
template <class T>
__global__ void prelu_forward(const T* x, const T* slope, T* y, long rows, long columns) {
  const long at = blockIdx.x * static_cast<long>(blockDim.x) + threadIdx.x;
  if (at < rows * columns) y[at] = x[at] > T{0} ? x[at] : slope[at % columns] * x[at];
}

template <class T>
__global__ void prelu_backward_input(const T* x, const T* slope, const T* dy, T* dx, long rows, long columns) {
  const long at = blockIdx.x * static_cast<long>(blockDim.x) + threadIdx.x;
  if (at < rows * columns) dx[at] = x[at] > T{0} ? dy[at] : slope[at % columns] * dy[at];
}

/// Adds to dslope: [columns], one thread for each column.
template <class T>
__global__ void prelu_backward_slope(const T* x, const T* dy, T* dslope, long rows, long columns) {
  const long column = blockIdx.x * static_cast<long>(blockDim.x) + threadIdx.x;
  if (column >= columns) return;
  T sum{};
  for (long row = 0; row < rows; ++row) {
    const long at = row * columns + column;
    if (x[at] <= T{0}) sum += x[at] * dy[at];
  }
  dslope[column] += sum;
}
// [existing kernel]
