#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a tuple of N types costs a compiler: CPU seconds (user + system, the least of three runs) of one translation unit
# that makes one of N distinct types and visits its members, with std::tuple and with plait::flat_tuple, beside a unit
# that only includes the header.
#
#   bench/tuple_cost.sh [N...]      96 and 256 unless told otherwise
#
# CXX and NVCC name the compilers.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cxx=${CXX:-g++}
nvcc=${NVCC:-$(command -v nvcc || true)}
if [[ -z $nvcc && -x /usr/local/cuda/bin/nvcc ]]; then nvcc=/usr/local/cuda/bin/nvcc; fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if [[ $# -eq 0 ]]; then set -- 96 256; fi

# unit KIND N FILE: writes a unit with a tuple of N types; none for N = 0.
unit() {
  local kind=$1 count=$2 file=$3 i types='' values=''
  for ((i = 0; i < count; ++i)); do
    types+="${types:+, }item<$i>"
    values+="${values:+, }item<$i>{$i}"
  done
  {
    if [[ $kind == std ]]; then echo '#include <tuple>'; else echo '#include <plait/core/flat_tuple.hpp>'; fi
    echo 'template <int> struct item { int value; };'
    if [[ $count -eq 0 ]]; then return; fi
    if [[ $kind == std ]]; then
      echo "const std::tuple<$types> members{$values};"
      echo 'int sum() { return std::apply([](const auto&... each) { return (each.value + ...); }, members); }'
    else
      echo "const plait::flat_tuple<$types> members{$values};"
      echo 'int sum() { int total = 0; plait::for_each(members, [&](const auto& each) { total += each.value; }); return total; }'
    fi
  } >"$file"
}

# least COMMAND...: the least CPU seconds of three runs, or "fails".
least() {
  local used times=() run
  local TIMEFORMAT='%U %S'
  for ((run = 0; run < 3; ++run)); do
    rm -f "$scratch/failed"
    used=$({ time "$@" >"$scratch/said" 2>&1 || touch "$scratch/failed"; } 2>&1)
    if [[ -e $scratch/failed ]]; then
      echo fails
      return
    fi
    times+=("$used")
  done
  printf '%s\n' "${times[@]}" |
    awk '{ used = $1 + $2; if (NR == 1 || used < least) least = used } END { printf "%.2f\n", least }'
}

printf '| %5s | %-12s | %8s | %8s |\n| ---: | --- | ---: | ---: |\n' types tuple "$(basename "$cxx") s" "nvcc s"
for count in 0 "$@"; do
  for kind in std flat; do
    unit "$kind" "$count" "$scratch/unit.cpp"
    cp "$scratch/unit.cpp" "$scratch/unit.cu"
    host=$(least "$cxx" -std=c++20 "-I$root/include" -c "$scratch/unit.cpp" -o "$scratch/unit.o")
    device=none
    if [[ -n $nvcc ]]; then
      device=$(least "$nvcc" -std=c++20 -arch=sm_90 "-I$root/include" -c "$scratch/unit.cu" -o "$scratch/unit.o")
    fi
    name=std::tuple
    if [[ $kind == flat ]]; then name=flat_tuple; fi
    printf '| %5d | %-12s | %8s | %8s |\n' "$count" "$name" "$host" "$device"
  done
done
