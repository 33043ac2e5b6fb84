#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Writes diagnostics.md: what each diagnostic costs, as a share of the time of the updates of matrix.toml and of
# reference.toml; and interventions.md: what each intervention does to the networks of hunts.toml. Each takes about a
# quarter of an hour of a quiet machine.
# Usage: tables.sh [--only diagnostics|interventions] [--out DIR]
# KNIFECTL names the program and BENCH bench_network_diagnostics, by default the built ones. Needs jq.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
built=$here/../../build/release/bin
KNIFECTL=${KNIFECTL:-$(if [ -x "$built/knifectl" ]; then echo "$built/knifectl"; else echo knifectl; fi)}
BENCH=${BENCH:-$built/bench_network_diagnostics}
out=$here
tables="diagnostics interventions"
while [ $# -gt 0 ]; do
    case $1 in
        --only)
            [[ $2 = diagnostics || $2 = interventions ]] || { echo "tables.sh: no table is called $2" >&2; exit 2; }
            tables=$2 ;;
        --out) out=$2 ;;
        *) sed -n 's/^# \(Usage: .*\)/\1/p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
command -v jq >/dev/null || { echo "tables.sh needs jq" >&2; exit 1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

# share FILE SECONDS SETTING...: per cent of an update's processor time that diagnostics take; median of three.
share() {
    local file=$1 seconds=$2 settings=() setting
    shift 2
    for setting in "$@"; do
        settings+=(--set "$setting")
    done
    for _ in 1 2 3; do
        "$KNIFECTL" bench learn "$here/$file.toml" --threads 1 --seconds "$seconds" "${settings[@]}" --json 2>/dev/null |
            tail -n 1 | jq .diagnostics_cost
    done | sort -g | sed -n 2p | jq -r '. * 1000 | round / 10'
}

row() {
    echo "| $1 | $(share matrix 3 "${@:2}") % | $(share reference 10 "${@:2}") % |"
}

per_unit() {
    row "${1//,/, }" "diagnostics.per_unit=[$(jq -rn --arg names "$1" '$names | split(",") | map("\"\(.)\"") | join(",")')]" "${@:2}"
}

unit_diagnostics() {
    echo "| measured in every update | matrix | reference |"
    echo "|---|---|---|"
    row "activity, activation, dormancy, dead units (always on)"
    echo "| the same, and: | | |"
    for name in saliency grama efficiency gxd utility saturation distance; do
        per_unit "$name"
    done
    row "per_agent" diagnostics.per_agent=true
    row "signal step" 'diagnostics.rua_signal="step"'
    row "norm_of_mean" 'diagnostics.rua_average="norm_of_mean"'
    per_unit saliency,grama,efficiency,gxd,utility,saturation,distance diagnostics.per_agent=true
}

# shellcheck disable=SC2016 # titles are Markdown
# method, title, preserving?, settings separated by ";": triggers so that it acts in a short run
interventions='
knife|`knife`|exactly|trigger="task_switch";persistence=1
knife|`knife`, agent.gru and agent.head|exactly|trigger="task_switch";persistence=1;sites=["agent.gru","agent.head"]
knife|`knife`, `consolidation = "prune"`|its composites exactly, pruning up to `prune_below`|trigger="at_updates";at=[1000,2000,3000];persistence=1;revive_all=true;consolidation="prune"
knife|`knife`, `consolidation = "lstsq"`|its composites exactly, the fit no|trigger="at_updates";at=[1000,2000,3000];persistence=1;revive_all=true;consolidation="lstsq"
plasticity_injection|`plasticity_injection` all|exactly|trigger="task_switch";scope="all"
gradps|`gradps`|exactly, up to the rounding of another path|every=5;window=2;futile_below=1.0
reborn|`reborn`|up to what dormant units gave|overactive_above=2
redo|`redo`|up to what dormant units gave|every=500
continual_backprop|`continual_backprop`|no; means are kept|maturity=200;replacement_rate=1e-3
gxd|`gxd`|no; means are kept|maturity=200;replacement_rate=1e-3
self_normalized_resets|`self_normalized_resets`|where the unit was silent|tau_max=200;resolution=10;threshold_every=100
regrama|`regrama`|no|every=500;tau=0.3
reset|`reset` head|no|trigger="task_switch";scope="head"
reset|`reset` all|no|trigger="task_switch";scope="all"
shrink_and_perturb|`shrink_and_perturb`|no|trigger="task_switch"
marr|`marr`|no|trigger="task_switch"
l2|`l2`|in every update|
l2_init|`l2_init`|in every update|
weight_clipping|`weight_clipping`|in every update|
upgd|`upgd`|in every update|
normalise_and_project|`normalise_and_project`|in every update|
parseval|`parseval`|in every update|
neuroplastic_expansion|`neuroplastic_expansion`|in every update|
'

# trained FILE: seconds of processor time that a run takes.
trained() {
    local TIMEFORMAT=%U
    { time "$KNIFECTL" train "$1" --seed 1 --threads 1 --workspace "$scratch/runs" --quiet >/dev/null 2>"$scratch/log"; } 2>&1
}

runs() {
    echo "| method | preserves the function? | surgeries | units each | largest change of Q | of Q_tot | trainable added | frozen added | time of the run beside none |"
    echo "|---|---|---|---|---|---|---|---|---|"
    local plain
    plain=$(trained "$here/hunts.toml")
    while IFS='|' read -r method title preserves settings; do
        [ -n "$method" ] || continue
        { cat "$here/hunts.toml"; echo "[[interventions]]"; echo "method = \"$method\""; tr ';' '\n' <<<"$settings"; } >"$scratch/run.toml"
        [ "${settings/agent.gru/}" = "$settings" ] || sed -i '/^\[agent\]/a further_sites = ["gru", "head"]' "$scratch/run.toml"
        local relative
        relative=$(trained "$scratch/run.toml" | jq -R "tonumber / $plain * 100 | round / 100") ||
            { echo "tables.sh: $title cannot run" >&2; cat "$scratch/log" >&2; exit 1; }
        "$KNIFECTL" show last --workspace "$scratch/runs" --json | tail -n 1 |
            jq -r --arg title "$title" --arg preserves "$preserves" --arg time "$relative" '
                def r: if . == 0 then "0" else . as $x | (1 - ($x | log10 | floor)) as $d | (($x * pow(10; $d) | round) / pow(10; $d) | tostring) end;
                [.surgeries | group_by(.event)[] | {change: .[0].change, units: (map(.units | length) | add)}] as $events
                | if $events == [] then "| \($title) | \($preserves) | – | – | – | – | 0 | 0 | \($time) |" else
                "| \($title) | \($preserves) | \($events | length) | \([$events[].units] | sort | .[length / 2 | floor]) | \([$events[].change.q] | max | r) | \([$events[].change.q_tot] | max | r) | \([.surgeries[].trainable_parameters // 0] | add) | \([.surgeries[].frozen_parameters // 0] | add) | \($time) |" end'
    done <<<"$interventions"
}

title() {
    echo "# $1"
    echo
    echo "Written by \`tables.sh\` with $("$KNIFECTL" --version), LibTorch and BLAS on one thread."
    echo
}

diagnostics() {
    title "What diagnostics cost"
    echo "Per cent of an update's processor time: updates of \`matrix.toml\` (some tenths of a millisecond, the worst case) and"
    echo "of \`reference.toml\` (about 0.1 s), by alternating blocks of updates with and without them in one learner; uncertain"
    echo "by about 1 on a quiet machine and 2 on a busy one, so that what is below 0 is 0."
    echo
    unit_diagnostics
    echo
    for file in matrix reference; do
        updates=100
        [ $file = matrix ] || updates=10
        echo "Of whole networks, \`$file.toml\`, by \`bench_network_diagnostics\`; \"% of time\" is that of a call every"
        echo "$([ $file = matrix ] && echo 10,000 || echo 50) updates:"
        echo
        echo '```'
        "$BENCH" "$here/$file.toml" "$updates"
        echo '```'
        echo
    done
}

interventions() {
    title "What interventions do"
    echo "One run of \`hunts.toml\` each: two tasks, about 4,000 updates, thresholds set so that the method acts (see the script)."
    echo "Changes are absolute, over the newest 16 episodes before the surgery; the largest of all surgeries of the run."
    echo "Trainable parameters that a surgery adds take the place of as many that it freezes, clones aside. Times are processor"
    echo "time of whole runs, uncertain by about a tenth. A dash: no surgery, because the method acts in every update or found"
    echo "nothing to act on."
    echo
    runs
}

for table in $tables; do
    "$table" >"$scratch/$table.md"
    mv "$scratch/$table.md" "$out/$table.md"
    echo "tables.sh: wrote $out/$table.md" >&2
done
