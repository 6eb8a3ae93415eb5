#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what plait's build, tests and examples need and this machine lacks. Prints nothing when nothing is missing.
# Debian and Ubuntu packages are installed as root or with a sudo that asks no password; otherwise one sentence says
# what to install, and the exit status is 2.
set -euo pipefail

need() { command -v "$1" >/dev/null 2>&1; }
say() { echo "setup.sh: $*" >&2; }
header() { need g++ && g++ -E -x c++ - <<<"#include <$1>" >/dev/null 2>&1; }
openblas() { need pkg-config && pkg-config --exists openblas; }
mpi_compiler() { need mpicxx; }
network_tool() { need ip || [[ -x /sbin/ip || -x /usr/sbin/ip ]]; }
# Daemons stand in sbin, which is not on everybody's path.
daemon() { need "$1" || [[ -x /usr/sbin/$1 || -x /sbin/$1 ]]; }
slurm_daemons() { daemon slurmctld && daemon slurmd; }
munge_daemon() { daemon munged; }
pictures() { [[ -d /usr/share/datasets/fashion-mnist ]]; }

# Each line: the package, and what shows that it, or its like from elsewhere, is there.
requirements='
  g++                    need g++
  cmake                  need cmake
  ninja-build            need ninja
  pkg-config             need pkg-config
  python3                need python3
  doctest-dev            header doctest/doctest.h
  libopenblas-dev        openblas
  zlib1g-dev             header zlib.h
  libcli11-dev           header CLI/CLI.hpp
  nlohmann-json3-dev     header nlohmann/json.hpp
  libbenchmark-dev       header benchmark/benchmark.h
  libopenmpi-dev         mpi_compiler
  openmpi-bin            need mpirun
  iproute2               network_tool
  slurm-wlm              slurm_daemons
  munge                  munge_daemon
  dataset-fashion-mnist  pictures
'

# Puts the packages whose proof fails into `missing`.
look() {
  missing=()
  local package proof
  while read -r package proof; do
    if [[ -z $package ]]; then continue; fi
    # shellcheck disable=SC2086  # the proof is a command and its arguments
    if ! $proof; then missing+=("$package"); fi
  done <<<"$requirements"
}

# Fails, having said why, when nothing can be installed here.
install_missing() {
  local as_root=()
  if ! need apt-get; then
    say "there is no apt-get; install with this system's own packages what Debian calls ${missing[*]}"
    return 1
  fi
  if [[ $(id -u) -ne 0 ]]; then
    if ! need sudo || ! sudo -n true 2>/dev/null; then
      say "root must install what is missing: sudo apt-get update && sudo apt-get install ${missing[*]}"
      return 1
    fi
    as_root=(sudo -n)
  fi

  local log available=() unavailable=() package
  log=$(mktemp)
  echo "setup.sh: installing ${missing[*]}"
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    say "apt-get update failed; trying to install with the package lists that are here"
  fi
  for package in "${missing[@]}"; do
    if apt-cache show --no-all-versions "$package" >/dev/null 2>&1; then
      available+=("$package")
    else
      unavailable+=("$package")
    fi
  done
  if [[ ${#unavailable[@]} -gt 0 ]]; then
    say "no package source here has ${unavailable[*]} (on Ubuntu, enable universe: add-apt-repository universe)"
  fi
  if [[ ${#available[@]} -gt 0 ]] && ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${available[@]}" >"$log" 2>&1; then
    tail -n 15 "$log" >&2
  fi
  rm -f "$log"
}

look
said=no
if [[ ${#missing[@]} -gt 0 ]]; then
  install_missing || said=yes
  look # what matters is what is there afterwards
fi

# Without the pictures or Slurm, what needs them says so itself; without an MPI its side is left out, which the build
# says; without any of the others nothing is built.
for package in "${missing[@]}"; do
  case $package in
    dataset-fashion-mnist | libopenmpi-dev | openmpi-bin | slurm-wlm | munge) ;;
    *)
      if [[ $said == no ]]; then say "still missing: ${missing[*]}"; fi
      exit 2
      ;;
  esac
done

# The build would say what follows less clearly. CMake takes the compiler from CXX too.
older() { [[ $1 != "$2" && $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; }
old=()
version=$(cmake --version | sed -n '1s/[^0-9]*\([0-9.]*\).*/\1/p')
if older "$version" 3.25.1; then
  old+=("cmake $version is too old, 3.25.1 or newer is needed (pip install cmake, or https://apt.kitware.com)")
fi
read -r -a compiler <<<"${CXX:-g++}"
read -r clang gnu < <("${compiler[@]}" -E -P -x c++ - <<<"__clang_major__ __GNUC__" 2>/dev/null) || true
if [[ ${clang:-} =~ ^[0-9]+$ ]]; then
  if older "$clang" 16; then old+=("clang $clang is too old, 16 or newer is needed (CXX=clang++-16 chooses one)"); fi
elif [[ ${gnu:-} =~ ^[0-9]+$ ]] && older "$gnu" 12; then
  old+=("g++ $gnu is too old, 12 or newer is needed (apt-get install g++-12, then CXX=g++-12 before the command)")
fi
if [[ ${#old[@]} -gt 0 ]]; then
  printf -v sentence '%s; ' "${old[@]}"
  say "${sentence%; }"
  exit 2
fi
