#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Trains QMIX on 3m, 2s3z and terran_5_vs_5, several seeds each, and keeps the runs in one workspace. Finished runs are
# skipped; curves.sh draws what is there. About ten minutes of one core for a seed of all three.
# Usage: train.sh [--seeds "1 2 3"] [--battles "3m 2s3z terran_5_vs_5"] [--jobs N] [--workspace DIR]
# KNIFECTL names the program, by default the built one, or else the installed one. Needs jq.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
built=$here/../../build/release/bin/knifectl
export KNIFECTL=${KNIFECTL:-$(if [ -x "$built" ]; then echo "$built"; else echo knifectl; fi)}
export here workspace=$here/workspace
seeds="1 2 3"
battles="3m 2s3z terran_5_vs_5"
jobs=$(nproc)
while [ $# -gt 0 ]; do
    case $1 in
    --seeds) seeds=$2 ;;
    --battles) battles=$2 ;;
    --jobs) jobs=$2 ;;
    --workspace)
        mkdir -p "$2"
        workspace=$(cd "$2" && pwd)
        ;;
    *) sed -n 's/^# \(Usage: .*\)/\1/p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
command -v jq >/dev/null || { echo "train.sh needs jq" >&2; exit 1; }
# Small tensors gain nothing from a second thread; a run per core does.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

# One run: begun, or gone on with where it stopped.
train() {
    local battle=$1 seed=$2 runs="[]" found
    if [ -e "$workspace/workspace.sqlite" ]; then
        runs=$("$KNIFECTL" runs --workspace "$workspace" --json | tail -n 1)
    fi
    found=$(jq -r --arg name "smac/$battle" --argjson seed "$seed" \
        '[.[] | select(.experiment == $name and .seed == $seed)] | first | select(.) | "\(.run) \(.status)"' <<<"$runs")
    case $found in
    *" finished") ;;
    "") "$KNIFECTL" train "$here/$battle.toml" --seed "$seed" --threads 1 --workspace "$workspace" --quiet >/dev/null ;;
    *) "$KNIFECTL" resume "${found% *}" --workspace "$workspace" --quiet >/dev/null ;;
    esac
    echo "$battle, seed $seed: done"
}
export -f train

# shellcheck disable=SC2016 # the inner shell expands them
for seed in $seeds; do
    for battle in $battles; do
        echo "$battle $seed"
    done
done | xargs -P "$jobs" -L 1 bash -euo pipefail -c 'train "$0" "$1"'
