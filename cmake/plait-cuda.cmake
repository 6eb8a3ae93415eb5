# SPDX-License-Identifier: Apache-2.0
# plait::cuda, the running half on CUDA: plait::host, the CUDA runtime and cuBLASLt. Used by plait's own build and by
# the installed package alike. Afterwards plait_cuda_missing says what kept plait::cuda from being made, if anything.

set(plait_cuda_missing "")
find_package(CUDAToolkit QUIET)

if(NOT TARGET plait::host)
  set(plait_cuda_missing "plait::cuda needs plait::host")
elseif(NOT TARGET CUDA::cudart)
  set(plait_cuda_missing "plait::cuda needs the CUDA toolkit (headers and libcudart), which was not found")
elseif(NOT TARGET CUDA::cublasLt)
  set(plait_cuda_missing "plait::cuda needs cuBLASLt, which the CUDA toolkit in ${CUDAToolkit_ROOT} does not have")
elseif(NOT TARGET plait::cuda)
  add_library(plait::cuda INTERFACE IMPORTED)
  target_link_libraries(plait::cuda INTERFACE plait::host CUDA::cudart CUDA::cublasLt)
endif()
