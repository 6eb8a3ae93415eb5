#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds plait and runs every test that this machine can run. The last line says how many passed, failed and were
# skipped; the exit status is 0 when none failed.
#
#   scripts/test.sh [CTEST ARGUMENT...]      for instance -R core
#
# PLAIT_BUILD_DIR: the build folder (build/test);  PLAIT_JOBS: how many jobs at once (as many as there are processors).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=${PLAIT_BUILD_DIR:-build/test}
jobs=${PLAIT_JOBS:-$(nproc)}

# What stops before the first test counts as one failure.
stop() {
  echo "test.sh: $1"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
}

scripts/setup.sh || stop "what the build needs is missing"
cmake -S . -B "$build" -G Ninja -DPLAIT_BUILD_TESTS=ON -DPLAIT_BUILD_EXAMPLES=ON -DPLAIT_BUILD_BENCH=ON ||
  stop "configuring failed"
if ! grep -q '^PLAIT_ENABLE_CUDA:BOOL=ON$' "$build/CMakeCache.txt"; then
  echo "test.sh: no working nvcc, so CUDA is off; the host side is built and tested"
fi
cmake --build "$build" -j "$jobs" || stop "building failed"

results=$(realpath "$build")/results.xml
rm -f "$results"
status=0
ctest --test-dir "$build" -j "$jobs" --output-on-failure --no-tests=error --output-junit "$results" "$@" || status=$?
[[ -e $results ]] || stop "ctest left no results"

# A test that could not be started counts as failed; one that says so itself, or is disabled, as skipped.
python3 - "$results" "$status" <<'EOF'
import sys
import xml.etree.ElementTree as xml

counts = {"passed": 0, "failed": 0, "skipped": 0}
for case in xml.parse(sys.argv[1]).getroot().iter("testcase"):
    skipped = case.find("skipped")
    if case.get("status") == "run":
        counts["passed"] += 1
    elif case.get("status") == "disabled" or (skipped is not None and skipped.get("message", "").startswith("SKIP_")):
        counts["skipped"] += 1
    else:
        counts["failed"] += 1
if sys.argv[2] != "0" and counts["failed"] == 0:
    counts["failed"] = 1  # ctest saw a failure that belongs to no test
print(", ".join(f"{count} {kind}" for kind, count in counts.items()))
sys.exit(counts["failed"] > 0)
EOF
