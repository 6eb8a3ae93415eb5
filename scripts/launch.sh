#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Starts N processes of a program on this machine as ranks 0 to N-1, for where there is no launcher.
#
#   scripts/launch.sh N PROGRAM [ARGUMENT...]
#
# Each gets RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT, and all get one PLAIT_SECRET
# made for them, unless it is set. MASTER_PORT: 29400 unless set. When one fails the others are ended, and the exit
# status is that of the first that failed.
set -uo pipefail
set -m # each rank is a process group, so that what it has started ends with it

if [[ $# -lt 2 || ! $1 =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: launch.sh N PROGRAM [ARGUMENT...]   (N counts processes, so it is at least 1)" >&2
  exit 2
fi
size=$1
shift
if [[ -z ${PLAIT_SECRET:-} ]]; then
  PLAIT_SECRET=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
fi
export PLAIT_SECRET
export WORLD_SIZE=$size LOCAL_WORLD_SIZE=$size MASTER_ADDR=${MASTER_ADDR:-127.0.0.1} MASTER_PORT=${MASTER_PORT:-29400}

ranks=()
end_all() { kill -- "${ranks[@]/#/-}" 2>/dev/null; }
trap 'end_all; exit 143' INT TERM
for ((rank = 0; rank < size; ++rank)); do
  RANK=$rank LOCAL_RANK=$rank "$@" &
  ranks+=($!)
done

status=0
for ((left = size; left > 0; --left)); do
  wait -n
  ended=$?
  if [[ $ended -ne 0 && $status -eq 0 ]]; then
    status=$ended
    end_all
  fi
done
exit "$status"
