#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Trains a classifier of Fashion-MNIST pictures on eight ranks (data 2 x tensor 2 x pipeline 2), draws its timeline, and
# trains the same model on one rank to compare.
#
#   scripts/demo.sh [ARGUMENT...]      arguments go to the program; --help lists them
#
# PLAIT_BUILD_DIR: the build folder (build/test);  PLAIT_JOBS: how many jobs at once (as many as there are processors).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

"$root/scripts/setup.sh"
build=${PLAIT_BUILD_DIR:-$root/build/test}
cmake -S "$root" -B "$build" -G Ninja -DPLAIT_BUILD_EXAMPLES=ON >/dev/null
if ! grep -q '^PLAIT_ENABLE_CUDA:BOOL=ON$' "$build/CMakeCache.txt"; then
  echo "demo.sh: no working nvcc, so CUDA is off; the host side is built"
fi
cmake --build "$build" -j "${PLAIT_JOBS:-$(nproc)}" --target fashion_mnist

# given NAME ARGUMENT...: whether an option is among the arguments, as `--name` or `--name=value`.
given() {
  local name=$1 argument
  shift
  for argument in "$@"; do
    if [[ $argument == "$name" || $argument == "$name="* ]]; then return 0; fi
  done
  return 1
}

# Unless the caller says otherwise.
options=()
if ! given --layout "$@"; then options+=(--layout data2_tensor2_pipeline2); fi
if ! given --target "$@"; then options+=(--target 0.88); fi
if ! given --timeline "$@"; then options+=(--timeline "$build/fashion_mnist.svg"); fi
if ! given --compare-serial "$@"; then options+=(--compare-serial); fi
exec "$build/examples/fashion_mnist" "${options[@]}" "$@"
