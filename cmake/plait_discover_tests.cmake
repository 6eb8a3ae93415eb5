# SPDX-License-Identifier: Apache-2.0
# plait_discover_tests(<executable> PREFIX <text> [PROPERTIES <name> <value>...]): one ctest entry, "<text>: <name>",
# for every doctest test case in an executable, listed each time it is built.
#
# doctest's own discovery splits names at semicolons and brackets, and passes a test case whose name its filter does not
# find. Here a name may hold any character, two equal names are an error, and a run of no test case fails. This file is
# both the function and, run as a script, the step that lists.

if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(PLAIT_DISCOVER_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")

  function(plait_discover_tests executable)
    cmake_parse_arguments(arg "" "PREFIX" "PROPERTIES" ${ARGN})
    set(listed "${CMAKE_CURRENT_BINARY_DIR}/${executable}-cases.cmake")
    string(REPLACE ";" " " properties "${arg_PROPERTIES}")
    add_custom_command(
      TARGET ${executable} POST_BUILD
      BYPRODUCTS "${listed}"
      COMMAND ${CMAKE_COMMAND} -D "EXECUTABLE=$<TARGET_FILE:${executable}>" -D "PREFIX=${arg_PREFIX}" -D
              "PROPERTIES=${properties}" -D "LISTED=${listed}" -P "${PLAIT_DISCOVER_SCRIPT}"
      VERBATIM)
    # An executable that was not built is a failed test, not an absent one.
    set(included "${CMAKE_CURRENT_BINARY_DIR}/${executable}-include.cmake")
    file(WRITE "${included}" "if(EXISTS [==[${listed}]==])\n  include([==[${listed}]==])\nelse()\n"
                             "  add_test([==[${arg_PREFIX}: not built]==] ${executable}_NOT_BUILT)\nendif()\n")
    set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${included}")
  endfunction()
  return()
endif()

execute_process(
  COMMAND "${EXECUTABLE}" --list-test-cases --no-colors=true
  OUTPUT_VARIABLE rest
  RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${EXECUTABLE} --list-test-cases failed: ${status}\n${rest}")
endif()

# Line by line with plain strings: CMake's lists would cut names at semicolons and brackets.
set(script "")
set(seen "\n")
while(NOT rest STREQUAL "")
  string(FIND "${rest}" "\n" end)
  if(end EQUAL -1)
    set(line "${rest}")
    set(rest "")
  else()
    string(SUBSTRING "${rest}" 0 ${end} line)
    math(EXPR after "${end} + 1")
    string(SUBSTRING "${rest}" ${after} -1 rest)
  endif()
  if(line STREQUAL "" OR line MATCHES "^(=====|\\[doctest\\])")
    continue()
  endif()
  string(FIND "${seen}" "\n${line}\n" before)
  if(NOT before EQUAL -1)
    message(FATAL_ERROR "${EXECUTABLE}: two test cases are called \"${line}\"; give one of them another name")
  endif()
  string(APPEND seen "${line}\n")
  string(REPLACE "," "?" filter "${line}") # doctest's filters are separated by commas; `?` stands for any character
  string(APPEND script "add_test([==[${PREFIX}: ${line}]==] [==[${EXECUTABLE}]==] [==[--test-case=${filter}]==])\n"
         "set_tests_properties([==[${PREFIX}: ${line}]==] PROPERTIES ${PROPERTIES} SKIP_RETURN_CODE 77\n"
         "  FAIL_REGULAR_EXPRESSION [==[test cases: +0 ]==])\n")
endwhile()
file(WRITE "${LISTED}" "${script}")
