# SPDX-License-Identifier: Apache-2.0
# Each way of taking plait into another project, as a test that configures, builds and runs that project.

set(prefix "${CMAKE_CURRENT_BINARY_DIR}/prefix")
add_test(NAME "consumer: install into an empty prefix"
         COMMAND ${CMAKE_COMMAND} -D "BUILD=${PROJECT_BINARY_DIR}" -D "PREFIX=${prefix}" -D "CONFIG=$<CONFIG>" -P
                 "${CMAKE_CURRENT_SOURCE_DIR}/install.cmake")
set_tests_properties("consumer: install into an empty prefix" PROPERTIES FIXTURES_SETUP plait_prefix)

set(expect_cblas 0)
if(TARGET CBLAS::CBLAS)
  set(expect_cblas 1)
endif()
set(expect_zlib 0)
if(TARGET ZLIB::ZLIB)
  set(expect_zlib 1)
endif()

# plait_consumer_test(<name> <way> [<option>...]): the project of this folder, configured afresh, built, and its own tests.
function(plait_consumer_test name way)
  set(binary "${CMAKE_CURRENT_BINARY_DIR}/${name}")
  add_test(
    NAME "consumer: ${name}"
    COMMAND
      ${CMAKE_CTEST_COMMAND} --build-and-test "${CMAKE_CURRENT_SOURCE_DIR}" "${binary}" --build-generator
      "${CMAKE_GENERATOR}" --build-makeprogram "${CMAKE_MAKE_PROGRAM}" --build-options --fresh
      "-DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}" "-DCMAKE_CXX_FLAGS=${CMAKE_CXX_FLAGS}" -DCMAKE_BUILD_TYPE=Debug
      "-DPLAIT_FROM=${way}" "-DPLAIT_SOURCE=${PROJECT_SOURCE_DIR}" "-DCMAKE_PREFIX_PATH=${prefix}"
      "-DPLAIT_EXPECTED_VERSION=${PROJECT_VERSION}" "-DPLAIT_EXPECT_CBLAS=${expect_cblas}"
      "-DPLAIT_EXPECT_ZLIB=${expect_zlib}" ${ARGN} --test-command "${CMAKE_CTEST_COMMAND}" --output-on-failure
      --no-tests=error)
  set_tests_properties("consumer: ${name}" PROPERTIES TIMEOUT 600)
  if(way STREQUAL "find_package")
    set_tests_properties("consumer: ${name}" PROPERTIES FIXTURES_REQUIRED plait_prefix)
  endif()
endfunction()

plait_consumer_test(find_package find_package)
plait_consumer_test(add_subdirectory add_subdirectory)
plait_consumer_test(fetch_content fetch_content)
if(TARGET plait::mpi)
  plait_consumer_test(find_package_mpi find_package -DPLAIT_CONSUMER_MPI=ON)
  plait_consumer_test(add_subdirectory_mpi add_subdirectory -DPLAIT_CONSUMER_MPI=ON)
endif()
if(PLAIT_ENABLE_CUDA)
  list(GET CMAKE_CUDA_ARCHITECTURES -1 one_architecture)
  set(cuda_options -DPLAIT_CONSUMER_CUDA=ON "-DCMAKE_CUDA_COMPILER=${CMAKE_CUDA_COMPILER}"
                   "-DCMAKE_CUDA_ARCHITECTURES=${one_architecture}")
  plait_consumer_test(find_package_cuda find_package ${cuda_options})
  plait_consumer_test(add_subdirectory_cuda add_subdirectory ${cuda_options})
endif()

# By hand: what a project without CMake writes.
separate_arguments(compile UNIX_COMMAND "${CMAKE_CXX_COMPILER} ${CMAKE_CXX_FLAGS} -std=c++20")
foreach(way include_path pkg_config)
  add_test(NAME "consumer: ${way}"
           COMMAND ${CMAKE_COMMAND} -D "COMPILE=${compile}" -D "WAY=${way}" -D "PREFIX=${prefix}" -D
                   "SOURCE=${CMAKE_CURRENT_SOURCE_DIR}/consumer.cpp" -D "INCLUDE=${PROJECT_SOURCE_DIR}/include" -D
                   "PROGRAM=${CMAKE_CURRENT_BINARY_DIR}/consumer_${way}" -D "VERSION=${PROJECT_VERSION}" -D
                   "EXPECTED=-DEXPECT_CBLAS=${expect_cblas};-DEXPECT_ZLIB=${expect_zlib}" -P
                   "${CMAKE_CURRENT_SOURCE_DIR}/by_hand.cmake")
  set_tests_properties("consumer: ${way}" PROPERTIES FIXTURES_REQUIRED plait_prefix SKIP_REGULAR_EXPRESSION "skipped: ")
endforeach()
