# SPDX-License-Identifier: Apache-2.0
# Option PLAIT_ENABLE_CUDA: on where nvcc is found (CMAKE_CUDA_COMPILER, CUDACXX, PATH, CUDA_HOME, CUDA_PATH,
# /usr/local/cuda) and works. In plait's own build, and wherever its tests, examples or benchmarks are built, the CUDA
# language is enabled as well; a project that only uses plait's targets enables the language itself.

if(CMAKE_CUDA_COMPILER)
  set(plait_nvcc "${CMAKE_CUDA_COMPILER}")
elseif(DEFINED ENV{CUDACXX})
  set(plait_nvcc "$ENV{CUDACXX}")
else()
  find_program(plait_nvcc_program nvcc HINTS ENV CUDA_HOME ENV CUDA_PATH PATH_SUFFIXES bin PATHS /usr/local/cuda/bin)
  mark_as_advanced(plait_nvcc_program)
  set(plait_nvcc "${plait_nvcc_program}")
endif()

if(plait_nvcc)
  set(plait_cuda_default ON)
else()
  set(plait_cuda_default OFF)
endif()

set(plait_needs_cuda_language OFF)
if(PLAIT_BUILD_TESTS OR PLAIT_BUILD_EXAMPLES OR PLAIT_BUILD_BENCH)
  set(plait_needs_cuda_language ON)
endif()

if(plait_cuda_default AND plait_needs_cuda_language AND NOT DEFINED PLAIT_ENABLE_CUDA)
  set(ENV{CUDACXX} "${plait_nvcc}") # for this run of CMake alone
  include(CheckLanguage)
  check_language(CUDA)
  if(NOT CMAKE_CUDA_COMPILER)
    message(STATUS "plait: ${plait_nvcc} does not work here")
    set(plait_cuda_default OFF)
  endif()
endif()
option(PLAIT_ENABLE_CUDA "Build plait's CUDA side: plait::cuda, its tests and examples" ${plait_cuda_default})

if(NOT PLAIT_ENABLE_CUDA)
  if(plait_nvcc)
    message(STATUS "plait: CUDA is off; the host side is built and tested")
  else()
    message(STATUS "plait: CUDA is off, since there is no nvcc; the host side is built and tested")
  endif()
  return()
endif()
if(NOT plait_nvcc)
  message(FATAL_ERROR "plait: PLAIT_ENABLE_CUDA is on, but nvcc was not found; put it on PATH, name it with "
                      "-DCMAKE_CUDA_COMPILER=<path>, or turn CUDA off with -DPLAIT_ENABLE_CUDA=OFF.")
endif()
if(plait_needs_cuda_language)
  if(NOT DEFINED CMAKE_CUDA_COMPILER)
    set(CMAKE_CUDA_COMPILER "${plait_nvcc}")
  endif()
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real) # A100 and H100/H200
  endif()
  enable_language(CUDA)
elseif(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED CUDAToolkit_ROOT AND NOT DEFINED ENV{CUDAToolkit_ROOT})
  cmake_path(GET plait_nvcc PARENT_PATH plait_toolkit_bin)
  cmake_path(GET plait_toolkit_bin PARENT_PATH CUDAToolkit_ROOT) # the toolkit of that nvcc
endif()
