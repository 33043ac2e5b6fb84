#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes results/ out of the runs of train.sh: one figure of greedy win rates per battle, and learning.md, a table of the
# last tenth of the evaluations of every seed beside the scripts' win rates.
# Usage: curves.sh [--workspace DIR]
# KNIFECTL names the program, by default the built one, or else the installed one. Needs jq and gnuplot.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
built=$here/../../build/release/bin/knifectl
KNIFECTL=${KNIFECTL:-$(if [ -x "$built" ]; then echo "$built"; else echo knifectl; fi)}
workspace=$here/workspace
while [ $# -gt 0 ]; do
    case $1 in
    --workspace) workspace=$2 ;;
    *) sed -n 's/^# \(Usage: .*\)/\1/p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
for tool in jq gnuplot; do
    command -v "$tool" >/dev/null || { echo "curves.sh needs $tool" >&2; exit 1; }
done
out=$here/results
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$out"
"$KNIFECTL" runs --workspace "$workspace" --json | tail -n 1 >"$scratch/runs"

# script ENV NAME: win rate of a script, per cent with its interval
script() {
    "$KNIFECTL" bench env "$1" --script "$2" --episodes 1000 --seed 0 --json | tail -n 1 |
        jq -r 'def percent: . * 1000 | round / 10;
               "\(.win_rate | percent) (\(.win_rate_low | percent) to \(.win_rate_high | percent))"'
}

# draw BATTLE SEED...: the win rate of every seed over env steps
draw() {
    local battle=$1 files="" seed
    shift
    for seed in "$@"; do
        files+=" $scratch/$battle.$seed.tsv"
    done
    gnuplot <<PLOT
set terminal svg size 640,360 font "DejaVu Sans,11" background "white"
set output "$out/$battle.svg"
set title "QMIX on $battle" noenhanced
set xlabel "env steps, thousands"
set ylabel "greedy win rate, 64 episodes"
set yrange [-0.02:1.02]
set key bottom right
set autoscale xfix
set grid ytics lc rgb "#dddddd"
colours = "#0072b2 #d55e00 #009e73 #cc79a7 #e69f00"
files = "$files"
plot for [i = 1 : words(files)] word(files, i) using (\$2 / 1000):5 every ::1 with lines lw 1.6 lc rgb word(colours, (i - 1) % 5 + 1) title sprintf("seed %s", word("$*", i))
PLOT
}

{
    echo "# Learning to win"
    echo
    echo "Written by \`curves.sh\`. QMIX: mean greedy win rate of the last tenth of the evaluations (64 episodes each), per"
    echo "cent, and seconds of training on one core. Scripts: 1000 episodes, 95 % interval."
    echo
    echo "| battle | env steps | QMIX by seed | seconds | nearest | random |"
    echo "|---|---|---|---|---|---|"
    for battle in 3m 2s3z terran_5_vs_5; do
        # The newest finished run of each seed.
        jq -r --arg name "smac/$battle" '[.[] | select(.experiment == $name and .status == "finished")]
            | group_by(.seed) | map(first) | .[] | "\(.run) \(.seed) \(.wall_s) \(.env_steps)"' \
            "$scratch/runs" >"$scratch/$battle.runs"
        [ -s "$scratch/$battle.runs" ] || continue
        rates="" seconds="" seeds=()
        while read -r run seed wall steps; do
            "$KNIFECTL" show "$run" --workspace "$workspace" --metric test/win_rate >"$scratch/$battle.$seed.tsv"
            rates+="${rates:+, }$(awk 'NR > 1 {v[++n] = $5} END {if (!n) exit 1; k = int(n / 10); k = k < 1 ? 1 : k
                for (i = n - k + 1; i <= n; ++i) sum += v[i]; printf "%.1f", 100 * sum / k}' "$scratch/$battle.$seed.tsv")"
            seconds+="${seconds:+, }${wall%.*}"
            seeds+=("$seed")
            budget=$steps
        done <"$scratch/$battle.runs"
        draw "$battle" "${seeds[@]}"
        env=$(sed -n '/^\[env\]/,/^\[agent\]/s/^name = "\(.*\)"$/\1/p' "$here/$battle.toml")
        nearest=$(script "$env" nearest)
        random=$(script "$env" random)
        echo "| $env | $budget | $rates | $seconds | $nearest | $random |"
    done
} >"$scratch/learning.md"
mv "$scratch/learning.md" "$out/learning.md"
