#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the host side with sanitizers and runs its tests: memory and undefined behaviour (asan), data races (tsan). A
# report of a sanitizer fails the test that caused it. `scripts/test.sh` runs the fast part of this each time, as tests
# named "... under asan" and "... under tsan"; this is all of it, which takes long.
#
#   scripts/sanitize.sh [asan | tsan] [CTEST ARGUMENT...]      for instance: scripts/sanitize.sh tsan -R comm
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

kinds=(asan tsan)
case ${1:-} in
asan | tsan)
  kinds=("$1")
  shift
  ;;
-h | --help)
  sed -n '3,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
  exit 0
  ;;
esac

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$PWD/scripts/lsan_suppressions.txt:print_suppressions=0}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1:suppressions=$PWD/scripts/tsan_suppressions.txt}
scripts/setup.sh
status=0
for kind in "${kinds[@]}"; do
  echo "sanitize.sh: $kind"
  cmake --preset "$kind" -DPLAIT_BUILD_BENCH=OFF >/dev/null
  cmake --build --preset "$kind" -j "${PLAIT_JOBS:-$(nproc)}"
  ctest --preset "$kind" "$@" || status=$?
done
exit "$status"
