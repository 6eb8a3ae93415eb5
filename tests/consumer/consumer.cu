// SPDX-License-Identifier: Apache-2.0
// A CUDA program of another project; the test compiles and links it, and does not run it.
#include <plait/core/random.hpp>
#if __has_include(<plait/plait.cuh>)
#include <plait/plait.cuh>
#endif

#include <cublasLt.h>
#include <cuda_runtime.h>

__global__ void draw(plait::random_stream stream, double* out) {
  out[threadIdx.x] = stream.uniform(threadIdx.x);
}

int main() {
  double* out = nullptr;
  if (cudaMallocManaged(&out, 32 * sizeof(double)) != cudaSuccess) return 1;
  draw<<<1, 32>>>(plait::random_stream{7, "consumer", 0}, out);
  return cudaDeviceSynchronize() == cudaSuccess && cublasLtGetVersion() > 0 ? 0 : 1;
}
