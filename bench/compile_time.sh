#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What plait costs a compiler: CPU seconds (user + system) of one translation unit that includes a header and nothing
# else, the least of five runs, beside an empty one. With nvcc, the CUDA side of the examples too (the least of two).
# And what a static_assert that a schedule completes adds to a unit that includes what it needs.
#
#   bench/compile_time.sh                      prints a table
#   bench/compile_time.sh --proofs             prints the part about proofs
#   bench/compile_time.sh --at-most SECONDS HEADER
#                                              fails when including <HEADER> costs more than that in all, on a machine
#                                              that takes 0.12 s for <vector>; other machines are scaled by that
#
# CXX and NVCC name the compilers, CLANG another one for the proofs (else the first clang++ that knows C++20).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cxx=${CXX:-g++}
nvcc=${NVCC:-$(command -v nvcc || true)}
if [[ -z $nvcc && -x /usr/local/cuda/bin/nvcc ]]; then nvcc=/usr/local/cuda/bin/nvcc; fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# least RUNS COMMAND...: the least CPU seconds of that many runs.
least() {
  local runs=$1 times=() used
  shift
  local TIMEFORMAT='%U %S'
  for ((run = 0; run < runs; ++run)); do
    used=$({ time "$@" >"$scratch/said" 2>&1 || touch "$scratch/failed"; } 2>&1)
    if [[ -e $scratch/failed ]]; then
      echo "compile_time.sh: this command failed: $*" >&2
      cat "$scratch/said" >&2
      exit 1
    fi
    times+=("$used")
  done
  printf '%s\n' "${times[@]}" | awk '{ used = $1 + $2; if (NR == 1 || used < least) least = used } END { print least }'
}

# include_cost HEADER: CPU seconds of the host compiler for a unit that includes it; an empty name is an empty unit.
include_cost() {
  if [[ -n $1 ]]; then echo "#include <$1>"; fi >"$scratch/unit.cpp"
  least 5 "$cxx" -std=c++20 "-I$root/include" -c "$scratch/unit.cpp" -o "$scratch/unit.o"
}

# lesser A B: the lesser of two numbers.
lesser() { awk -v a="$1" -v b="$2" 'BEGIN { print a < b ? a : b }'; }

if [[ ${1:-} == --at-most && $# -eq 3 ]]; then
  # A slow machine takes longer for everything: the standard library is the yardstick. A busy one takes longer at times,
  # never shorter: the two take turns, and the least of all turns so far counts, until it holds or there were enough.
  yardstick=1e9 cost=1e9
  for turn in {1..8}; do
    yardstick=$(lesser "$yardstick" "$(include_cost vector)")
    cost=$(lesser "$cost" "$(include_cost "$3")")
    scaled=$(awk -v cost="$cost" -v unit="$yardstick" 'BEGIN { printf "%.2f", cost * 0.12 / unit }')
    echo "including <$3> costs $cxx $cost s of CPU, and <vector> $yardstick s: $scaled s where that takes" \
      "0.12 s; the limit is $2 s (turn $turn)"
    if awk -v cost="$scaled" -v limit="$2" 'BEGIN { exit !(cost < limit) }'; then exit 0; fi
  done
  exit 1
elif [[ $# -gt 0 && ($# -gt 1 || $1 != --proofs) ]]; then
  echo "compile_time.sh: no argument, --proofs, or --at-most SECONDS HEADER" >&2
  exit 2
fi

row() { printf '| %-42s | %-10s | %8.2f |\n' "$1" "$2" "$3"; }
printf '| %-42s | %-10s | %8s |\n| --- | --- | ---: |\n' "unit" "compiler" "CPU s"

# proofs COMMAND...: rows of a compiler, called with a source and an output behind the command. The first is the unit
# without a proof, the others are what each proof adds to that.
proofs() {
  local compiler=$1 headers='#include <plait/schedule/verify.hpp>'
  shift
  local header proof
  for header in one_f_one_b interleaved zb_v; do headers+=$'\n'"#include <plait/schedule/$header.hpp>"; done
  prove() {
    printf '%s\n%s\n' "$headers" "$1" >"$scratch/proof.$suffix"
    least 3 "${@:2}" -c "$scratch/proof.$suffix" -o "$scratch/unit.o"
  }
  local without with
  without=$(prove '' "$@")
  row "schedules, nothing proved" "$compiler" "$without"
  for proof in 'one_f_one_b>({4, 8, 1})' 'one_f_one_b>({16, 64, 1})' 'zb_v>({8, 16, 2})' 'interleaved<4>>({16, 64, 4})'; do
    with=$(prove "static_assert(plait::completes<plait::$proof);" "$@")
    row "completes<$proof" "$compiler" "$(awk -v a="$with" -v b="$without" 'BEGIN { print a - b }')"
  done
  with=$(prove 'static_assert(plait::completes<plait::one_f_one_b>({4, 8, 1}, {.skips = {{0, 3}, {1, 2}}}));' "$@")
  row "... one_f_one_b, 4 x 8, two skip edges" "$compiler" "$(awk -v a="$with" -v b="$without" 'BEGIN { print a - b }')"
}
all_proofs() {
  local suffix=cpp clang=${CLANG:-} each
  echo '#include <source_location>
auto here = std::source_location::current();' >"$scratch/twenty.cpp"
  for each in clang++ clang++-{20..16}; do  # the first that has what plait needs of C++20
    if [[ -z $clang ]] && "$each" -std=c++20 -fsyntax-only "$scratch/twenty.cpp" 2>/dev/null; then clang=$each; fi
  done
  proofs "$(basename "$cxx")" "$cxx" -std=c++20 "-I$root/include"
  if [[ -n $clang ]]; then proofs "$(basename "$clang")" "$clang" -std=c++20 "-I$root/include"; fi
  suffix=cu
  if [[ -n $nvcc ]]; then proofs nvcc "$nvcc" -std=c++20 -arch=sm_90 "-I$root/include"; fi
}
if [[ ${1:-} == --proofs ]]; then
  all_proofs
  exit
fi
all_proofs
row "nothing" "$(basename "$cxx")" "$(include_cost '')"
for header in plait/plan.hpp plait/plait.hpp; do
  if [[ -e $root/include/$header ]]; then row "#include <$header>" "$(basename "$cxx")" "$(include_cost "$header")"; fi
done
if [[ -z $nvcc ]]; then
  echo "compile_time.sh: no nvcc here, so the CUDA side was not measured"
  exit
fi
cuda() { least 2 "$nvcc" -std=c++20 -arch=sm_90 "-I$root/include" -c "$1" -o "$scratch/unit.o"; }
: >"$scratch/empty.cu"
row "nothing (.cu)" nvcc "$(cuda "$scratch/empty.cu")"
if [[ -e $root/include/plait/plait.cuh ]]; then
  echo '#include <plait/plait.cuh>' >"$scratch/umbrella.cu"
  row "#include <plait/plait.cuh>" nvcc "$(cuda "$scratch/umbrella.cu")"
fi
for source in "$root"/examples/*.cu; do
  if [[ -e $source ]]; then row "examples/$(basename "$source")" nvcc "$(cuda "$source")"; fi
done
