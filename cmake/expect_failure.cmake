# SPDX-License-Identifier: Apache-2.0
# cmake -D SOURCE=<file> -D TARGET=<target> -D BUILD=<build folder> -D CONFIG=<configuration> -P expect_failure.cmake
#
# Builds the target of a program that must not compile. Fails when it compiles, or when the compiler does not say the
# words of the program's first line, `// expect: <words>`. The words count letter by letter.

file(STRINGS "${SOURCE}" first LIMIT_COUNT 1)
if(NOT first MATCHES "^// expect: (.+)$")
  message(FATAL_ERROR "${SOURCE}: the first line must be `// expect: ` and the words that the compiler must say")
endif()
# A list of one element: its semicolons come escaped.
string(REPLACE "\\;" ";" words "${CMAKE_MATCH_1}")

execute_process(
  COMMAND "${CMAKE_COMMAND}" --build "${BUILD}" --target "${TARGET}" --config "${CONFIG}"
  OUTPUT_VARIABLE said
  ERROR_VARIABLE said
  RESULT_VARIABLE status)
if(status EQUAL 0)
  message(FATAL_ERROR "this program compiles, and must not:\n  ${SOURCE}\nexpected:\n  ${words}")
endif()
string(FIND "${said}" "${words}" at)
if(at EQUAL -1)
  message(FATAL_ERROR "this program does not compile, but for another reason:\n  ${SOURCE}\nexpected:\n  ${words}\n"
                      "the compiler said:\n${said}")
endif()
message(STATUS "does not compile, and says: ${words}")
