#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes results/ out of the runs in the workspace: per sequence and method the JSON of `knifectl compare` (scores and
# stagnant shares), tables.md, and figures. Can be called while run.sh is under way.
# Usage: report.sh [--reps N] [--workspace DIR] [--out DIR]
# KNIFECTL names the program, by default the built one, or else the installed one. Needs jq and gnuplot.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
built=$here/../../build/release/bin/knifectl
KNIFECTL=${KNIFECTL:-$(if [ -x "$built" ]; then echo "$built"; else echo knifectl; fi)}
workspace=$here/workspace
out=$here/results
reps=20000

while [ $# -gt 0 ]; do
    case $1 in
        --reps) reps=$2 ;;
        --workspace) workspace=$2 ;;
        --out) out=$2 ;;
        *) sed -n 's/^# \(Usage: .*\)/\1/p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
for tool in jq gnuplot; do
    command -v "$tool" >/dev/null || { echo "report.sh needs $tool" >&2; exit 1; }
done
mkdir -p "$out"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$KNIFECTL" runs --workspace "$workspace" --json | tail -n 1 |
    jq -r '.[] | select(.status == "finished") | .experiment' | sort -u >"$scratch/experiments"
grep -v '^ablation/' "$scratch/experiments" | cut -d / -f 1,2 | sort -u >"$scratch/studies"

# compare STUDY BASELINE METRIC SCORE FILE: the arms of a study, and its ablations if it is called ablation/STUDY
compare() {
    local names=() study=${1#ablation/} pattern="^$1/"
    [ "$study" = "$1" ] || pattern="^$1/|^$study/(none|knife|fresh)\$"
    while read -r experiment; do
        names+=(--name "$experiment")
    done < <(grep -E "$pattern" "$scratch/experiments")
    "$KNIFECTL" compare "${names[@]}" --by experiment --workspace "$workspace" --fresh "$study/fresh" \
        --baseline "$study/$2" --metric "$3" --score "$4" --reps "$reps" --json | tail -n 1 |
        jq --arg study "$study/" 'walk(if type == "string" then ltrimstr("ablation/") | ltrimstr($study) else . end)' >"$5"
}

# tabulate STUDY BASELINE: both comparisons and their table
tabulate() {
    local file=$out/${1//\//.}
    compare "$1" "$2" test/return aulc "$file.json"
    compare "$1" "$2" plasticity/all/stagnant final "$file.stagnant.json"
    jq -rn --slurpfile scores "$file.json" --slurpfile stagnant "$file.stagnant.json" --arg study "$1" --arg baseline "$2" '
        def r3: if . == null then "–" else (. * 1000 | round / 1000 | tostring) end;
        def estimate: if . == null then "–" else "\(.value | r3) [\(.low | r3), \(.high | r3)]" end;
        $scores[0] as $s | $stagnant[0] as $g
        | "", "## \($study)", "",
          "| arm | runs | mean score | IQM | gap | slope of the gap per task | P(better than \($baseline)) | p (Holm) | stagnant, first task | last task |",
          "|---|---|---|---|---|---|---|---|---|---|",
          ($s.arms[] | .arm as $arm | ($g.arms[] | select(.arm == $arm) | .tasks) as $tasks
           | "| \($arm) | \(.runs) | \(.mean | estimate) | \(.iqm | estimate) | \(.fresh.gap | estimate) | \(.fresh.gap_slope | estimate) | \(.baseline.probability_of_improvement | estimate) | \(.baseline.permutation.p_holm | r3) | \($tasks[0].score.value | r3) | \($tasks[-1].score.value | r3) |")' \
        >>"$out/tables.md"
}

# One line per task, one column per arm: what jq's $1 picks of a task.
columns() {
    jq -r --arg skip "$3" "[.arms[] | select(.arm != \$skip)] as \$arms
        | ([\"task\"] + [\$arms[].arm] | @tsv),
          (range(\$arms[0].tasks | length) as \$t | [\$t + 1] + [\$arms[].tasks[\$t] | $1] | map(. // \"nan\") | @tsv)" \
        "$2"
}

# plot DATA TITLE YLABEL FIGURE
plot() {
    gnuplot <<PLOT
set terminal svg size 760,420 font "DejaVu Sans,11" background "white"
set output "$4"
set datafile separator "\t"
set title "$2" noenhanced
set xlabel "task"
set ylabel "$3"
set key outside right noenhanced
set grid ytics lc rgb "#dddddd"
arms = $(head -n 1 "$1" | awk -F '\t' '{print NF - 1}')
colours = "#000000 #d55e00 #0072b2 #009e73 #cc79a7 #e69f00 #56b4e9 #7f7f7f #8c564b #bcbd22 #17becf"
plot for [i = 2 : arms + 1] "$1" using 1:i with linespoints pt 7 ps 0.4 lw 1.6 lc rgb word(colours, i - 1) title columnhead(i)
PLOT
}

{
    echo "# What came out"
    echo
    echo "Written by \`report.sh\`. Scores are areas under the learning curve per task, gaps are to the arm \`fresh\`, intervals"
    echo "are 95 % bootstrap intervals over whole runs, p is that of a paired permutation test against the arm that is named,"
    echo "adjusted by Holm."
} >"$out/tables.md"
while read -r study; do
    file=$out/${study//\//.}
    tabulate "$study" none
    columns '.gap.value' "$file.json" fresh >"$scratch/gap.tsv"
    columns '.score.value' "$file.stagnant.json" "" >"$scratch/stagnant.tsv"
    plot "$scratch/gap.tsv" "$study: adaptation gap" "score of a fresh network - score" "$file.gap.svg"
    plot "$scratch/stagnant.tsv" "$study: stagnant units" "share of all units at the end of the task" "$file.stagnant.svg"
    printf '\n![adaptation gap](%s.gap.svg)\n![stagnant units](%s.stagnant.svg)\n' "${study//\//.}" "${study//\//.}" >>"$out/tables.md"
done <"$scratch/studies"
if grep -q '^ablation/matrix_generated/qmix/' "$scratch/experiments"; then
    tabulate ablation/matrix_generated/qmix knife
fi
echo "report.sh: wrote $out" >&2
