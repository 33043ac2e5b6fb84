#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Trains every method on every payoff table and writes results.jsonl (a line per run) and table.md. Runs that
# results.jsonl already holds are skipped; remove it to begin anew.
# Usage: run.sh [--seeds N] [--jobs N] [--methods "A B"] [--tables "A B"] [--out DIR]
# KNIFECTL names the program, by default the built one, or else the installed one. Needs jq.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
built=$here/../../build/release/bin/knifectl
export KNIFECTL=${KNIFECTL:-$(if [ -x "$built" ]; then echo "$built"; else echo knifectl; fi)}

methods="iql vdn qmix qatten qplex qtran_base qtran_alt cw_qmix ow_qmix resq riskq rmix diql ddn dmix"
seeds=10
jobs=$(nproc)
out=$here

# Table, return of its optimum, and where the optimal joint actions are in q_tot, counted from 0 row by row. In the
# two-step game q_tot is that of the first step.
tables="
qtran_table 8 0
one_step_soft 12 0
one_step_hard 12 0
one_step_weighted 12 0
qplex_game1 10.4 0
qplex_game3 8 0
coordination 1 0,3
additive 4 8
monotone 9 8
climbing 11 0
climbing_partially_stochastic 11 0
climbing_fully_stochastic 11 0
penalty 10 0,8
two_step 8 2,3
"
only=$(awk 'NF {print $1}' <<<"$tables")

# What a method needs beside its defaults. QPLEX: the kernels, layers and optimiser of its authors' matrix games, since
# Adam drives its advantages apart before they settle, and more updates per episode. The others: central networks of a
# size that suits nine cells.
settings_of() {
    case $1 in
        qplex)
            echo "--set mixer.num_kernel=10 --set mixer.adv_hypernet_layers=3 --set learning.optimiser=rmsprop" \
                "--set learning.lr=1e-3 --set learning.batch_episodes=32 --set learning.updates_per_rollout=6" \
                "--set agent.hidden=64"
            ;;
        cw_qmix | ow_qmix | resq) echo "--set mixer.central_embed=64" ;;
    esac
}

# A sampled return is counted as the optimum's when it is this near; no table has a second best return so near.
tolerance=0.3

while [ $# -gt 0 ]; do
    case $1 in
        --seeds) seeds=$2 ;;
        --jobs) jobs=$2 ;;
        --methods) methods=$2 ;;
        --tables) only=$2 ;;
        --out) mkdir -p "$2" && out=$(cd "$2" && pwd) ;;
        *) sed -n 's/^# \(Usage: .*\)/\1/p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
command -v jq >/dev/null || { echo "run.sh needs jq" >&2; exit 1; }

export results=$out/results.jsonl here
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export scratch
# Small tensors gain nothing from a second thread.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

# One run in a workspace of its own; its line is appended in one write.
train() {
    local method=$1 table=$2 seed=$3
    shift 3
    local workspace=$scratch/$method.$table.$seed line
    line=$("$KNIFECTL" train "$here/$table.toml" --set "mixer.method=$method" "$@" --seed "$seed" --threads 1 \
        --workspace "$workspace" --json --quiet | tail -n 1 |
        jq -c --arg method "$method" --arg table "$table" --arg settings "$*" 'select(.status == "finished")
         | {method: $method, table: $table, seed, settings: $settings, status, updates, wall_s,
            test_return: .final.test_return, q_tot: .final.q_tot, weights_sha256}')
    rm -rf "$workspace"
    if [ -z "$line" ]; then
        echo "run.sh: $method on $table with seed $seed did not come to its end" >&2
    else
        printf '%s\n' "$line" >>"$results"
    fi
}
export -f train

touch "$results"
jq -rR 'fromjson? | [.method, .table, .seed, .settings | tostring | select(. != "")] | join(" ")' "$results" \
    >"$scratch/done"
for seed in $(seq "$seeds"); do
    for table in $only; do
        for method in $methods; do
            settings=$(settings_of "$method")
            run="$method $table $seed${settings:+ $settings}" # xargs goes on reading behind a blank at the end
            # A run with other settings is another run.
            grep -qxF "$run" "$scratch/done" || echo "$run"
        done
    done
done >"$scratch/todo"
echo "run.sh: $(wc -l <"$scratch/todo") runs to go, $jobs at a time" >&2
# shellcheck disable=SC2016 # the inner shell expands
xargs -r -P "$jobs" -L 1 bash -c 'train "$@"' train <"$scratch/todo"

# Order of the lines: that of the tables and methods above, not that of their ends.
jq -cnR --arg methods "$methods" --arg tables "$(awk 'NF {print $1}' <<<"$tables" | xargs)" '
    ($methods / " ") as $m | ($tables / " ") as $t
    | [inputs | fromjson?] | unique_by([.method, .table, .seed])
    | sort_by([(.table as $x | $t | index($x)), (.method as $x | $m | index($x)), .seed])[]' \
    "$results" >"$scratch/sorted"
mv "$scratch/sorted" "$results"

notes=$(for method in $methods; do
    settings=$(settings_of "$method")
    [ -z "$settings" ] || echo "- $method: \`$settings\`"
done)

# Three tables of methods by payoff tables.
jq -rn --rawfile lines "$results" --arg tables "$tables" --arg methods "$methods" --arg notes "$notes" --argjson near "$tolerance" '
    def mean: if length == 0 then null else add / length end;
    def round2: if . == null then "–" else (. * 100 | round / 100 | tostring) end;
    # What the runs of one method on one table say; $t is the table.
    def cell($t): if length == 0 then {returns: "", hits: "", learned: ""} else {
        returns: ([.[].test_return | values] | mean | round2),
        hits: "\([.[] | select((.test_return // -1e9) > $t.optimum - $near)] | length)/\(length)",
        learned: ([.[] | select(.q_tot) | .q_tot as $q | [$t.cells[] | $q[.]] | max] | mean | round2)} end;
    [$lines / "\n" | .[] | fromjson?] as $runs
    | [$tables / "\n" | .[] | select(length > 0) / " "
       | {name: .[0], optimum: (.[1] | tonumber), cells: [.[2] / "," | .[] | tonumber]}
       | select(.name as $n | any($runs[]; .table == $n))] as $columns
    | def grid($what):
        "| method | \([$columns[] | "\(.name) (\(.optimum))"] | join(" | ")) |",
        "|---|\([$columns[] | "---|"] | add // "")",
        ($methods / " " | .[] as $m | select(any($runs[]; .method == $m))
         | "| \($m) | \([$columns[] as $t
             | [$runs[] | select(.method == $m and .table == $t.name)] | cell($t)[$what]] | join(" | ")) |");
    "# Every method on every payoff table",
    "",
    "Written by `run.sh` from `results.jsonl`. Exploration is uniform. The best possible return stands behind the name",
    "of a table. All methods have the agents, optimiser and budget that the file of the table gives, but for these settings:",
    "", $notes,
    "",
    "## Greedy return (mean over seeds)", "", grid("returns"), "",
    "## Seeds that reach the optimum", "", grid("hits"), "",
    "## Learned joint value of the optimal joint action (mean over seeds)", "",
    "Where there are two optima, of the one that is valued more; in the two-step game, of the first step. IQL and DIQL:",
    "the mean of the agents.", "", grid("learned")
' >"$out/table.md"
echo "run.sh: wrote $results and $out/table.md" >&2
