#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Trains every arm of arms/ with every method on every task sequence and keeps the runs in one workspace. Finished runs
# are skipped, interrupted ones go on; stop it whenever you like. report.sh makes tables and figures of what is there.
# After a change of the program or of a file begin a new workspace: a run counts as done by its name and seed.
# --ablations: trains the variants of ablations/ instead, with QMIX on the generated tables.
# Usage: run.sh [--jobs N] [--seeds N] [--ablations] [--sequences "A B"] [--methods "A B"] [--arms "A B"] [--workspace DIR]
# KNIFECTL names the program, by default the built one, or else the installed one. Needs jq.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
built=$here/../../build/release/bin/knifectl
export KNIFECTL=${KNIFECTL:-$(if [ -x "$built" ]; then echo "$built"; else echo knifectl; fi)}

jobs=$(nproc)
seeds=""
sequences="matrix_generated matrix_recurrent predator_prey"
methods="qmix qplex"
arms="none knife redo reborn plasticity_injection head_reset shrink_and_perturb continual_backprop l2_init fresh reset_keep_buffer"
folder=arms
prefix=""
export workspace=$here/workspace

while [ $# -gt 0 ]; do
    case $1 in
        --jobs) jobs=$2 ;;
        --seeds) seeds=$2 ;;
        --ablations)
            folder=ablations prefix=ablation/
            sequences=matrix_generated methods=qmix arms=$(cd "$here/ablations" && basename -s .toml -a ./*.toml | xargs)
            shift && continue ;;
        --sequences) sequences=$2 ;;
        --methods) methods=$2 ;;
        --arms) arms=$2 ;;
        --workspace) mkdir -p "$2" && workspace=$(cd "$2" && pwd) ;;
        *) sed -n 's/^# \(Usage: .*\)/\1/p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
command -v jq >/dev/null || { echo "run.sh needs jq" >&2; exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export scratch folder=$here/$folder
# Small tensors gain nothing from a second thread; a run per core does.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

# start NAME SEQUENCE METHOD ARM ARGUMENT...: trains an arm as its files say.
start() {
    local name=$1 sequence=$2 method=$3 arm=$4 settings=() setting
    # shellcheck disable=SC2013 # words are meant: no setting holds a blank
    for setting in $(sed -n 's/^# set: //p' "$folder/$arm.toml"); do
        settings+=(--set "$setting")
    done
    "$KNIFECTL" train "$scratch/$sequence.$arm.toml" --set "experiment.name=\"$name\"" \
        --set "mixer.method=\"$method\"" "${settings[@]}" "${@:5}" --threads 1 --quiet >/dev/null
}

# One run: begun, or gone on with where it stopped.
train() {
    local name=$1 sequence=$2 method=$3 arm=$4 seed=$5 unfinished=$6
    if [ "$unfinished" != - ]; then
        "$KNIFECTL" resume "$unfinished" --workspace "$workspace" --quiet >/dev/null && return
        echo "run.sh: run $unfinished could not go on; $name with seed $seed begins anew" >&2
    fi
    start "$name" "$sequence" "$method" "$arm" --seed "$seed" --workspace "$workspace" && return
    echo "run.sh: $name with seed $seed did not come to its end" >&2
    return 1
}
export -f start train

for sequence in $sequences; do
    for arm in $arms; do
        cat "$here/$sequence.toml" "$folder/$arm.toml" >"$scratch/$sequence.$arm.toml"
    done
done

mkdir -p "$workspace"
"$KNIFECTL" runs --workspace "$workspace" --json 2>/dev/null | tail -n 1 |
    jq -r '.[]? | [.experiment, .seed, .status, .run] | @tsv' >"$scratch/runs" || true
# Seeds in the outer loop: whenever it is stopped, the arms have about as many runs each.
for seed in $(seq "${seeds:-10}"); do
    for sequence in $sequences; do
        [ "$sequence" != predator_prey ] || [ -n "$seeds" ] || [ "$seed" -le 5 ] || continue
        for method in $methods; do
            for arm in $arms; do
                name=$prefix$sequence/$method/$arm
                found=$(awk -F '\t' -v n="$name" -v s="$seed" '$1 == n && $2 == s {print $3 " " $4}' "$scratch/runs")
                grep -q '^finished' <<<"$found" && continue
                unfinished=$(awk '$1 == "interrupted" {print $2; exit}' <<<"$found")
                echo "$name $sequence $method $arm $seed ${unfinished:--}"
            done
        done
    done
done >"$scratch/todo"

# A file that is refused shall be so now, and not after hours.
while read -r name sequence method arm _; do
    start "$name" "$sequence" "$method" "$arm" --seed 1 --steps 400 --workspace "$scratch/check" ||
        { echo "run.sh: $name cannot run" >&2; exit 1; }
done < <(awk '!seen[$1]++' "$scratch/todo")

echo "run.sh: $(wc -l <"$scratch/todo") runs to go with $("$KNIFECTL" --version), $jobs at a time" >&2
# shellcheck disable=SC2016 # the inner shell expands
xargs -r -P "$jobs" -L 1 bash -c 'train "$@"' train <"$scratch/todo"
