# SPDX-License-Identifier: Apache-2.0
# plait::host, the running half in host memory: plait::plait, threads, and, where they are found, a CBLAS for matrix
# products (PLAIT_USE_CBLAS) and zlib for compressed data sets (PLAIT_USE_ZLIB). Used by plait's own build and by the
# installed package alike. Afterwards plait_host_missing says what kept plait::host from being made, if anything.

set(plait_host_missing "")
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads QUIET)
find_package(CBLAS QUIET)
find_package(ZLIB QUIET)

if(NOT TARGET Threads::Threads)
  set(plait_host_missing "plait::host needs threads, and CMake found none (C or CXX must be enabled)")
elseif(NOT TARGET plait::host)
  add_library(plait::host INTERFACE IMPORTED)
  target_link_libraries(plait::host INTERFACE plait::plait Threads::Threads)
  if(TARGET CBLAS::CBLAS)
    target_link_libraries(plait::host INTERFACE CBLAS::CBLAS)
    target_compile_definitions(plait::host INTERFACE PLAIT_USE_CBLAS=1)
  else()
    message(STATUS "plait: no CBLAS found (Debian, Ubuntu: libopenblas-dev); plait::host multiplies with plain loops")
  endif()
  if(TARGET ZLIB::ZLIB)
    target_link_libraries(plait::host INTERFACE ZLIB::ZLIB)
    target_compile_definitions(plait::host INTERFACE PLAIT_USE_ZLIB=1)
  else()
    message(STATUS "plait: no zlib found (Debian, Ubuntu: zlib1g-dev); plait::host cannot read .gz files")
  endif()
endif()
